"""The scene viewer: what it shows, how it is handled, and what of it comes back when queued."""

import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .browser import Browser
from .prompts import BOXES
from .server import Run, Server
from .viewer_page import ViewerPage, difference, open_viewer, scene_graph, show

WIDTH, HEIGHT = 320, 240
SIZE = WIDTH, HEIGHT
OFF = 20
"""Grey values by which two pictures of the same thing may differ in the mean."""


def middle(box: tuple[int, int, int, int]) -> tuple[float, float]:
    """A box's middle as shares of the photo."""
    return (box[0] + box[2]) / 2 / WIDTH, (box[1] + box[3]) / 2 / HEIGHT


def near(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """The inner part of a box of the photo."""
    x0, y0, x1, y1 = box
    dx, dy = (x1 - x0) // 4, (y1 - y0) // 4
    return picture[y0 + dy : y1 - dy, x0 + dx : x1 - dx]


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.2)


def photo(server: Server) -> np.ndarray:
    return np.asarray(Image.open(server.base / "input" / "room.png").convert("RGB"))


@pytest.fixture(scope="module")
def run(server: Server, browser: Browser) -> Run:
    browser.problems()
    show(browser, scene_graph(server))
    done = server.wait(browser.queue())
    assert done.status == "success", done.error + server.log_end()
    return done


@pytest.fixture
def viewer(server: Server, browser: Browser, run: Run) -> ViewerPage:
    return open_viewer(server, browser)


def engine_picture(server: Server, run: Run, browser: Browser) -> np.ndarray:
    """The scene from the photo's camera as the engine draws it, of the photo's size."""
    compose = next(
        i for i, n in browser.api_prompt().items() if n["class_type"] == "CASTComposeScene"
    )
    both = Image.open(io.BytesIO(server.picture(run, compose))).convert("RGB")
    return np.asarray(both.crop((both.width - WIDTH, 0, both.width, both.height)).resize(SIZE))


def test_the_scene_is_drawn_as_the_engine_draws_it(
    server: Server, browser: Browser, run: Run, viewer: ViewerPage, artefacts: Path
):
    browser.screenshot(artefacts / "viewer_scene.png")
    shown = viewer.photo_pixels(*SIZE)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 200
    assert difference(shown, engine_picture(server, run, browser)) < OFF
    assert [row["text"] for row in viewer.rows()] == ["chair 0", "table 1", "box 2"]
    assert not [p for p in browser.problems() if "cast" in p.lower()]


def test_the_preview_node_shows_the_same_and_changes_nothing(browser: Browser, viewer: ViewerPage):
    preview = ViewerPage(browser, "CASTPreviewScene")
    ours = viewer.photo_pixels(*SIZE)
    preview.look()
    preview.wait()
    assert difference(preview.photo_pixels(*SIZE), ours) < 4
    assert preview.run("return root.querySelector('[data-name=\"move\"]');") is None
    assert preview.run('return root.querySelectorAll(".lock").length;') == 0


def test_floor_room_camera_points_and_fit_change_the_picture(viewer: ViewerPage):
    for name in ("floor", "room", "fit"):
        before = viewer.pixels()
        viewer.press(name)
        assert difference(viewer.pixels(), before) > 2, name
        viewer.press(name)
        assert difference(viewer.pixels(), before) < 1, name
    viewer.press("room")
    before = viewer.pixels()
    viewer.press("points")  # they hang where the wall was
    wait_until(lambda: difference(viewer.pixels(), before) > 2)
    assert difference(viewer.pixels(), before) > 2
    viewer.press("room")
    viewer.press("orbit")
    viewer.browser.wheel(*viewer.point("canvas"), 600)  # the camera is seen from farther back
    viewer.still()
    before = viewer.pixels()
    viewer.press("camera")
    assert difference(viewer.pixels(), before) > 0.02


