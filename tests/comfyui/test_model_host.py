"""Local models inside ComfyUI: under its memory management, one copy, MoGe as core runs it.

MoGe's classes are real, their weights random: nothing here says how good its depth is.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from .conftest import absent, comfyui_dir, comfyui_python
from .prompts import draw_room, node
from .server import Run, Server

sys.path.insert(0, str(Path(__file__).parents[1] / "depth"))

GRID = 37
"""Tokens across and down for which DINOv2 has positions of its own: MoGe and core stretch them to
other grids in slightly different ways."""

NODES = '''
"""Looks into the server's process: what is loaded, and what becomes of it."""
import asyncio
import sys
import threading
import time

import comfy.model_management as management
import torch
from comfy_api.latest import ComfyExtension, io


def module(ending):
    return next(m for name, m in list(sys.modules.items()) if name.endswith(ending))


def loaded():
    return [
        [type(m.model.model).__name__, m.model.model_size(), id(m.model)]
        for m in management.current_loaded_models
    ]


class Loaded(io.ComfyNode):
    """What ComfyUI lists as loaded, and what the pack holds, when ``after`` is done."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestLoaded", is_output_node=True,
            inputs=[io.AnyType.Input("after", optional=True),
                    io.AnyType.Input("and_after", optional=True)],
            outputs=[],
        )

    @classmethod
    def fingerprint_inputs(cls, **kwargs):
        return time.time()

    @classmethod
    def execute(cls, after=None, and_after=None):
        held = list(module("nodes.model_host").hosted())
        return io.NodeOutput(ui={"loaded": loaded(), "held": held})


def linear(n=100):
    return lambda: torch.nn.Linear(n, n)


def used_by_a_stage_while_comfyui_unloads(models, say):
    with models.lend("a", linear()) as model:
        management.unload_all_models()
        say(listed=len(loaded()), answers=tuple(model(torch.zeros(100)).shape) == (100,))
    say(held=list(module("nodes.model_host").hosted()))


def lent_again(models, say):
    made = []
    def load():
        made.append(1)
        return torch.nn.Linear(5, 5)
    ids = []
    for _ in range(3):
        with models.lend("again", load) as model:
            ids.append(id(model))
            listed = [name for name, _, _ in loaded()]
    say(made=len(made), copies=len(set(ids)), listed=listed.count("Linear"))
    models.free()


def read_only_device(models, say):
    class Strict(torch.nn.Linear):
        @property
        def device(self):
            return self.weight.device
    with models.lend("strict", lambda: Strict(4, 4)) as model:
        say(device=str(model.device), listed=[n for n, _, _ in loaded()])
    models.free()


def least_recently_used(models, say):
    import os
    os.environ["CAST_MODELS_GB"] = str(100_000 / 1e9)
    try:
        for name in ("one", "two", "three"):
            with models.lend(name, linear(100)):
                pass
        say(held=list(module("nodes.model_host").hosted()), listed=len(loaded()))
    finally:
        del os.environ["CAST_MODELS_GB"]
    say(freed=models.free(), left=list(module("nodes.model_host").hosted()), listed_after=len(loaded()))


def stopped_while_waiting(models, say):
    context = module("cast_nodes.context")
    cancel = context.CancelToken()
    with models.lend("wanted", linear()):
        told = []
        def wait():
            try:
                with models.lend("wanted", linear(), cancel):
                    told.append("lent")
            except Exception as error:
                told.append(type(error).__name__)
        thread = threading.Thread(target=wait)
        thread.start()
        cancel.cancel()
        thread.join(10)
    with models.lend("wanted", linear()):
        told.append("lent again")
    say(told=told)
    models.free()


def full_device(models, say):
    context = module("cast_nodes.context").Context(models=models)
    tries = []
    def work(model):
        tries.append([name for name, _, _ in loaded()])
        if len(tries) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "done"
    with models.lend("other", lambda: torch.nn.Bilinear(9, 9, 9)):
        pass
    answer = module("cast_nodes.local.work").work_with(context, "big", linear(), work)
    say(answer=answer, tries=tries)
    models.free()


def load_that_fails(models, say):
    def broken():
        raise ValueError("damaged")
    try:
        with models.lend("broken", broken):
            pass
    except ValueError as error:
        say(error=str(error))
    say(held=list(module("nodes.model_host").hosted()))


def threads_at_once(models, say):
    made, most, inside = [], [], []
    def load():
        made.append(1)
        time.sleep(0.05)
        return torch.nn.Linear(5, 5)
    def use():
        with models.lend("shared", load):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()
    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(made=len(made), most=max(most))
    models.free()


class Scenario(io.ComfyNode):
    """One of the functions above, in a stage's thread or in the graph's own."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestScenario", is_output_node=True,
            inputs=[io.String.Input("name"), io.Boolean.Input("threaded", default=True)], outputs=[],
        )

    @classmethod
    def fingerprint_inputs(cls, **kwargs):
        return time.time()

    @classmethod
    async def execute(cls, name, threaded=True):
        said = {}
        host = module("nodes.model_host")
        if threaded:
            models = host.HostedModels(asyncio.get_running_loop())
            await asyncio.to_thread(globals()[name], models, said.update)
        else:
            globals()[name](host.HostedModels(), said.update)
        return io.NodeOutput(ui={"said": [said]})


