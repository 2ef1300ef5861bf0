"""The pack in the real front end: workflows load, run, survive renames, can be stopped."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cast_nodes.backends import get_backend

from .browser import Browser
from .prompts import chain_until
from .server import PACK, Server
from .viewer_page import ViewerPage

WORKFLOWS = sorted((PACK / "example_workflows").glob("*.json"))
FREE = [path for path in WORKFLOWS if path.stem in ("offline", "per_object_retry", "pick_objects")]
KEYS_OF = {
    "all_services": {"REPLICATE_API_TOKEN", "DASHSCOPE_API_KEY", "TRIPO_API_KEY"},
    "services_with_offline_register": {
        "REPLICATE_API_TOKEN", "DASHSCOPE_API_KEY", "GEMINI_API_KEY",
    },
    "mixed_local_and_service": {"TRIPO_API_KEY"},
}  # fmt: skip
"""What a workflow of paid services cannot run without."""
WEIGHTS_OF = {
    "any_diffusion_graph": {
        "flux1-dev-kontext_fp8_scaled.safetensors", "clip_l.safetensors",
        "t5xxl_fp8_e4m3fn_scaled.safetensors", "ae.safetensors",
    },
    "all_local": {
        "sam3.1_multiplex_fp16.safetensors", "moge_2_vitl_normal_fp16.safetensors",
        "qwen_image_edit_2511_bf16.safetensors", "qwen_2.5_vl_7b_fp8_scaled.safetensors",
        "qwen_image_vae.safetensors", "hunyuan_3d_v2.1.safetensors",
    },
}  # fmt: skip
"""The weights of core's nodes that a workflow cannot run without."""
OUR_PROBLEM = ("/extensions/cast/", "CAST")


def ours(problems: list[str]) -> list[str]:
    """The console errors that have to do with the pack; the front end has some of its own."""
    return [p for p in problems if any(mark in p for mark in OUR_PROBLEM)]


NO_NETWORK = re.compile(
    r"Failed to load resource: net::ERR_\w+ \(https?://(?!127\.0\.0\.1|localhost)"
)
"""The front end asks other hosts for sizes of weights and the like."""


def load_cleanly(browser: Browser, workflow: dict) -> list[str]:
    """Shows a workflow, which brings no error to the console and no node that is not there.

    Returns:
        The types of the nodes that are red.
    """
    browser.problems()
    browser.load(workflow)
    assert [p for p in browser.problems() if not NO_NETWORK.match(p)] == []
    unknown, red = browser.run(
        """
        const known = LiteGraph.registered_node_types;
        const types = (nodes) => nodes.map((n) => n.type);
        const { nodes } = app.graph;
        return [types(nodes.filter((n) => !known[n.type])), types(nodes.filter((n) => n.has_errors))];
        """
    )
    assert unknown == []
    return red


def test_every_workflow_is_tried():
    tried = {path.stem for path in FREE} | set(KEYS_OF) | set(WEIGHTS_OF)
    assert {path.stem for path in WORKFLOWS} == tried


@pytest.mark.parametrize("path", FREE, ids=lambda p: p.stem)
def test_a_shipped_workflow_loads_and_runs(
    server: Server, browser: Browser, artefacts: Path, path: Path
):
    assert load_cleanly(browser, json.loads(path.read_text())) == []
    browser.screenshot(artefacts / f"{path.stem}_loaded.png")
    run = server.wait(browser.queue())
    assert run.status == "success", run.error + server.log_end()
    browser.settle()
    viewer = ViewerPage(browser, "CASTComposeScene")
    viewer.wait()
    shown = viewer.pixels().reshape(-1, 3)
    assert len(np.unique(shown, axis=0)) > 1000  # the scene, not an empty canvas
    browser.screenshot(artefacts / f"{path.stem}_done.png")
    for node_id, node in browser.api_prompt().items():
        if "images" in run.outputs.get(node_id, {}):
            picture = artefacts / f"{path.stem}_{node['class_type']}.png"
            picture.write_bytes(server.picture(run, node_id))
    for report in (o["cast_report"][0] for o in run.outputs.values() if "cast_report" in o):
        assert report["failures"] == []
    assert ours(browser.problems()) == []

    again = server.wait(browser.queue())
    assert again.status == "success"
    assert again.cached == set(browser.api_prompt())


