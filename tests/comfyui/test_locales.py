"""The translations in the real server and front end."""

import json
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import Browser
from .server import PACK, Server

LOCALES = PACK / "locales"
SCRIPT = runpy.run_path(str(PACK / "scripts" / "make_locales.py"))
english, files, pack_nodes = SCRIPT["english"], SCRIPT["files"], SCRIPT["pack_nodes"]


def read(path: str) -> dict:
    return json.loads((LOCALES / path).read_text(encoding="utf-8"))


def test_the_files_are_those_of_the_nodes(server: Server):
    """Fails after a node or an option was changed: ``make locales``."""
    nodes = pack_nodes(server.get("/object_info"))
    assert english(nodes) == read("en/nodeDefs.json")
    for path, content in files(nodes).items():
        assert content == read(path), path


def test_every_widget_and_socket_has_a_tooltip(server: Server):
    nodes = english(pack_nodes(server.get("/object_info")))
    for node_id, node in nodes.items():
        for side in ("inputs", "outputs"):
            for key, item in node[side].items():
                assert item["tooltip"].strip(), f"{node_id} {key}"


def test_every_node_is_found_by_chinese_words(server: Server):
    for node_id, facts in pack_nodes(server.get("/object_info")).items():
        words = "".join(facts["search_aliases"])
        assert any("\u4e00" <= c <= "\u9fff" for c in words), node_id


def test_the_server_hands_out_the_translations(server: Server):
    told = server.get("/i18n")
    for node_id, node in read("en/nodeDefs.json").items():
        assert told["en"]["nodeDefs"][node_id] == node
    for node_id, node in read("zh/nodeDefs.json").items():
        assert told["zh"]["nodeDefs"][node_id] == node
    for texts in ("castOptions", "castPrices"):
        assert told["zh"][texts] == read("zh/main.json")[texts]


@pytest.fixture(scope="module")
def chinese(server: Server, browser: Browser) -> Iterator[Browser]:
    """The front end of a user who has set it to Chinese."""
    server.post("/settings", {"Comfy.Locale": "zh"})
    browser.open_comfyui(server.url)
    yield browser
    server.post("/settings", {"Comfy.Locale": "en"})
    browser.open_comfyui(server.url)


GROUNDED = """
    app.graph.clear();
    const node = LiteGraph.createNode("CASTDetect");
    app.graph.add(node);
    node.widgets.find((w) => w.name === "backend").value = "grounded_sam";
    node.pos = [200, 200];
    node.size[0] = 460;
    app.canvas.setDirty(true, true);
"""


def test_nodes_labels_and_tooltips_are_chinese(chinese: Browser, artefacts: Path):
    zh = read("zh/nodeDefs.json")["CASTDetect"]
    seen = chinese.run(
        GROUNDED
        + """
        await new Promise((done) => setTimeout(done, 1500));
        const widget = (name) => node.widgets.find((w) => w.name === name);
        return {
          title: node.title,
          description: node.constructor.nodeData.description,
          max_side: widget("max_side").label,
          labels: widget("backend.labels").label,
          labelsTooltip: widget("backend.labels").tooltip,
          thresholdTooltip: widget("backend.box_threshold").tooltip,
          output: node.outputs[0].localized_name,
        };
        """
    )
    chinese.screenshot(artefacts / "chinese_detect.png")
    options = read("zh/main.json")["castOptions"]["CASTDetect"]["backend"]["grounded_sam"]
    assert seen == {
        "title": zh["display_name"],
        "description": zh["description"],
        "max_side": zh["inputs"]["max_side"]["name"],
        "labels": zh["inputs"]["backend_labels"]["name"],
        "labelsTooltip": options["labels"],
        "thresholdTooltip": options["box_threshold"],
        "output": zh["outputs"]["0"]["name"],
    }


def test_a_tooltip_that_the_front_end_shows_is_the_chosen_backends_own(
    chinese: Browser, artefacts: Path
):
    """The mouse rests on the widget; the front end draws the tooltip."""
    shown = chinese.run(
        GROUNDED
        + """
        app.canvas.ds.scale = 1; app.canvas.ds.offset = [0, 0];
        app.canvas.draw(true, true);
        await new Promise((done) => setTimeout(done, 600));
        const widget = node.widgets.find((w) => w.name === "backend.text_threshold");
        const canvas = app.canvas.canvas, box = canvas.getBoundingClientRect();
        const at = { clientX: box.left + node.pos[0] + node.size[0] / 2,
                     clientY: box.top + node.pos[1] + widget.y + 10, bubbles: true };
        for (const type of ["pointermove", "mousemove"]) {
          canvas.dispatchEvent(new (type === "mousemove" ? MouseEvent : PointerEvent)(type, at));
        }
        await new Promise((done) => setTimeout(done, 1500));
        return document.querySelector(".node-tooltip")?.textContent.trim() ?? "";
        """
    )
    chinese.screenshot(artefacts / "chinese_tooltip.png")
    options = read("zh/main.json")["castOptions"]["CASTDetect"]["backend"]["grounded_sam"]
    assert shown == options["text_threshold"]


