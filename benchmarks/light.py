"""Light in a seeded room by ray casting: area lights with soft shadows, one bounce, filtered.

Good enough to fool segmenters (contact shadows, gradients, colour bleeding), not a renderer of
record. Needs ``embreex`` (a development dependency).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .shell import AreaLight

LATER_BOUNCES = 1.5
"""Indirect light beyond the first bounce, as a factor: 1 + albedo + … for mid-grey walls."""

FIREFLY = 5.0
"""Bound of a single ray's bounced light, relative to the mean."""

LIFT = 2e-3
"""Rays start this far above their surface, metres."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What light meets.

    Attributes:
        triangles: (m, 3, 3) metres.
        albedo: (m, 3) linear mean colour of each.
        lights: the rectangles that shine.
    """

    triangles: np.ndarray
    albedo: np.ndarray
    lights: Sequence[AreaLight]


class LightTracer:
    """Casts the rays of one room."""

    def __init__(self, surroundings: Surroundings, rng: np.random.Generator) -> None:
        try:
            from embreex.mesh_construction import TriangleMesh
            from embreex.rtcore_scene import EmbreeScene
        except ImportError:
            raise SystemExit(
                "the benchmark rooms cast rays with embreex: pip install embreex"
            ) from None
        self.given = surroundings
        self.rng = rng
        self.scene = EmbreeScene()
        TriangleMesh(self.scene, np.ascontiguousarray(surroundings.triangles, np.float32))
        a, b, c = surroundings.triangles.transpose(1, 0, 2)
        normals = np.cross(b - a, c - a)
        self.normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)

    def direct(self, points: np.ndarray, normals: np.ndarray, rays: int) -> np.ndarray:
        """(k, 3) irradiance from the lights at (k, 3) points with unit normals."""
        total = np.zeros((len(points), 3), np.float32)
        start = (points + LIFT * normals).astype(np.float32)
        for light in self.given.lights:
            # Stratified along one side of the light.
            for i in range(rays):
                u = (i + self.rng.random(len(points))) / rays
                v = self.rng.random(len(points))
                target = light.corner + u[:, None] * light.side_a + v[:, None] * light.side_b
                total += self._from_points(start, normals, target, light) / rays
        return total

    def _from_points(self, start, normals, target, light: AreaLight) -> np.ndarray:
        towards = (target - start).astype(np.float32)
        square = np.maximum((towards**2).sum(1), 1e-4)
        facing = (towards * normals).sum(1)
        leaving = -(towards @ light.normal)
        geometry = np.maximum(facing, 0) * np.maximum(leaving, 0) / square**2 * light.area
        lit = np.flatnonzero(geometry > 1e-6)
        out = np.zeros((len(start), 3), np.float32)
        if len(lit):
            reach = np.full(len(lit), 0.998, np.float32)
            hit = self.scene.run(
                np.ascontiguousarray(start[lit]),
                np.ascontiguousarray(towards[lit]),
                dists=reach,
                query="OCCLUDED",
            )
            free = lit[hit < 0]
            out[free] = geometry[free, None] * light.radiance
        return out

    def bounced(self, points: np.ndarray, normals: np.ndarray, rays: int) -> np.ndarray:
        """(k, 3) irradiance that comes by way of other surfaces."""
        total = np.zeros((len(points), 3), np.float32)
        start = (points + LIFT * normals).astype(np.float32)
        for _ in range(rays):
            way = self._cosine(normals)
            found = self.scene.run(start, way, output=1)
            face = found["primID"]
            hit = np.flatnonzero(face >= 0)
            at = start[hit] + found["tfar"][hit, None] * way[hit]
            side = self.normals[face[hit]]
            side = side * np.where((side * way[hit]).sum(1, keepdims=True) > 0, -1, 1)
            # Cosine-weighted: irradiance is pi times the mean radiance, which is E albedo / pi.
            light = self.direct(at, side, 1) * self.given.albedo[face[hit]]
            # Rays that end beside a lamp bring fireflies; what they hold is lost, not spread.
            total[hit] += np.minimum(light, FIREFLY * light.mean()) / rays
        return LATER_BOUNCES * total

    def _cosine(self, normals: np.ndarray) -> np.ndarray:
        """Directions around the normals, cosine-weighted: a point of the unit sphere on top."""
        ball = self.rng.normal(size=normals.shape)
        ball /= np.linalg.norm(ball, axis=1, keepdims=True)
        way = normals + 0.999 * ball
        return np.ascontiguousarray(way / np.linalg.norm(way, axis=1, keepdims=True), np.float32)


def smooth(
    light: np.ndarray, normals: np.ndarray, depth: np.ndarray, ids: np.ndarray, passes: int = 4
) -> np.ndarray:
    """(H, W, 3) irradiance averaged along surfaces: an edge-avoiding a-trous filter
    (Dammertz et al. 2010) guided by (H, W, 3) normals, (H, W) depth and ids."""
    height, width = depth.shape
    kernel = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
    rows, columns = np.arange(height), np.arange(width)
    for level in range(passes):
        total, weights = np.zeros_like(light), np.zeros((height, width, 1), np.float32)
        for dy, wy in zip(range(-2, 3), kernel, strict=True):
            r = np.clip(rows + dy * 2**level, 0, height - 1)
            for dx, wx in zip(range(-2, 3), kernel, strict=True):
                c = np.clip(columns + dx * 2**level, 0, width - 1)
                at = np.ix_(r, c)
                weight = (wy * wx) * (ids[at] == ids)
                weight = weight * np.clip((normals[at] * normals).sum(-1), 0, 1) ** 16
                weight *= np.exp(-np.abs(depth[at] - depth) / (0.03 * 2**level * depth))
                weight = weight.astype(np.float32)[..., None]
                total += weight * light[at]
                weights += weight
        light = total / np.maximum(weights, 1e-8)
    return light
