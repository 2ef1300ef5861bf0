"""Paid services in the real server: keys, refusals, costs, leaks, stop and kill.

Doubles on this machine stand in for the services; the real SDKs in ComfyUI's Python drive them.
The tests run in their order, on one server of their own: first it has no keys, later it is killed.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from .browser import Browser
from .conftest import absent, comfyui_dir, comfyui_python
from .server import PromptRefused, Run, Server
from .service_rig import (
    KEYS,
    PACKAGES,
    Doubles,
    ReplicateDouble,
    places_with,
    service_chain,
    wait_until,
)
from .viewer_page import show

REPLICATE, DASHSCOPE, TRIPO = KEYS
FEW_PAID = {
    "detect": {"backend": "boxes", "backend__boxes": "box: 30, 40, 110, 130"},
    "inpaint": {"backend": "patch"},
}
"""Offline backends in place of paid ones."""

SETTINGS_FOLDER = Path("user", "__cast")


@dataclass
class Rig:
    """The server and what it is led to."""

    server: Server
    doubles: Doubles

    @property
    def env_file(self) -> Path:
        return self.server.base / SETTINGS_FOLDER / ".env"

    def run(self, **changes: dict) -> Run:
        run = self.server.run(service_chain(self.server, **changes))
        assert run.status == "success", run.error + self.server.log_end()
        return run

    def leaks(self) -> list[str]:
        """Where a planted key lies or is told, but for the file that it was put into."""
        server = self.server
        paths = ("/history", "/object_info", "/queue", "/internal/logs/raw", "/workflow_templates")
        answers = {path: server.get_bytes(path) for path in paths}
        folders = ("output", "temp", "user", "input", "cache", "logs", "home")
        roots = [server.base / name for name in folders]
        return [
            place
            for key in KEYS.values()
            for place in places_with(key, roots, answers)
            if Path(place) != self.env_file
        ]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The server, without any key and without one of the SDKs, beside doubles of the services."""
    folder = comfyui_dir()
    python = comfyui_python(folder)
    code = f"import {', '.join(PACKAGES)}"
    if subprocess.run([python, "-c", code], capture_output=True).returncode:
        absent(f"ComfyUI's Python has not all of {', '.join(PACKAGES)}: pip install them there")
    base = tmp_path_factory.mktemp("services")
    for name in ("cache", "logs", "home"):
        (base / name).mkdir()
    with Doubles() as doubles:
        settings = doubles.settings() | {
            "CAST_CACHE": str(base / "cache"),
            "HOME": str(base / "home"),
            "TMPDIR": str(base / "home"),
        }
        log = base / "logs" / "comfyui.log"
        server = Server(folder, python, base, log, settings, ("--disable-api-nodes",))
        server.furnish()
        server.before_start("no_openai", 'import sys\nsys.modules["openai"] = None\n')
        server.start()
        try:
            yield Rig(server, doubles)
        finally:
            server.stop()


@pytest.fixture(scope="module")
def keyed(rig: Rig) -> Rig:
    """With keys: two from the settings folder, one from the environment since the start."""
    rig.env_file.parent.mkdir(parents=True, exist_ok=True)
    rig.env_file.write_text("".join(f"{name}={key}\n" for name, key in KEYS.items()))
    return rig


@pytest.fixture(scope="module")
def first(keyed: Rig) -> Run:
    """The whole graph, run once."""
    return keyed.run()


def test_each_missing_key_is_named_before_anything_is_spent(rig: Rig):
    with pytest.raises(PromptRefused) as refused:
        rig.server.queue(service_chain(rig.server))
    told = {name: str(refused.value.details(name)) for name in refused.value.answer["node_errors"]}
    assert {name: REPLICATE in text for name, text in told.items()} == {
        "detect": True, "filter": False, "inpaint": True, "mesh": False,
    }  # fmt: skip
    assert DASHSCOPE in told["filter"] and TRIPO in told["mesh"]
    assert str(SETTINGS_FOLDER / ".env") in told["mesh"]
    assert rig.doubles.paid == [0, 0, 0]


