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

import numpy as np

from ..errors import BadInput
from ..frames import Sim3
from .align import normalised
from .clouds import compare_clouds, scene_samples, shape_measures
from .layout import Pair, layout_measure
from .matching import By, Matching, match
from .measures import MEASURES, mean_over_objects, ready
from .physics import Gap, Penetration, PhysicsScores, physics_scores
from .pictures import picture_scores
from .protocols import PLAIN, PROTOCOLS, Clouds, Protocol, protocol
from .read import read_predicted, read_truth, scene_of
from .scenes import EvalScene, Item

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
    """

    match: By = "auto"
    points: int = 0
    fit_scale: bool = False
    pictures: bool = True
    physics: bool = True
    lpips: bool = False


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
        BackendNotReady: LPIPS is asked for and not there.
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
        matching, moved = _follow(matching, moved, scaled), scaled

    scene: Mapping[str, float] = {}
    if how.scene is not None:
        clouds = _with_points(how.scene, choices.points)
        scene = compare_clouds(
            scene_samples(moved.placed, clouds, PREDICTED_SEED),
            scene_samples(truth.placed, clouds, TRUE_SEED),
            clouds,
        )
    values = _object_values(moved, truth, matching, how, choices)

    pictures: Mapping[str, float] = {}
    if choices.pictures:
        shown = picture_scores(predicted, truth, _follow(matching, moved, predicted), choices.lpips)
        pictures = shown.whole
        notes += shown.notes
        for (_, true), row in zip(matching.pairs, values, strict=True):
            if true.id is not None and true.id in shown.mask_iou:
                row["mask_iou"] = shown.mask_iou[true.id]
    physics = None
    if choices.physics:
        physics = physics_scores(predicted, truth, _follow(matching, moved, predicted))
        notes += physics.notes
    notes += _remarks(values, truth)

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


# --- one world --------------------------------------------------------------------------------


def _check_units(predicted: EvalScene, truth: EvalScene, how: Protocol, choices: Choices) -> None:
    known = None not in (predicted.metric, truth.metric)
    if how.same_unit and known and predicted.metric != truth.metric and not choices.fit_scale:
        which = predicted if not predicted.metric else truth
        raise BadInput(
            f"{which.source} is in an unknown unit and the other scene in metres, which protocol "
            f"{how.name!r} cannot compare; use --fit-scale, or a protocol that normalises "
            f"({', '.join(p.name for p in PROTOCOLS.values() if not p.same_unit)})"
        )


def in_one_world(predicted: EvalScene, truth: EvalScene) -> tuple[EvalScene, list[str]]:
    """The predicted scene in the truth's world, and what had to be assumed for it.

    Two scenes of one photo share its camera, so the prediction is carried over by that: each may
    have found its own floor and gravity. Without both cameras both are taken as they are.
    """
    if predicted.camera is None or truth.camera is None:
        if predicted.camera is None and truth.camera is None:
            return predicted, ["no camera in either scene: both are taken to share one world"]
        lacking = predicted if predicted.camera is None else truth
        note = f"{lacking.source} tells no camera: both scenes are taken to share one world"
        return predicted, [note]
    notes = []
    a, b = predicted.camera, truth.camera
    if abs(a.width / a.height / (b.width / b.height) - 1) > 0.02:
        raise BadInput(
            f"{predicted.source} is of a picture of {a.width}x{a.height} pixels and {truth.source} "
            f"of {b.width}x{b.height}: the cameras are not of one photo"
        )
    ratio = (a.intrinsics[0, 0] / a.width) / (b.intrinsics[0, 0] / b.width)
    if abs(ratio - 1) > 0.01:
        notes.append(
            f"the cameras differ: the predicted focal length is {100 * (ratio - 1):+.1f} % of the "
            "true one, so depths and sizes cannot all agree"
        )
    transform = b.world_from_camera @ a.world_from_camera.inverse()
    turned = np.degrees(np.arccos(np.clip(transform.rotation[1, 1], -1, 1)))
    if turned > 1:
        notes.append(f"the predicted vertical is {turned:.1f}° off the true one")
    return predicted.moved(transform), notes


def scaled_about_camera(
    predicted: EvalScene, truth: EvalScene, matching: Matching
) -> tuple[EvalScene, str]:
    """The prediction scaled about the photo's camera by the median ratio of distances.

    Raises:
        BadInput: no camera is known.
    """
    camera = predicted.camera or truth.camera
    if camera is None:
        raise BadInput("--fit-scale scales about the photo's camera, and neither scene tells one")
    eye = camera.world_from_camera.translation

    def far(item: Item) -> float:
        middle = (item.vertices.min(0) + item.vertices.max(0)) / 2
        return float(np.linalg.norm(middle - eye))

    factor = float(np.median([far(true) / far(one) for one, true in matching.pairs]))
    about = Sim3(np.eye(3), (1 - factor) * eye, factor)
    return predicted.moved(about), f"the prediction was scaled by {factor:.4g} about the camera"


def _matched(predicted: EvalScene, truth: EvalScene, how: Protocol, choices: Choices) -> Matching:
    """Who is who; by place in normalised scenes where the two need not share a unit."""
    comparable = how.same_unit and not choices.fit_scale
    if comparable or (predicted.camera is not None and predicted.metric == truth.metric):
        return match(predicted, truth, choices.match)
    one, other = _in_box(predicted), _in_box(truth)
    found = match(one, other, choices.match)
    theirs = {id(n): i for n, i in zip(one.items, predicted.items, strict=True)}
    ours = {id(n): i for n, i in zip(other.items, truth.items, strict=True)}
    return Matching(
        found.by,
        tuple((theirs[id(a)], ours[id(b)]) for a, b in found.pairs),
        tuple((ours[id(b)], why) for b, why in found.missing),
        tuple(theirs[id(a)] for a in found.extra),
    )


def _in_box(scene: EvalScene) -> EvalScene:
    """The scene's objects in [-1, 1], longest side full."""
    points = np.concatenate([item.vertices for item in scene.placed])
    corners = np.stack([points.min(0), points.max(0)])
    low, high = normalised(corners, "box")
    scale = float((high - low).max() / max(float(np.ptp(corners, axis=0).max()), 1e-300))
    return scene.moved(Sim3(np.eye(3), -scale * corners.mean(0), scale))


