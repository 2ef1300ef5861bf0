"""The chain of single-view metrology on the working picture: lines, camera, things, room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .calibration import Calibration, calibrate, segment_axes
from .class_sizes import ClassSize
from .outlines import Outline, make_outlines
from .segments import Segments, find_segments
from .standing import Standing, stand_objects
from .walls import Room, find_room

UNSTRAIGHT = frozenset(
    [
        "plant",
        "tree",
        "flower",
        "orchid",
        "bouquet",
        "cactus",
        "cat",
        "dog",
        "person",
        "teddy",
        "toy",
        "doll",
        "ball",
        "basket",
    ]
)
"""Classes (by a word of their label) whose outlines say nothing about the room's directions."""


@dataclass(frozen=True, eq=False)
class RoomEstimate:
    """Everything found, at the working size.

    Attributes:
        calibration: the camera before the scale was corrected by sizes.
        standing: the final camera, and the boxes.
        outlines: of the objects that have pixels.
        priors: per object.
    """

    segments: Segments
    calibration: Calibration
    standing: Standing
    room: Room
    outlines: list[Outline]
    priors: list[ClassSize]


def estimate_room(
    rgb: np.ndarray,
    masks: Sequence[np.ndarray],
    labels: Sequence[str],
    priors: Sequence[ClassSize],
    focal_px: float | None = None,
    camera_height_m: float = 0.0,
) -> RoomEstimate:
    """Camera, boxes and room of a picture.

    Args:
        rgb: (h, w, 3) uint8.
        masks: (h, w) bool each; empty ones are left out.
        focal_px: known focal length of this picture.
        camera_height_m: known height of the camera, 0 when unknown.
    """
    height, width = rgb.shape[:2]
    segments = find_segments(rgb.astype(np.float64) @ [0.299, 0.587, 0.114])
    segments = _weigh_by_owner(segments, masks, labels)
    outlines = make_outlines(masks, labels, priors)
    calibration = calibrate(width, height, segments, outlines, focal_px)
    camera = calibration.camera
    sigma = 0.15
    if camera_height_m > 0:
        camera = replace(camera, camera_height=camera_height_m)
        sigma = 1e-4
    standing = stand_objects(outlines, camera, calibration.yaw_known, sigma)
    covered = np.zeros((height, width), bool)
    for mask, prior in zip(masks, priors, strict=True):
        if prior.rest not in ("wall", "flat"):
            covered |= mask
    room = find_room(
        rgb, standing.camera, list(standing.boxes.values()), covered, segments,
        segment_axes(segments, standing.camera), calibration.habit.table_top,
    )  # fmt: skip
    return RoomEstimate(segments, calibration, standing, room, outlines, list(priors))


def _weigh_by_owner(
    segments: Segments, masks: Sequence[np.ndarray], labels: Sequence[str]
) -> Segments:
    """Segments on things count less than those of the room, on plants and animals hardly."""
    if not len(segments) or not len(masks):
        return segments
    weight = segments.weight.copy()
    height, width = masks[0].shape
    along = np.linspace(0.1, 0.9, 5)[:, None, None]
    points = segments.ends[None, :, 0] * (1 - along) + segments.ends[None, :, 1] * along
    column = points[..., 0].astype(int).clip(0, width - 1)
    row = points[..., 1].astype(int).clip(0, height - 1)
    for mask, label in zip(masks, labels, strict=True):
        inside = mask[row, column].mean(0) > 0.5
        crooked = any(word.rstrip("s") in UNSTRAIGHT for word in label.lower().split())
        weight[inside] *= 0.08 if crooked else 0.6
    return Segments(segments.ends, weight)
