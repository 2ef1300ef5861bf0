"""Labels and file names that would do harm are shown as text, in every part, and touch nothing."""

import json
import shutil
from pathlib import Path

import pytest

from .browser import Browser
from .prompts import chain, node
from .server import Server
from .viewer_page import ViewerPage, show

TAG = '<img src=x onerror="window.hurt=1">'
LABEL = f"../../{TAG}🪑\u202e{'long ' * 2000}"
"""A path upwards, markup, an emoji, a turned direction of writing, 10 000 characters."""
PHOTO = "\u202e🪑 <img src=x onerror=window.hurt=1> & %2e%2e %00 #?.png"

ALL_TEXT = """
    const seen = [];
    const walk = (root) => {
      seen.push(root);
      for (const part of root.querySelectorAll("*")) if (part.shadowRoot) walk(part.shadowRoot);
    };
    walk(document);
    const ours = seen.filter((root) => root !== document);
    ours.push(...document.querySelectorAll(".cast-picker"));
"""


def files_of(server: Server) -> set[Path]:
    """Everything around ComfyUI's folders that could have been written to by a bad name."""
    inside = {"output", "temp", "user", "input"}
    return {
        path.relative_to(server.base)
        for path in server.base.parent.glob("*/*")
        if path.is_relative_to(server.base) and path.name not in inside
    } | {Path(p.name) for p in server.base.parent.iterdir()}


@pytest.fixture(scope="module")
def shown(server: Server, browser: Browser, tmp_path_factory) -> dict:
    """A graph with a bad label and a bad photo's name in every part of the front end, run."""
    labels = f"0={LABEL}, 1={TAG}, 2=</style><script>hurt=1</script>"
    prompt = chain(server, detect={"backend__labels": labels})
    shutil.copy(server.base / "input" / "room.png", server.base / "input" / PHOTO)
    prompt["photo"]["inputs"]["image"] = PHOTO
    prompt["save"]["inputs"]["filename_prefix"] = f"CAST/{TAG}🪑"
    prompt["review"] = {"class_type": "CASTReviewObjects", "inputs": {"scene": ["compose", 0]}}
    prompt["edit"] = node(server, "CASTEditObjects", objects=["filter", 0])
    before = files_of(server)
    browser.problems()
    browser.run(
        'await app.extensionManager.command?.execute?.("Comfy.RefreshNodeDefinitions");'
        "window.hurt = null;"
    )
    show(browser, prompt)
    run = server.wait(browser.queue())
    assert run.status == "success", run.error
    browser.settle()
    return {"before": before, "run": run, "prompt": prompt}


def test_nothing_of_it_becomes_part_of_the_page(browser: Browser, artefacts: Path, shown: dict):
    page = ViewerPage(browser, "CASTComposeScene")
    page.look()
    page.wait()
    browser.screenshot(artefacts / "ill_names_viewer.png")
    for kind in ("CASTReviewObjects", "CASTEditObjects", "CASTSaveScene"):
        browser.run(
            """
            const node = app.graph.nodes.find((n) => n.type === argument);
            app.canvas.ds.scale = 1;
            app.canvas.ds.offset = [400 - node.pos[0], 120 - node.pos[1]];
            app.canvas.setDirty(true, true);
            await new Promise((done) => setTimeout(done, 1200));
            """,
            kind,
        )
        browser.screenshot(artefacts / f"ill_names_{kind}.png")
    assert browser.run("return window.hurt ?? null;") is None
    made = browser.run(
        ALL_TEXT
        + """
        const bad = ours.flatMap((root) => [...root.querySelectorAll("script, iframe, img[onerror], [onload]")]);
        return bad.map((part) => part.outerHTML.slice(0, 200));
        """
    )
    assert made == []


def test_it_is_there_as_text_and_not_too_long(browser: Browser, shown: dict):
    rows = ViewerPage(browser, "CASTComposeScene").rows()
    assert rows[1]["text"] == f"{TAG} 1"
    assert rows[0]["text"].startswith(f"../../{TAG}🪑") and "\u202e" not in rows[0]["text"]
    strip = browser.run(
        """
        const root = document.querySelector(".cast-strip").shadowRoot;
        return [...root.querySelectorAll(".label")].map((l) => l.textContent);
        """
    )
    names = browser.run(
        """
        return [...document.querySelectorAll(".cast-picker-list input")].map((i) => i.value);
        """
    )
    assert f"{TAG} 1" in strip and TAG in names
    for text in (*(row["text"] for row in rows), *strip):
        assert len(text) < 300
    faces = browser.run(
        """
        return [...document.querySelectorAll(".cast-status")]
          .map((face) => face.shadowRoot.querySelector(".all").textContent);
        """
    )
    assert any(f"CAST/{TAG}🪑" in face for face in faces)
    assert max(map(len, faces)) < 3000


def test_files_are_written_where_they_belong_and_nowhere_else(server: Server, shown: dict):
    assert files_of(server) - shown["before"] == set()
    for output in shown["run"].outputs.values():
        for key in ("cast_scene", "cast_strip"):
            for value in json.loads(json.dumps(output.get(key, []))):
                names = [v["filename"] for v in _files(value)]
                assert names and all(set(name) <= SAFE for name in names), names


SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")


def _files(value) -> list[dict]:
    """Every {"filename", …} somewhere in a node's output."""
    if isinstance(value, dict):
        here = [value] if "filename" in value else []
        return here + [f for v in value.values() for f in _files(v)]
    if isinstance(value, list):
        return [f for v in value for f in _files(v)]
    return []


def test_a_folder_outside_of_the_output_is_refused(server: Server, shown: dict):
    prompt = chain(server)
    prompt["save"]["inputs"]["filename_prefix"] = "../../stolen/scene"
    run = server.run(prompt)
    assert run.status == "error" and "output" in run.error
    assert not (server.base.parent / "stolen").exists()


@pytest.mark.parametrize("name", ["../../user/default/comfy.settings.json", TAG, "a" * 10_000])
def test_a_scene_with_files_of_bad_names_asks_the_server_for_nothing_else(
    browser: Browser, artefacts: Path, name: str
):
    """As a workflow or a changed server might claim them."""
    files = ("glb", "about", "photo", "masks", "points")
    claimed = {
        k: {"filename": name, "subfolder": "../..", "type": "temp&type=input"} for k in files
    }
    asked = browser.run(
        """
        app.graph.clear();
        const node = LiteGraph.createNode("CASTPreviewScene");
        app.graph.add(node);
        const asked = [];
        const fetched = window.fetch;
        window.fetch = (what, ...rest) => {
          asked.push(String(what?.url ?? what));
          return fetched(what, ...rest);
        };
        try {
          node.onExecuted({ cast_scene: [argument] });
          await new Promise((done) => setTimeout(done, 2500));
        } finally {
          window.fetch = fetched;
        }
        return asked.filter((url) => !url.includes("/queue") && !url.includes("/history"));
        """,
        claimed,
    )
    told = ViewerPage(browser, "CASTPreviewScene").run(
        'return root.querySelector(".message").textContent;'
    )
    assert told.startswith(("The files of this scene are no longer", "The scene cannot be shown"))
    views = [url for url in asked if "/view?" in url]
    assert views
    for url in views:
        assert url.count("&") == 2 and "type=temp%26type%3Dinput" in url
    assert browser.run("return window.hurt ?? null;") is None
    browser.problems()
