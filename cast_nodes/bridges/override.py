"""One object changed and put back: all others stay what they are, also in the store.

Results lie in the store under the content of what made them, so a stage behind the change makes
this object anew and takes the others from the store.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

from ..errors import BadInput
from ..frames import Sim3
from ..mesh_data import read_mesh
from ..records import mask_box
from ..stretched import Stretch, pose_and_stretch
from ..types import (
    Mesh,
    MeshEntry,
    Meshes,
    Objects,
    Photo,
    Placement,
    Placements,
    SceneObject,
    View,
    Views,
)

Keep = Literal["as it is", "keep", "drop"]
KEEP: tuple[Keep, ...] = ("as it is", "keep", "drop")
BY_HAND = "dropped by hand"


# Objects.


def with_object(
    objects: Objects,
    item: SceneObject,
    mask: np.ndarray | None = None,
    label: str = "",
    keep: Keep = "as it is",
    retry: int = 0,
) -> Objects:
    """The objects with one of them changed.

    Args:
        mask: (H, W) bool of the photo, the object's visible pixels; its box follows.
        label: "" leaves it.
        retry: 0 leaves it; another number has everything of this object made anew.
    """
    changed = item
    if mask is not None:
        box = mask_box(mask)
        if box is None:
            raise BadInput(
                f"mask: it is empty; white is {item.label} {item.id}, black is not (to leave the"
                " object out, choose drop)"
            )
        changed = replace(changed, mask=mask, bbox=box, mask_confidence=None)
    if label.strip():
        changed = replace(changed, label=label.strip().lower())
    if keep != "as it is":
        changed = replace(changed, keep=keep == "keep", reason="" if keep == "keep" else BY_HAND)
    if retry:
        changed = replace(changed, retry=retry)
    return objects.replaced(changed)


def mask_for(photo: Photo, values: np.ndarray) -> np.ndarray:
    """(H, W) bool of the photo from a mask of the same proportions.

    Args:
        values: (h, w) float in 0..1.

    Raises:
        BadInput: its proportions are not the photo's.
    """
    height, width = values.shape
    if abs(np.log((width / height) / (photo.width / photo.height))) > 0.02:
        raise BadInput(
            f"mask: it is {width} x {height}, the photo {photo.width} x {photo.height}; it must"
            " cover the whole photo"
        )
    picture = Image.fromarray(np.asarray(values, np.float32))
    size = (photo.width, photo.height)
    if (width, height) != size:
        shrinks = width > photo.width
        picture = picture.resize(
            size, Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
        )
    return np.asarray(picture) > 0.5


# Views.


def with_view(views: Views, item: SceneObject, rgb: np.ndarray, cover: np.ndarray | None) -> Views:
    """The views with another picture of one object, at the place of its old one.

    Args:
        rgb: (h, w, 3) uint8, of any size; it covers what the old view covers.
        cover: (m, n) float in 0..1, what of it is the object; None keeps the old view's outline.

    Raises:
        BadInput: there is no old outline either, or nothing is covered.
    """
    height, width = rgb.shape[:2]
    old = views.get(item.id)
    usable = old is not None and not old.failure
    if cover is None:
        if old is None or not usable:
            raise BadInput(
                f"mask: {item.label} {item.id} has no view whose outline could be kept; connect one"
            )
        cover = old.rgba[..., 3] / 255
    alpha = _resized(cover, width, height)
    if not (alpha >= 0.5).any():
        raise BadInput(f"mask: it covers nothing of {item.label} {item.id}")
    if old is not None and usable:
        crop = np.dstack([_resized(old.crop[..., c] / 255, width, height) for c in range(4)])
        crop, box = np.rint(crop * 255).astype(np.uint8), old.box
    else:
        crop, box = np.zeros((height, width, 4), np.uint8), item.bbox
    rgba = np.dstack([rgb, np.rint(alpha * 255).astype(np.uint8)])
    made = View(item.id, rgba, crop, box)
    return replace(views, views=_put(views.views, made))


def _resized(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width) float32 in 0..1."""
    picture = Image.fromarray(np.asarray(plane, np.float32))
    mode = Image.Resampling.BOX if width < plane.shape[1] else Image.Resampling.BILINEAR
    return np.clip(np.asarray(picture.resize((width, height), mode)), 0, 1)


