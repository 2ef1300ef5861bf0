"""Records of the run folder: JSON values to the pack's dataclasses and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BadInput
from .frames import Sim3
from .stretched import Stretch, affine, pose_and_stretch
from .types import Placement, Placements, SceneObject

NO_POSE = "no pose was given"
"""Failure of an entry that has neither a pose nor a reason."""


def placements_json(placements: Placements) -> dict[str, Any]:
    """The content of placements.json."""
    return {
        "objects": [
            {
                "id": p.id,
                "camera_from_object": None
                if p.camera_from_object is None
                else affine(p.camera_from_object, p.stretch).tolist(),
                "candidate": p.candidate,
                "fit": dict(p.fit),
                "ambiguous": p.ambiguous,
                "alternatives": [a.matrix().tolist() for a in p.alternatives],
                "failure": p.failure,
                **({"locked": True} if p.locked else {}),
                **({} if p.covariance is None else {"covariance": p.covariance.tolist()}),
            }
            for p in placements.placements
        ]
    }


def mask_box(mask: np.ndarray) -> tuple[float, float, float, float] | None:
    """Half-open pixel box of a (H, W) bool mask, or None when it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def object_json(item: SceneObject) -> dict[str, Any]:
    """One entry of objects.json."""
    return {
        "id": item.id,
        "label": item.label,
        "score": round(float(item.score), 4),
        "bbox": [round(float(v), 2) for v in item.bbox],
        "occlusion": round(float(item.occlusion), 4),
        "keep": item.keep,
        "reason": item.reason,
        "needs_completion": item.needs_completion,
        "occluded_by": list(item.occluded_by),
        "retry": item.retry,
        **(
            {}
            if item.mask_confidence is None
            else {"mask_confidence": round(float(item.mask_confidence), 4)}
        ),
    }


def object_from_json(entry: Any, where: str) -> SceneObject:
    """One entry of objects.json; id and bbox are enough.

    Raises:
        BadInput: a missing or wrong field; the message starts with ``where``.
    """
    if not isinstance(entry, dict):
        raise BadInput(f"{where} must be a JSON object")
    for name in ("id", "bbox"):
        if name not in entry:
            raise BadInput(f"{where} has no {name!r}")
    try:
        object_id, box = int(entry["id"]), [float(v) for v in entry["bbox"]]
        item = SceneObject(
            id=object_id,
            label=str(entry.get("label", "object")),
            score=float(entry.get("score", 1.0)),
            bbox=(box[0], box[1], box[2], box[3]),
            occlusion=float(entry.get("occlusion", 0.0)),
            keep=bool(entry.get("keep", True)),
            reason=str(entry.get("reason", "")),
            needs_completion=bool(entry.get("needs_completion", False)),
            occluded_by=tuple(int(i) for i in entry.get("occluded_by", ())),
            retry=int(entry.get("retry", 0)),
            mask_confidence=_optional(entry.get("mask_confidence")),
        )
    except (TypeError, ValueError, IndexError) as error:
        raise BadInput(f"{where}: {error}; bbox is [x0, y0, x1, y1] in pixels") from None
    if len(box) != 4 or not np.isfinite(box).all() or object_id < 0:
        raise BadInput(f"{where}: id must be 0 or more, bbox four finite numbers in pixels")
    return item


def _optional(value: Any) -> float | None:
    return None if value is None else float(value)


def placement_from_json(entry: Any, path: Path) -> Placement:
    """One entry of placements.json or poses.json; id and camera_from_object are enough.

    Raises:
        BadInput: a missing or wrong field; the message names file, object and field.
    """
    if not isinstance(entry, dict) or "id" not in entry:
        raise BadInput(f"{path}: each object needs an id")
    where = f"{path}, object {entry['id']}"

    def field(name: str, read: Callable[[Any], Any], default: Any) -> Any:
        try:
            return read(entry[name]) if name in entry else default
        except (TypeError, ValueError) as error:
            raise BadInput(f"{where}, {name}: {error}") from None

    pose, stretch = field("camera_from_object", _pose_from_json, (None, None))
    return Placement(
        id=field("id", int, None),
        camera_from_object=pose,
        candidate=field("candidate", _index_from_json, 0),
        fit=field("fit", dict, {}),
        ambiguous=field("ambiguous", bool, False),
        alternatives=field("alternatives", lambda ms: tuple(map(_similarity, ms)), ()),
        failure=field("failure", str, "" if pose else NO_POSE),
        locked=field("locked", _truth_from_json, False),
        covariance=field("covariance", _covariance_from_json, None),
        stretch=stretch,
    )


def _covariance_from_json(rows: Any) -> np.ndarray | None:
    if rows is None:
        return None
    matrix = np.asarray(rows, np.float64)
    if matrix.shape != (7, 7) or not np.isfinite(matrix).all():
        raise ValueError("must be 7 rows of 7 finite numbers")
    return matrix


def _pose_from_json(matrix: Any) -> tuple[Sim3 | None, Stretch]:
    """Pose and stretch; a matrix of unequal column lengths holds both."""
    return (None, None) if matrix is None else pose_and_stretch(np.asarray(matrix, np.float64))


def _similarity(matrix: Any) -> Sim3:
    return Sim3.from_matrix(np.asarray(matrix, np.float64))


def _index_from_json(value: Any) -> int:
    if int(value) < 0:
        raise ValueError("must be 0 or more")
    return int(value)


def _truth_from_json(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value
