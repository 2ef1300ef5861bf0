"""How near a scene is to the truth: ``evaluate(predicted, truth, protocol) -> Evaluation``.

The steps read from the top down in :func:`evaluate`: one world for both scenes, who is who, the
whole scene, each object's shape, each object at its place, the pictures, the physics. What could
not be measured is absent and a note says why; what is missing or too much is counted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import BadInput
from .clouds import compare_clouds, scene_samples, shape_measures
from .drift import Moved, Simulate
from .layout import POINTS, Pair, layout_measure
from .matching import By, Matching, match
from .measures import MEASURES, mean_over_objects, ready
from .physics import Gap, Penetration, PhysicsScores, physics_scores
from .pictures import picture_scores
from .protocols import PLAIN, PROTOCOLS, Clouds, Protocol, protocol
from .read import read_predicted, read_truth, scene_from_glb, scene_of
from .scenes import EvalScene, Item
from .world import follow, in_box_of_truth, in_one_world, scaled_about_camera, share_unit, to_box

TRUE_SEED, PREDICTED_SEED = 10_000, 0
"""The two surfaces are sampled differently, or an object would be at distance 0 to itself and
only nearly so to anything else."""


@dataclass(frozen=True)
class Choices:
    """What can be chosen beside the protocol.

    Attributes:
        match: how objects are matched.
        points: samples in place of the protocol's own numbers; 0 keeps those.
        fit_scale: scale the prediction about the photo's camera until its matched objects are as
            far away as the true ones (median), which is all that an unknown unit may hide.
        pictures: mask IoU, depth and likeness to the photo.
        physics: penetrations, gaps, contacts.
        lpips: LPIPS too (an optional package).
        simulate: drift in a simulator (an optional package), as part of the physics.
    """

    match: By = "auto"
    points: int = 0
    fit_scale: bool = False
    pictures: bool = True
    physics: bool = True
    lpips: bool = False
    simulate: Simulate = "auto"


@dataclass(frozen=True)
class ObjectScores:
    """One true object.

    Attributes:
        name, label: the true one's.
        predicted: the name of the one it was matched with; "" when it is missing.
        reason: why it is missing.
        values: measures by name; None where one could not be measured.
    """

    name: str
    label: str
    predicted: str = ""
    reason: str = ""
    values: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured.

    Attributes:
        protocol: with which.
        predicted, truth: paths.
        matched_by: "id", "name" or "best".
        scene: measures of the whole scene.
        objects: every true object, the missing ones too.
        extra: names of predicted objects that are not in the truth.
        means: over the true objects, with how many are in each.
        pictures: measures of the whole picture.
        physics: measures, with penetrations and gaps by name.
        notes: what was assumed, and what could not be measured and why.
    """

    name: str
    protocol: Protocol
    predicted: str
    truth: str
    unit: str
    matched_by: str
    scene: Mapping[str, float]
    objects: tuple[ObjectScores, ...]
    extra: tuple[str, ...]
    means: Mapping[str, tuple[float | None, int]]
    pictures: Mapping[str, float]
    physics: PhysicsScores | None
    notes: tuple[str, ...]
    seconds: float

    @property
    def missing(self) -> tuple[ObjectScores, ...]:
        return tuple(o for o in self.objects if not o.predicted)

    @property
    def headline(self) -> dict[str, float]:
        """One row for a table of several scenes: all single numbers."""
        row: dict[str, float] = {"matched": 1 - len(self.missing) / len(self.objects)}
        row |= self.scene
        row |= {name: value for name, (value, _) in self.means.items() if value is not None}
        row |= {k: v for k, v in self.pictures.items() if "(" not in k}
        if self.physics is not None:
            row |= self.physics.whole
        return row

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; what is not finite is null."""
        physics = None
        if self.physics is not None:
            physics = {
                **self.physics.whole,
                "penetrations": [vars(p) for p in self.physics.penetrations],
                "gaps": [vars(g) for g in self.physics.gaps],
                "moved_in_simulation": [vars(m) for m in self.physics.moved],
            }
        out = {
            "name": self.name,
            "protocol": {
                "name": self.protocol.name,
                "title": self.protocol.title,
                "source": self.protocol.source,
            },
            "predicted": self.predicted,
            "truth": self.truth,
            "unit": self.unit,
            "matched_by": self.matched_by,
            "counts": {
                "true": len(self.objects),
                "matched": len(self.objects) - len(self.missing),
                "missing": [{"name": o.name, "reason": o.reason} for o in self.missing],
                "extra": list(self.extra),
            },
            "scene": dict(self.scene),
            "means": {k: {"mean": v, "objects": n} for k, (v, n) in self.means.items()},
            "pictures": dict(self.pictures),
            "physics": physics,
            "objects": [
                {"name": o.name, "label": o.label, "predicted": o.predicted or None, **o.values}
                for o in self.objects
            ],
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
        }
        return ready(out)  # type: ignore[return-value]


def evaluate(
    predicted: EvalScene,
    truth: EvalScene,
    how: Protocol = PLAIN,
    choices: Choices | None = None,
) -> Evaluation:
    """Measures a predicted scene against a true one.

    Raises:
        BadInput: no common objects, nothing placed, units that differ where the protocol
            compares lengths, a scale fit without a camera.
        BackendNotReady: LPIPS or the simulator is asked for and not there.
    """
    start = time.perf_counter()
    choices = choices or Choices()
    if not truth.placed:
        raise BadInput(f"{truth.source} holds no object with a mesh and a pose to compare with")
    if not predicted.placed:
        raise BadInput(f"{predicted.source} holds no placed object, so there is nothing to compare")
    _check_units(predicted, truth, how, choices)
    moved, notes = in_one_world(predicted, truth)
    matching = _matched(moved, truth, how, choices)
    if choices.fit_scale:
        scaled, note = scaled_about_camera(moved, truth, matching)
        notes.append(note)
        matching, moved = follow(matching, moved, scaled), scaled

    there, true_there = moved, truth
    if how.frame == "box of the truth":
        there, true_there, note = in_box_of_truth(moved, truth)
        notes += note
    scene: Mapping[str, float] = {}
    if how.scene is not None:
        clouds = _with_points(how.scene, choices.points)
        scene = compare_clouds(
            scene_samples(there.placed, clouds, PREDICTED_SEED),
            scene_samples(true_there.placed, clouds, TRUE_SEED),
            clouds,
        )
    values = _object_values(follow(matching, moved, there, truth, true_there).pairs, how, choices)

    pictures: Mapping[str, float] = {}
    if choices.pictures:
        shown = picture_scores(predicted, truth, follow(matching, moved, predicted), choices.lpips)
        pictures = shown.whole
        notes += shown.notes
        for (_, true), row in zip(matching.pairs, values, strict=True):
            if true.id is not None and true.id in shown.mask_iou:
                row["mask_iou"] = shown.mask_iou[true.id]
    physics = None
    if choices.physics:
        here = follow(matching, moved, predicted)
        physics = physics_scores(predicted, truth, here, choices.simulate)
        notes += physics.notes
        index = {id(item): number for number, item in enumerate(predicted.placed)}
        for (one, _), row in zip(here.pairs, values, strict=True):
            if physics.drift:
                row["drift"] = physics.drift.get(index[id(one)])
    notes += _remarks(values, matching, truth)

    rows = [
        ObjectScores(true.name, true.label, one.name, "", row)
        for (one, true), row in zip(matching.pairs, values, strict=True)
    ]
    rows += [ObjectScores(t.name, t.label, "", why) for t, why in matching.missing]
    names = list(dict.fromkeys(name for row in values for name in row))
    means = {
        name: mean_over_objects(name, [row.get(name) for row in values], len(matching.missing))
        for name in names
    }
    return Evaluation(
        name=predicted.name,
        protocol=how,
        predicted=predicted.source,
        truth=truth.source,
        unit=truth.unit,
        matched_by=matching.by,
        scene=scene,
        objects=tuple(rows),
        extra=tuple(item.name for item in matching.extra),
        means=means,
        pictures=pictures,
        physics=physics,
        notes=tuple(dict.fromkeys((*predicted.notes, *truth.notes, *notes))),
        seconds=time.perf_counter() - start,
    )


def _check_units(predicted: EvalScene, truth: EvalScene, how: Protocol, choices: Choices) -> None:
    known = None not in (predicted.metric, truth.metric)
    if how.same_unit and known and predicted.metric != truth.metric and not choices.fit_scale:
        which = predicted if not predicted.metric else truth
        raise BadInput(
            f"{which.source} is in an unknown unit and the other scene in metres, which protocol "
            f"{how.name!r} cannot compare; use --fit-scale, or a protocol that normalises "
            f"({', '.join(p.name for p in PROTOCOLS.values() if not p.same_unit)})"
        )


def _matched(predicted: EvalScene, truth: EvalScene, how: Protocol, choices: Choices) -> Matching:
    """Who is who; by place in normalised scenes where the two need not share a unit."""
    if share_unit(predicted, truth) or (how.same_unit and not choices.fit_scale):
        return match(predicted, truth, choices.match)
    one, other = predicted.moved(to_box(predicted)), truth.moved(to_box(truth))
    return follow(match(one, other, choices.match), one, predicted, other, truth)


# --- objects ----------------------------------------------------------------------------------


def _object_values(
    pairs: Sequence[tuple[Item, Item]], how: Protocol, choices: Choices
) -> list[dict[str, float | None]]:
    """The protocol's measures of each pair."""
    shape = None if how.shape is None else _with_points(how.shape, choices.points)
    rows = []
    for one, true in pairs:
        row: dict[str, float | None] = {}
        if shape is not None:
            row |= shape_measures(one, true, shape, PREDICTED_SEED)
        pair = Pair(one, true, choices.points or POINTS)
        row |= {name: layout_measure(pair, name) for name in how.layout}
        rows.append(row)
    return rows


