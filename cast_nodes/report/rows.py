"""One row an object: crop, view, mesh and fit side by side, as far as they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ..content import content_key
from ..errors import CastError
from ..frames import Sim3, resize_intrinsics
from ..types import (
    Geometry,
    Mesh,
    Meshes,
    Objects,
    Photo,
    Placement,
    Placements,
    Scene,
    SceneObject,
    View,
    Views,
)
from .facts import depth_off, grade
from .pictures import (
    Posed,
    fit_close_up,
    mesh_picture,
    object_colour,
    on_checker,
    posed_by,
    posed_in,
    silhouettes,
)

TILE = 168
TILES = ("crop", "view", "mesh", "fit")
PAPER = 236
PICTURE_VERSION = 1  # raise it when the pictures change
MEASURED_AT = 480
"""Longest side of the photo in which outlines are compared, px."""


@dataclass(frozen=True)
class Made:
    """What there is to look at. What is None is not made yet.

    Attributes:
        posed: the placed meshes where they stand now.
        world_from_camera: rigid; None while there is no scene.
    """

    objects: Objects
    views: Views | None = None
    meshes: Meshes | None = None
    placements: Placements | None = None
    geometry: Geometry | None = None
    posed: Posed = field(default_factory=dict)
    world_from_camera: Sim3 | None = None


def made_in(scene: Scene) -> Made:
    """All of a scene, its meshes where they stand after settling."""
    return Made(
        scene.objects, scene.views, scene.meshes, scene.placements, scene.geometry,
        posed_in(scene), scene.world_from_camera,
    )  # fmt: skip


def made_so_far(
    objects: Objects,
    views: Views | None = None,
    meshes: Meshes | None = None,
    placements: Placements | None = None,
    geometry: Geometry | None = None,
) -> Made:
    """Results of the first stages; without geometry there is no fit to show."""
    posed = posed_by(meshes, placements) if meshes and placements and geometry else {}
    return Made(objects, views, meshes, placements, geometry, posed)


@dataclass(frozen=True, eq=False)
class Row:
    """One object.

    Attributes:
        view: None while there is none, or it failed.
        mesh: the one that was placed, else the first.
        posed: that mesh, stretched, with camera_from_object.
        iou: outline in the photo against outline of the placed mesh, 0..1.
        grade: as :func:`.facts.grade` says; "" while nothing is placed.
        depth_off: how far it is from the depth that was measured, share of its size, where that
            lowers the grade; else None.
        failures: reasons by stage ("view", "mesh", "pose").
    """

    item: SceneObject
    photo: Photo
    intrinsics: np.ndarray | None
    view: View | None
    mesh: Mesh | None
    candidates: int
    placement: Placement | None
    posed: tuple[Mesh, Sim3] | None
    iou: float | None
    grade: str
    depth_off: float | None
    failures: Mapping[str, str]

    @property
    def key(self) -> str:
        """Content key of the picture; it changes whenever something of the object does."""
        posed = None
        if self.posed is not None:
            posed = self.posed[0].key, np.round(self.posed[1].matrix(), 6)
        return content_key(
            "row", PICTURE_VERSION, self.photo.key, self.item.id, self.item.bbox, self.item.mask,
            None if self.view is None else self.view.rgba,
            None if self.mesh is None else self.mesh.key, posed, self.intrinsics,
        )  # fmt: skip

    @property
    def tiles(self) -> tuple[str, ...]:
        """Names of the pictures that there are, of :data:`TILES`."""
        there = {
            "crop": True,
            "view": self.view is not None,
            "mesh": self.mesh is not None,
            "fit": self.posed is not None,
        }
        return tuple(name for name in TILES if there[name])

    def picture(self) -> np.ndarray:
        """(TILE, 4 TILE, 3) uint8: the tiles side by side, blank where there is none."""
        sheet = Image.new("RGB", (len(TILES) * TILE, TILE), (PAPER,) * 3)
        drawn = (self._crop(), self._view(), self._mesh(), self._fit())
        for index, pixels in enumerate(drawn):
            if pixels is None:
                continue
            picture = Image.fromarray(pixels)
            factor = TILE / max(picture.size)
            width, height = (max(1, round(side * factor)) for side in picture.size)
            picture = picture.resize((width, height), Image.Resampling.LANCZOS)
            at = index * TILE + (TILE - width) // 2, (TILE - height) // 2
            sheet.paste(picture, at)
        return np.asarray(sheet)

    def _crop(self) -> np.ndarray:
        x0, y0, x1, y1 = self.item.bbox
        pad = 0.15 * max(x1 - x0, y1 - y0, 8.0)
        left, top = int(max(0, x0 - pad)), int(max(0, y0 - pad))
        right = max(left + 1, int(min(self.photo.width, np.ceil(x1 + pad))))
        bottom = max(top + 1, int(min(self.photo.height, np.ceil(y1 + pad))))
        return np.ascontiguousarray(self.photo.rgb[top:bottom, left:right])

    def _view(self) -> np.ndarray | None:
        return None if self.view is None else on_checker(self.view.rgba)

    def _mesh(self) -> np.ndarray | None:
        try:
            return None if self.mesh is None else mesh_picture(self.mesh, TILE, PAPER)
        except CastError:
            return None

    def _fit(self) -> np.ndarray | None:
        if self.posed is None or self.intrinsics is None:
            return None
        return fit_close_up(
            self.photo, self.intrinsics, self.item.mask, self.item.bbox, self.posed,
            object_colour(self.item.id), 2 * TILE,
        )  # fmt: skip


def rows_of(made: Made) -> tuple[Row, ...]:
    """A row for each kept object, in their order."""
    shapes = _shapes(made)
    return tuple(_row(item, made, shapes.get(item.id)) for item in made.objects.kept)


def _row(item: SceneObject, made: Made, shape: np.ndarray | None) -> Row:
    failures = {}
    view = made.views.get(item.id) if made.views else None
    if view is not None and view.failure:
        failures["view"] = view.failure
        view = None
    entry = made.meshes.get(item.id) if made.meshes else None
    if entry is not None and entry.failure:
        failures["mesh"] = entry.failure
    candidates = entry.candidates if entry else ()
    placement = made.placements.get(item.id) if made.placements else None
    if placement is not None and placement.failure:
        failures["pose"] = placement.failure
    index = placement.candidate if placement else 0
    mesh = candidates[index if 0 <= index < len(candidates) else 0] if candidates else None
    posed = made.posed.get(item.id)
    iou, mark, off = None, "", None
    if placement is not None and posed is not None:
        measured = placement.fit.get("iou")
        iou = _overlap(made.objects, item, shape) if measured is None else float(measured)
        fit = placement.fit if iou is None else {**placement.fit, "iou": iou}
        mark = grade(fit, placement.ambiguous)
        off = depth_off(placement.fit)
    return Row(
        item, made.objects.photo, None if made.geometry is None else made.geometry.intrinsics,
        view, mesh, len(candidates), placement, posed, iou, mark, off, failures,
    )  # fmt: skip


def _shapes(made: Made) -> dict[int, np.ndarray]:
    """Outlines, small, of the placed meshes whose fit nobody has measured (poses by hand)."""
    if made.geometry is None or made.placements is None:
        return {}
    unmeasured = {
        p.id: made.posed[p.id]
        for p in made.placements.placements
        if p.id in made.posed and p.fit.get("iou") is None
    }
    photo = made.objects.photo
    factor = min(1.0, MEASURED_AT / max(photo.width, photo.height))
    width, height = max(1, round(photo.width * factor)), max(1, round(photo.height * factor))
    camera = resize_intrinsics(made.geometry.intrinsics, width / photo.width, height / photo.height)
    return silhouettes(unmeasured, camera, width, height)


def _overlap(objects: Objects, item: SceneObject, shape: np.ndarray | None) -> float | None:
    """Intersection over union of the mask and the placed mesh's outline, leaving out the pixels
    of things in front of it; None where there is nothing to compare."""
    if shape is None or item.mask is None:
        return None

    def small(mask: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(np.ascontiguousarray(mask, np.uint8) * 255)
        return np.asarray(picture.resize(shape.shape[::-1], Image.Resampling.BOX)) > 127

    counted = np.ones(shape.shape, bool)
    for other in objects.objects:
        if other.id in item.occluded_by and other.mask is not None:
            counted &= ~small(other.mask)
    mask = small(item.mask) & counted
    union = np.count_nonzero((mask | shape) & counted)
    return float(np.count_nonzero(mask & shape) / union) if union else None
