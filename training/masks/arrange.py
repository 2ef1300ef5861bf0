"""Where things stand: seeded small rooms, studios, terraces and table tops.

The arrangement's frame: y up, floor (or table top) at y = 0, camera towards +z, a back wall
behind it at z = ``-back``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .models import PLANTS, THIN, Model

GRID = 20
"""Cells along each side of a model's height map."""

LEVEL = 0.02
"""How far (m, times scale) heights below a thing may differ."""

STYLES = ("room", "studio", "outdoor", "tabletop")
STYLE_SHARES = (0.58, 0.14, 0.1, 0.18)


@dataclass(eq=False)
class Placed:
    """A model in the arrangement.

    Attributes:
        world_from_model: (4, 4) affine.
        on: index of what it stands on, -1 for the floor or a wall.
    """

    model: Model
    world_from_model: np.ndarray
    on: int = -1

    @property
    def corners(self) -> np.ndarray:
        """(8, 3) corners of its box in the arrangement."""
        low, high = self.model.bounds
        box = np.array(
            [
                [x, y, z]
                for x in (low[0], high[0])
                for y in (low[1], high[1])
                for z in (low[2], high[2])
            ]
        )
        return box @ self.world_from_model[:3, :3].T + self.world_from_model[:3, 3]


@dataclass(eq=False)
class Arrangement:
    """All that stands in one scene.

    Attributes:
        style: one of STYLES.
        back: metres from the origin to the back wall (inf: none).
        sides: x of the left and the right wall (-inf, inf: none).
        scale: 1 in rooms, smaller on a table top: the size of what is near.
    """

    style: str
    back: float
    sides: tuple[float, float]
    scale: float
    things: list[Placed] = field(default_factory=list)

    def group(self, index: int) -> list[int]:
        """A thing and everything that stands on it."""
        out = [index]
        for i, thing in enumerate(self.things):
            if thing.on in out and i not in out:
                out.append(i)
        return out


def arrange(rng: np.random.Generator, models: Sequence[Model], heights) -> Arrangement:
    """A seeded scene.

    Args:
        models: what may be placed.
        heights: gives a model's (GRID, GRID) height map over its own box, NaN where there is
            nothing.
    """
    style = str(rng.choice(STYLES, p=STYLE_SHARES))
    scale = float(rng.uniform(0.16, 0.4)) if style == "tabletop" else 1.0
    back = rng.uniform(0.5, 2.6) * (1 if scale == 1 else 3 * scale)
    if style == "outdoor" and rng.random() < 0.4:
        back = np.inf
    side = [np.inf, np.inf]
    if style == "room":
        side = [rng.uniform(1.4, 3.5) if rng.random() < 0.45 else np.inf for _ in range(2)]
    out = Arrangement(style, back, (-side[0], side[1]), scale)
    by_place = {
        p: [m for m in models if m.placement == p] for p in ("floor", "small", "wall", "hanging")
    }
    first = by_place["small"] if style == "tabletop" else by_place["floor"]
    count = int(rng.integers(2, 8))
    for number in range(count):
        pool = (
            first
            if (number == 0 or rng.random() < 0.72 or style == "tabletop")
            else by_place["small"]
        )
        _stand(rng, out, _pick(rng, pool), number == 0)
    for index in range(len(out.things)):
        _load(rng, out, index, by_place["small"], heights)
    if style == "room" and np.isfinite(back):
        for _ in range(int(rng.integers(0, 3))):
            _hang(rng, out, _pick(rng, by_place["wall"]))
        if rng.random() < 0.12:
            _dangle(rng, out, _pick(rng, by_place["hanging"]))
    return out


def _pick(rng: np.random.Generator, pool: Sequence[Model]) -> Model:
    """One model; names count equally, so that ten chairs do not crowd out the lamp."""
    if rng.random() < 0.3:  # what is hard to outline comes more often
        hard = [m for m in pool if m.name in THIN or m.name in PLANTS]
        if hard:
            return hard[rng.integers(len(hard))]
    names = sorted({m.name for m in pool})
    name = names[rng.integers(len(names))] if rng.random() < 0.4 else None
    chosen = [m for m in pool if name is None or m.name == name]
    return chosen[rng.integers(len(chosen))]