@pytest.mark.parametrize("name", KEYS_OF)
def test_a_workflow_of_services_loads_and_names_the_keys_that_it_wants(
    browser: Browser, artefacts: Path, name: str
):
    workflow = json.loads((PACK / "example_workflows" / f"{name}.json").read_text())
    assert load_cleanly(browser, workflow) == []
    browser.screenshot(artefacts / f"{name}_loaded.png")
    shown = json.dumps(browser.run("return app.graph.serialize();"))
    assert {key for key in KEYS_OF[name] if key in shown} == KEYS_OF[name]  # its note names them
    with pytest.raises(RuntimeError, match="refused") as refused:
        browser.queue()
    if name == "services_with_offline_register":  # TRELLIS may be led to a server of one's own
        assert "Mesh" not in str(refused.value)
    assert {key for key in KEYS_OF[name] if key in str(refused.value)} == KEYS_OF[name]
    assert ours(browser.problems()) == []


@pytest.mark.parametrize("name", WEIGHTS_OF)
def test_a_workflow_of_core_s_models_lacks_nothing_but_the_weights_that_its_note_names(
    browser: Browser, artefacts: Path, name: str
):
    workflow = json.loads((PACK / "example_workflows" / f"{name}.json").read_text())
    red = load_cleanly(browser, workflow)  # ComfyUI marks what lacks its weights
    assert red and not [node_type for node_type in red if node_type.startswith("CAST")], red
    browser.screenshot(artefacts / f"{name}_loaded.png")
    note = next(n["widgets_values"][0] for n in workflow["nodes"] if n["type"] == "MarkdownNote")
    assert {file for file in WEIGHTS_OF[name] if file in note} == WEIGHTS_OF[name]
    with pytest.raises(RuntimeError, match="refused") as refused:
        browser.queue()
    told = str(refused.value)
    assert {file for file in WEIGHTS_OF[name] if file in told} == WEIGHTS_OF[name]
    kinds = set(re.findall(r'"type": ?"([a-z_]+)"', told)) - {"prompt_outputs_failed_validation"}
    assert kinds <= {"value_not_in_list"}, told
    assert ours(browser.problems()) == []


def badges(browser: Browser) -> dict[str, str]:
    """The price badge of each node, by the node's type."""
    return browser.run(
        """
        const texts = (n) => (n.badges ?? []).map((b) => (typeof b === "function" ? b() : b)?.text);
        const read = () => Object.fromEntries(
          app.graph.nodes.map((n) => [n.type, texts(n)[1] ?? ""]));
        read();  // prices are worked out beside the drawing: ask, wait, ask again
        await new Promise((done) => setTimeout(done, 500));
        return read();
        """
    )


def test_the_price_badge_follows_the_backend_and_what_its_price_depends_on(browser: Browser):
    browser.load(json.loads((PACK / "example_workflows" / "offline.json").read_text()))
    shown = badges(browser)
    assert {shown[f"CAST{stage}"] for stage in ("Detect", "Filter", "Inpaint", "Mesh")} == {"free"}
    assert shown["CASTDepth"] == shown["CASTRegister"] == ""
    choose = """
        for (const [type, values] of Object.entries(argument)) {
          const node = app.graph.nodes.find((n) => n.type === type);
          for (const [name, value] of Object.entries(values))
            node.widgets.find((w) => w.name === name).value = value;
        }
    """
    browser.run(
        choose,
        {
            "CASTDetect": {"backend": "replicate_ram"},
            "CASTFilter": {"backend": "qwen_vl", "backend.samples": 5},
            "CASTInpaint": {"backend": "gemini_image"},
            "CASTMesh": {"backend": "replicate_trellis"},
        },
    )
    shown = badges(browser)
    for stage, name, times in (
        ("Detect", "replicate_ram", 1),
        ("Filter", "qwen_vl", 5),
        ("Inpaint", "gemini_image", 1),
        ("Mesh", "replicate_trellis", 1),
    ):
        price = get_backend(stage.lower(), name).info.price
        assert price is not None
        unit = "photo" if price.per == "request" else price.per
        usd = float(shown[f"CAST{stage}"].removeprefix("~$").split()[0])
        assert usd == pytest.approx(price.usd * times)
        assert shown[f"CAST{stage}"].endswith(f" a {unit}")
    browser.run(choose, {"CASTMesh": {"backend.base_url": "http://127.0.0.1:5000"}})
    assert badges(browser)["CASTMesh"] == "free (own server)"


def test_the_workflow_survives_saving_and_loading(browser: Browser):
    for path in WORKFLOWS:
        browser.load(json.loads(path.read_text()))
        before = browser.api_prompt()
        browser.load(browser.run("return app.graph.serialize();"))
        assert browser.api_prompt() == before


@pytest.fixture
def detect_only(browser: Browser) -> dict:
    """A saved workflow of one Detect node with boxes of the user."""
    browser.run(
        """
        app.graph.clear();
        const node = LiteGraph.createNode("CASTDetect");
        app.graph.add(node);
        const widget = (name) => node.widgets.find((w) => w.name === name);
        widget("max_side").value = 1024;
        widget("backend").value = "boxes";
        widget("backend.boxes").value = "chair: 1, 2, 30, 40";
        """
    )
    return browser.run("return app.graph.serialize();")