def test_a_missing_package_is_named_before_anything_is_spent(rig: Rig):
    with pytest.raises(PromptRefused) as refused:
        rig.server.queue(service_chain(rig.server, filter={"backend": "openai_compatible"}))
    (told,) = refused.value.details("filter")
    assert "package openai is missing: pip install openai" in told
    assert rig.doubles.paid == [0, 0, 0]


def test_a_key_that_only_the_options_make_needless_is_missed_before_anything_is_spent(rig: Rig):
    """Validation does not see base_url; the first node that would pay looks at it."""
    rig.env_file.parent.mkdir(parents=True, exist_ok=True)
    rig.env_file.write_text(f"{DASHSCOPE}={KEYS[DASHSCOPE]}\n")
    mesh = {"backend": "replicate_trellis"}
    run = rig.server.run(service_chain(rig.server, mesh=mesh, **FEW_PAID))
    assert "nothing was paid for yet, because mesh (replicate_trellis) lacks" in run.error
    assert REPLICATE in run.error
    assert rig.doubles.paid == [0, 0, 0]


def test_keys_in_the_settings_folder_are_found_without_a_restart(rig: Rig, first: Run):
    for stage in ("inpaint", "mesh", "register"):
        assert first.report(stage)["failures"] == []
    assert rig.doubles.paid[1:] == [1, 3]


def test_a_server_of_ones_own_needs_no_key_and_gets_none(rig: Rig, first: Run):
    kept, before = rig.env_file.read_text(), rig.doubles.paid
    rig.env_file.write_text(f"{DASHSCOPE}={KEYS[DASHSCOPE]}\n")
    try:
        with ReplicateDouble() as own:
            mesh = {"backend": "replicate_trellis", "backend__base_url": own.url}
            run = rig.run(mesh=mesh, **FEW_PAID)
    finally:
        rig.env_file.write_text(kept)
    assert run.report("mesh")["failures"] == [] and run.report("mesh")["spent"] == []
    assert len(own.paid) == 1  # made there, charged nowhere
    assert not {request.key for request in own.seen} & set(KEYS.values())
    assert rig.doubles.paid == [before[0], before[1] + 1, before[2]]


def test_what_was_spent_is_shown_by_the_nodes_that_spent_it(rig: Rig, first: Run):
    spent = {name: first.report(name)["spent"] for name in ("detect", "filter", "inpaint", "mesh")}
    assert {name: (rows[0]["service"], rows[0]["calls"]) for name, rows in spent.items()} == {
        "detect": ("Replicate", 1),
        "filter": ("DashScope", 1),
        "inpaint": ("Replicate", 2),  # the cabinet behind the box, and the empty room
        "mesh": ("Tripo", 3),
    }
    assert first.report("depth")["spent"] == []
    log = rig.server.log.read_text()
    assert "CAST mesh (tripo3d): 3 made, 0 reused, 3 paid at Tripo, 90 credits, about $0.90" in log
    assert "1 paid at Replicate" in log


def test_a_node_tells_its_price_before_and_what_it_has_cost_after(
    rig: Rig, first: Run, server: Server, browser: Browser, artefacts: Path
):
    browser.open_comfyui(rig.server.url)
    try:
        show(browser, service_chain(rig.server, mesh={"retry": "0:3, 2:3"}))
        run = rig.server.wait(browser.queue())
        assert run.status == "success", run.error
        assert run.report("mesh")["spent"][0]["calls"] == 2
        price, told = browser.run(
            """
            const node = app.graph.nodes.find((n) => n.type === "CASTMesh");
            app.canvas.ds.scale = 1;
            app.canvas.ds.offset = [500 - node.pos[0], 200 - node.pos[1]];
            const badge = () => node.badges.map((b) => (typeof b === "function" ? b() : b)?.text)[1];
            badge();
            app.canvas.setDirty(true, true);
            await new Promise((done) => setTimeout(done, 1500));
            const face = node.widgets.find((w) => w.name === "cast_status").element;
            return [badge(), face.shadowRoot.querySelector(".all").innerText];
            """
        )
        browser.screenshot(artefacts / "cost.png")
    finally:
        browser.open_comfyui(server.url)
    assert price == "~$0.30 a mesh"
    assert "2 paid at Tripo" in told and "about $0.60" in told