def test_the_other_renderer_shows_chinese_too(chinese: Browser, artefacts: Path):
    setting = 'await app.extensionManager.setting.set("Comfy.VueNodes.Enabled", argument);'
    chinese.run(setting, True)
    try:
        shown = chinese.run(
            GROUNDED
            + """
            app.canvas.ds.scale = 1; app.canvas.ds.offset = [0, 0];
            app.canvas.setDirty(true, true);
            await new Promise((done) => setTimeout(done, 2500));
            return document.querySelector(`[data-node-id="${node.id}"]`).innerText;
            """
        )
        chinese.screenshot(artefacts / "chinese_vue.png")
    finally:
        chinese.run(setting, False)
    zh = read("zh/nodeDefs.json")["CASTDetect"]
    assert zh["display_name"] in shown
    for key in ("max_side", "backend", "backend_box_threshold", "image"):
        assert zh["inputs"][key]["name"] in shown


def test_the_price_on_a_node_is_chinese(chinese: Browser, artefacts: Path):
    shown = chinese.run(
        """
        app.graph.clear();
        const node = LiteGraph.createNode("CASTMesh");
        app.graph.add(node);
        node.pos = [200, 200];
        app.canvas.ds.scale = 1; app.canvas.ds.offset = [0, 0];
        const badge = async (backend) => {
          node.widgets.find((w) => w.name === "backend").value = backend;
          const read = () => node.badges.map((b) => (typeof b === "function" ? b() : b)?.text)[1];
          read();  // prices are worked out beside the drawing: ask, wait, ask again
          await new Promise((done) => setTimeout(done, 500));
          return read();
        };
        return [await badge("inflate"), await badge("tripo3d")];
        """
    )
    chinese.screenshot(artefacts / "chinese_price.png")
    prices = read("zh/main.json")["castPrices"]
    assert shown == [prices["free"], f"~$0.30 {prices['a mesh']}"]


def test_a_graph_keeps_its_meaning_in_any_language(chinese: Browser):
    """Labels are translated, names are not: what is queued and saved does not change."""
    chinese.run(GROUNDED)
    (node,) = chinese.api_prompt().values()
    assert {"max_side", "backend", "backend.labels", "backend.box_threshold"} <= set(node["inputs"])


def test_the_help_of_a_selected_node_is_chinese_and_a_chinese_word_finds_it(
    chinese: Browser, artefacts: Path
):
    shown = chinese.run(
        GROUNDED
        + """
        app.canvas.ds.scale = 1.2; app.canvas.ds.offset = [0, 0];
        app.canvas.draw(true, true);
        await new Promise((done) => setTimeout(done, 600));
        const canvas = app.canvas.canvas, box = canvas.getBoundingClientRect();
        const at = { clientX: box.left + 1.2 * (node.pos[0] + 60),
                     clientY: box.top + 1.2 * (node.pos[1] - 12),
                     bubbles: true, isPrimary: true, pointerId: 1 };
        canvas.dispatchEvent(new PointerEvent("pointermove", at));
        canvas.dispatchEvent(new PointerEvent("pointerdown", { ...at, buttons: 1 }));
        canvas.dispatchEvent(new PointerEvent("pointerup", at));
        await new Promise((done) => setTimeout(done, 1500));
        document.querySelector('[data-testid="info-button"]').click();
        await new Promise((done) => setTimeout(done, 2000));
        const help = document.querySelector(".node-help-content");
        const picture = help.querySelector("img");
        return {
          text: help.textContent,
          stars: help.innerText.includes("**"),
          picture: [picture?.naturalWidth ?? 0, picture?.getBoundingClientRect().width ?? 0],
        };
        """
    )
    chinese.screenshot(artefacts / "chinese_help.png")
    page = (PACK / "web" / "docs" / "CASTDetect" / "zh.md").read_text(encoding="utf-8")
    assert page.split("\n")[4] in shown["text"]  # below its picture
    assert min(shown["picture"]) > 100
    assert not shown["stars"]  # Markdown closes no bold between a full stop and a character

    found = chinese.run(
        """
        await app.extensionManager.command.execute("Workspace.SearchBox.Toggle");
        await new Promise((done) => setTimeout(done, 1000));
        const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
        const input = document.activeElement;
        const before = document.body.innerText.split(argument).length;
        set.call(input, "找物体");
        input.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((done) => setTimeout(done, 1500));
        const after = document.body.innerText.split(argument).length;
        input.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
        return after - before;
        """,
        read("zh/nodeDefs.json")["CASTDetect"]["display_name"],
    )
    assert found > 0


def test_help_pages_are_there_in_both_languages(server: Server):
    chinese = server.get_bytes("/extensions/cast/docs/CASTDetect/zh.md").decode()
    english = server.get_bytes("/extensions/cast/docs/CASTDetect.md").decode()
    assert chinese.startswith(f"# {read('zh/nodeDefs.json')['CASTDetect']['display_name']}\n")
    assert english.startswith("# CAST Detect\n")
