"""Compose with a second opinion, against doubles of its servers, driven by the real SDKs."""

import json
from dataclasses import replace

import numpy as np
import pytest
import trimesh

pytest.importorskip("dashscope")
pytest.importorskip("openai")

from doubles.dashscope import DashScopeDouble, problem
from doubles.openai import OpenAIDouble
from service_scenes import HEIGHT, WIDTH, context, objects

from cast_nodes.backends import choose, get_backend
from cast_nodes.compose import ComposeInputs, compose
from cast_nodes.compose.edits import parse_edits
from cast_nodes.errors import BackendNotReady, BadInput
from cast_nodes.estimate import estimate
from cast_nodes.frames import Sim3, intrinsics_from_fov, world_from_camera
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.types import Geometry, Mesh, MeshEntry, Meshes, Placement, Placements, Views

KEY = "sk-test-key-of-nobody-1234"
UP = np.array([0.0, -1.0, 0.0])
FLOOR = np.array([*UP, 1.4])


def cube_mesh():
    shape = trimesh.creation.box((1, 1, 1))
    shape.apply_translation([0, 0.5, 0])
    faces = np.asarray(shape.faces)
    data = MeshData(
        np.asarray(shape.vertices), faces, np.zeros(len(faces), np.int64), (Material(),)
    )
    return Mesh(make_glb(data))


def scene_inputs(height=0.6):
    """A cabinet on the floor, a box at this height over the floor beside it, a lamp on the floor."""
    found = objects()
    camera_from_world = world_from_camera(UP, FLOOR).inverse()
    where = [((0, 0, -3), 0.6), ((0.05, height, -3), 0.3), ((1, 0, -3), 0.4)]
    poses = [camera_from_world @ Sim3(np.eye(3), np.array(p, float), s) for p, s in where]
    mesh = cube_mesh()
    geometry = Geometry(
        np.full((HEIGHT, WIDTH, 3), np.nan, np.float32),
        intrinsics_from_fov(WIDTH, HEIGHT, 1.0), True, "test", up=UP, floor=FLOOR,
    )  # fmt: skip
    return ComposeInputs(
        found,
        geometry,
        Views((), found.photo.rgb),
        Meshes(tuple(MeshEntry(i, (mesh,)) for i in range(3))),
        Placements(tuple(Placement(i, pose) for i, pose in enumerate(poses))),
    )


def edge(subject, partner, relation="Stack"):
    return {"subject": subject, "object": partner, "relation": relation, "reason": "seen"}


SOUND = json.dumps({"relations": [edge(0, "floor"), edge(1, 0), edge(2, "floor")]})
HANGS = json.dumps({"relations": [edge(0, "floor"), edge(1, 2, "Hang"), edge(2, "floor")]})


@pytest.fixture
def qwen(monkeypatch, short_times):
    short_times("dashscope")
    with DashScopeDouble() as double:
        double.keys = {KEY}
        double.answer = lambda asked: SOUND
        monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", double.api)
        yield double


@pytest.fixture
def server(short_times):
    short_times("openai")
    with OpenAIDouble(SOUND) as double:
        yield double


def made(folder, backend="room_qwen_vl", inputs=None, **options):
    ready, warned, spent = context(folder)
    choice = choose("compose", backend, background="none", physics="gaps", **options)
    scene = compose(inputs or scene_inputs(), choice, ready)
    carried = {o["id"]: o["supported_by"] for o in scene.description["objects"]}
    sources = {r["subject"]: r["source"] for r in scene.description["relations"]}
    return scene, carried, sources, warned, spent


class TestQwen:
    def test_geometry_and_model_agree_and_both_are_named(self, qwen, tmp_path):
        _, carried, sources, warned, spent = made(tmp_path)
        assert carried == {0: "floor", 1: 0, 2: "floor"}
        assert sources == dict.fromkeys(range(3), "geometry, qwen_vl")
        assert len(qwen.paid) == len(spent) == 5
        assert warned == []

    def test_a_sure_geometry_stays_and_the_disagreement_is_a_note(self, qwen, tmp_path):
        qwen.answer = lambda asked: HANGS
        scene, carried, sources, _, _ = made(tmp_path)
        assert carried[1] == 0 and sources[1] == "geometry"
        assert any(
            "box 1 hangs on lamp 2" in n and "geometry was believed" in n for n in scene.notes
        )

    def test_what_geometry_finds_in_the_air_the_model_decides(self, qwen, tmp_path):
        scene, carried, sources, _, _ = made(tmp_path, inputs=scene_inputs(height=1.0))
        assert carried[1] == 0 and sources[1] == "qwen_vl"
        assert any("qwen_vl was believed" in n for n in scene.notes)

    def test_the_user_has_the_last_word(self, qwen, tmp_path):
        inputs = replace(scene_inputs(), edits=parse_edits('{"1": {"on": 2}}'))
        _, carried, sources, _, _ = made(tmp_path, inputs=inputs)
        assert carried[1] == 2 and sources[1] == "edit"

    def test_it_is_paid_for_once(self, qwen, tmp_path):
        made(tmp_path, samples=1)
        made(tmp_path, samples=1)
        assert len(qwen.paid) == 1
        made(tmp_path, samples=1, retry=1)
        assert len(qwen.paid) == 2

    def test_a_service_that_fails_leaves_the_rooms_own_relations(self, qwen, tmp_path):
        qwen.fault(problem(400, "DataInspectionFailed", "refused"), times=9)
        _, carried, sources, warned, _ = made(tmp_path)
        assert carried == {0: "floor", 1: 0, 2: "floor"}
        assert set(sources.values()) == {"geometry"}
        assert any("no relations are known" in w and "refused" in w for w in warned)

    def test_without_a_key_nothing_is_sent(self, qwen, tmp_path, monkeypatch):
        monkeypatch.delenv("DASHSCOPE_API_KEY")
        with pytest.raises(BackendNotReady, match="DASHSCOPE_API_KEY"):
            made(tmp_path)
        assert qwen.seen == []

    def test_its_price_is_told_before(self, qwen, tmp_path):
        choice = choose("compose", "room_qwen_vl", samples=3)
        (told,) = estimate(
            {"filter": choose("filter"), "compose": choice}, ["compose"], context(tmp_path)[0]
        )
        assert (told.low, told.high, told.per) == (3, 3, "request")
        assert told.most_usd > 0


class TestOwnServer:
    def test_a_server_of_ones_own_is_asked_and_costs_nothing(self, server, tmp_path):
        _, carried, sources, _, spent = made(
            tmp_path, "room_openai_compatible", base_url=server.base_url, samples=2
        )
        assert carried == {0: "floor", 1: 0, 2: "floor"}
        assert set(sources.values()) == {"geometry, openai_compatible"}
        assert spent == []

    def test_an_address_that_is_none_is_told(self, tmp_path):
        with pytest.raises(BadInput, match="base_url"):
            made(tmp_path, "room_openai_compatible", base_url="here")


def test_the_room_alone_asks_nobody():
    room = get_backend("compose")
    assert room.info.name == "room" and room.info.price is None
    assert all(need.optional for need in room.info.needs)