# Meshes.


def with_mesh(meshes: Meshes, item: SceneObject, mesh: Mesh, add: bool = False) -> Meshes:
    """The meshes with another one for an object.

    Args:
        add: the old candidates stay behind it, and Register keeps the best fitting.

    Raises:
        CastError: the mesh cannot be read.
    """
    read_mesh(mesh)
    old = meshes.get(item.id)
    rest = old.candidates if add and old is not None else ()
    made = MeshEntry(item.id, (mesh, *rest))
    return replace(meshes, entries=_put(meshes.entries, made))


# Poses.


@dataclass(frozen=True)
class Edit:
    """How a pose is changed, about the middle of the object's own bounds.

    Attributes:
        move: right, up and towards the photo's camera, in the scene's unit, along the world's
            level axes.
        turn_deg: about the vertical, anticlockwise seen from above.
        tilt_deg: about the camera's level right-hand axis, the top coming towards the camera.
        roll_deg: about the camera's level viewing axis, anticlockwise in the picture.
        scale: factor.
    """

    move: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn_deg: float = 0.0
    tilt_deg: float = 0.0
    roll_deg: float = 0.0
    scale: float = 1.0


def edited(
    camera_from_object: Sim3, centre: np.ndarray, world_from_camera: Sim3, edit: Edit
) -> Sim3:
    """The pose after an edit.

    Args:
        centre: (3,) of the object, in its own frame.
        world_from_camera: rigid; tells what is up, right and towards the camera.
    """
    pose = world_from_camera @ camera_from_object
    middle = pose.apply(centre)
    turn = (
        Rotation.from_euler("y", edit.turn_deg, degrees=True)
        * Rotation.from_euler("x", edit.tilt_deg, degrees=True)
        * Rotation.from_euler("z", edit.roll_deg, degrees=True)
    ).as_matrix()
    # p -> middle + move + scale turn (p - middle)
    shift = middle + np.asarray(edit.move, np.float64) - edit.scale * (turn @ middle)
    return world_from_camera.inverse() @ Sim3(turn, shift, edit.scale) @ pose


def centre_of(mesh: Mesh) -> np.ndarray:
    """(3,) middle of a mesh's bounds, in its own frame."""
    return read_mesh(mesh).bounds.mean(0)


def pose_from_text(text: str) -> tuple[Sim3, Stretch]:
    """A pose typed as JSON: 4 rows of 4 numbers, camera_from_object, as poses.json has it; and the
    stretch of the mesh, where its axes' lengths differ.

    Raises:
        BadInput: it cannot be read, or is no similarity.
    """
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        raise BadInput(f"pose: this is not JSON ({error}); write [[…], […], […], […]]") from None
    if isinstance(value, dict):
        value = value.get("camera_from_object")
    try:
        return pose_and_stretch(np.asarray(value, np.float64))
    except (ValueError, TypeError) as error:
        raise BadInput(f"pose: {error}; it is 4 rows of 4 numbers, camera from object") from None


def with_pose(
    placements: Placements,
    item: SceneObject,
    pose: Sim3 | None,
    candidate: int,
    lock: bool,
    stretch: Stretch = None,
) -> Placements:
    """The placements with another pose for an object.

    Args:
        pose: None keeps the one that is there.
        candidate: index of the mesh that it is for.
        lock: CAST Register, given these, keeps the pose as it is.
        stretch: of that mesh, where ``pose`` is given.

    Raises:
        BadInput: there is no pose to lock.
    """
    old = placements.get(item.id)
    if pose is None:
        if old is None or old.camera_from_object is None:
            raise BadInput(
                f"pose: {item.label} {item.id} has none that could be kept; write one as JSON"
            )
        made = replace(old, locked=lock)
    else:
        made = Placement(item.id, pose, candidate, locked=lock, stretch=stretch)
    return replace(placements, placements=_put(placements.placements, made))


def _put(entries: Sequence[Any], made: Any) -> tuple[Any, ...]:
    """The entries with the one of equal id replaced, or a new one at the end."""
    if any(e.id == made.id for e in entries):
        return tuple(made if e.id == made.id else e for e in entries)
    return (*entries, made)
