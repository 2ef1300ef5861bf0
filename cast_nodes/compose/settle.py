"""Small gaps closed without changing the photo's view, and what remains measured.

Scaling an object about the camera's centre moves each of its points along its own view ray, so
the picture stays the same to the pixel while the object comes nearer, farther, lower or higher.
The factor that puts its bottom on a surface at height h over the floor is
(h - camera height) / (bottom - camera height).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..frames import Sim3
from ..physics.bodies import Body
from .enclosure import Enclosure
from .support import Support, find_support, is_inside, nearest_wall

MOST_SCALED = 0.2
"""No object becomes larger or smaller than by this share."""
ROUNDING = 1e-6
TOUCHING = 0.01
"""Gaps and penetrations below this share of the object's (the smaller one's) size are none."""


@dataclass(frozen=True, eq=False)
class Settled:
    """Bodies after settling, in the order given, and what carries them.

    Attributes:
        factors: by which each was scaled about the camera's centre; 1 where nothing changed.
        gaps_before: the gap to its support that each had.
    """

    bodies: tuple[Body, ...]
    supports: tuple[Support, ...]
    factors: tuple[float, ...]
    gaps_before: tuple[float, ...]


def scaled_about(centre: np.ndarray, factor: float, pose: Sim3) -> Sim3:
    """The pose after scaling the world by ``factor`` about ``centre``."""
    return Sim3(pose.rotation, centre + factor * (pose.translation - centre), factor * pose.scale)


def settle(bodies: Sequence[Body], room: Enclosure, most: float) -> Settled:
    """Supports found from the ground up, and gaps of at most ``most`` of a height closed.

    What stands on something that moved moves with it. With ``most`` 0 nothing moves.
    """
    camera = room.world_from_camera.translation
    order = sorted(range(len(bodies)), key=lambda i: bodies[i].lowest(np.array([0.0, 1.0, 0.0])))
    placed: dict[int, tuple[Body, Support, float, float]] = {}
    for index in order:
        body = bodies[index]
        below = [bodies[i] for i in placed]
        support = find_support(body, below, room)
        before, factor = support.gap, 1.0
        if isinstance(support.by, int):  # first go where the supporter went
            carrier = next(i for i in placed if bodies[i].id == support.by)
            factor = placed[carrier][2]
            moved = body.at(scaled_about(camera, factor, body.world_from_object))
            again = find_support(moved, [placed[carrier][0]], room)
            if again.by == support.by:
                support = again
        now = body.at(scaled_about(camera, factor, body.world_from_object))
        if most > 0:
            own = _closing_factor(now, support, camera, most)
            if abs(own - 1) > ROUNDING and abs(own * factor - 1) <= MOST_SCALED:
                factor *= own
                support = Support(support.by, 0.0, support.surface, support.confidence)
                now = body.at(scaled_about(camera, factor, body.world_from_object))
        placed[index] = (now, support, factor, before)
    done = [placed[i] for i in range(len(bodies))]
    columns = list(zip(*done, strict=True)) or [(), (), (), ()]
    return Settled(*(tuple(column) for column in columns))  # type: ignore[arg-type]


def _closing_factor(body: Body, support: Support, camera: np.ndarray, most: float) -> float:
    """The factor about the camera that closes the gap; 1 where it cannot or must not be closed."""
    if support.surface is None or abs(support.gap) > most * body.tall:
        return 1.0
    from_camera = support.surface + support.gap - camera[1]
    onto = support.surface - camera[1]
    if from_camera == 0 or onto / from_camera <= 0:
        return 1.0  # at the camera's height the rays run level and never meet the surface
    factor = float(onto / from_camera)
    return factor if abs(factor - 1) <= MOST_SCALED else 1.0


def penetrations(bodies: Sequence[Body], room: Enclosure) -> list[dict[str, Any]]:
    """Pairs of objects that are inside each other, and objects below the floor, deepest first.

    Depth is how far samples of the one lie inside the other, in world units; sampled, so parts
    thinner than a fiftieth of an object are not seen.
    """
    found: list[dict[str, Any]] = []
    for one, other in combinations(bodies, 2):
        if (one.bounds[0] > other.bounds[1]).any() or (one.bounds[1] < other.bounds[0]).any():
            continue
        deep = [_depth(one, other), _depth(other, one)]
        depth = max(d for d, _ in deep)
        if depth > TOUCHING * min(one.size, other.size):
            share = max(s for _, s in deep)
            found.append({"objects": [one.id, other.id], "depth": depth, "share": share})
    for body in bodies:
        if room.floor is not None:
            depth = -body.lowest(room.floor.normal, room.floor.offset)
            if depth > TOUCHING * body.size:
                share = float((room.floor.height(body.points) < 0).mean())
                found.append({"objects": [body.id, "floor"], "depth": depth, "share": share})
    return sorted(found, key=lambda p: -p["depth"])


def _depth(one: Body, other: Body) -> tuple[float, float]:
    """How deep samples of ``one`` lie in ``other``, and the share of them that does."""
    low, high = other.bounds
    near = one.points[((one.points >= low) & (one.points <= high)).all(1)]
    if not len(near):
        return 0.0, 0.0
    inside = other.depth_inside(near)
    deep = inside[inside > 0]
    if not len(deep):
        return 0.0, 0.0
    return float(np.quantile(deep, 0.98)), float(len(deep) / len(one.points))


def gaps(settled: Settled) -> list[dict[str, Any]]:
    """Objects that do not touch what carries them, and those that nothing carries."""
    found = []
    for body, support in zip(settled.bodies, settled.supports, strict=True):
        if support.by is None or support.gap > TOUCHING * max(body.tall, 1e-12):
            found.append({"id": body.id, "to": support.by, "gap": support.gap})
    return found


def relations(settled: Settled, room: Enclosure) -> list[dict[str, Any]]:
    """Who is on, in, against what, and what hangs; the content of scene.json's relations."""
    found: list[dict[str, Any]] = []
    by_id = {body.id: body for body in settled.bodies}

    def add(subject: int, target: int | str, kind: str, confidence: float) -> None:
        entry = {"subject": subject, "object": target, "type": kind}
        found.append(entry | {"confidence": round(confidence, 3)})

    for body, support in zip(settled.bodies, settled.supports, strict=True):
        if isinstance(support.by, int):
            kind = "in" if is_inside(body, by_id[support.by]) else "on"
            add(body.id, support.by, kind, support.confidence)
        elif support.by is not None:
            kind = "on" if support.by == "floor" else "hanging"
            add(body.id, support.by, kind, support.confidence)
        if support.by != "wall" and nearest_wall(body, room.walls) is not None:
            add(body.id, "wall", "against", 0.6)
    return found
