"""Everything by keys alone, from the page's first Tab on."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from .browser import Browser
from .prompts import chain, draw_room
from .server import Server
from .viewer_page import open_viewer

MOST_TABS = 600
"""Every widget of a large graph is a stop of its own where nodes are HTML."""
FOCUS = """
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
"""


def tab_to(browser: Browser, selector: str) -> None:
    """Presses Tab until something that the selector fits has the focus, which can be seen."""
    for _ in range(MOST_TABS):
        browser.press("Tab")
        if browser.run(FOCUS + "return at.matches(argument);", selector):
            ring = browser.run(
                FOCUS
                + """
                const style = getComputedStyle(at);
                return [at.matches(":focus-visible"), style.outlineStyle, parseFloat(style.outlineWidth)];
                """
            )
            assert ring[0] and ring[1] != "none" and ring[2] > 0, f"{selector}: no ring: {ring}"
            return
    raise AssertionError(f"{selector} is not reached with Tab")


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        browser.press(key)


def focused(browser: Browser, code: str) -> Any:
    return browser.run(FOCUS + code)


def becomes(browser: Browser, code: str, wanted: Any, seconds: float = 20) -> Any:
    """What the code says of the focus, as soon as it is what is wanted: pictures come when they
    can."""
    until = time.monotonic() + seconds
    while (found := focused(browser, code)) != wanted and time.monotonic() < until:
        time.sleep(0.1)
    return found


def queued_by(browser: Browser, *keys: str) -> str:
    """Presses keys that queue the graph; the prompt's id."""
    browser.run(
        """
        window.castKeyed = null;
        const original = app.api.queuePrompt;
        app.api.queuePrompt = async function (...all) {
          app.api.queuePrompt = original;
          const answer = await original.apply(this, all);
          window.castKeyed = answer.prompt_id;
          return answer;
        };
        """
    )
    press(browser, *keys)
    return browser.run(
        """
        for (let i = 0; i < 100 && !window.castKeyed; i++)
          await new Promise((done) => setTimeout(done, 100));
        if (!window.castKeyed) throw new Error("nothing was queued");
        return window.castKeyed;
        """
    )


@pytest.mark.parametrize("vue", [False, True], ids=["canvas", "vue"])
def test_an_object_is_found_compared_moved_and_queued(
    server: Server, browser: Browser, artefacts: Path, setting, vue: bool
):
    browser.viewport(1280, 720)
    setting("Comfy.VueNodes.Enabled", vue)
    viewer = open_viewer(server, browser)
    kind = "vue" if vue else "canvas"

    tab_to(browser, '[data-name="wipe"]')
    press(browser, "Enter")
    tab_to(browser, ".divider")
    press(browser, "End", "ArrowLeft")
    assert becomes(browser, 'return at.getAttribute("aria-valuenow");', "98") == "98"
    browser.screenshot(artefacts / f"keyboard_wipe_{kind}.png")

    tab_to(browser, ".name")
    press(browser, "ArrowDown", "ArrowDown", "Enter")
    until = time.monotonic() + 20
    while viewer.selected() != [2] and time.monotonic() < until:
        time.sleep(0.1)
    assert viewer.selected() == [2]
    assert viewer.status().startswith("box 2: overlap")
    press(browser, "w", "Shift+ArrowRight", "Shift+ArrowRight")
    assert list(json.loads(viewer.edits())) == ["2"]
    browser.screenshot(artefacts / f"keyboard_moved_{kind}.png")
    run = server.wait(queued_by(browser, "Control+Enter"))
    assert run.status == "success", run.error
    assert browser.api_prompt()  # the graph is there as before
    assert json.loads(viewer.edits())["2"]


def test_an_object_of_the_strip_is_made_anew(server: Server, browser: Browser, artefacts: Path):
    prompt = chain(server) | {
        "review": {"class_type": "CASTReviewObjects", "inputs": {"scene": ["compose", 0]}}
    }
    browser.run(
        """
        await app.loadApiJson(argument, "review");
        await new Promise((done) => setTimeout(done, 800));
        """,
        prompt,
    )
    done = server.wait(browser.queue())
    assert done.status == "success", done.error
    browser.run(
        """
        const node = app.graph.nodes.find((n) => n.type === "CASTReviewObjects");
        app.canvas.ds.scale = 1;
        app.canvas.ds.offset = [300 - node.pos[0], 120 - node.pos[1]];
        app.canvas.setDirty(true, true);
        await new Promise((done) => setTimeout(done, 1500));
        document.activeElement?.blur?.();
        """
    )
    tab_to(browser, ".row")
    press(browser, "ArrowDown")
    assert focused(browser, "return at.dataset.id;") == "1"
    browser.screenshot(artefacts / "keyboard_strip.png")
    run = server.wait(queued_by(browser, "m"))
    assert run.status == "success", run.error
    ids = {n["class_type"]: i for i, n in browser.api_prompt().items()}
    assert [name.split()[-1] for name in run.report(ids["CASTMesh"])["made"]] == ["1"]


def test_a_box_is_drawn_and_becomes_an_object(server: Server, browser: Browser, artefacts: Path):
    draw_room(server.base / "input" / "room.png")
    browser.run(
        """
        app.graph.clear();
        await app.extensionManager.command?.execute?.("Comfy.RefreshNodeDefinitions");
        const [photo, edit] = ["LoadImage", "CASTEditObjects"].map((t) => LiteGraph.createNode(t));
        [photo, edit].forEach((node) => app.graph.add(node));
        edit.pos = [400, 0];
        photo.widgets.find((w) => w.name === "image").value = "room.png";
        photo.connect(0, edit, edit.inputs.findIndex((i) => i.name === "image"));
        """
    )
    browser.load(browser.run("return app.graph.serialize();"))
    browser.run(
        "await new Promise((done) => setTimeout(done, 1500)); document.activeElement?.blur?.();"
    )
    tab_to(browser, ".cast-picker-keys")
    # From the middle to above the green thing's left corner, then to below its right one.
    press(browser, "b", "Enter", *["Shift+ArrowLeft"] * 3, *["Shift+ArrowUp"] * 3, "Enter")
    press(browser, *["Shift+ArrowRight"] * 6, *["Shift+ArrowDown"] * 8, "Enter")
    browser.screenshot(artefacts / "keyboard_picker.png")
    run = server.wait(queued_by(browser, "Control+Enter"))
    assert run.status == "success", run.error
    (told,) = [o["cast_picker"][0] for o in run.outputs.values() if "cast_picker" in o]
    assert [(o["id"], o["keep"]) for o in told["objects"]] == [(100, True)]
