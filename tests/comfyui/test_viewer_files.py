"""What can be taken out of the scene viewer: a picture of it, and the GLB with the user's changes."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from .browser import Browser
from .server import Server
from .viewer_page import ViewerPage, difference, open_viewer


@pytest.fixture
def viewer(server: Server, browser: Browser) -> ViewerPage:
    return open_viewer(server, browser)


def pressed(viewer: ViewerPage, name: str, path: Path) -> str:
    """Clicks a button that brings a file; the name that the file has."""
    return viewer.browser.download(*viewer.point(f'[data-name="{name}"]'), path)


def test_the_saved_picture_is_what_is_seen_without_handles(viewer: ViewerPage, tmp_path: Path):
    viewer.still()
    plain = viewer.pixels()
    viewer.row(2)
    viewer.press("move")
    viewer.still()
    handles = viewer.pixels()
    assert difference(handles, plain) > 0.1
    assert pressed(viewer, "picture", tmp_path / "scene.png") == "cast_scene.png"
    viewer.still()
    picture = Image.open(tmp_path / "scene.png").convert("RGB")
    # How smooth edges are on the screen depends on how fast the machine draws, so the two are
    # compared where the handles were.
    saved = np.asarray(picture.resize(plain.shape[1::-1], Image.Resampling.BOX)).astype(int)
    drawn = np.abs(handles.astype(int) - plain).max(-1) > 40
    assert np.count_nonzero(drawn) > 200
    assert np.median(np.abs(saved - plain).max(-1)[drawn]) < 8
    assert np.median(np.abs(saved - handles).max(-1)[drawn]) > 40
    until = time.monotonic() + 20  # they come back
    while not (back := back_in(viewer, handles, drawn)) and time.monotonic() < until:
        time.sleep(0.2)
    assert back


def back_in(viewer: ViewerPage, handles: np.ndarray, drawn: np.ndarray) -> bool:
    """Whether the viewer shows the handles again where they were drawn (h, w) bool."""
    now = viewer.pixels().astype(int)
    return bool(np.median(np.abs(now - handles).max(-1)[drawn]) < 8)


def served_glbs(server: Server) -> list[bytes]:
    return [p.read_bytes() for p in (server.base / "temp" / "cast_scene").glob("*.glb")]


def test_the_saved_glb_is_the_scene_and_holds_changes_that_were_not_queued(
    server: Server, viewer: ViewerPage, tmp_path: Path
):
    assert pressed(viewer, "glb", tmp_path / "plain.glb") == "cast_scene.glb"
    assert (tmp_path / "plain.glb").read_bytes() in served_glbs(server)

    before = nodes(tmp_path / "plain.glb")
    viewer.row(2)
    viewer.press("move")
    viewer.run('root.querySelector("canvas").focus();')
    for _ in range(3):
        viewer.browser.press("Shift+ArrowRight")
    pose = json.loads(viewer.edits())["2"]
    pressed(viewer, "glb", tmp_path / "moved.glb")
    after = nodes(tmp_path / "moved.glb")
    assert set(after) == set(before)
    moved = [name for name in before if not np.allclose(before[name], after[name], atol=1e-5)]
    assert {name.split("/")[0] for name in moved} == {"box_2"}
    assert np.allclose(after["box_2"][:3, 3], pose["position"], atol=1e-4)
    sizes = np.linalg.norm(after["box_2"][:3, :3], axis=0)
    assert np.allclose(sizes, pose["scale"], rtol=1e-4)


def nodes(path: Path) -> dict[str, np.ndarray]:
    """4x4 of each node of a GLB in its world."""
    scene = trimesh.load_scene(path)
    return {str(name): scene.graph[name][0] for name in scene.graph.nodes}
