"""How true the room behind the objects is: its depth, its texture, its triangles.

All is measured from the photo's camera on the room's pieces of the scene's own GLB:

- depth error: mean |z / true z - 1| of the empty room, where the photo shows the room and where
  objects hide it; and the share of the picture that the room covers;
- sheets: triangles that reach over a jump of the true depth like a rubber sheet: they show on both
  sides of it, and most of the jump lies in their own slope there (a wall that shows a pixel too
  much beside a pillar is none);
- hiding: share of the objects' pixels in the photo where the room lies before the object;
- PSNR of the room's texture seen from the camera against the clean plate, where both are seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cast_nodes.compose.turntable import scene_meshes
from cast_nodes.compose.view import facing_parts, scene_picture
from cast_nodes.evaluate.pictures import likeness
from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import MeshData
from cast_nodes.raster import Raster, rasterize

from .scene_rooms import Room

JUMP = 0.08
"""Neighbouring pixels whose true depths differ by more than this share lie across a jump."""
BEFORE = 0.99
"""The room lies before an object when it is nearer than this share of the object's depth."""
MOSTLY = 0.3
"""A face spans a jump when its depths on the two sides differ by this share of it."""


@dataclass(frozen=True)
class Backdrop:
    """Measures of a room's background; NaN where there is nothing to measure.

    Attributes:
        depth_seen, depth_hidden: mean relative depth error.
        covered: share of the picture.
        hiding: share of the objects' pixels.
        sheets: triangles across jumps.
        jumps: pairs of pixels across jumps, so that none is not for want of jumps.
        psnr: dB, where the photo shows the room.
        psnr_hidden: dB, behind the objects.
    """

    depth_seen: float
    depth_hidden: float
    covered: float
    hiding: float
    sheets: int
    jumps: int
    psnr: float
    psnr_hidden: float


def measure_backdrop(glb: bytes, world_from_camera: Sim3, room: Room) -> Backdrop:
    """The background of a scene of the room."""
    photo, g = room.objects.photo, room.geometry
    camera = world_from_camera.inverse()
    view = g.intrinsics, photo.width, photo.height
    _, parts, baked = scene_meshes(glb)
    raster = _rasterized(facing_parts(parts, camera), camera, *view)
    hidden = np.zeros(room.empty.shape, bool)
    for item in room.objects.kept:
        assert item.mask is not None
        hidden |= item.mask
    error = np.abs(raster.depth / room.empty - 1)
    there = np.isfinite(error)
    picture = scene_picture([], parts, camera, *view, baked)
    return Backdrop(
        _mean(error[there & ~hidden]),
        _mean(error[there & hidden]),
        float(there.mean()),
        _mean(raster.depth[there & hidden] < BEFORE * g.depth[there & hidden]),
        len(sheets(raster.face, raster.depth, room.empty)),
        int(sum(j.sum() for j in _jumps(room.empty))),
        likeness(picture, room.plate, there & ~hidden).get("psnr", float("nan")),
        likeness(picture, room.plate, there & hidden).get("psnr", float("nan")),
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _rasterized(parts: list[MeshData], camera: Sim3, intrinsics, width: int, height: int) -> Raster:
    vertices, faces, count = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], 0
    for part in parts:
        vertices.append(camera.apply(part.vertices))
        faces.append(part.faces + count)
        count += len(part.vertices)
    return rasterize(np.concatenate(vertices), np.concatenate(faces), intrinsics, width, height)


def _jumps(depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W - 1) and (H - 1, W) bool, whether a pixel and the next one lie across a jump."""
    across = np.abs(np.diff(depth, axis=1)) > JUMP * np.minimum(depth[:, 1:], depth[:, :-1])
    down = np.abs(np.diff(depth, axis=0)) > JUMP * np.minimum(depth[1:], depth[:-1])
    return across, down


def sheets(faces: np.ndarray, found: np.ndarray, depth: np.ndarray) -> set[int]:
    """The faces that reach over a jump.

    Args:
        faces: (H, W) the face seen at each pixel, -1 for none.
        found: (H, W) its depth there.
        depth: (H, W) the true depth.
    """
    out: set[int] = set()
    for axis, jump in zip((1, 0), _jumps(depth), strict=True):
        one = np.take(faces, range(faces.shape[axis] - 1), axis)
        other = np.take(faces, range(1, faces.shape[axis]), axis)
        with np.errstate(invalid="ignore"):
            steep = np.abs(np.diff(found, axis=axis)) > MOSTLY * np.abs(np.diff(depth, axis=axis))
        out |= set(one[jump & (one == other) & (one >= 0) & steep].tolist())
    return out