class Packet(io.ComfyNode):
    """What the moge package's model answers, unconverted, as core's nodes take it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestPacket", inputs=[io.Image.Input("image"), io.String.Input("weights")],
            outputs=[io.Custom("MOGE_GEOMETRY").Output()],
        )

    @classmethod
    def execute(cls, image, weights):
        moge = module("cast_nodes.depth.moge")
        context = module("cast_nodes.context").Context(folders=module("nodes.folders").pack_folders())
        options = moge.Moge(weights=weights, resolution_level=0)
        model = moge.load_moge(moge.checkpoint_in(moge.WEIGHTS.folder(options, context)))
        photo = module("nodes.convert").photo_from_image(image)
        answer = moge.infer(model, photo, options, 60.0, False)
        packet = {"points": answer.points, "intrinsics": answer.intrinsics, "mask": answer.mask,
                  "depth": answer.points[..., 2], "normal": answer.normal}
        packet = {k: torch.from_numpy(v)[None] for k, v in packet.items() if v is not None}
        return io.NodeOutput(packet | {"image": image})


class Compare(io.ComfyNode):
    """Our geometry against a packet, against core's mesh and pictures made of the packet, and
    against what core's own network answers with the same weights."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestCompare", is_output_node=True,
            inputs=[io.Custom("CAST_GEOMETRY").Input("ours"), io.Custom("MOGE_GEOMETRY").Input("core"),
                    io.Custom("MOGE_GEOMETRY").Input("network"),
                    io.Mesh.Input("mesh"), io.Image.Input("depth_picture"), io.Image.Input("mask")],
            outputs=[],
        )

    @classmethod
    def execute(cls, ours, core, network, mesh, depth_picture, mask):
        import numpy as np
        points, theirs = ours.points, core["points"][0].numpy()
        height, width = points.shape[:2]
        valid, valid_core = np.isfinite(points).all(-1), np.isfinite(theirs).all(-1)
        both = valid & valid_core
        scale = np.abs(theirs[both]).max()
        matrix = np.diag([width, height, 1]) @ core["intrinsics"][0].numpy()
        flipped = points[both] * [1, -1, -1]
        vertices = mesh.vertices[0].numpy()
        near = 1 / points[..., 2][both]
        low, high = np.quantile(near, 0.001), np.quantile(near, 0.999)
        drawn = depth_picture[0, ..., 0].numpy()[both]
        other = network["points"][0].numpy()
        shared = valid & np.isfinite(other).all(-1)
        apart = np.linalg.norm(points[shared] - other[shared], axis=-1)
        said = {
            "network": float(np.median(apart / np.linalg.norm(other[shared], axis=-1))),
            "network_mask": float((valid != np.isfinite(other).all(-1)).mean()),
            "network_camera": float(np.abs(core["intrinsics"] - network["intrinsics"]).max()),
            "size": [height, width], "valid": float(valid.mean()),
            "mask": float((valid != valid_core).mean()),
            "mask_picture": float((valid != (mask[0, ..., 0].numpy() > 0.5)).mean()),
            "points": float(np.abs(points[both] - theirs[both]).max() / scale),
            "intrinsics": float(np.abs(ours.intrinsics - matrix).max() / matrix[0, 0]),
            "mesh": float(np.abs(flipped.min(0) - vertices.min(0)).max() / scale
                          + np.abs(flipped.max(0) - vertices.max(0)).max() / scale),
            "vertices": [len(vertices), int(both.sum())],
            "depth": float(np.abs(np.clip((near - low) / (high - low), 0, 1) - drawn).max()),
            "metric": bool(ours.metric), "has_normals": ours.normals is not None,
        }
        if ours.normals is not None:
            dot = (ours.normals[both] * core["normal"][0].numpy()[both]).sum(-1)
            said["normals"] = float(np.abs(np.abs(dot) - 1).max())
        return io.NodeOutput(ui={"said": [said]})


