"""What the photo's camera sees of a finished scene: depth, and whose each pixel is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..frames import Sim3
from ..mesh_data import MeshData
from ..raster import rasterize
from .view import facing_parts

ROOM, NOTHING = -1, -2
MOST_16_BIT = 65535


@dataclass(frozen=True, eq=False)
class PhotoMaps:
    """Maps at the centres of the photo's pixels.

    Attributes:
        depth: (H, W) float32 along the camera's z in the scene's unit, NaN where nothing is seen.
        ids: (H, W) int64, the object's id; :data:`ROOM` or :data:`NOTHING`.
    """

    depth: np.ndarray
    ids: np.ndarray

    def files(self) -> dict[str, bytes]:
        """``render_depth.npy``: the depth as it is; ``render_depth.png``: 16 bits, thousandths of
        the unit (millimetres), 0 for nothing, the farthest 65.535; ``render_ids.png``: 16 bits,
        0 for room and nothing, else id + 1."""
        depth = io.BytesIO()
        np.save(depth, self.depth.astype(np.float32))
        thousandths = np.clip(np.nan_to_num(np.round(1000.0 * self.depth)), 0, MOST_16_BIT)
        ids = np.where((self.ids >= 0) & (self.ids < MOST_16_BIT), self.ids + 1, 0)
        return {
            "render_depth.npy": depth.getvalue(),
            "render_depth.png": _png_16_bit(thousandths),
            "render_ids.png": _png_16_bit(ids),
        }


def _png_16_bit(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint16)).save(out, "PNG", compress_level=4)
    return out.getvalue()


def photo_maps(
    objects: Sequence[tuple[int, MeshData]],
    room: Sequence[MeshData],
    camera_from_world: Sim3,
    intrinsics: np.ndarray,
    width: int,
    height: int,
) -> PhotoMaps:
    """Depth and ids; see-through materials count as solid.

    Args:
        objects: (id, mesh in the world frame) each.
        room: pieces in the world frame; those that turn their back to the camera are not seen.
    """
    pieces = [(ROOM, data) for data in facing_parts(room, camera_from_world)] + list(objects)
    vertices, faces, owner, count = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], [], 0
    for number, data in pieces:
        vertices.append(camera_from_world.apply(data.vertices))
        faces.append(data.faces + count)
        owner.append(np.full(len(data.faces), number))
        count += len(data.vertices)
    raster = rasterize(
        np.concatenate(vertices), np.concatenate(faces), intrinsics, width, height
    )  # fmt: skip
    owners = np.concatenate([*owner, [NOTHING]]).astype(np.int64)
    return PhotoMaps(raster.depth, owners[raster.face])