def _pose(rng: np.random.Generator, model: Model, yaw: float, size: float = 1.0) -> np.ndarray:
    """(4, 4) turned, and a little out of proportion: no two chairs are alike."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    stretch = np.exp(rng.normal(0, 0.09, 3)) * size
    out = np.eye(4)
    out[:3, :3] = turn @ np.diag(stretch)
    return out


def _yaw(rng: np.random.Generator) -> float:
    if rng.random() < 0.5:
        return float(rng.choice([0, 0, np.pi / 2, -np.pi / 2, np.pi]) + rng.normal(0, 0.12))
    return float(rng.uniform(-np.pi, np.pi))


def _fits(out: Arrangement, placed: Placed, slack: float) -> bool:
    """Whether its footprint keeps clear of walls and of others on the floor."""
    box = placed.corners
    low, high = box.min(0), box.max(0)
    if low[2] < -out.back + 0.01 or low[0] < out.sides[0] + 0.01 or high[0] > out.sides[1] - 0.01:
        return False
    for other in out.things:
        if other.on >= 0:
            continue
        a, b = other.corners.min(0), other.corners.max(0)
        shared = np.minimum(high, b) - np.maximum(low, a) - slack * np.minimum(high - low, b - a)
        if (shared > 0).all():
            return False
    return True


def _stand(rng: np.random.Generator, out: Arrangement, model: Model, first: bool) -> None:
    """Puts a thing on the floor: the first in the middle, the others near what is there."""
    size = 1.0
    if out.style == "tabletop":
        size = float(np.clip(rng.uniform(0.25, 0.9) * out.scale / model.size.max(), 0.3, 2.0))
    for _ in range(12):
        matrix = _pose(rng, model, _yaw(rng), size)
        placed = Placed(model, matrix)
        if not first:
            near = out.things[rng.integers(len(out.things))]
            reach = 0.5 * (np.ptp(near.corners, 0).max() + np.ptp(placed.corners, 0).max())
            angle = rng.uniform(0, 2 * np.pi)
            away = reach * rng.uniform(0.55, 1.5)
            middle = near.corners.mean(0)
            matrix[:3, 3] = [middle[0] + away * np.cos(angle), 0, middle[2] + away * np.sin(angle)]
        elif np.isfinite(out.back) and out.scale == 1 and rng.random() < 0.5:
            matrix[2, 3] = -out.back + 0.02 - placed.corners.min(0)[2]
        # Chairs stand under tables: boxes may overlap a little, now and then much.
        if _fits(out, placed, 0.5 if rng.random() < 0.15 else 0.12):
            out.things.append(placed)
            return


def _load(
    rng: np.random.Generator, out: Arrangement, index: int, small: Sequence[Model], heights
) -> None:
    """Puts small things on a thing, where its upper side is level."""
    under = out.things[index]
    if under.model.placement != "floor" and rng.random() < 0.7:
        return
    for _ in range(int(rng.choice([0, 1, 2, 4], p=[0.4, 0.3, 0.18, 0.12]))):
        model = _pick(rng, small)
        size = 1.0
        if out.style == "tabletop":
            size = 0.7 * float(np.ptp(under.corners, 0).max() / model.size.max())
        extent = np.array([model.size[0], model.size[2]]) * size
        spot = _level_spot(rng, heights(under.model), under, extent.max() * 0.6)
        if spot is None:
            continue
        matrix = _pose(rng, model, _yaw(rng), size)
        matrix[:3, 3] = spot
        placed = Placed(model, matrix, index)
        low, high = placed.corners.min(0), placed.corners.max(0)
        crowd = [t for t in out.things if t.on == index]
        if all(
            (np.minimum(high, t.corners.max(0)) - np.maximum(low, t.corners.min(0)) < 0).any()
            for t in crowd
        ):
            out.things.append(placed)


def _level_spot(
    rng: np.random.Generator, heights: np.ndarray, under: Placed, side: float
) -> np.ndarray | None:
    """(3,) a point on a thing's upper side with room for a thing of that side (m), or None."""
    size = under.model.size
    stretch = np.linalg.norm(under.world_from_model[:3, :3], axis=0)
    reach_z = int(np.ceil(side / (size[2] * stretch[2]) * GRID / 2))
    reach_x = int(np.ceil(side / (size[0] * stretch[0]) * GRID / 2))
    if 2 * reach_z >= GRID or 2 * reach_x >= GRID:
        return None
    for _ in range(8):
        row = int(rng.integers(reach_z, GRID - reach_z))
        column = int(rng.integers(reach_x, GRID - reach_x))
        patch = heights[row - reach_z : row + reach_z + 1, column - reach_x : column + reach_x + 1]
        if np.isnan(patch).any() or np.ptp(patch) * stretch[1] > LEVEL:
            continue
        low, high = under.model.bounds
        point = np.array(
            [
                low[0] + (column + 0.5) / GRID * (high[0] - low[0]),
                float(patch.max()),
                low[2] + (row + 0.5) / GRID * (high[2] - low[2]),
            ]
        )
        return under.world_from_model[:3, :3] @ point + under.world_from_model[:3, 3]
    return None


def _hang(rng: np.random.Generator, out: Arrangement, model: Model) -> None:
    """Hangs a thing on the back wall, front towards the camera."""
    matrix = _pose(rng, model, 0.0)
    placed = Placed(model, matrix)
    low = placed.corners.min(0)
    height = 0.1 if model.name == "radiator" else rng.uniform(0.9, 1.7)
    matrix[:3, 3] = [rng.uniform(-1.6, 1.6), height, -out.back + 0.004 - low[2]]
    if _fits(out, placed, 0.0) or rng.random() < 0.5:
        out.things.append(placed)


def _dangle(rng: np.random.Generator, out: Arrangement, model: Model) -> None:
    matrix = _pose(rng, model, _yaw(rng))
    matrix[:3, 3] = [rng.uniform(-1, 1), rng.uniform(1.4, 1.9), rng.uniform(-0.4, 0.6)]
    out.things.append(Placed(model, matrix))
