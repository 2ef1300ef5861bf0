"""Pictures of an arrangement by ray casting (Embree): colours, who is where, what lies behind.

One primary, one sun, one sky and (on glossy things) one mirror ray per pixel; each pixel of a
4 x 4 tile looks at another part of sun and sky, and a filter over the tile that respects
outlines brings the sixteen together: soft shadows at the price of hard ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from cast_nodes.mesh_data import linear_from_srgb, srgb_from_linear

from .arrange import GRID, Arrangement
from .looks import BACK, FLOOR, LEFT, RIGHT, RUG, SKIRTING, Look, Surface
from .models import Model

LAYERS = 3
"""How many see-through surfaces a ray passes."""

SKY_REACH = 1.2
"""Metres within which things darken each other's ambient light, in rooms."""

LIFT = 2e-3
FAR = 1e3


@dataclass(frozen=True, eq=False)
class View:
    """A camera: rays from ``eye`` through points (x, y, 1) of ``world_from_camera``'s plane.

    Attributes:
        eye: (3,).
        axes: (3, 3) columns: camera x (right), y (down), z (forward) in the world.
    """

    eye: np.ndarray
    axes: np.ndarray

    def plane(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(k, 2) plane coordinates of (k, 3) points, and (k,) their depth."""
        local = (points - self.eye) @ self.axes
        return local[:, :2] / np.maximum(local[:, 2:], 1e-9), local[:, 2]

    def rays(self, window: np.ndarray, side: int) -> np.ndarray:
        """(side * side, 3) directions through the pixels of a window (x0, y0, x1, y1)."""
        x = window[0] + (np.arange(side) + 0.5) / side * (window[2] - window[0])
        y = window[1] + (np.arange(side) + 0.5) / side * (window[3] - window[1])
        gx, gy = np.meshgrid(x, y)
        flat = np.stack([gx.ravel(), gy.ravel(), np.ones(side * side)], 1)
        return np.ascontiguousarray(flat @ self.axes.T, np.float32)


@dataclass(frozen=True, eq=False)
class Hits:
    """Where rays land: ``face`` (k,) int, -1 for none; ``t``, ``u``, ``v`` (k,) float32."""

    face: np.ndarray
    t: np.ndarray
    u: np.ndarray
    v: np.ndarray


def cast(scene: EmbreeScene, origins: np.ndarray, directions: np.ndarray) -> Hits:
    found = scene.run(
        np.ascontiguousarray(origins, np.float32),
        np.ascontiguousarray(directions, np.float32),
        output=1,
    )
    return Hits(found["primID"], found["tfar"], found["u"], found["v"])


@lru_cache(maxsize=512)
def _solo(model: Model) -> EmbreeScene:
    scene = EmbreeScene()
    TriangleMesh(scene, np.ascontiguousarray(model.data.triangles, np.float32))
    return scene


@lru_cache(maxsize=512)
def heights(model: Model) -> np.ndarray:
    """(GRID, GRID) of a model's upper side over its own box (rows z, columns x), NaN beside it."""
    low, high = model.bounds
    z, x = np.meshgrid(
        low[2] + (np.arange(GRID) + 0.5) / GRID * (high[2] - low[2]),
        low[0] + (np.arange(GRID) + 0.5) / GRID * (high[0] - low[0]),
        indexing="ij",
    )
    origins = np.stack([x.ravel(), np.full(x.size, high[1] + 1), z.ravel()], 1)
    hits = cast(_solo(model), origins, np.tile([0.0, -1.0, 0.0], (x.size, 1)))
    out = np.where(hits.face >= 0, high[1] + 1 - hits.t, np.nan)
    return out.reshape(GRID, GRID)


class Traced:
    """An arrangement ready for rays.

    Attributes:
        item: (m,) per face: index of its thing, or -1 - surface for the surroundings.
    """

    def __init__(self, arrangement: Arrangement, rng: np.random.Generator) -> None:
        self.arrangement = arrangement
        triangles, item, material, normals, uv, local = [], [], [], [], [], []
        for index, thing in enumerate(arrangement.things):
            data = thing.model.data
            linear = thing.world_from_model[:3, :3]
            world = (data.vertices @ linear.T + thing.world_from_model[:3, 3]).astype(np.float32)
            triangles.append(world[data.faces])
            item.append(np.full(len(data.faces), index, np.int32))
            material.append(data.face_material.astype(np.int32))
            own = np.zeros_like(data.vertices) if data.normals is None else data.normals
            normals.append((own @ np.linalg.inv(linear)).astype(np.float32)[data.faces])
            own_uv = np.zeros((len(data.vertices), 2)) if data.uv is None else data.uv
            uv.append(own_uv.astype(np.float32)[data.faces])
            stretch = np.linalg.norm(linear, axis=0)
            local.append((data.vertices * stretch).astype(np.float32)[data.faces])
        for surface, quads in _shell(arrangement, rng):
            triangles.append(quads)
            item.append(np.full(len(quads), -1 - surface, np.int32))
            material.append(np.zeros(len(quads), np.int32))
            normals.append(np.zeros_like(quads))
            uv.append(np.zeros((len(quads), 3, 2), np.float32))
            local.append(quads)
        self.triangles = np.concatenate(triangles)
        self.item = np.concatenate(item)
        self.material = np.concatenate(material)
        self.normals = np.concatenate(normals)
        self.uv = np.concatenate(uv)
        self.local = np.concatenate(local)
        flat = np.cross(
            self.triangles[:, 1] - self.triangles[:, 0], self.triangles[:, 2] - self.triangles[:, 0]
        )
        self.flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-20)
        self.scene = EmbreeScene()
        TriangleMesh(self.scene, np.ascontiguousarray(self.triangles, np.float32))

    def items(self, view: View, window: np.ndarray, side: int) -> np.ndarray:
        """(side, side) int32, the thing at each pixel; negative where there is none."""
        rays = view.rays(window, side)
        hits = cast(self.scene, np.tile(view.eye, (len(rays), 1)), rays)
        return np.where(hits.face >= 0, self.item[hits.face], -99).reshape(side, side)

    def alone(self, view: View, window: np.ndarray, side: int, group: list[int]) -> np.ndarray:
        """(side, side) bool, what would be seen of the group if nothing stood before it."""
        rays = view.rays(window, side).astype(np.float64)
        out = np.zeros(side * side, bool)
        for index in group:
            thing = self.arrangement.things[index]
            back = np.linalg.inv(thing.world_from_model)
            eye = back[:3, :3] @ view.eye + back[:3, 3]
            hits = cast(_solo(thing.model), np.tile(eye, (len(rays), 1)), rays @ back[:3, :3].T)
            out |= hits.face >= 0
        return out.reshape(side, side)

    def shoot(
        self, view: View, window: np.ndarray, side: int, look: Look, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """((side, side, 3) float32 linear light, (side, side) int32 things)."""
        rays = view.rays(window, side)
        eye = np.tile(view.eye, (len(rays), 1)).astype(np.float32)
        pixel = float(window[2] - window[0]) / side
        total = np.zeros((len(rays), 3), np.float32)
        left = np.ones(len(rays), np.float32)
        who = np.full(len(rays), -99, np.int32)
        todo = np.arange(len(rays))
        start = eye
        for layer in range(LAYERS):
            hits = cast(self.scene, start[todo], rays[todo])
            missed = hits.face < 0
            total[todo[missed]] += left[todo[missed], None] * look.light.background
            todo, hits = todo[~missed], _select(hits, ~missed)
            if not len(todo):
                break
            points, normals, colour, alpha, gloss = self._surface(
                hits, rays[todo], start[todo], look, pixel
            )
            if layer == LAYERS - 1:
                alpha = np.ones_like(alpha)
            fresh = who[todo] == -99
            seen = fresh & (alpha > 0.02)
            who[todo[seen]] = self.item[hits.face[seen]]
            light = self._light(points, normals, hits, todo, side, look, layer == 0)
            shade = colour * light
            if layer == 0 and gloss.max() > 0.01:
                self._mirror(shade, points, normals, rays[todo], gloss, look, rng, pixel)
            total[todo] += (left[todo] * alpha)[:, None] * shade
            left[todo] *= 1 - alpha
            going = alpha < 0.98
            start = start.copy()
            start[todo] = points + rays[todo] * LIFT
            todo = todo[going]
            if not len(todo):
                break
        return total.reshape(side, side, 3), who.reshape(side, side)

    def _surface(self, hits: Hits, rays, origins, look: Look, pixel: float):
        """Points, normals towards the eye, linear colours, alpha and gloss of k hits."""
        face = hits.face
        weights = np.stack([1 - hits.u - hits.v, hits.u, hits.v], 1).astype(np.float32)
        points = origins + rays * hits.t[:, None]
        flat = self.flat[face]
        along = _dot(flat, rays)
        flat = np.where(along[:, None] > 0, -flat, flat)
        smooth = _mixed(self.normals[face], weights)
        length = np.sqrt(_dot(smooth, smooth))[:, None]
        smooth = np.where(_dot(smooth, flat)[:, None] < 0, -smooth, smooth)
        normals = np.where(length > 1e-3, smooth / np.maximum(length, 1e-6), flat).astype(
            np.float32
        )
        colour = np.empty((len(face), 3), np.float32)
        alpha = np.ones(len(face), np.float32)
        gloss = np.zeros(len(face), np.float32)
        foot = pixel * hits.t / np.maximum(np.abs(along) / np.sqrt(_dot(rays, rays)), 0.05)
        place = _mixed(self.local[face], weights)
        code = self.item[face].astype(np.int64) * 1024 + self.material[face]
        order = np.argsort(code, kind="stable")
        bounds = np.flatnonzero(np.diff(code[order])) + 1
        for mine in np.split(order, bounds):
            item, material = int(self.item[face[mine[0]]]), int(self.material[face[mine[0]]])
            surface = look.surroundings[-1 - item] if item < 0 else look.things[item, material]
            gloss[mine] = surface.gloss
            if surface.own:
                uv = _mixed(self.uv[face[mine]], weights[mine])
                own, alpha[mine] = _own_colour(self.arrangement.things[item].model, material, uv)
                colour[mine] = own * surface.colour
                continue
            colour[mine] = surface.colour
            if surface.picture is not None:
                colour[mine] *= _boxed(
                    surface, place[mine], flat[mine], float(np.median(foot[mine]))
                )
        return points, normals, np.clip(colour, 0, 1), alpha, gloss

    def _light(self, points, normals, hits: Hits, pixels, side: int, look: Look, filtered: bool):
        """(k, 3) light that falls on k points."""
        light = look.light
        k = np.asarray((pixels // side) % 4 * 4 + (pixels % side) % 4)
        start = points + normals * LIFT
        a, b = _frame(light.sun)
        angle = 2 * np.pi * (k * 0.618034 % 1)
        radius = np.sqrt((k + 0.5) / 16) * np.tan(light.sun_width)
        sun = light.sun + radius[:, None] * (
            np.cos(angle)[:, None] * a + np.sin(angle)[:, None] * b
        )
        facing = normals @ light.sun.astype(np.float32)
        shone = np.zeros(len(points), np.float32)
        towards = np.flatnonzero(facing > 0)
        shone[towards] = self._free(start[towards], sun[towards], FAR)
        if light.bars:
            along = (points @ a.astype(np.float32)) / light.bars
            shone *= np.clip(3 * np.cos(2 * np.pi * along) + 1.8, 0, 1)
        # The sky: a cosine-weighted direction about each normal.
        azimuth, lift = 2 * np.pi * (k * 0.754878 % 1), (k * 5 % 16 + 0.5) / 16
        flat = np.sqrt(lift)
        t1, t2 = _frames(normals)
        away = (
            normals * np.sqrt(1 - lift)[:, None]
            + t1 * (flat * np.cos(azimuth))[:, None]
            + t2 * (flat * np.sin(azimuth))[:, None]
        )
        open_ = self._free(start, away, SKY_REACH * max(self.arrangement.scale, 0.15))
        if filtered:
            both = np.stack([shone, open_], 1)
            both = _tile_mean(both, self.item[hits.face], normals, pixels, side)
            shone, open_ = both[:, 0], both[:, 1]
        upness = (0.5 + 0.5 * normals[:, 1])[:, None]
        out = (light.ground + (light.sky - light.ground) * upness) * (0.25 + 0.75 * open_)[:, None]
        out = out + light.sun_colour * (np.maximum(facing, 0) * shone)[:, None]
        if light.lamp_colour.any():
            to_lamp = light.lamp - points
            square = np.maximum(_dot(to_lamp, to_lamp), 0.02 * self.arrangement.scale**2)
            cosine = np.maximum(_dot(normals, to_lamp) / np.sqrt(square), 0)
            out = out + light.lamp_colour * (cosine / square * (0.4 + 0.6 * open_))[:, None]
        return out.astype(np.float32)

    def _free(self, start: np.ndarray, towards: np.ndarray, reach: float) -> np.ndarray:
        """(k,) float32, 1 where nothing is met within ``reach`` (lengths of ``towards``)."""
        if not len(start):
            return np.zeros(0, np.float32)
        met = self.scene.run(
            np.ascontiguousarray(start, np.float32),
            np.ascontiguousarray(towards, np.float32),
            dists=np.full(len(start), reach, np.float32),
            query="OCCLUDED",
        )
        return (met < 0).astype(np.float32)

    def _mirror(self, shade, points, normals, rays, gloss, look: Look, rng, pixel) -> None:
        """Adds what glossy surfaces mirror, in flat light (Schlick's Fresnel term, 1994)."""
        mine = np.flatnonzero(gloss > 0.01)
        unit = rays[mine] / np.sqrt(_dot(rays[mine], rays[mine]))[:, None]
        n = normals[mine]
        cosine = np.clip(-_dot(unit, n), 0, 1)
        away = unit + 2 * cosine[:, None] * n + rng.normal(0, 0.015, n.shape)
        hits = cast(self.scene, points[mine] + n * LIFT, away)
        seen = np.tile(look.light.background, (len(mine), 1)).astype(np.float32)
        met = hits.face >= 0
        if met.any():
            _, there, colour, _, _ = self._surface(
                _select(hits, met), away[met].astype(np.float32), points[mine][met], look, pixel
            )
            up = (0.5 + 0.5 * there[:, 1])[:, None]
            seen[met] = (
                colour * (look.light.ground + (look.light.sky - look.light.ground) * up) * 0.9
            )
        share = (
            gloss[mine] + (1 - gloss[mine]) * (1 - cosine) ** 5 * np.minimum(gloss[mine] * 4, 1)
        )[:, None]
        shade[mine] = shade[mine] * (1 - share) + seen * share


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def _mixed(corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(k, d) of (k, 3, d) corner values."""
    out = corners[:, 0] * weights[:, :1]
    out += corners[:, 1] * weights[:, 1:2]
    out += corners[:, 2] * weights[:, 2:]
    return out


def _select(hits: Hits, which: np.ndarray) -> Hits:
    return Hits(hits.face[which], hits.t[which], hits.u[which], hits.v[which])


def _own_colour(model: Model, material: int, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(k, 3) linear and (k,) alpha of a model's own material."""
    kind = model.data.materials[material]
    base = np.asarray(kind.base_colour, np.float32)
    colour = np.tile(base[:3], (len(uv), 1))
    alpha = np.full(len(uv), base[3] if kind.alpha_mode == "BLEND" else 1.0, np.float32)
    texture = model.textures[material]
    if texture is not None:
        height, width = texture.shape[:2]
        x = np.minimum((np.mod(uv[:, 0], 1) * width).astype(np.int64), width - 1)
        y = np.minimum((np.mod(uv[:, 1], 1) * height).astype(np.int64), height - 1)
        picked = texture[y, x] / np.float32(255)
        colour = colour * linear_from_srgb(picked[:, :3]).astype(np.float32)
        if kind.alpha_mode == "MASK":
            alpha = (picked[:, 3] >= kind.alpha_cutoff).astype(np.float32)
    return colour, alpha


def _boxed(surface: Surface, place: np.ndarray, normals: np.ndarray, foot: float) -> np.ndarray:
    """(k, 3) texture colours, projected along each normal's largest axis."""
    assert surface.picture is not None
    axis = np.abs(normals).argmax(1)
    first = np.where(axis == 0, place[:, 2], place[:, 0]) / surface.side
    second = np.where(axis == 1, place[:, 2], place[:, 1]) / surface.side
    texel = surface.side / surface.picture[0].shape[0]
    level = int(np.clip(np.round(np.log2(max(foot / texel, 1))), 0, len(surface.picture) - 1))
    picture = surface.picture[level]
    n = picture.shape[0]
    x = np.mod(first, 1) * n - 0.5
    y = np.mod(second, 1) * n - 0.5
    x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - x0)[:, None].astype(np.float32), (y - y0)[:, None].astype(np.float32)
    x0, y0, x1, y1 = x0 % n, y0 % n, (x0 + 1) % n, (y0 + 1) % n
    top = picture[y0, x0] * (1 - fx) + picture[y0, x1] * fx
    return top * (1 - fy) + (picture[y1, x0] * (1 - fx) + picture[y1, x1] * fx) * fy


def _frame(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    helper = np.array([1.0, 0, 0]) if abs(direction[0]) < 0.8 else np.array([0, 0, 1.0])
    a = np.cross(direction, helper)
    a /= np.linalg.norm(a)
    return a, np.cross(direction, a)


def _frames(n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors across each normal (Duff et al., "Building an Orthonormal Basis", 2017)."""
    sign = np.where(n[:, 2] >= 0, 1.0, -1.0).astype(np.float32)
    a = -1 / (sign + n[:, 2])
    b = n[:, 0] * n[:, 1] * a
    first = np.stack([1 + sign * n[:, 0] ** 2 * a, sign * b, -sign * n[:, 0]], 1)
    second = np.stack([b, sign + n[:, 1] ** 2 * a, -n[:, 1]], 1)
    return first, second


def _tile_mean(values: np.ndarray, item, normals, pixels, side: int) -> np.ndarray:
    """(k, c): each value's mean over a 4 x 4 neighbourhood of the same thing and orientation."""
    grid = np.zeros((side + 3, side + 3, values.shape[1]), np.float32)
    who = np.full((side + 3, side + 3), -1000, np.int32)
    turn = np.zeros((side + 3, side + 3, 3), np.float32)
    y, x = pixels // side + 1, pixels % side + 1
    grid[y, x], who[y, x], turn[y, x] = values, item, normals
    total = np.zeros((side, side, values.shape[1]), np.float32)
    weight = np.zeros((side, side, 1), np.float32)
    own, own_turn = who[1 : side + 1, 1 : side + 1], turn[1 : side + 1, 1 : side + 1]
    for dy in range(4):
        for dx in range(4):
            window = (slice(dy, dy + side), slice(dx, dx + side))
            alike = (who[window] == own) & (np.einsum("yxc,yxc->yx", turn[window], own_turn) > 0.9)
            total += grid[window] * alike[..., None]
            weight += alike[..., None]
    mean = total / np.maximum(weight, 1)
    return mean[y - 1, x - 1]


def _shell(arrangement: Arrangement, rng: np.random.Generator):
    """(surface, (n, 3, 3) float32 triangles) of floor, walls, rug and skirting."""
    far = 8.0
    left, right = arrangement.sides
    x0, x1 = max(left, -far), min(right, far)
    z0 = -min(arrangement.back, far * 3)
    top = 4.0

    def quad(*corners):
        a, b, c, d = (np.array(p, np.float32) for p in corners)
        return np.stack([np.stack([a, b, c]), np.stack([a, c, d])])

    yield FLOOR, quad((x0, 0, z0), (x1, 0, z0), (x1, 0, far), (x0, 0, far))
    skirting = 0.0
    if arrangement.style == "room" and rng.random() < 0.5:
        skirting = rng.uniform(0.06, 0.14)
    if np.isfinite(arrangement.back):
        yield BACK, quad((x0, 0, z0), (x1, 0, z0), (x1, top, z0), (x0, top, z0))
        if skirting:
            z = z0 + 0.012
            yield SKIRTING, quad((x0, 0, z), (x1, 0, z), (x1, skirting, z), (x0, skirting, z))
    for surface, x in ((LEFT, left), (RIGHT, right)):
        if np.isfinite(x):
            yield surface, quad((x, 0, z0), (x, 0, far), (x, top, far), (x, top, z0))
    if arrangement.style in ("room", "outdoor", "studio") and rng.random() < 0.35:
        w, d = rng.uniform(0.6, 1.8), rng.uniform(0.5, 1.2)
        cx, cz = rng.uniform(-0.6, 0.6), rng.uniform(-0.2, 0.8)
        yield RUG, quad(
            (cx - w, 0.006, cz - d), (cx + w, 0.006, cz - d), (cx + w, 0.006, cz + d), (cx - w, 0.006, cz + d)
        )  # fmt: skip


def developed(light: np.ndarray, exposure: float) -> np.ndarray:
    """(h, w, 3) uint8 of linear light: its mean brought to ``exposure``, highlights bent."""
    grey = light.mean(2)
    mean = 0.5 * float(grey.mean()) + 0.5 * float(np.median(grey))
    scaled = light * (exposure / max(mean, 1e-6))
    scaled = scaled * (1 + scaled / 4) / (1 + 0.6 * scaled)  # Reinhard's extended curve, bent late
    return np.round(255 * srgb_from_linear(scaled)).astype(np.uint8)
