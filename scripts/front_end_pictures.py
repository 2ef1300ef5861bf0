"""Takes the pictures of the help pages and of the tutorial from the real front end.

    COMFYUI_DIR=/path/to/ComfyUI COMFYUI_PYTHON=/its/python .venv/bin/python -m scripts.front_end_pictures

Starts ComfyUI with the pack, runs the offline workflow, and writes one picture a node to
``web/docs/pictures`` and the tutorial's to ``docs/tutorial``. It needs what the tests in
``tests/comfyui`` need: ComfyUI, Chromium and Node.js. ``--only CASTMesh`` takes some anew,
``--keep FOLDER`` keeps ComfyUI's base directory, so that a second run finds its results.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from tests.comfyui.browser import Browser
from tests.comfyui.conftest import comfyui_python
from tests.comfyui.server import PACK, Server

HELP = PACK / "web" / "docs" / "pictures"
TUTORIAL = PACK / "docs" / "tutorial"
PHOTO = "my_room.jpg"
"""What stands for the reader's own photo."""
PAGE = (1600, 1400)
SCALE = 1.25
"""Pixels of a picture for each unit of the canvas."""
AROUND, ABOVE = 14, 72
MARGIN = 160
"""Of the page: what lies nearer to its edge may be covered by ComfyUI's own panels."""
LOOKERS = (
    ("CASTReviewObjects", "scene", "CASTComposeScene"),
    ("CASTPreviewScene", "scene", "CASTComposeScene"),
    ("CASTEditObjects", "objects", "CASTFilter"),
    ("CASTPreview", "anything", "CASTFilter"),
)
"""Nodes that the offline workflow does not have: type, input, and the node that feeds it."""
HIGHEST = 1000
"""A node that is higher is shown smaller."""


def node_types(browser: Browser) -> list[str]:
    """The pack's nodes, as the front end knows them."""
    return browser.run(
        """
        return Object.keys(LiteGraph.registered_node_types)
          .filter((name) => name.startsWith("CAST")).sort();
        """
    )


def run_offline(server: Server, browser: Browser) -> None:
    """The offline workflow with the nodes that look at its results, run to its end."""
    browser.load(json.loads((PACK / "example_workflows" / "offline.json").read_text()))
    browser.run(
        """
        const find = (type) => app.graph.nodes.find((n) => n.type === type);
        let y = find("CASTComposeScene").pos[1] + 2200;
        for (const [type, input, from] of argument) {
          const node = LiteGraph.createNode(type);
          node.pos = [find("CASTComposeScene").pos[0], y];
          app.graph.add(node);
          find(from).connect(0, node, input);
          y += 1200;
        }
        """,
        LOOKERS,
    )
    run = server.wait(browser.queue())
    if run.status != "success":
        raise RuntimeError(run.error)
    browser.settle()


def place(browser: Browser, node_type: str) -> dict[str, float]:
    """Brings a node into view, made anew where the graph has none; its rectangle on the page."""
    return browser.run(
        """
        const [type, scale, margin, around, above, highest] = argument;
        let node = app.graph.nodes.find((n) => n.type === type);
        if (!node) {
          node = LiteGraph.createNode(type);
          app.graph.add(node);
          await new Promise((done) => setTimeout(done, 300));
          node.setSize([Math.max(node.size[0], 300), node.computeSize()[1]]);
        }
        node.pos = [-6000, -3000];
        const at = Math.min(scale, highest / node.size[1]);
        app.canvas.deselectAll?.();
        app.canvas.ds.scale = at;
        app.canvas.ds.offset = [margin / at - node.pos[0], (margin + above) / at - node.pos[1]];
        app.canvas.setDirty(true, true);
        await new Promise((done) => setTimeout(done, 900));
        app.canvas.setDirty(true, true);
        await new Promise((done) => setTimeout(done, 300));
        const canvas = app.canvas.canvas.getBoundingClientRect();
        return {
          x: canvas.x + margin - around,
          y: canvas.y + margin - 4,
          width: node.size[0] * at + 2 * around,
          height: node.size[1] * at + above + around + 4,
        };
        """,
        [node_type, SCALE, MARGIN, AROUND, ABOVE, HIGHEST],
    )


def put_away(browser: Browser, node_type: str) -> None:
    """Takes a node off the place where the pictures are taken."""
    browser.run(
        """
        const node = app.graph.nodes.find((n) => n.type === argument);
        if (node) node.pos = [20000 + 3000 * app.graph.nodes.indexOf(node), -3000];
        """,
        node_type,
    )