def _follow(matching: Matching, source: EvalScene, copy: EvalScene) -> Matching:
    """The same pairs with the predicted objects of a moved copy of their scene."""
    twin = {id(item): other for item, other in zip(source.items, copy.items, strict=True)}
    return replace(
        matching,
        pairs=tuple((twin[id(one)], true) for one, true in matching.pairs),
        extra=tuple(twin[id(item)] for item in matching.extra),
    )


# --- objects ----------------------------------------------------------------------------------


def _object_values(
    predicted: EvalScene, truth: EvalScene, matching: Matching, how: Protocol, choices: Choices
) -> list[dict[str, float | None]]:
    """The protocol's measures of each pair."""
    shape = None if how.shape is None else _with_points(how.shape, choices.points)
    pairs = matching.pairs
    if how.layout_normalise != "none":
        theirs, ours = _in_box(predicted), _in_box(truth)
        one = {id(i): n for i, n in zip(predicted.items, theirs.items, strict=True)}
        other = {id(i): n for i, n in zip(truth.items, ours.items, strict=True)}
        placed = [(one[id(a)], other[id(b)]) for a, b in pairs]
    else:
        placed = list(pairs)
    rows = []
    for (a, b), (there, true) in zip(pairs, placed, strict=True):
        row: dict[str, float | None] = {}
        if shape is not None:
            row |= shape_measures(a, b, shape, PREDICTED_SEED)
        pair = Pair(there, true)
        row |= {name: layout_measure(pair, name) for name in how.layout}
        rows.append(row)
    return rows


def _with_points(clouds: Clouds, points: int) -> Clouds:
    return replace(clouds, points=points) if points else clouds


def _remarks(values: Sequence[Mapping[str, float | None]], truth: EvalScene) -> list[str]:
    """What could not be measured for some objects, and why."""
    found = []

    def unmeasured(name: str) -> int:
        return sum(name in row and row[name] is None for row in values)

    if n := unmeasured("volume_iou"):
        found.append(f"volume IoU is not told of {n} objects with an open or very thin mesh")
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
    "Choices",
    "EvalScene",
    "Evaluation",
    "Gap",
    "ObjectScores",
    "Penetration",
    "Protocol",
    "evaluate",
    "protocol",
    "read_predicted",
    "read_truth",
    "scene_of",
]
