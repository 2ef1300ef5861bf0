"""Does the scene hold together: things inside each other, things in the air, contacts kept.

Measured on the meshes themselves, apart from ComposeScene's own account in ``scene.json``, so that
a scene of any system can be judged. Lengths are told over the object's own size, so no unit is
needed. Drift in a simulator comes from :mod:`.drift`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from ..crossings import crossings
from .distances import tree_of
from .drift import Moved, Simulate, drift_scores
from .matching import Matching
from .samples import samples_and_faces, triangle_samples
from .scenes import EvalScene, Item
from .solid import inside

DEEP = 0.01
"""Penetrations below this share of the smaller object's size are none."""
FLOATING = 0.01
"""Gaps below this share of the object's height are none."""
TOUCHING = 0.01
"""Two objects whose distance is below this share of the smaller one's size touch."""
SAMPLES = 8192
DENSE = 40_000
NEIGHBOURS = 4
"""Samples of the other surface whose triangles a point's distance is measured to."""


@dataclass(frozen=True)
class Penetration:
    """Two objects inside each other, or one below the floor.

    Attributes:
        objects: names.
        depth: of the deepest sample below the other's surface, in world units.
        share: depth over the smaller object's size.
    """

    objects: tuple[str, str]
    depth: float
    share: float


@dataclass(frozen=True)
class Gap:
    """A supported object that does not touch what carries it.

    Attributes:
        share: gap over the object's height.
    """

    object: str
    carrier: str
    gap: float
    share: float


@dataclass(frozen=True)
class PhysicsScores:
    """What was found.

    Attributes:
        whole: measures by name; what could not be measured is absent.
        penetrations: deepest first.
        gaps: largest first.
        notes: what could not be measured, and why.
        moved: objects that a simulator moves, farthest first.
        drift: over the object's size, by index among the placed ones, where it was simulated.
    """

    whole: Mapping[str, float]
    penetrations: tuple[Penetration, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...] = ()
    moved: tuple[Moved, ...] = ()
    drift: Mapping[int, float] = field(default_factory=dict)


AT_ONCE = 16
"""Points that are compared with all triangles at once."""


class Surface:
    """Distances to a mesh of (m, 3, 3) triangles; :meth:`distance` is exact to those triangles that
    samples near a point lie on, so it is never too little."""

    def __init__(self, triangles: np.ndarray) -> None:
        self.triangles = triangles
        points, self.faces = samples_and_faces(triangles, DENSE, 12)
        self.tree = tree_of(points)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """(n,) from (n, 3) points."""
        from trimesh.triangles import closest_point

        near = self.faces[self.tree.query(points, k=NEIGHBOURS)[1]]
        asking = np.repeat(points, NEIGHBOURS, 0)
        found = closest_point(self.triangles[near.reshape(-1)], asking)
        return np.linalg.norm(found - asking, axis=1).reshape(near.shape).min(1)

    def farthest(self, points: np.ndarray, above: float) -> float:
        """The largest distance of (n, 3) points to the surface, exactly; only to within ``above``
        when all are nearer than that.

        What :meth:`distance` tells is never too little, so from the largest on down points are
        asked again until no other can be farther.
        """
        most = self.distance(points)
        order = np.argsort(-most)
        points, most = points[order], most[order]
        low, high = self.triangles.min(1), self.triangles.max(1)
        best, start = 0.0, 0
        while start < len(points) and most[start] > max(best, above):
            part = slice(start, start + AT_ONCE)
            best = max(best, float(self._exact(points[part], most[part], low, high).max()))
            start += AT_ONCE
        return max(best, float(most[start])) if start < len(points) else best

    def _exact(self, points: np.ndarray, most: np.ndarray, low, high) -> np.ndarray:
        """(k,) distances of (k, 3) points that are at most (k,) ``most``."""
        from trimesh.triangles import closest_point

        apart = np.maximum(low - points[:, None], points[:, None] - high).clip(0)
        point, face = np.nonzero((apart**2).sum(2) <= (most * (1 + 1e-9))[:, None] ** 2)
        found = closest_point(self.triangles[face], points[point])
        out = most.copy()
        np.minimum.at(out, point, np.linalg.norm(found - points[point], axis=1))
        return out


