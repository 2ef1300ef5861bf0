"""The nodes that the server offers are those that the engine's registry describes."""

import json
import re

import pytest

from cast_nodes.backends import backends, option_specs

from .server import PACK, Server

NODE_OF_STAGE = {
    "detect": "CASTDetect", "filter": "CASTFilter", "depth": "CASTDepth", "inpaint": "CASTInpaint",
    "mesh": "CASTMesh", "register": "CASTRegister", "compose": "CASTComposeScene",
}  # fmt: skip

SOCKETS = {
    "CASTDemoPhoto": ((), ("IMAGE",)),
    "CASTDetect": (("IMAGE",), ("CAST_OBJECTS",)),
    "CASTFilter": (("CAST_OBJECTS",), ("CAST_OBJECTS",)),
    "CASTDepth": (("CAST_OBJECTS", "IMAGE"), ("CAST_GEOMETRY",)),
    "CASTInpaint": (("CAST_OBJECTS",), ("CAST_VIEWS", "IMAGE")),
    "CASTMesh": (("CAST_OBJECTS", "CAST_VIEWS"), ("CAST_MESHES",)),
    "CASTRegister": (
        ("CAST_OBJECTS", "CAST_GEOMETRY", "CAST_MESHES", "CAST_PLACEMENTS"),
        ("CAST_PLACEMENTS",),
    ),
    "CASTComposeScene": (
        ("CAST_OBJECTS", "CAST_GEOMETRY", "CAST_VIEWS", "CAST_MESHES", "CAST_PLACEMENTS"),
        ("CAST_SCENE", "FILE_3D_GLB", "IMAGE", "LOAD3D_CAMERA"),
    ),
    "CASTSaveScene": (("CAST_SCENE",), ("STRING",)),
    "CASTExport": (("CAST_SCENE",), ("STRING", "FILE_3D_USDZ", "STRING")),
    "CASTPreview": (
        ("CAST_OBJECTS,CAST_GEOMETRY,CAST_VIEWS,CAST_MESHES,CAST_SCENE",),
        ("IMAGE",),
    ),
    "CASTObjectsFromMasks": (("IMAGE", "MASK"), ("CAST_OBJECTS",)),
    "CASTObjectsFromBoundingBoxes": (("IMAGE", "BOUNDING_BOX", "MASK"), ("CAST_OBJECTS",)),
    "CASTObjectsFromBBOX": (("IMAGE", "BBOX", "MASK"), ("CAST_OBJECTS",)),
    "CASTObjectsFromSEGS": (("IMAGE", "SEGS"), ("CAST_OBJECTS",)),
    "CASTGeometryFromMoGe": (("MOGE_GEOMETRY", "CAST_OBJECTS", "IMAGE"), ("CAST_GEOMETRY",)),
    "CASTGeometryFromDA3": (("DA3_GEOMETRY", "CAST_OBJECTS", "IMAGE"), ("CAST_GEOMETRY",)),
    "CASTGeometryFromDepthImage": (
        ("IMAGE", "CAST_OBJECTS", "IMAGE", "MASK", "LOAD3D_CAMERA"),
        ("CAST_GEOMETRY",),
    ),
    "CASTMeshesFromMesh": (("MESH", "CAST_OBJECTS", "CAST_ORDER"), ("CAST_MESHES",)),
    "CASTMeshesFromFile3D": (
        (
            "FILE_3D_GLB,FILE_3D_GLTF,FILE_3D_OBJ,FILE_3D_STL,FILE_3D_PLY,FILE_3D",
            "CAST_OBJECTS",
            "CAST_ORDER",
        ),
        ("CAST_MESHES",),
    ),
    "CASTMeshesFromTrimesh": (("TRIMESH", "CAST_OBJECTS", "CAST_ORDER"), ("CAST_MESHES",)),
    "CASTViewsFromImages": (("IMAGE", "CAST_OBJECTS", "MASK"), ("CAST_VIEWS", "IMAGE")),
    "CASTPlacementsFromPoses": (("CAST_OBJECTS",), ("CAST_PLACEMENTS",)),
    "CASTPreviewScene": (("CAST_SCENE",), ()),
    "CASTReviewObjects": (
        (
            "CAST_SCENE",
            "CAST_OBJECTS",
            "CAST_VIEWS",
            "CAST_MESHES",
            "CAST_GEOMETRY",
            "CAST_PLACEMENTS",
        ),
        (),
    ),
    "CASTEditObjects": (("CAST_OBJECTS", "IMAGE"), ("CAST_OBJECTS",)),
    "CASTEvaluate": (("CAST_SCENE", "FILE_3D_GLB,FILE_3D"), ("STRING", "STRING")),
    "CASTObjectsToImages": (
        ("CAST_OBJECTS",),
        ("IMAGE", "MASK", "MASK", "STRING", "CAST_ORDER"),
    ),
    "CASTGatherViews": (("CAST_ORDER", "IMAGE", "MASK"), ("CAST_VIEWS", "IMAGE")),
    "CASTRoomToImage": (("CAST_OBJECTS",), ("IMAGE", "MASK", "STRING")),
    "CASTGatherRoom": (("CAST_OBJECTS", "CAST_VIEWS", "IMAGE"), ("CAST_VIEWS", "IMAGE")),
    "CASTViewsToImages": (("CAST_OBJECTS", "CAST_VIEWS"), ("IMAGE", "MASK", "CAST_ORDER")),
    "CASTSceneToMeshes": (("CAST_SCENE",), ("MESH", "FILE_3D_GLB", "STRING", "CAST_ORDER")),
    "CASTSceneMaps": (("CAST_SCENE",), ("IMAGE", "IMAGE", "MASK", "IMAGE", "MASK")),
    "CASTSceneRoom": (
        ("CAST_SCENE",),
        ("FILE_3D_GLB", "FILE_3D_GLB", "FILE_3D_GLB", "IMAGE"),
    ),
    "CASTPickObject": (
        ("CAST_OBJECTS", "CAST_VIEWS", "CAST_MESHES", "CAST_PLACEMENTS"),
        (
            "CAST_OBJECTS",
            "INT",
            "STRING",
            "IMAGE",
            "MASK",
            "MASK",
            "IMAGE",
            "MASK",
            "MESH",
            "FILE_3D_GLB",
            "STRING",
        ),
    ),
    "CASTOverrideObject": (("CAST_OBJECTS", "MASK"), ("CAST_OBJECTS",)),
    "CASTOverrideView": (("CAST_OBJECTS", "CAST_VIEWS", "IMAGE", "MASK"), ("CAST_VIEWS",)),
    "CASTOverrideMesh": (
        (
            "CAST_OBJECTS",
            "CAST_MESHES",
            "MESH,FILE_3D_GLB,FILE_3D_GLTF,FILE_3D_OBJ,FILE_3D_STL,FILE_3D_PLY,FILE_3D",
        ),
        ("CAST_MESHES",),
    ),
    "CASTOverridePose": (
        ("CAST_OBJECTS", "CAST_GEOMETRY", "CAST_MESHES", "CAST_PLACEMENTS"),
        ("CAST_PLACEMENTS",),
    ),
}

WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COMFY_DYNAMICCOMBO_V3"}
KINDS = {int: "INT", float: "FLOAT", str: "STRING", bool: "BOOLEAN"}


def info(server: Server, node_id: str) -> dict:
    return server.get(f"/object_info/{node_id}")[node_id]


def inputs(server: Server, node_id: str) -> dict[str, list]:
    groups = info(server, node_id)["input"]
    return groups.get("required", {}) | groups.get("optional", {})


def test_all_nodes_are_there_and_no_others(server: Server):
    ours = {name for name in server.get("/object_info") if name.startswith("CAST")}
    assert ours == set(SOCKETS)


@pytest.mark.parametrize("node_id", SOCKETS)
def test_a_node_has_its_sockets_and_tells_what_it_is_for(server: Server, node_id: str):
    facts = info(server, node_id)
    taken = [spec[0] for spec in inputs(server, node_id).values() if spec[0] not in WIDGETS]
    assert (tuple(taken), tuple(facts["output"])) == SOCKETS[node_id]
    assert facts["category"] == "CAST"
    assert facts["description"] and facts["search_aliases"]
    assert (PACK / "web" / "docs" / f"{node_id}.md").is_file()


@pytest.mark.parametrize("stage", NODE_OF_STAGE)
def test_one_bad_value_refuses_the_whole_graph(server: Server, stage: str):
    """ComfyUI runs every output that is valid by itself: a stage that were an output would run,
    and be paid for, although the next one cannot."""
    assert info(server, NODE_OF_STAGE[stage])["output_node"] is (stage == "compose")


