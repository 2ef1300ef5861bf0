"""Which predicted object is which true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..errors import BadInput
from .boxes import box_iou
from .scenes import EvalScene, Item

By = Literal["auto", "id", "name", "best"]

SAME_MASK = 0.5
"""Ids mean the same objects where their masks overlap at least so much on average."""
SAME_LABEL = 0.1
"""Worth of an equal label beside the box IoU, which is 0..1."""


@dataclass(frozen=True, eq=False)
class Matching:
    """Pairs and what is left over; nothing is dropped.

    Attributes:
        by: how they were matched: "id", "name" or "best".
        pairs: (predicted, true); both are placed.
        missing: true objects without a placed predicted one, and why.
        extra: placed predicted objects without a true one.
    """

    by: str
    pairs: tuple[tuple[Item, Item], ...]
    missing: tuple[tuple[Item, str], ...]
    extra: tuple[Item, ...]


def match(predicted: EvalScene, truth: EvalScene, by: By = "auto") -> Matching:
    """Matches the objects of two scenes.

    By ``id`` where both have ids and, as far as masks or labels can tell, equal ids are equal
    things; by ``name`` where at least half of the true names are found; otherwise ``best``: the
    one-to-one pairing with the largest sum of box IoUs (Kuhn, 1955), an equal label counting a
    little. Pairs whose boxes are farther apart than their sizes are none.

    Raises:
        BadInput: no object is in both; or ids or names are asked for and there are none.
    """
    if by == "auto":
        by = (
            "id"
            if _ids_agree(predicted, truth)
            else "name"
            if _names_agree(predicted, truth)
            else "best"
        )
    if by == "best":
        pairs, missing = _best(predicted.placed, truth.placed)
    else:
        pairs, missing = _by_key(predicted, truth, by)
    if not pairs:
        told = {
            "id": "no id of a placed object is in both (--match best pairs them by place)",
            "name": "no name of a placed object is in both (--match best pairs them by place)",
            "best": "no box of the one is near a box of the other; are they in one frame and unit?",
        }
        raise BadInput(f"{predicted.source} and {truth.source} have no common objects: {told[by]}")
    used = {id(one) for one, _ in pairs}
    extra = tuple(item for item in predicted.placed if id(item) not in used)
    return Matching(by, tuple(pairs), tuple(missing), extra)


def _ids_agree(predicted: EvalScene, truth: EvalScene) -> bool:
    theirs = {item.id: item for item in predicted.items if item.id is not None}
    ours = {item.id: item for item in truth.items if item.id is not None}
    common = sorted(theirs.keys() & ours.keys())
    if not common or len(ours) < len(truth.items):
        return False
    overlaps = [
        _mask_iou(predicted.masks[i], truth.masks[i])
        for i in common
        if i in predicted.masks and i in truth.masks
    ]
    overlaps = [o for o in overlaps if o is not None]
    if overlaps:
        return float(np.mean(overlaps)) >= SAME_MASK
    labelled = [i for i in common if theirs[i].label and ours[i].label]
    same = sum(theirs[i].label == ours[i].label for i in labelled)
    return not labelled or same >= len(labelled) / 2


def _mask_iou(a: np.ndarray, b: np.ndarray) -> float | None:
    if a.shape != b.shape or not (a | b).any():
        return None
    return float((a & b).sum() / (a | b).sum())


def _names_agree(predicted: EvalScene, truth: EvalScene) -> bool:
    names = {item.name for item in predicted.items}
    return 2 * sum(item.name in names for item in truth.items) >= max(1, len(truth.items))


def _by_key(predicted: EvalScene, truth: EvalScene, by: str):
    theirs: dict[int | str, Item] = {}
    for item in predicted.items:
        key = item.id if by == "id" else item.name
        if key is not None:
            theirs.setdefault(key, item)
    if not theirs:
        raise BadInput(f"{predicted.source} has no {by}s; use --match best")
    pairs, missing = [], []
    for true in truth.placed:
        key = true.id if by == "id" else true.name
        found = theirs.get(key) if key is not None else None
        if found is not None and found.placed:
            pairs.append((found, true))
        else:
            missing.append((true, found.failure if found is not None else "not there"))
    return pairs, missing


def _best(predicted: Sequence[Item], true: Sequence[Item]):
    gain = np.zeros((len(predicted), len(true)))
    for i, one in enumerate(predicted):
        for j, other in enumerate(true):
            gain[i, j] = _likeness(one, other)
    rows, columns = linear_sum_assignment(-np.maximum(gain, 0))
    chosen = [(i, j) for i, j in zip(rows, columns, strict=True) if gain[i, j] > 0]
    taken = {j for _, j in chosen}
    pairs = [(predicted[i], true[j]) for i, j in sorted(chosen, key=lambda p: p[1])]
    return pairs, [(t, "not there") for j, t in enumerate(true) if j not in taken]


def _likeness(one: Item, other: Item) -> float:
    """Box IoU, a little for nearness and for an equal label; -1 for what is too far apart."""
    a, b = one.vertices, other.vertices
    middles = (a.min(0) + a.max(0) - b.min(0) - b.max(0)) / 2
    apart = float(np.linalg.norm(middles)) / max(one.size, other.size, 1e-12)
    if apart > 1:
        return -1.0
    label = SAME_LABEL if one.label and one.label == other.label else 0.0
    return box_iou(a, b) + 0.2 * (1 - apart) + label + 1e-6
