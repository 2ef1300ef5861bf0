"""The mesh services when all goes well: what is asked for, what comes back, what it costs."""

import dataclasses
import io
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from doubles.glb import small_glb
from doubles.replicate import ReplicateDouble
from doubles.server import Answer, Double, Request
from doubles.tripo import TripoDouble
from mesh_rigs import KEY_SETTINGS, KEYS, NAMES, URL_SETTINGS, Rig
from PIL import Image

from cast_nodes.backends import Price, choose, get_backend
from cast_nodes.cli import main
from cast_nodes.context import Context, Folders
from cast_nodes.errors import BackendNotReady, BadInput
from cast_nodes.mesh import MeshItem
from cast_nodes.mesh_data import read_mesh
from cast_nodes.services.meshes import view_png
from cast_nodes.services.usage import Usage, costs_json, spent_line

BOTH = ["replicate_trellis", "tripo3d"]


def item(width: int, height: int, aspect: float = 1.0) -> MeshItem:
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[height // 4 :, width // 4 :] = (10, 200, 30, 255)
    return MeshItem(3, "chair", rgba, rgba, aspect)


@pytest.fixture(params=BOTH)
def rig(request, monkeypatch, tmp_path, short_times):
    name = request.param
    pytest.importorskip({"replicate_trellis": "replicate", "tripo3d": "tripo3d"}[name])
    short_times(NAMES[name])
    with ReplicateDouble() if name == "replicate_trellis" else TripoDouble() as double:
        double.keys = {KEYS[name]}
        monkeypatch.setenv(URL_SETTINGS[name], double.url)
        monkeypatch.setenv(KEY_SETTINGS[name], KEYS[name])
        yield Rig(name, double, tmp_path / "cache", monkeypatch.setenv)


# What is sent.


def test_the_view_goes_out_as_a_picture_with_transparency(rig):
    rig.mesh()
    (upload,) = rig.double.uploads.values()
    picture = Image.open(io.BytesIO(upload))
    assert (picture.format, picture.mode) == ("PNG", "RGBA")
    alpha = np.asarray(picture)[..., 3]
    assert alpha.min() == 0 and alpha.max() == 255


def test_small_views_are_enlarged_and_pixels_become_square():
    sizes = [Image.open(io.BytesIO(view_png(i))).size for i in (item(40, 20), item(40, 20, 2.0))]
    assert sizes == [(512, 256), (512, 128)]
    assert Image.open(io.BytesIO(view_png(item(700, 900)))).size == (700, 900)


def test_trellis_is_asked_at_a_pinned_version_with_the_settled_inputs(tmp_path, rig):
    if rig.name != "replicate_trellis":
        pytest.skip("of Replicate alone")
    rig.mesh(texture_size="512", mesh_simplify=0.5)
    (prediction,) = rig.double.paid
    assert len(prediction.version) == 64
    (address,) = prediction.input.pop("images")
    assert address.startswith(rig.double.url + "/v1/files/")
    assert prediction.input == {
        "texture_size": 512, "mesh_simplify": 0.5, "ss_sampling_steps": 12,
        "slat_sampling_steps": 12, "generate_model": True, "generate_color": False,
        "generate_normal": False, "save_gaussian_ply": False, "return_no_background": False,
        "randomize_seed": False, "seed": 0,
    }  # fmt: skip


def test_tripo_is_asked_for_the_settled_model(rig):
    if rig.name != "tripo3d":
        pytest.skip("of Tripo alone")
    rig.mesh(face_limit=9000, orientation="align_image", pbr=False)
    (asked,) = rig.double.paid
    assert asked.pop("input") in rig.double.uploads
    assert asked == {
        "model": "v3.0-20250812", "face_limit": 9000, "pbr": False, "model_seed": 0,
        "orientation": "align_image",
    }  # fmt: skip


def test_a_raised_retry_asks_for_another_result(rig):
    rig.mesh()
    rig.mesh(retry=1)
    seeds = [
        p.input["seed"] if rig.name == "replicate_trellis" else p["model_seed"]
        for p in rig.double.paid
    ]
    assert seeds == [0, 1]


def test_the_key_goes_to_the_service_and_not_to_the_store_of_files(rig):
    rig.mesh()
    for request in rig.double.seen:
        has = KEYS[rig.name] in str(request.headers)
        assert has == (not request.path.startswith("/files/out/")), request.path


# What comes back.


def test_the_mesh_is_what_the_service_made_byte_for_byte(rig):
    mesh = rig.mesh().candidates[0]
    assert mesh.glb == small_glb() and mesh.source == rig.name
    assert len(read_mesh(mesh).faces) == 6
    assert mesh.upright and not mesh.metric and not mesh.view_aligned


def test_a_fault_that_viewers_forgive_is_told(rig):
    rig.double.mesh = Answer.file(small_glb().replace(b'"max": [0.5, ', b'"max": [0.4, '))
    rig.mesh()
    assert any("chair 0: the mesh has a small fault" in w for w in rig.warnings)


def test_the_same_crop_is_never_paid_for_twice(rig):
    rig.run(count=3)
    before = len(rig.double.seen)
    rig.run(count=3)  # with an empty store, as after the store was cleared
    assert rig.paid == 3 and len(rig.double.seen) == before


def test_other_options_are_another_mesh(rig):
    rig.mesh()
    rig.mesh(**({"mesh_simplify": 0.5} if rig.name == "replicate_trellis" else {"pbr": False}))
    assert rig.paid == 2


# Many objects.


@pytest.mark.parametrize(("count", "limit"), [(7, 3), (5, 5)])
def test_objects_are_made_together_up_to_the_services_limit(rig, count, limit):
    rig.tune("LIMIT", limit)
    rig.double.end = ""
    most = []

    def let_go() -> None:
        done = 0
        while done < count:
            running = rig.paid - done
            if running == min(limit, count - done):  # as many as can be: none waits for another
                most.append(running)
                done = rig.paid
                _finish(rig)
            time.sleep(0.01)

    thread = threading.Thread(target=let_go, daemon=True)
    thread.start()
    assert all(e.candidates for e in rig.run(count=count))
    assert max(most) == limit and sum(most) == count


def _finish(rig: Rig) -> None:
    """All tasks created until now are done."""
    if rig.name == "replicate_trellis":
        for prediction in list(rig.double.predictions.values()):
            prediction.status = "succeeded"
    else:
        for task in list(rig.double.tasks.values()):
            task["status"] = "success"


# What it costs.


@pytest.mark.parametrize(
    ("usd", "said"), [(0.3, "$0.30"), (0.04, "$0.04"), (0.0014, "$0.0014"), (1.0, "$1.00")]
)
def test_prices_in_words(usd, said):
    assert Price(usd, "mesh", "list", "2025").words() == f"about {said} a mesh (list, 2025)"


def test_price_and_cost_are_told_before(rig):
    info = get_backend("mesh", rig.name).info
    assert info.price is not None and 0.01 < info.price.usd < 1 and info.price.per == "mesh"
    assert info.cost == info.price.words() and "202" in info.cost


def test_what_was_spent_is_told_once_and_only_when_something_was(rig):
    rig.run(count=2)
    rig.run(count=2)
    assert len(rig.spent) == 2
    assert {u.what for u in rig.spent} == {"chair 0", "chair 1"}
    if rig.name == "tripo3d":
        assert [(u.units, u.estimate_usd) for u in rig.spent] == [(30, pytest.approx(0.3))] * 2
    else:
        assert all(u.estimate_usd == pytest.approx(u.seconds * 0.0014) for u in rig.spent)


def test_a_failed_task_of_tripo_costs_nothing(rig):
    rig.double.end = "failed"
    rig.failure()
    assert len(rig.spent) == (1 if rig.name == "replicate_trellis" else 0)


def test_sums_of_what_was_spent():
    used = [Usage("Tripo", "v3", units=30, unit="credits", estimate_usd=0.3) for _ in range(3)]
    (row,) = costs_json(("mesh", u) for u in used)
    assert row == {
        "stage": "mesh", "service": "Tripo", "model": "v3", "calls": 3, "units": 90.0,
        "unit": "credits", "seconds": 0.0, "estimate_usd": 0.9,
    }  # fmt: skip
    (again,) = costs_json([("mesh", used[0])], [row])
    assert again["calls"] == 4 and again["estimate_usd"] == 1.2
    assert costs_json([("mesh", used[0])], "nonsense")[0]["calls"] == 1
    assert costs_json([("mesh", used[0])], [None, {"stage": 1}])[0]["calls"] == 1
    assert spent_line(used) == "3 paid at Tripo, 90 credits, about $0.90" and spent_line([]) == ""


def test_a_run_notes_what_it_spent_and_the_report_shows_it(rig, tmp_path, capsys):
    if rig.name != "tripo3d":
        pytest.skip("a whole run is long; one of them tells")
    photo = np.full((96, 128, 3), 235, np.uint8)
    photo[60:] = (150, 120, 90)
    photo[30:75, 50:80] = (60, 90, 160)
    Image.fromarray(photo).save(tmp_path / "room.png")
    folder = tmp_path / "out" / "room"
    folder.mkdir(parents=True)
    Image.fromarray(photo).save(folder / "image.png")
    entry = {"id": 0, "label": "box", "score": 0.9, "bbox": [50, 30, 80, 75]}
    (folder / "objects.json").write_text(json.dumps([entry]))
    for _ in range(2):
        status = main(["run", str(folder), "--detect", "boxes", "--mesh", rig.name, "--json"])
        assert status == 0, capsys.readouterr().err
    run = json.loads((folder / "run.json").read_text())
    assert [(c["stage"], c["calls"]) for c in run["costs"]] == [("mesh", 1)]
    assert run["costs"][0]["estimate_usd"] > 0
    report = (folder / "report.html").read_text()
    assert "What was paid for" in report and run["costs"][0]["model"] in report
    assert rig.paid == 1

    objects = json.loads((folder / "objects.json").read_text())
    rig.double.mesh = Answer.file(b"glTF" + bytes(99))
    objects[0]["retry"] = 1
    (folder / "objects.json").write_text(json.dumps(objects))
    assert main(["run", str(folder), "--only", "mesh", "--mesh", rig.name]) == 1
    said = capsys.readouterr().err
    assert "raise this object's retry" in said and 'its "retry" in' in said
    assert rig.paid == 2
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert KEYS[rig.name].encode() not in path.read_bytes(), path


# What is missing.


@pytest.mark.parametrize("name", BOTH)
def test_a_missing_key_is_told_before_anything_is_sent(name):
    with pytest.raises(BackendNotReady, match=f"{KEY_SETTINGS[name]}.*https://") as caught:
        choose("mesh", name).require(Context())
    assert ".env" in str(caught.value)


def test_a_server_of_ones_own_needs_no_key(monkeypatch):
    pytest.importorskip("replicate")
    choose("mesh", "replicate_trellis", base_url="http://127.0.0.1:5000").require(Context())
    monkeypatch.setenv("TRELLIS_BASE_URL", "http://127.0.0.1:5000")
    choose("mesh", "replicate_trellis").require(Context())


def test_an_address_that_is_none_is_told(tmp_path):
    pytest.importorskip("replicate")
    choice = choose("mesh", "replicate_trellis", base_url="my server")
    with pytest.raises(BadInput, match="http://"):
        choice.backend.run(item(9, 9), choice.options, Context(folders=Folders(tmp_path, tmp_path)))


# Servers of one's own.


class CogDouble(Double):
    """A Cog container on this machine: ``PUT /predictions/<id>`` answers when it is done."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: set[str] = set()
        self.route("PUT", r"/predictions/([\w-]+)", self.predict)

    def predict(self, request: Request, name: str) -> Answer:
        self.begun.add(name)
        self.paid.append(request.json()["input"])
        mesh = "data:model/gltf-binary;base64," + _base64(small_glb())
        return Answer.json({"id": name, "status": "succeeded", "output": {"model_file": mesh}})


def _base64(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode()


@pytest.fixture(params=[ReplicateDouble, CogDouble], ids=["Replicate's interface", "Cog's"])
def server(request, monkeypatch, short_times):
    pytest.importorskip("replicate")
    short_times("TRELLIS")
    monkeypatch.setenv("REPLICATE_API_TOKEN", KEYS["replicate_trellis"])
    with request.param() as double:
        yield double


def own_rig(server: Double, cache: Path, monkeypatch) -> Rig:
    return Rig("replicate_trellis", server, cache, monkeypatch.setenv)


def test_a_server_of_ones_own(server, tmp_path, monkeypatch):
    rig = own_rig(server, tmp_path, monkeypatch)
    assert rig.mesh(base_url=server.url + "/").candidates[0].glb == small_glb()
    given = server.paid[0] if isinstance(server, CogDouble) else server.paid[0].input
    assert given["images"][0].startswith("data:image/png;base64,")
    assert server.count("/v1/files") == 0 and rig.spent == []


def test_the_users_key_of_replicate_does_not_go_to_another_server(server, tmp_path, monkeypatch):
    own_rig(server, tmp_path, monkeypatch).mesh(base_url=server.url)
    assert all(KEYS["replicate_trellis"] not in str(r.headers) for r in server.seen)


def test_a_server_that_is_busy_or_stumbles_is_asked_again(server, tmp_path, monkeypatch):
    method = "PUT" if isinstance(server, CogDouble) else "GET"
    server.fault(Answer.json({"detail": "oops"}, 500), "/predictions/", method)
    if isinstance(server, CogDouble):
        server.fault(Answer.json({"detail": "Already running a prediction"}, 409), method=method)
    own_rig(server, tmp_path, monkeypatch).mesh(base_url=server.url)


def test_options_of_both_can_be_written_down(rig):
    options = dataclasses.asdict(choose("mesh", rig.name).options)
    assert json.loads(json.dumps(options)) == options
    assert not any("key" in name or "token" in name for name in options)
