"""Blender reads the exports without a plug-in: names, places, labels, and the photo's camera.

Blender as a module (``bpy``) wants a Python and a NumPy of its own, so it runs as another process:
``BLENDER_PYTHON`` is the command of a Python that has it (``pip install bpy``); without the variable
this Python is tried.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cast_nodes.export import Wanted, scene_from_folder, write_exports

from .rooms import default_objects, make_scene, write_folder

SCRIPT = Path(__file__).parents[2] / "scripts/check_blender.py"


@pytest.fixture(scope="module")
def blender() -> list[str]:
    command = shlex.split(os.environ.get("BLENDER_PYTHON", "")) or [sys.executable]
    probe = [*command, "-c", "import bpy"]
    done = subprocess.run(probe, capture_output=True, text=True, timeout=120)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it failed"])[-1]
        pytest.skip(f"no Blender: {shlex.join(command)} says {last}; set BLENDER_PYTHON")
    return command


def checked(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, str(SCRIPT), str(folder)], capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("up", ["y", "z"])
def test_blender_shows_what_the_photo_shows(blender, tmp_path, up):
    pytest.importorskip("pxr")
    pytest.importorskip("DracoPy")
    folder = write_folder(tmp_path / "room")
    wanted = Wanted(usd=True, objects=True, collision="hull", draco=True, up=up)
    write_exports(scene_from_folder(folder), wanted, folder)
    done = checked(blender, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("scene.glb", "scene.usdc", "scene.draco.glb"):
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"{name}:")]
        assert line.endswith("OK")
    assert done.stdout.count("camera: ") == 3


def test_a_moved_object_would_be_seen(blender, tmp_path):
    folder = write_folder(tmp_path / "room")
    write_exports(make_scene(), Wanted(), folder)
    label, mesh, pose, carrier = default_objects()[0]
    shift = np.array([0.1, 0.0, 0.0])
    away = type(pose)(pose.rotation, pose.translation + shift, pose.scale)
    moved = make_scene([(label, mesh, away, carrier), *default_objects()[1:]])
    (folder / "scene.glb").write_bytes(moved.glb)
    done = checked(blender, folder)
    assert done.returncode == 1
    assert "coffee_table_0 fills" in done.stdout