def values(browser: Browser) -> dict:
    return browser.run(
        "return Object.fromEntries(app.graph.nodes[0].widgets.map((w) => [w.name, w.value]));"
    )


def test_values_come_back_by_name_when_positions_have_changed(browser: Browser, detect_only):
    before = values(browser)
    saved = detect_only["nodes"][0]
    saved["widgets_values"] = ["boxes", *([0] * (len(saved["widgets_values"]) + 2))]
    browser.load(detect_only)
    assert values(browser) == before


def test_renamed_options_and_choices_of_an_older_version_are_followed(
    browser: Browser, detect_only
):
    before = values(browser)
    saved = detect_only["nodes"][0]
    named = saved["widgets_values_named"]
    saved["widgets_values_named"] = {
        "longest_side": named["max_side"],
        "backend": "hand_drawn",
        "backend.rectangles": named["backend.boxes"],
        "backend.gone": 3,
    }
    saved["widgets_values"] = list(saved["widgets_values_named"].values())
    rename = """
        const { RENAMED } = await import(argument.url);
        RENAMED.widgets.CASTDetect = argument.widgets;
        RENAMED.values.CASTDetect = argument.values;
    """
    url = "/extensions/cast/lib/renamed.mjs"
    widgets = {"longest_side": "max_side", "backend.rectangles": "backend.boxes"}
    choices = {"backend": {"hand_drawn": "boxes"}}
    browser.run(rename, {"url": url, "widgets": widgets, "values": choices})
    try:
        browser.load(detect_only)
        assert values(browser) == before
    finally:
        browser.run(rename, {"url": url, "widgets": {}, "values": {}})


def test_an_option_that_the_saved_workflow_does_not_know_gets_its_default(
    browser: Browser, detect_only
):
    saved = detect_only["nodes"][0]
    del saved["widgets_values_named"]["max_side"]
    saved["widgets_values"] = list(saved["widgets_values_named"].values())
    browser.load(detect_only)
    assert values(browser)["max_side"] == 2048
    assert values(browser)["backend.boxes"] == "chair: 1, 2, 30, 40"


def test_what_stands_behind_the_backends_widgets_returns_when_the_backend_has_got_more(
    browser: Browser,
):
    """Mesh's locks come after the options of its backend; a new option would push them on."""
    browser.run(
        """
        app.graph.clear();
        const node = LiteGraph.createNode("CASTMesh");
        app.graph.add(node);
        const widget = (name) => node.widgets.find((w) => w.name === name);
        widget("backend").value = "inflate";
        widget("locked").value = "1:" + "ab".repeat(32);
        """
    )
    before = values(browser)
    saved = browser.run("return app.graph.serialize();")
    node = saved["nodes"][0]
    option = next(n for n in node["widgets_values_named"] if n.startswith("backend."))
    del node["widgets_values_named"][option]  # as if saved by a version without it
    node["widgets_values"] = list(node["widgets_values_named"].values())
    browser.load(saved)
    assert values(browser) == before


def stopped_in_mesh(browser: Browser, prompt: dict) -> str:
    """Queues a prompt and stops it when Mesh has made an object; the prompt's id."""
    return browser.run(
        """
        const seen = new Promise((done) => {
          app.api.addEventListener("progress_state", ({ detail }) => {
            const state = detail.nodes?.mesh;
            if (state && state.value >= 1 && state.value < state.max) done();
          });
        });
        const answer = await (await app.api.fetchApi("/prompt", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ prompt: argument, client_id: app.api.clientId }),
        })).json();
        await seen;
        await app.api.interrupt();
        return answer.prompt_id;
        """,
        prompt,
    )


def test_stop_in_the_middle_keeps_what_was_finished(server: Server, browser: Browser):
    """Stops after the first object that Mesh makes anew; queueing again reuses that one."""
    for number in range(91, 96):  # on a busy machine the stop may come when all are made
        anew = {"retry": f"0:{number}, 1:{number}, 2:{number}"}
        prompt = chain_until(server, "mesh", inpaint=anew, mesh=anew)
        stopped = server.wait(stopped_in_mesh(browser, prompt), 60)
        assert "execution_interrupted" in [name for name, _ in stopped.messages]
        assert "inpaint" in stopped.outputs
        if "mesh" not in stopped.outputs:
            break
    assert "mesh" not in stopped.outputs
    run = server.run(prompt)
    assert run.status == "success", run.error
    report = run.report("mesh")
    assert report["reused"]
    assert len(report["reused"]) + len(report["made"]) == 3