def test_what_was_paid_for_is_not_paid_again(rig: Rig, first: Run):
    before = rig.doubles.paid
    run = rig.run(mesh={"on_failure": "stop"})
    assert run.report("mesh")["spent"] == []
    assert rig.doubles.paid == before


def test_the_search_for_keys_finds_one_where_it_lies(keyed: Rig):
    for key in KEYS.values():
        assert places_with(key, [keyed.server.base / "user"], {}) == [str(keyed.env_file)]


def test_no_key_is_left_anywhere_after_a_good_run(rig: Rig, first: Run):
    written = {p.suffix for p in (rig.server.base / "output").rglob("*") if p.is_file()}
    assert {".png", ".json", ".html", ".glb"} <= written
    saved = min((rig.server.base / "output").glob("render_*.png"))
    assert "replicate_ram" in Image.open(saved).info["prompt"]  # the graph lies in the picture
    assert list((rig.server.base / "temp").glob("*.png"))
    assert list((rig.server.base / "cache" / "services").rglob("*.bin"))
    assert rig.leaks() == []


def test_no_key_is_left_anywhere_when_services_refuse_it_and_say_it_aloud(rig: Rig, first: Run):
    rig.doubles.refuse_aloud(KEYS)
    before = rig.doubles.paid
    try:
        failed = rig.server.run(service_chain(rig.server, mesh={"retry": "0:5, 1:5"}))
        assert len(failed.report("mesh")["failures"]) == 2
        assert [
            t for t in failed.report("mesh")["failures"] if "renew TRIPO_API_KEY" not in t
        ] == []
        for stage in ("filter", "detect"):
            raised = rig.server.run(service_chain(rig.server, **{stage: {"backend__retry": 5}}))
            if stage == "detect":
                assert raised.status == "error" and "renew REPLICATE_API_TOKEN" in raised.error
        assert rig.doubles.paid == before
    finally:
        rig.doubles.heal()
    assert "Traceback" in rig.server.log.read_text()
    assert rig.leaks() == []


def test_stopping_cancels_the_tasks_at_the_service(rig: Rig, first: Run):
    replicate = rig.doubles.replicate
    known, replicate.seconds = set(replicate.predictions), 300.0
    anew = {"backend": "replicate_trellis", "retry": "0:7, 1:7, 2:7"}
    try:
        prompt_id = rig.server.queue(service_chain(rig.server, mesh=anew))
        wait_until(lambda: len(set(replicate.predictions) - known) == 3, 60)
        rig.server.post("/interrupt")
        stopped = rig.server.wait(prompt_id, 60)
    finally:
        replicate.seconds = 0.0
    assert "execution_interrupted" in [name for name, _ in stopped.messages]
    begun = set(replicate.predictions) - known
    wait_until(lambda: {replicate.predictions[i].status for i in begun} == {"canceled"})


def test_a_killed_server_picks_up_what_was_paid_for(rig: Rig, first: Run):
    tripo, before = rig.doubles.tripo, rig.doubles.paid
    tripo.end = ""  # nothing is done before the server is gone
    anew = {"retry": "0:9, 1:9, 2:9"}
    rig.server.queue(service_chain(rig.server, mesh=anew))
    records = rig.server.base / "cache" / "services" / "tripo"
    wait_until(lambda: sum(map(_running, records.glob("*.json"))) == 3, 60)
    rig.server.kill()
    tripo.end = "success"
    rig.env_file.unlink()
    rig.server.settings |= KEYS  # this time the environment has them
    rig.server.start()
    run = rig.run(mesh=anew)
    assert len(run.report("mesh")["made"]) == 3 and run.report("mesh")["failures"] == []
    assert rig.doubles.paid == [before[0], before[1], before[2] + 3]
    assert run.report("mesh")["spent"][0]["calls"] == 3  # told by the run that saw the end
    assert rig.leaks() == []


def _running(path: Path) -> bool:
    return json.loads(path.read_text())["state"] == "running"
