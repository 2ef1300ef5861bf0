"""Sheets of several pictures, for the faces of nodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..errors import CastError
from ..types import MeshEntry, Meshes, Scene
from .pictures import fitted, mesh_picture

COLUMNS = 4
PAPER = 244


def entry_picture(entry: MeshEntry, tile: int = 240) -> np.ndarray | None:
    """The first candidate of an object, (tile, tile, 3) uint8; None when none can be drawn."""
    for mesh in entry.candidates:
        try:
            return mesh_picture(mesh, tile, PAPER)
        except CastError:
            continue
    return None


def meshes_sheet(meshes: Meshes, tile: int = 240) -> np.ndarray:
    """The first candidate of each object, in the order of the objects, (h, w, 3) uint8."""
    pictures = [entry_picture(e, tile) for e in meshes.entries]
    return contact_sheet([p for p in pictures if p is not None], tile)


def contact_sheet(pictures: Sequence[np.ndarray], tile: int = 240) -> np.ndarray:
    """(h, w, 3) uint8: pictures of any size side by side, each within a square tile."""
    columns = max(1, min(COLUMNS, len(pictures)))
    rows = max(1, -(-len(pictures) // columns))
    sheet = Image.new("RGB", (columns * tile, rows * tile), (PAPER, PAPER, PAPER))
    for index, pixels in enumerate(pictures):
        picture = Image.fromarray(pixels)
        picture.thumbnail((tile, tile), Image.Resampling.LANCZOS)
        left = index % columns * tile + (tile - picture.width) // 2
        top = index // columns * tile + (tile - picture.height) // 2
        sheet.paste(picture, (left, top))
    return np.asarray(sheet)


def beside_photo(scene: Scene, longest: int = 1600) -> np.ndarray:
    """The photo, and right of it the scene from the photo's camera, (h, w, 3) uint8."""
    photo = scene.objects.photo.rgb
    render = np.asarray(Image.fromarray(scene.render).resize(photo.shape[1::-1]))
    gap = np.full((len(photo), max(2, photo.shape[1] // 100), 3), 255, np.uint8)
    return fitted(np.hstack([photo, gap, render]), longest)