class Solids:
    """Samples and surfaces of the objects, made once."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.boxes = [(i.vertices.min(0), i.vertices.max(0)) for i in items]
        self._points: dict[int, np.ndarray] = {}
        self._surfaces: dict[int, Surface] = {}

    def points(self, i: int) -> np.ndarray:
        """Samples of the surface and the corners."""
        if i not in self._points:
            item = self.items[i]
            sampled = triangle_samples(item.triangles, SAMPLES, 11)[0]
            self._points[i] = np.concatenate([sampled, item.vertices[:SAMPLES]])
        return self._points[i]

    def surface(self, i: int) -> Surface:
        if i not in self._surfaces:
            self._surfaces[i] = Surface(self.items[i].triangles)
        return self._surfaces[i]

    def apart(self, i: int, j: int) -> bool:
        (a, b), (c, d) = self.boxes[i], self.boxes[j]
        return bool((a > d).any() or (b < c).any())

    def depth(self, i: int, j: int) -> float:
        """How deep the deepest sample of ``i`` lies in ``j``."""
        low, high = self.boxes[j]
        points = self.points(i)
        near = points[((points >= low) & (points <= high)).all(1)]
        if not len(near):
            return 0.0
        deep = near[inside(self.items[j].triangles, near)]
        if not len(deep):
            return 0.0
        none = 0.1 * DEEP * min(self.items[i].size, self.items[j].size)
        return self.surface(j).farthest(deep, none)

    def distance(self, i: int, j: int) -> float:
        """Between the samples of one and the surface of the other, 0 where they meet."""
        if not self.apart(i, j) and max(self.depth(i, j), self.depth(j, i)) > 0:
            return 0.0
        there = self.surface(j).distance(self.points(i)).min()
        return float(min(there, self.surface(i).distance(self.points(j)).min()))


def penetrations(scene: EvalScene) -> tuple[Penetration, ...]:
    """All pairs deeper than ``DEEP``, and objects below a known floor; deepest first."""
    items = scene.placed
    return _penetrations(Solids(items), scene.floor)


def _penetrations(solids: Solids, floor: float | None) -> tuple[Penetration, ...]:
    items, found = solids.items, []
    for i, j in combinations(range(len(items)), 2):
        if solids.apart(i, j):
            continue
        depth = max(solids.depth(i, j), solids.depth(j, i))
        share = depth / min(items[i].size, items[j].size)
        if share > DEEP:
            found.append(Penetration((items[i].name, items[j].name), depth, share))
    for item, (low, _) in zip(items, solids.boxes, strict=True):
        if floor is not None and (floor - low[1]) / item.size > DEEP:
            below = float(floor - low[1])
            found.append(Penetration((item.name, "floor"), below, below / item.size))
    return tuple(sorted(found, key=lambda p: -p.share))


def gap_below(item: Item, carrier: Item) -> float:
    """The least free height between an object and another one below it, in world units: 0 where
    they meet; their distance where neither is above the other."""
    points = triangle_samples(item.triangles, SAMPLES, 11)[0]
    points = np.concatenate([points, item.vertices])
    if inside(carrier.triangles, points).any():
        return 0.0
    line, height, _ = crossings(carrier.triangles, points, 1)
    fall = points[line, 1] - height
    fall = fall[fall > -1e-6 * item.size]
    if len(fall):
        return float(max(0.0, fall.min()))
    return float(Surface(carrier.triangles).distance(points).min())


def gaps(scene: EvalScene) -> tuple[Gap, ...]:
    """The gap of every object whose carrier is known and there, largest first; 0 ones too."""
    by_id = {item.id: item for item in scene.placed if item.id is not None}
    found = []
    for item in scene.placed:
        tall = float(np.ptp(item.vertices[:, 1]))
        if not tall > 0:
            continue
        if item.supported_by == "floor" and scene.floor is not None:
            gap = max(0.0, float(item.vertices[:, 1].min()) - scene.floor)
        elif isinstance(item.supported_by, int) and item.supported_by in by_id:
            gap = gap_below(item, by_id[item.supported_by])
        else:
            continue
        found.append(Gap(item.name, str(item.supported_by), gap, gap / tall))
    return tuple(sorted(found, key=lambda g: -g.share))


def supports(scene: EvalScene) -> set[tuple[int, int | str]]:
    """(object, carrier) that a scene states: carriers, and relations "on", "in", "hanging"."""
    stated: set[tuple[int, int | str]] = set()
    for item in scene.items:
        if item.id is not None and item.supported_by is not None:
            stated.add((item.id, item.supported_by))
    for subject, kind, target in scene.relations or ():
        if kind in ("on", "in"):
            stated.add((subject, target))
    return stated


def physics_scores(
    predicted: EvalScene,
    truth: EvalScene | None,
    matching: Matching | None,
    simulate: Simulate = "off",
) -> PhysicsScores:
    """All of the above of a scene; contacts and relations where the true ones are known.

    Raises:
        BackendNotReady: ``simulate`` is "on" and the simulator is not there.
    """
    solids = Solids(predicted.placed)
    deep, notes = _penetrations(solids, predicted.floor), []
    whole: dict[str, float] = {
        "penetrating_pairs": len(deep),
        "deepest_penetration": deep[0].share if deep else 0.0,
    }
    hollow = [i.name for i in predicted.placed if not _has_inside(i)]
    if hollow:
        notes.append("nothing can be inside open meshes: " + ", ".join(hollow))
    if predicted.up_known:
        loose = gaps(predicted)
        if loose:
            whole["floating"] = sum(g.share > FLOATING for g in loose)
            whole["largest_gap"] = loose[0].share
        else:
            notes.append("no gaps measured: the predicted scene tells no carriers")
    else:
        loose = ()
        notes.append("no gaps measured: the predicted scene's up is unknown")
    if truth is not None and matching is not None:
        whole |= _contacts(solids, predicted, truth, matching, notes)
    drift = drift_scores(predicted, simulate)
    worst = tuple(g for g in loose if g.share > FLOATING)
    notes += drift.notes
    return PhysicsScores(
        {**whole, **drift.whole}, deep, worst, tuple(notes), drift.moved, drift.share
    )


def _has_inside(item: Item) -> bool:
    from .solid import solid_cells

    low, high = item.vertices.min(0), item.vertices.max(0)
    pitch = float((high - low).max()) / 48
    if not pitch > 0:
        return False
    counts = np.maximum(1, np.ceil((high - low) / pitch - 1e-9)).astype(int)
    return bool(solid_cells(item.triangles, low, pitch, counts).any())


def _contacts(
    solids: Solids,
    predicted: EvalScene,
    truth: EvalScene,
    matching: Matching,
    notes: list[str],
) -> dict[str, float]:
    """Contact and relation recall over the true supports of matched objects, false relations."""
    index = {id(item): n for n, item in enumerate(predicted.placed)}
    partner = {true.id: p for p, true in matching.pairs if true.id is not None}
    true_id = {p.id: true.id for p, true in matching.pairs if p.id is not None}
    wanted = {(s, c) for s, c in supports(truth) if s in partner and (c in partner or c == "floor")}
    if not wanted:
        notes.append("no contact recall: the truth tells no supports among the matched objects")
        return {}
    touching, possible = 0, 0
    for subject, carrier in wanted:
        item = partner[subject]
        if carrier == "floor":
            if predicted.floor is None:
                continue
            possible += 1
            gap = abs(float(item.vertices[:, 1].min()) - predicted.floor)
            touching += gap <= TOUCHING * item.size
        elif isinstance(carrier, int):
            possible += 1
            other = partner[carrier]
            near = solids.distance(index[id(item)], index[id(other)])
            touching += near <= TOUCHING * min(item.size, other.size)
    out = {"contact_recall": touching / possible} if possible else {}
    stated = {
        (true_id[s], true_id.get(c, c) if isinstance(c, int) else c)
        for s, c in supports(predicted)
        if s in true_id
    }
    if stated:
        out["relation_recall"] = len(wanted & stated) / len(wanted)
        judged = {(s, c) for s, c in stated if any(s == t for t, _ in wanted)}
        if judged:
            out["false_relations"] = len(judged - wanted) / len(judged)
    return out
