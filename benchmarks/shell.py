"""The empty room of a seed: floor, walls, ceiling, skirting, window, door, pictures, rug.

Room frame: y up, floor at y = 0, x right, z towards the photographer, metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cast_nodes.mesh_data import Material, MeshData

from . import textures


@dataclass(frozen=True)
class Box:
    """The room's inner planes."""

    left: float
    right: float
    back: float
    front: float
    ceiling: float


@dataclass(frozen=True, eq=False)
class AreaLight:
    """A shining rectangle.

    Attributes:
        corner, side_a, side_b: (3,) metres, room frame.
        normal: (3,) where it shines.
        radiance: (3,) linear RGB.
    """

    corner: np.ndarray
    side_a: np.ndarray
    side_b: np.ndarray
    normal: np.ndarray
    radiance: np.ndarray

    @property
    def area(self) -> float:
        return float(np.linalg.norm(np.cross(self.side_a, self.side_b)))


@dataclass(frozen=True, eq=False)
class Shell:
    """The room's surfaces as one mesh in the room frame, and its lights.

    Attributes:
        glowing: (m,) bool, faces that shine by themselves (window panes).
    """

    box: Box
    mesh: MeshData
    glowing: np.ndarray
    lights: tuple[AreaLight, ...]


class RoomBuilder:
    """Collects textured rectangles."""

    def __init__(self) -> None:
        self.vertices: list[np.ndarray] = []
        self.uv: list[np.ndarray] = []
        self.material: list[int] = []
        self.glow: list[bool] = []
        self.materials: list[Material] = []

    def paint(self, pixels: np.ndarray) -> int:
        self.materials.append(Material.textured(pixels))
        return len(self.materials) - 1

    def colour(self, srgb) -> int:
        self.materials.append(Material.coloured(srgb))
        return len(self.materials) - 1

    def rectangle(self, corner, a, b, material: int, side: float = 0.0, glow: bool = False) -> None:
        """A rectangle with sides a, b; its texture repeats every ``side`` metres (0: fits once)."""
        corner, a, b = (np.asarray(v, float) for v in (corner, a, b))
        self.vertices.append(np.stack([corner, corner + a, corner + a + b, corner + b]))
        u, v = (np.linalg.norm(a) / side, np.linalg.norm(b) / side) if side else (1.0, 1.0)
        self.uv.append(np.array([[0, v], [u, v], [u, 0], [0, 0]]))
        self.material.append(material)
        self.glow.append(glow)

    def block(self, low, high, material: int) -> None:
        """An axis-aligned block."""
        low, high = np.minimum(low, high), np.maximum(low, high)
        for axis in range(3):
            a, b = np.zeros(3), np.zeros(3)
            a[(axis + 1) % 3], b[(axis + 2) % 3] = (high - low)[[(axis + 1) % 3, (axis + 2) % 3]]
            self.rectangle(low, a, b, material)
            self.rectangle(high, -a, -b, material)

    def mesh(self) -> tuple[MeshData, np.ndarray]:
        n = len(self.vertices)
        faces = (np.array([[0, 1, 2], [0, 2, 3]]) + 4 * np.arange(n)[:, None, None]).reshape(-1, 3)
        data = MeshData(
            np.concatenate(self.vertices),
            faces,
            np.repeat(self.material, 2),
            tuple(self.materials),
            np.concatenate(self.uv),
        )
        return data, np.repeat(self.glow, 2)


@dataclass(frozen=True)
class _Wall:
    """A wall as seen from inside: origin at its left foot, ``along`` to the right, inward."""

    origin: tuple[float, float, float]
    along: tuple[float, float, float]
    inward: tuple[float, float, float]
    length: float

    def point(self, across: float, height: float, out: float) -> np.ndarray:
        o, a, n = (np.asarray(v) for v in (self.origin, self.along, self.inward))
        return o + across * a + [0, height, 0] + out * n


def _walls(box: Box) -> dict[str, _Wall]:
    wide, deep = box.right - box.left, box.front - box.back
    return {
        "back": _Wall((box.left, 0, box.back), (1, 0, 0), (0, 0, 1), wide),
        "left": _Wall((box.left, 0, box.front), (0, 0, -1), (1, 0, 0), deep),
        "right": _Wall((box.right, 0, box.back), (0, 0, 1), (-1, 0, 0), deep),
        "front": _Wall((box.right, 0, box.front), (-1, 0, 0), (0, 0, -1), wide),
    }


def make_shell(rng: np.random.Generator) -> Shell:
    """A room 3.6–6 m wide, the photographer at z = 0 near its front wall."""
    wide = rng.uniform(3.6, 6.0)
    box = Box(
        -wide / 2, wide / 2, -rng.uniform(3.2, 5.5), rng.uniform(0.4, 1.6), rng.uniform(2.35, 2.8)
    )
    b = RoomBuilder()
    pixels, side = textures.FLOORS[rng.integers(len(textures.FLOORS))](rng)
    if rng.random() < 0.5:
        pixels = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    deep = box.front - box.back
    b.rectangle((box.left, 0, box.front), (wide, 0, 0), (0, 0, -deep), b.paint(pixels), side)
    b.rectangle(
        (box.left, box.ceiling, box.back), (wide, 0, 0), (0, 0, deep), b.colour((238, 237, 234))
    )
    walls = _walls(box)
    pixels, side = textures.WALLS[rng.integers(len(textures.WALLS))](rng)
    common = b.paint(pixels)
    for name, wall in walls.items():
        paint = common
        if name == "back" and rng.random() < 0.3:  # an accent wall
            paint = b.paint(textures.plaster(rng)[0])
        length = wall.length * np.asarray(wall.along)
        b.rectangle(wall.origin, length, (0, box.ceiling, 0), paint, side)
    white = b.colour(np.full(3, rng.uniform(205, 240)))
    height, depth = rng.uniform(0.05, 0.12), 0.014
    for wall in walls.values():
        b.block(wall.point(0, 0, 0), wall.point(wall.length, height, depth), white)

    lights = [_ceiling_lamp(box, rng)]
    window_wall = rng.choice(["left", "right", "front", "back"], p=[0.35, 0.35, 0.15, 0.15])
    lights.append(_window(b, walls[window_wall], box, rng, white))
    if window_wall != "front":  # light from the rest of the flat behind the photographer
        lights.append(_opening_behind(walls["front"], box, rng))
    free = [n for n in ("back", "left", "right") if n != window_wall]
    if rng.random() < 0.4:
        _door(b, walls[free.pop(rng.integers(len(free)))], rng, white)
    for name in free:
        if rng.random() < 0.55:
            _picture(b, walls[name], rng)
    if rng.random() < 0.4:
        _rug(b, box, rng)
    mesh, glowing = b.mesh()
    return Shell(box, mesh, glowing, tuple(lights))