def take(browser: Browser, target: Path, clip: dict[str, float] | None = None, **how: Any) -> None:
    """A picture of the page, or of a part of it, in the format that the name tells."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        shot = browser.screenshot(Path(folder) / "shot.png", clip)
        with Image.open(shot) as picture:
            picture.convert("RGB").save(target, **how)
    print(f"{target.relative_to(PACK)}  {target.stat().st_size // 1000} kB", flush=True)


def help_pictures(server: Server, browser: Browser, only: list[str]) -> None:
    """One picture a node: with its results where the offline workflow has it, else as it is new."""
    browser.viewport(*PAGE)
    run_offline(server, browser)
    for node_type in node_types(browser):
        if not only or node_type in only:
            clip = place(browser, node_type)
            take(browser, HELP / f"{node_type}.webp", clip, quality=80, method=6)
            put_away(browser, node_type)


def look_at(browser: Browser, types: list[str], zoom: float = 0.92) -> None:
    """Brings the first nodes of these types into view together."""
    browser.run(
        """
        const nodes = argument[0].map((type) => app.graph.nodes.find((n) => n.type === type));
        const x0 = Math.min(...nodes.map((n) => n.pos[0])) - 30;
        const y0 = Math.min(...nodes.map((n) => n.pos[1])) - 70;
        const x1 = Math.max(...nodes.map((n) => n.pos[0] + n.size[0])) + 30;
        const y1 = Math.max(...nodes.map((n) => n.pos[1] + n.size[1])) + 30;
        app.canvas.ds.fitToBounds([x0, y0, x1 - x0, y1 - y0], { zoom: argument[1] });
        app.canvas.setDirty(true, true);
        await new Promise((done) => setTimeout(done, 1200));
        """,
        [types, zoom],
    )


def tutorial_pictures(server: Server, browser: Browser) -> None:
    """What the tutorial shows, step by step, on a page as people have it."""
    how = {"quality": 82, "optimize": True}
    browser.viewport(1440, 900)
    browser.load(json.loads((PACK / "example_workflows" / "offline.json").read_text()))
    take(browser, TUTORIAL / "1_loaded.jpg", **how)
    run_offline(server, browser)
    browser.run("await new Promise((done) => setTimeout(done, 6000));")  # its messages go
    look_at(browser, ["CASTDetect", "CASTFilter"])
    take(browser, TUTORIAL / "2_objects.jpg", **how)
    look_at(browser, ["CASTComposeScene"])
    browser.run(
        """
        const node = app.graph.nodes.find((n) => n.type === "CASTComposeScene");
        const viewer = node.widgets.find((w) => w.name === "cast_scene_viewer").element;
        viewer.shadowRoot.querySelector('[data-name="wipe"]').click();
        await new Promise((done) => setTimeout(done, 2000));
        """
    )
    take(browser, TUTORIAL / "3_scene.jpg", **how)
    browser.run(
        """
        const at = app.graph.nodes.find((n) => n.type === "CASTDemoPhoto");
        const photo = LiteGraph.createNode("LoadImage");
        photo.pos = [at.pos[0], at.pos[1]];
        app.graph.add(photo);
        photo.connect(0, app.graph.nodes.find((n) => n.type === "CASTDetect"), "image");
        photo.widgets.find((w) => w.name === "image").value = argument;
        photo.widgets.find((w) => w.name === "image").callback?.(argument);
        app.graph.remove(at);
        await new Promise((done) => setTimeout(done, 1500));
        """,
        PHOTO,
    )
    look_at(browser, ["LoadImage", "CASTDetect"])
    take(browser, TUTORIAL / "4_own_photo.jpg", **how)
    browser.run("app.canvas.deselectAll?.();")
    look_at(browser, ["CASTReviewObjects"])
    browser.run(
        """
        const root = document.querySelector(".cast-strip").shadowRoot;
        root.querySelector("[data-id='2'] .accept").click();
        root.querySelector("[data-id='5'] .lock").click();
        root.querySelector("[data-id='0'] .retry.mesh")
          .dispatchEvent(new MouseEvent("click", { shiftKey: true, bubbles: true }));
        await new Promise((done) => setTimeout(done, 300));
        """
    )
    take(browser, TUTORIAL / "5_review.jpg", **how)
    browser.run(
        """
        const node = app.graph.nodes.find((n) => n.type === "CASTMesh");
        const widget = node.widgets.find((w) => w.name === "backend");
        widget.value = "tripo3d";
        widget.callback?.("tripo3d");
        """
    )
    look_at(browser, ["CASTMesh"])
    take(browser, TUTORIAL / "6_key.jpg", **how)


def main() -> None:
    """Takes all pictures."""
    parser = argparse.ArgumentParser(description="Pictures of the front end.")
    parser.add_argument("--only", nargs="*", default=[], help="these nodes' help pictures alone")
    parser.add_argument("--no-tutorial", action="store_true", help="the help pages' alone")
    parser.add_argument("--tutorial-only", action="store_true", help="the tutorial's alone")
    parser.add_argument("--keep", type=Path, help="ComfyUI's base directory, kept")
    given = parser.parse_args()
    comfyui = Path(os.environ["COMFYUI_DIR"]).resolve()
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    if not program:
        raise SystemExit("no Chromium on the path: install it or name it in CHROMIUM")
    with tempfile.TemporaryDirectory() as folder:
        base = given.keep or Path(folder)
        base.mkdir(parents=True, exist_ok=True)
        server = Server(comfyui, comfyui_python(comfyui), base, Path(folder) / "comfyui.log")
        server.start()
        shutil.copy(PACK / "docs" / "demo" / "room.jpg", base / "input" / PHOTO)
        browser = Browser(PACK / "tests" / "comfyui" / "driver" / "drive.mjs", program)
        try:
            browser.viewport(*PAGE)
            browser.open_comfyui(server.url)
            if not given.tutorial_only:
                help_pictures(server, browser, given.only)
            if not (given.only or given.no_tutorial):
                tutorial_pictures(server, browser)
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