def test_an_object_is_hidden_shown_alone_and_selected_in_list_and_picture(viewer: ViewerPage):
    whole = viewer.photo_pixels(*SIZE)
    viewer.row(1, "eye")
    hidden = viewer.photo_pixels(*SIZE)
    assert difference(near(hidden, BOXES[1]), near(whole, BOXES[1])) > 15
    assert difference(near(hidden, BOXES[0]), near(whole, BOXES[0])) < 3
    viewer.row(1, "eye")

    viewer.row(0, "solo")
    alone = viewer.photo_pixels(*SIZE)
    assert difference(near(alone, BOXES[1]), near(whole, BOXES[1])) > 15
    assert difference(near(alone, BOXES[0]), near(whole, BOXES[0])) < 3
    assert [row["eye"] for row in viewer.rows()] == [True, False, False]
    viewer.row(0, "solo")

    viewer.browser.click(*viewer.at_photo(*middle(BOXES[2]), *SIZE))
    viewer.still()
    assert viewer.selected() == [2]
    viewer.row(0)
    assert viewer.selected() == [0]
    viewer.browser.drag(viewer.at_photo(*middle(BOXES[1]), *SIZE))
    viewer.still()
    assert viewer.status().startswith("table 1: overlap with the photo (IoU) ")


def moved_by_hand(viewer: ViewerPage) -> None:
    """Selects the box and drags the handle in the middle of its move tool."""
    viewer.row(2)
    viewer.press("move")
    start = viewer.at_photo(*middle(BOXES[2]), *SIZE)
    # The red arrow (world x) points to the right in this photo.
    viewer.browser.drag(
        (start[0] + 30, start[1]), (start[0] + 45, start[1]), (start[0] - 30, start[1])
    )
    viewer.still()


def scene_json(server: Server, run: Run) -> dict:
    files = next(o["cast_files"] for o in run.outputs.values() if "cast_files" in o)
    entry = next(f for f in files if f["filename"] == "scene.json")
    return json.loads((server.base / "output" / entry["subfolder"] / "scene.json").read_text())


def test_an_object_moved_with_the_gizmo_stands_there_after_queueing(
    server: Server, browser: Browser, viewer: ViewerPage, artefacts: Path
):
    before = viewer.photo_pixels(*SIZE)
    moved_by_hand(viewer)
    browser.screenshot(artefacts / "viewer_gizmo.png")
    edit = json.loads(viewer.edits())
    assert list(edit) == ["2"] and set(edit["2"]) == {"position", "rotation_deg", "scale"}
    assert viewer.rows()[2]["changed"] and viewer.rows()[2]["lock"]
    assert difference(near(viewer.photo_pixels(*SIZE), BOXES[2]), near(before, BOXES[2])) > 5

    text = viewer.edits()
    browser.press("Control+z")
    assert viewer.edits() == ""
    browser.press("Control+y")
    assert viewer.edits() == text

    run = server.wait(browser.queue())
    assert run.status == "success", run.error
    placed = next(o for o in scene_json(server, run)["objects"] if o["id"] == 2)["pose"]
    for name, value in edit["2"].items():
        assert placed[name] == pytest.approx(value, abs=1e-3), name
    wait_until(lambda: not viewer.rows()[2]["changed"])
    browser.screenshot(artefacts / "viewer_requeued.png")
    assert not any(row["changed"] for row in viewer.rows())
    assert viewer.rows()[2]["lock"]

    saved = browser.run("return app.graph.serialize();")
    browser.load(saved)
    assert viewer.edits() == text
    assert (
        next(n["inputs"]["edits"] for n in browser.api_prompt().values() if "edits" in n["inputs"])
        == text
    )


def test_edits_can_be_typed_and_nonsense_changes_nothing(viewer: ViewerPage):
    before = viewer.pixels()
    viewer.press("text")
    typed = """
        const area = root.querySelector("textarea");
        area.focus();
        area.value = argument.text;
        area.dispatchEvent(new Event("change"));
        area.blur();
        return area.getAttribute("aria-invalid");
    """
    assert viewer.run(typed, text='{"0": {"scale": ') == "true"
    assert viewer.edits() == ""
    assert viewer.run(typed, text='{"0": {"scale": 0.2}}') == "false"
    viewer.press("text")
    assert viewer.edits() == '{"0": {"scale": 0.2}}'
    assert difference(viewer.pixels(), before) > 0.5
    assert viewer.rows()[0]["changed"]