class Tests(ComfyExtension):
    async def get_node_list(self):
        return [Loaded, Scenario, Packet, Compare]


async def comfy_entrypoint():
    return Tests()
'''


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, artefacts: Path) -> Iterator[Server]:
    """A server with the looking glass, and small MoGe models in its models folder."""
    pytest.importorskip("moge")
    from moge_models import save_checkpoint

    folder = comfyui_dir()
    python = comfyui_python(folder)
    lacks = [
        name for name in ("moge", "utils3d", "huggingface_hub")
        if subprocess.run(
            [python, "-c", f"import importlib.util as u, sys; sys.exit(not u.find_spec('{name}'))"]
        ).returncode
    ]  # fmt: skip
    if lacks:
        absent(f"ComfyUI's Python lacks {', '.join(lacks)}")
    base, log = tmp_path_factory.mktemp("comfyui"), artefacts / "comfyui_models.log"
    log.unlink(missing_ok=True)
    elsewhere = base / "elsewhere"
    paths = base / "extra.yaml"
    paths.write_text(f"tests:\n  base_path: {elsewhere}\n  cast: weights\n")
    made = Server(
        folder, python, base, log,
        settings={"HF_HUB_OFFLINE": "1", "HF_HOME": str(base / "hf")},
        arguments=("--extra-model-paths-config", str(paths)),
    )  # fmt: skip
    made.furnish()
    (base / "custom_nodes" / "cast_models_tests.py").write_text(NODES)
    core = base / "models" / "geometry_estimation"
    core.mkdir(parents=True)
    # One lies among ComfyUI's models, the other where extra_model_paths.yaml says.
    for version, place in (("v2", base / "models" / "cast"), ("v1", elsewhere / "weights")):
        checkpoint = place / "tests" / f"moge-{version}" / "model.pt"
        save_checkpoint(checkpoint, version, tokens=[GRID**2, GRID**2])
        (core / f"{version}.pt").symlink_to(checkpoint)
    draw_room(base / "input" / "room.png")
    with Image.open(base / "input" / "room.png") as picture:
        picture.crop((0, 0, 240, 240)).save(base / "input" / "square.png")
    made.start()
    yield made
    made.stop()


def depth(server: Server, version: str = "v2", **options) -> dict:
    return node(
        server, "CASTDepth", image=["1", 0], backend="moge",
        backend__weights=f"tests/moge-{version}", backend__resolution_level=0,
        **{f"backend__{k}": v for k, v in {"fov_deg": 60.0, **options}.items()},
    )  # fmt: skip


def photo(server: Server) -> dict:
    return node(server, "LoadImage", image="room.png")


def scenario(server: Server, name: str, threaded: bool = True) -> dict:
    prompt = {"1": node(server, "TestScenario", name=name, threaded=threaded)}
    run = server.run(prompt)
    assert run.status == "success", run.error
    return run.outputs["1"]["said"][0]


def looked(server: Server) -> dict:
    return server.run({"1": node(server, "TestLoaded")}).outputs["1"]


def succeeded(run: Run) -> Run:
    assert run.status == "success", run.error
    return run


# --- A node's model in ComfyUI's list --------------------------------------------------------


def test_comfyui_lists_the_model_serves_two_nodes_with_it_and_frees_it(server):
    prompt = {
        "1": photo(server),
        "2": depth(server),
        "3": depth(server, fov_deg=50.0),
        "4": node(server, "TestLoaded", after=["2", 0], and_after=["3", 0]),
    }
    first = succeeded(server.run(prompt)).outputs["4"]
    mine = [entry for entry in first["loaded"] if entry[0] == "MoGeModel"]
    assert len(mine) == len(first["held"]) == 1
    assert mine[0][1] > 80e6

    prompt["2"] = depth(server, fov_deg=70.0)
    second = succeeded(server.run(prompt)).outputs["4"]
    assert second["loaded"] == first["loaded"]  # the same copy, by identity

    server.post("/free", {"unload_models": True})
    deadline = time.monotonic() + 20
    while (seen := looked(server))["loaded"] and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not seen["loaded"]
    assert not seen["held"]  # on a CPU there is no other place to keep it

    prompt["2"] = depth(server, fov_deg=75.0)
    third = succeeded(server.run(prompt)).outputs["4"]
    assert [entry[0] for entry in third["loaded"]] == ["MoGeModel"]


def test_a_run_that_is_stopped_leaves_the_model_usable(server):
    prompt = {"1": photo(server), "2": depth(server, fov_deg=41.0, patches=6000)}
    prompt["3"] = node(server, "TestLoaded", after=["2", 0])
    running = server.queue(prompt)
    time.sleep(0.3)
    server.post("/interrupt")
    server.wait(running)
    prompt["2"] = depth(server, fov_deg=42.0)
    succeeded(server.run(prompt))


def test_weights_that_are_nowhere_are_said_with_the_command(server):
    prompt = {"1": photo(server), "2": node(server, "CASTDepth", image=["1", 0], backend="moge")}
    prompt["3"] = node(server, "TestLoaded", after=["2", 0])
    run = server.run(prompt)
    assert run.status == "error"
    assert "Ruicheng/moge-2-vitl-normal" in run.error and "cast fetch moge" in run.error


# --- What may happen to a lent model ---------------------------------------------------------


@pytest.mark.parametrize("threaded", [True, False])
def test_a_model_in_use_is_unloaded_only_when_it_is_given_back(server, threaded):
    said = scenario(server, "used_by_a_stage_while_comfyui_unloads", threaded)
    assert said == {"listed": 0, "answers": True, "held": []}


def test_a_model_is_listed_once_however_often_it_is_lent(server):
    assert scenario(server, "lent_again") == {"made": 1, "copies": 1, "listed": 1}


def test_models_whose_device_cannot_be_set_are_managed_too(server):
    assert scenario(server, "read_only_device") == {"device": "cpu", "listed": ["Strict"]}


def test_the_least_recently_used_goes_beyond_the_bound(server):
    said = scenario(server, "least_recently_used")
    assert said["held"] == ["two", "three"] and said["listed"] == 2
    assert said["freed"] == 2 and said["left"] == [] and said["listed_after"] == 0


def test_a_stop_while_waiting_leaves_nothing_locked(server):
    assert scenario(server, "stopped_while_waiting") == {"told": ["Cancelled", "lent again"]}


def test_a_full_device_is_freed_once_of_everything_else(server):
    said = scenario(server, "full_device")
    assert said["answer"] == "done"
    assert sorted(said["tries"][0]) == ["Bilinear", "Linear"] and said["tries"][1] == ["Linear"]


def test_a_load_that_fails_leaves_nothing(server):
    assert scenario(server, "load_that_fails") == {"error": "damaged", "held": []}


def test_threads_share_one_copy_one_after_the_other(server):
    assert scenario(server, "threads_at_once") == {"made": 1, "most": 1}


# --- The same network as core's MoGe nodes ---------------------------------------------------


@pytest.mark.parametrize("version", ["v2", "v1"])
def test_our_geometry_is_what_core_makes_of_the_same_answer(server, version):
    prompt = {
        "1": node(server, "LoadImage", image="square.png"),
        "2": depth(server, version, precision="fp32"),
        "3": node(server, "LoadMoGeModel", model_name=f"{version}.pt"),
        "4": node(
            server, "MoGeInference", moge_model=["3", 0], image=["1", 0], resolution_level=0,
            fov_x_degrees=60.0,
        ),
        "9": node(server, "TestPacket", image=["1", 0], weights=f"tests/moge-{version}"),
        "5": node(
            server, "MoGePointMapToMesh", moge_geometry=["9", 0], discontinuity_threshold=0.0
        ),
        "6": node(server, "MoGeRender", moge_geometry=["9", 0], output="depth"),
        "7": node(server, "MoGeRender", moge_geometry=["9", 0], output="mask"),
        "8": node(
            server, "TestCompare", ours=["2", 0], core=["9", 0], network=["4", 0],
            mesh=["5", 0], depth_picture=["6", 0], mask=["7", 0],
        ),
    }  # fmt: skip
    said = succeeded(server.run(prompt)).outputs["8"]["said"][0]
    assert said["size"] == [240, 240] and 0.05 < said["valid"] <= 1
    assert said["mask"] == said["mask_picture"] == 0
    for name in ("points", "intrinsics", "mesh"):
        assert said[name] < 1e-6, (name, said)
    assert said["depth"] < 1e-3, said  # core draws it between quantiles of its own
    assert said["vertices"][0] == said["vertices"][1], said
    assert said["metric"] == said["has_normals"] == (version == "v2")
    assert said.get("normals", 0) < 1e-5
    # Core's network is another implementation of the same layers: the same scene, not the same
    # bits, and random weights make the most of each difference.
    assert said["network_camera"] < 1e-6 and said["network_mask"] < 0.01, said
    assert said["network"] < 0.02, said
    print(said)