def _with_points(clouds: Clouds, points: int) -> Clouds:
    return replace(clouds, points=points) if points else clouds


def _remarks(
    values: Sequence[Mapping[str, float | None]], matching: Matching, truth: EvalScene
) -> list[str]:
    """What could not be measured for some objects, and why."""
    found = []

    def unmeasured(name: str) -> int:
        return sum(name in row and row[name] is None for row in values)

    if n := unmeasured("volume_iou"):
        found.append(f"volume IoU is not told of {n} objects with an open or very thin mesh")
    if any("volume_iou" in row for row in values):
        n = sum(not item.closed for pair in matching.pairs for item in pair)
        if n:
            found.append(f"{n} meshes are not closed; what is inside them most rays decide")
    if n := unmeasured("rotation_deg"):
        found.append(
            f"rotation is not told of {n} objects whose mesh differs from the true one in its own "
            "frame (protocol sam3d measures rotation by ICP)"
        )
    if not truth.up_known and any("box_iou" in row for row in values):
        found.append("the truth's up is unknown, so boxes stand along its own y")
    return found


__all__ = [
    "MEASURES",
    "PROTOCOLS",
    "By",
    "Choices",
    "EvalScene",
    "Evaluation",
    "Gap",
    "Moved",
    "ObjectScores",
    "Penetration",
    "Protocol",
    "evaluate",
    "protocol",
    "read_predicted",
    "read_truth",
    "scene_from_glb",
    "scene_of",
]