def test_a_lock_keeps_an_object_where_it_is_seen(viewer: ViewerPage):
    viewer.row(1, "lock")
    assert set(json.loads(viewer.edits())["1"]) == {"position", "rotation_deg", "scale"}
    assert viewer.rows()[1]["lock"]
    viewer.row(1, "lock")
    assert viewer.edits() == ""


def test_photo_and_scene_are_held_against_each_other(
    server: Server, browser: Browser, viewer: ViewerPage, artefacts: Path
):
    truth = photo(server)
    scene = viewer.photo_pixels(*SIZE)
    viewer.press("wipe")
    viewer.browser.drag(viewer.point(".divider"), viewer.at_photo(0.7, 0.5, *SIZE))
    viewer.still()
    browser.screenshot(artefacts / "viewer_wipe.png")
    wiped = viewer.photo_pixels(*SIZE)
    left, right = slice(0, int(0.66 * WIDTH)), slice(int(0.76 * WIDTH), WIDTH)
    assert difference(wiped[:, left], truth[:, left]) < 6
    assert difference(wiped[:, right], scene[:, right]) < 4
    assert (
        viewer.run('return root.querySelector(".divider").getAttribute("aria-valuenow");') == "70"
    )
    browser.press("End")
    viewer.still()
    assert difference(viewer.photo_pixels(*SIZE)[4:-4, 4:-4], truth[4:-4, 4:-4]) < 4

    viewer.press("difference")
    browser.screenshot(artefacts / "viewer_difference.png")
    expected = np.abs(scene.astype(int) - truth.astype(int))
    assert difference(viewer.photo_pixels(*SIZE), expected) < 6

    viewer.press("outline")
    browser.screenshot(artefacts / "viewer_outline.png")
    lines = viewer.photo_pixels(*SIZE).astype(int)
    blue = (lines[..., 2] > lines[..., 0] + 60).sum()
    orange = (lines[..., 0] > lines[..., 2] + 80).sum()
    assert blue > 30 and orange > 30

    viewer.press("blink")
    seen = []
    for _ in range(12):
        seen.append(difference(viewer.photo_pixels(*SIZE)[4:-4, 4:-4], truth[4:-4, 4:-4]))
        time.sleep(0.25)
    assert min(seen) < 4 < max(seen)


def test_the_photo_can_be_enlarged_and_stays_aligned(viewer: ViewerPage):
    viewer.press("outline")
    u, v = middle(BOXES[1])
    viewer.browser.wheel(*viewer.at_photo(u, v, *SIZE), -900)
    viewer.still()
    viewer.press("off")
    viewer.browser.click(*viewer.at_photo(u, v, *SIZE))  # what was under the wheel is still there
    viewer.still()
    assert viewer.selected() == [1]


def test_it_can_be_handled_with_keys_alone(viewer: ViewerPage, browser: Browser):
    viewer.run('root.querySelector(".row .name").focus();')
    browser.press("ArrowDown")
    browser.press("Enter")
    assert viewer.selected() == [1]
    browser.press("v")
    assert [row["eye"] for row in viewer.rows()] == [True, False, True]
    browser.press("v")
    browser.press("Shift+ArrowRight")
    assert list(json.loads(viewer.edits())) == ["1"]
    browser.press("Control+z")
    assert viewer.edits() == ""
    browser.press("2")
    viewer.run('root.querySelector("canvas").focus();')
    viewer.still()
    before = viewer.pixels()
    browser.press("ArrowLeft")
    viewer.still()
    assert difference(viewer.pixels(), before) > 0.5
    browser.press("Escape")
    assert viewer.selected() == []
    assert browser.run("return app.graph.nodes.length;") == len(browser.api_prompt())


