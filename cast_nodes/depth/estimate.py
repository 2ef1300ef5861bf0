"""The chain of single-view metrology on the working picture: lines, camera, things, room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .calibration import Calibration, calibrate, segment_axes
from .class_sizes import UNKNOWN, ClassSize
from .object_boxes import Box, Task, fit_boxes
from .outlines import Outline, make_outlines
from .proposals import propose_things
from .segments import Segments, find_segments
from .standing import REST_COST, TABLE_TOP_REST_COST, Standing, stand_objects
from .walls import Room, find_room

PROPOSAL_COST = 14.0
"""A proposed thing whose box fits worse is several things, or none."""

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
        priors, masks: per object, given or proposed.
        proposed: how many things were found without masks (0 when masks were given).
    """

    segments: Segments
    calibration: Calibration
    standing: Standing
    room: Room
    outlines: list[Outline]
    priors: list[ClassSize]
    masks: list[np.ndarray]
    proposed: int = 0


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
    scene = _Scene(rgb, segments, calibration, camera_height_m)
    estimate = scene.estimate(masks, priors, outlines)
    return estimate if len(masks) else _with_proposals(rgb, estimate)


@dataclass(frozen=True, eq=False)
class _Scene:
    """What stays while things are taken in: picture, lines and camera."""

    rgb: np.ndarray
    segments: Segments
    calibration: Calibration
    camera_height_m: float

    def estimate(
        self,
        masks: Sequence[np.ndarray],
        priors: Sequence[ClassSize],
        outlines: list[Outline],
    ) -> RoomEstimate:
        camera, sigma = self.calibration.camera, 0.15
        if self.camera_height_m > 0:
            camera, sigma = replace(camera, camera_height=self.camera_height_m), 1e-4
        table_top = self.calibration.habit.table_top
        standing = stand_objects(
            outlines, camera, self.calibration.yaw_known, sigma,
            TABLE_TOP_REST_COST if table_top else REST_COST,
        )  # fmt: skip
        covered = np.zeros(self.rgb.shape[:2], bool)
        for mask, prior in zip(masks, priors, strict=True):
            if prior.rest not in ("wall", "flat"):
                covered |= mask
        room = find_room(
            self.rgb, standing.camera, _trusted_boxes(outlines, standing), _feet(outlines, standing), covered,
            self.segments, segment_axes(self.segments, standing.camera), table_top,
        )  # fmt: skip
        return RoomEstimate(
            self.segments, self.calibration, standing, room, outlines, list(priors), list(masks)
        )  # fmt: skip


def _feet(outlines: Sequence[Outline], standing: Standing) -> np.ndarray:
    """(k, 3) lowest points (x, y) px of things that stand on the floor in full view.

    The third number is how much farther than this point the thing's middle is (a factor).
    """
    feet = []
    for outline in outlines:
        box = standing.boxes.get(outline.index)
        on_other = max((v for k, v in outline.below.items() if k >= 0), default=0.0)
        if box is None or box.supported_by != -1 or not outline.foot_seen or on_other >= 0.5:
            continue
        # A plant may as well stand on something that nobody marked.
        if outline.size_prior.rest == "floor":
            half = 0.4 * min(box.size[0], box.size[2]) / max(float(box.base[2]), 1e-6)
            feet.append([*outline.foot, 1.0 + half])
    return np.array(feet, float).reshape(-1, 3)


def _with_proposals(rgb: np.ndarray, estimate: RoomEstimate) -> RoomEstimate:
    """The room with what stands out from it taken for things, where an upright box explains it.

    The room itself stays: coarse things are no better evidence for walls than the picture was.
    """
    camera = estimate.standing.camera
    axis = segment_axes(estimate.segments, camera)
    things = propose_things(rgb, camera, estimate.room, estimate.segments, axis)
    priors = [UNKNOWN] * len(things)
    outlines = make_outlines(things, ["object"] * len(things), priors)
    tasks = [Task(outline) for outline in outlines]
    fits = fit_boxes(tasks, camera, estimate.calibration.yaw_known)
    boxes = {box.index: box for box in fits if box.cost < PROPOSAL_COST}
    return replace(
        estimate, standing=replace(estimate.standing, boxes=boxes), outlines=outlines,
        priors=priors, masks=things, proposed=len(boxes),
    )  # fmt: skip


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


def _trusted_boxes(outlines: Sequence[Outline], standing: Standing) -> list[tuple[Box, float]]:
    """Boxes with how far (0..1) their distance is to be believed when walls are placed."""
    found = []
    for outline in outlines:
        box = standing.boxes.get(outline.index)
        if box is None or box.supported_by == -2:
            continue
        trust = 1.0 if box.cost < 6 else 6.0 / box.cost
        if not outline.foot_seen:
            trust *= 0.3
        if box.supported_by == -1 and outline.size_prior.rest != "floor":
            trust *= 0.5
        found.append((box, trust))
    return found