@pytest.mark.parametrize("stage", NODE_OF_STAGE)
def test_the_backend_is_the_last_that_must_be_given_so_that_saved_values_keep_their_place(
    server: Server, stage: str
):
    """Texts that came later may be left out, so that prompts made before them still run."""
    groups = info(server, NODE_OF_STAGE[stage])["input"]
    assert list(groups["required"])[-1] == "backend"
    widgets = {n: spec for n, spec in groups.get("optional", {}).items() if spec[0] in WIDGETS}
    assert set(widgets) <= {"locked", "edits"}
    assert {spec[1]["default"] for spec in widgets.values()} <= {""}


@pytest.mark.parametrize("stage", NODE_OF_STAGE)
def test_backends_and_their_options_match_the_registry(server: Server, stage: str):
    choices = inputs(server, NODE_OF_STAGE[stage])["backend"][1]["options"]
    assert [c["key"] for c in choices] == list(backends(stage))
    for choice in choices:
        groups = choice["inputs"]
        widgets = groups.get("required", {}) | groups.get("optional", {})
        for spec in option_specs(backends(stage)[choice["key"]].options):
            kind, facts = widgets[spec.name]
            assert kind == ("COMBO" if spec.choices else KINDS[spec.type])
            assert facts["default"] == spec.default
            assert spec.help in facts["tooltip"]
            if spec.choices:
                assert facts["options"] == list(spec.choices)
            if spec.low is not None:
                assert facts["min"] == spec.low
            if spec.high is not None:
                assert facts["max"] == spec.high


@pytest.mark.parametrize("stage", NODE_OF_STAGE)
def test_a_node_has_a_price_badge_when_a_backend_of_its_stage_is_paid_for(
    server: Server, stage: str
):
    paid = {n: b.info.price for n, b in backends(stage).items() if b.info.price is not None}
    facts = info(server, NODE_OF_STAGE[stage])
    assert bool(facts.get("price_badge")) is facts["api_node"] is bool(paid)
    for name, price in paid.items():
        assert f'"{name}": {{"usd": {json.dumps(price.usd)}' in facts["price_badge"]["expr"]


def test_what_the_user_gives_by_hand_has_a_name_of_its_own(server: Server):
    for choice in inputs(server, "CASTDetect")["backend"][1]["options"]:
        groups = choice["inputs"]
        names = set(groups.get("required", {}) | groups.get("optional", {}))
        assert names & {"masks", "boxes"} <= {choice["key"]}


@pytest.mark.parametrize("node_id", SOCKETS)
def test_no_node_asks_for_a_key_or_for_the_users_account(server: Server, node_id: str):
    asked = json.dumps(info(server, node_id)["input"]).lower()
    assert "comfy_org" not in asked
    names = {name.rsplit(".", 1)[-1] for name in inputs(server, node_id)}
    for choice in inputs(server, node_id).get("backend", [0, {"options": []}])[1]["options"]:
        groups = choice["inputs"]
        names |= set(groups.get("required", {}) | groups.get("optional", {}))
    assert not {n for n in names if re.search("key|token(?!s)|secret|password", n)}


def test_workflows_have_a_thumbnail_and_only_nodes_that_exist(server: Server):
    known = set(server.get("/object_info")) | {"MarkdownNote", "Note"}
    workflows = sorted((PACK / "example_workflows").glob("*.json"))
    assert workflows
    for workflow in workflows:
        types = {n["type"] for n in json.loads(workflow.read_text())["nodes"]}
        assert types <= known
        assert workflow.with_suffix(".jpg").is_file()


def test_the_server_offers_the_workflows_as_templates(server: Server):
    templates = server.get("/workflow_templates")
    names = {p.stem for p in (PACK / "example_workflows").glob("*.json")}
    assert names <= set(templates["cast"])