def test_labels_are_shown_as_text_and_do_nothing(
    server: Server, browser: Browser, run: Run, artefacts: Path
):
    bad = '<img src=x onerror="window.castHurt=1">'
    labels = f"0={bad}, 1=../../🪑{'long ' * 2000}, 2=</style><script>castHurt=1</script>"
    show(browser, scene_graph(server, detect={"backend__labels": labels}))
    done = server.wait(browser.queue())
    assert done.status == "success", done.error
    page = ViewerPage(browser, "CASTComposeScene")
    page.look()
    page.wait()
    browser.screenshot(artefacts / "viewer_labels.png")
    texts = [row["text"] for row in page.rows()]
    assert texts[0] == f"{bad} 0".lower()
    assert texts[1].startswith("../../🪑long") and len(texts[1]) < 250
    assert page.run('return root.querySelectorAll(".list img, .list script").length;') == 0
    assert browser.run("return window.castHurt ?? null;") is None


def statistics(browser: Browser) -> dict:
    return browser.run(
        """
        const { sharedRenderer } = await import("/extensions/cast/lib/viewer.mjs");
        return sharedRenderer.statistics();
        """
    )


def test_ten_viewers_share_one_context_and_leave_nothing_behind(
    server: Server, browser: Browser, run: Run
):
    browser.run(
        """
        if (!window.castContexts) {
          const original = HTMLCanvasElement.prototype.getContext;
          window.castContexts = new Set();
          HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            const made = original.call(this, kind, ...rest);
            if (String(kind).startsWith("webgl") && made) window.castContexts.add(made);
            return made;
          };
        }
        """
    )
    prompt = scene_graph(server)
    prompt |= {f"look{i}": prompt["look"] for i in range(9)}
    show(browser, prompt)
    time.sleep(4)  # the context of the graph before is given up
    browser.run("window.castContexts.clear();")
    done = server.wait(browser.queue())
    assert done.status == "success", done.error
    browser.run(
        """
        app.graph.nodes.filter((n) => n.type === "CASTPreviewScene").forEach((n, i) => {
          n.pos = [(i % 5) * 600, Math.floor(i / 5) * 560];
        });
        app.canvas.ds.scale = 0.5;
        app.canvas.ds.offset = [20, 60];
        app.canvas.setDirty(true, true);
        await new Promise((done) => setTimeout(done, 6000));
        """
    )
    shown = statistics(browser)
    assert (shown["viewers"], shown["contexts"]) == (11, 1)
    assert browser.run("return window.castContexts.size;") == 1
    for _ in range(2):
        browser.run(
            """
            for (const n of app.graph.nodes.filter((n) => n.type === "CASTPreviewScene"))
              app.graph.remove(n);
            """
        )
    one = statistics(browser)
    assert one["viewers"] == 1
    assert one["geometries"] < shown["geometries"] / 4
    browser.run("app.graph.clear(); await new Promise((done) => setTimeout(done, 4000));")
    assert statistics(browser) == {"viewers": 0, "contexts": 0, "geometries": 0, "textures": 0}


@pytest.mark.parametrize("vue", [False, True], ids=["canvas", "vue"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_works_in_both_themes_both_renderers_and_a_small_window(
    server: Server, browser: Browser, run: Run, artefacts: Path, setting, theme: str, vue: bool
):
    browser.viewport(1280, 720)
    setting("Comfy.VueNodes.Enabled", vue)
    setting("Comfy.ColorPalette", theme)
    show(browser, scene_graph(server))
    done = server.wait(browser.queue())
    assert done.status == "success", done.error
    page = ViewerPage(browser, "CASTComposeScene")
    page.look(1.0)
    page.wait()
    page.look(1.0)
    page.row(0)
    page.press("wipe")
    kind = "vue" if vue else "canvas"
    browser.screenshot(artefacts / f"viewer_{theme}_{kind}_1280.png")
    assert page.selected() == [0]
    assert (
        difference(
            page.photo_pixels(*SIZE)[:, 4 : WIDTH // 2 - 8], photo(server)[:, 4 : WIDTH // 2 - 8]
        )
        < 6
    )
    outside = page.run(
        """
        const box = host.getBoundingClientRect();
        return box.width < 300 || box.height < 300 || box.right > innerWidth + 1 ? [box.width, box.height, box.right] : null;
        """
    )
    assert outside is None
    before = page.run("return [...app.canvas.ds.offset, app.canvas.ds.scale];")
    page.browser.wheel(*page.point("canvas"), 300)
    page.still()
    assert page.run("return [...app.canvas.ds.offset, app.canvas.ds.scale];") == before
