"""What stands on what, and how large everything is.

Boxes are first put on the floor; things that have another object's pixels below them are also
tried on that object's top, and the cheaper explanation stays. The spread between fitted and
usual sizes then corrects the camera's height, which is the scale of everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .camera import RoomCamera
from .object_boxes import Box, Task, fit_boxes
from .outlines import Outline

ON_MIN_SHARE = 0.3
"""Share of pixels below that must be the carrier's."""

REST_COST = {
    # extra cost of standing on: the floor, another object, something unseen
    "floor": (0.0, 5.0, 12.0),
    "any": (1.0, 0.5, 6.0),
    "surface": (4.0, 0.0, 4.0),
    "ceiling": (8.0, 8.0, 0.0),
}


TABLE_TOP_REST_COST = {**REST_COST, "floor": (4.0, 4.0, 8.0), "surface": (0.0, 0.5, 8.0)}
"""On a table top its surface is the ground."""


@dataclass(frozen=True, eq=False)
class Standing:
    """Boxes of all standing things and the camera with its corrected height.

    Attributes:
        camera: with the corrected height.
        boxes: by outline index.
        scale_evidence: number of known sizes that spoke for the scale.
    """

    camera: RoomCamera
    boxes: dict[int, Box]
    scale_evidence: int


def stand_objects(
    outlines: Sequence[Outline],
    camera: RoomCamera,
    yaw_known: bool,
    height_log_sigma: float,
    rest_costs: Mapping[str, tuple[float, float, float]] = REST_COST,
) -> Standing:
    """Fits, decides what carries what, corrects the scale and fits again."""
    placeable = [o for o in outlines if o.size_prior.rest not in ("wall", "flat")]
    if not placeable:
        return Standing(camera, {}, 0)
    boxes = _arrange(placeable, camera, yaw_known, rest_costs)
    evidence = 0
    for _ in range(2):
        factor, evidence = _scale_correction(placeable, boxes, height_log_sigma)
        camera = replace(camera, camera_height=camera.camera_height * factor)
        if abs(np.log(factor)) < 0.02:
            boxes = {i: b.scaled(factor) for i, b in boxes.items()}
            break
        boxes = _arrange(placeable, camera, yaw_known, rest_costs)
    return Standing(camera, boxes, evidence)


def _arrange(
    outlines: Sequence[Outline],
    camera: RoomCamera,
    yaw_known: bool,
    rest_costs: Mapping[str, tuple[float, float, float]],
) -> dict[int, Box]:
    by_index = {o.index: o for o in outlines}
    tasks = [Task(o) for o in outlines]
    boxes = {}
    for outline, box in zip(outlines, fit_boxes(tasks, camera, yaw_known), strict=True):
        extra = rest_costs[outline.size_prior.rest][0]
        boxes[outline.index] = replace(box, cost=box.cost + extra)
    # Carriers first: what reaches lower in the picture carries what ends above.
    for outline in sorted(outlines, key=lambda o: -o.box[3]):
        rest_cost = rest_costs[outline.size_prior.rest]
        options: list[tuple[Task, int, float]] = []
        for other, share in outline.below.items():
            carrier = by_index.get(other)
            if carrier is None or share < ON_MIN_SHARE or not carrier.size_prior.carries:
                continue
            if carrier.box[3] <= outline.box[3]:
                continue
            top = boxes[other]
            seat = carrier.size_prior.seat
            height = top.base[1] + camera.camera_height + seat * top.size[1]
            sigma = 0.02 if seat == 1.0 else 0.06
            near_sigma = 0.3 * float(np.hypot(top.size[0], top.size[2]))
            options.append(
                (Task(outline, float(height), sigma, (top.base[0], top.base[2]), near_sigma),
                 other, rest_cost[1] - 5.5 * (share - ON_MIN_SHARE))
            )  # fmt: skip
        if outline.size_prior.known and boxes[outline.index].cost > rest_cost[2]:
            guess = 0.6 if outline.size_prior.rest != "ceiling" else 2.0
            options.append((Task(outline, guess, 0.5), -2, rest_cost[2]))
        if not options:
            continue
        fits = fit_boxes([o[0] for o in options], camera, yaw_known)
        for (_, carrier_index, extra), fit in zip(options, fits, strict=True):
            cost = fit.cost + extra
            if cost < boxes[outline.index].cost and fit.base[1] > -camera.camera_height - 0.02:
                boxes[outline.index] = replace(fit, cost=cost, supported_by=carrier_index)
    return boxes


def _scale_correction(
    outlines: Sequence[Outline], boxes: dict[int, Box], height_log_sigma: float
) -> tuple[float, int]:
    """Factor on all lengths from known sizes against the camera height's prior (Gaussian logs)."""
    precision, pull, count = 1.0 / height_log_sigma**2, 0.0, 0
    for outline in outlines:
        prior, box = outline.size_prior, boxes[outline.index]
        if not prior.known or box.supported_by == -2:
            continue
        # The three sizes of one thing err together, and more when it is cut or hidden.
        free = 1.0 - outline.cut.mean()
        weight = free / (np.asarray(prior.log_sigma) ** 2 + 0.08**2) / 2.0
        weight = weight * [0.5, 1.0, 0.3]
        gap = np.clip(prior.log_size - np.log(box.size), -0.6, 0.6)
        precision += weight.sum()
        pull += float((weight * gap).sum())
        count += 1
    # The class prior inside the fit has hidden part of the gap, so the full step is not too bold.
    return float(np.exp(np.clip(pull / precision, -0.4, 0.4))), count