def _light(corner, a, b, normal, radiance) -> AreaLight:
    return AreaLight(*(np.asarray(v, float) for v in (corner, a, b, normal, radiance)))


def _ceiling_lamp(box: Box, rng: np.random.Generator) -> AreaLight:
    x, z, side = rng.uniform(-0.6, 0.6), 0.5 * (box.back + box.front) + rng.uniform(-0.5, 0.5), 0.5
    warm = np.array([1.0, rng.uniform(0.80, 0.92), rng.uniform(0.58, 0.78)]) * rng.uniform(1, 12)
    corner = (x - side / 2, box.ceiling - 0.03, z - side / 2)
    return _light(corner, (side, 0, 0), (0, 0, side), (0, -1, 0), warm)


def _window(
    b: RoomBuilder, wall: _Wall, box: Box, rng: np.random.Generator, white: int
) -> AreaLight:
    """Panes a little in front of the wall, framed; shines like an overcast sky."""
    width = min(rng.uniform(1.1, 2.2), wall.length - 0.6)
    start = rng.uniform(0.3, wall.length - width - 0.3)
    sill, head = rng.uniform(0.75, 1.0), min(box.ceiling - 0.2, rng.uniform(2.0, 2.3))
    sky = np.array([0.86, 0.94, 1.0]) * rng.uniform(7, 14)
    pane = b.colour((246, 250, 255))
    along = width * np.asarray(wall.along)
    b.rectangle(wall.point(start, sill, 0.006), along, (0, head - sill, 0), pane, glow=True)
    bar = 0.03
    for across in np.linspace(start, start + width, int(rng.integers(2, 4))):
        b.block(wall.point(across - bar, sill, 0), wall.point(across + bar, head, 0.035), white)
    for y in (sill, head):
        b.block(
            wall.point(start - bar, y - bar, 0),
            wall.point(start + width + bar, y + bar, 0.04),
            white,
        )
    b.block(
        wall.point(start - 0.06, sill - 0.03, 0),
        wall.point(start + width + 0.06, sill, 0.14),
        white,
    )
    return _light(wall.point(start, sill, 0.05), along, (0, head - sill, 0), wall.inward, sky)


def _opening_behind(wall: _Wall, box: Box, rng: np.random.Generator) -> AreaLight:
    width = 0.6 * wall.length
    radiance = np.array([1.0, 0.96, 0.9]) * rng.uniform(1.0, 4.0)
    along = width * np.asarray(wall.along)
    return _light(
        wall.point(0.2 * wall.length, 0.9, 0.02), along, (0, 1.2, 0), wall.inward, radiance
    )


def _door(b: RoomBuilder, wall: _Wall, rng: np.random.Generator, white: int) -> None:
    start = rng.uniform(0.2, max(0.25, wall.length - 1.2))
    leaf = b.colour(np.array([(222, 218, 210), (150, 108, 72), (120, 92, 70)])[rng.integers(3)])
    b.block(wall.point(start - 0.08, 0, 0), wall.point(start + 0.98, 2.08, 0.02), white)
    b.block(wall.point(start, 0, 0), wall.point(start + 0.9, 2.0, 0.035), leaf)
    knob = b.colour((150, 150, 150))
    b.block(wall.point(start + 0.8, 1.0, 0), wall.point(start + 0.86, 1.03, 0.09), knob)


def _picture(b: RoomBuilder, wall: _Wall, rng: np.random.Generator) -> None:
    width, height = rng.uniform(0.3, 1.1), rng.uniform(0.3, 0.8)
    across = rng.uniform(0.3, max(0.35, wall.length - width - 0.3))
    foot = rng.uniform(1.2, 1.5)
    frame = b.colour(np.array([(40, 34, 30), (230, 228, 224), (120, 84, 52)])[rng.integers(3)])
    b.block(wall.point(across, foot, 0), wall.point(across + width, foot + height, 0.02), frame)
    rim = 0.025
    b.rectangle(
        wall.point(across + rim, foot + rim, 0.0215),
        (width - 2 * rim) * np.asarray(wall.along),
        (0, height - 2 * rim, 0),
        b.paint(textures.picture(rng)[0]),
    )


def _rug(b: RoomBuilder, box: Box, rng: np.random.Generator) -> None:
    a, c = rng.uniform(1.4, 2.4), rng.uniform(1.1, 1.8)
    x = rng.uniform(box.left + 0.2, box.right - 0.2 - a)
    z = rng.uniform(box.back + 0.5 + c, max(box.back + 0.6 + c, -0.9))
    b.rectangle((x, 0.002, z), (a, 0, 0), (0, 0, -c), b.paint(textures.rug(rng)[0]))
