"""Groups of things that touch as they do in rooms, built so that every contact is exact.

A group stands in a frame of its own: y up, the floor at y = 0, for those at a wall the wall at
z = 0 with the room on its +z side. Contacts come from :func:`scene_contact.travel` or from the
extent of the corners, so they are exact but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from cast_nodes.crossings import crossings
from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import read_mesh

from . import register_shapes as furniture
from . import scene_shapes as shapes
from .register_shapes import Maker, make_shape
from .register_stand import turn
from .register_stock import Piece, Stock
from .scene_contact import rests_stably, travel

Target = int | str
"""Another thing's number, "floor", "wall" or "ceiling"."""


@dataclass(frozen=True, eq=False)
class Thing:
    """A piece at its place."""

    piece: Piece
    pose: Sim3

    @cached_property
    def vertices(self) -> np.ndarray:
        """(n, 3) in the group's or the room's frame."""
        return self.pose.apply(read_mesh(self.piece.mesh).vertices)

    @property
    def triangles(self) -> np.ndarray:
        """(m, 3, 3)."""
        return self.vertices[read_mesh(self.piece.mesh).faces]

    @property
    def low(self) -> np.ndarray:
        return self.vertices.min(0)

    @property
    def high(self) -> np.ndarray:
        return self.vertices.max(0)

    def moved(self, by: Sequence[float] | np.ndarray) -> Thing:
        """The thing shifted."""
        pose = self.pose
        return Thing(self.piece, replace(pose, translation=pose.translation + np.asarray(by)))

    def at(self, parent: Sim3) -> Thing:
        """The thing in the frame that ``parent`` maps to."""
        return Thing(self.piece, parent @ self.pose)


@dataclass
class Group:
    """Things that belong together and how they touch.

    Attributes:
        things: in their order; the first carries the others or stands beside them.
        contacts: (subject, type, target), the true relations.
        at_wall: its frame's z = 0 is a wall.
        from_ceiling: its y is counted down from the ceiling.
    """

    things: list[Thing] = field(default_factory=list)
    contacts: list[tuple[int, str, Target]] = field(default_factory=list)
    at_wall: bool = False
    from_ceiling: bool = False

    def add(self, thing: Thing, *contacts: tuple[str, Target]) -> int:
        """Adds a thing with its contacts; returns its number."""
        number = len(self.things)
        self.things.append(thing)
        self.contacts += [(number, kind, target) for kind, target in contacts]
        return number


def new_thing(rng: np.random.Generator, piece: Piece, rotation: np.ndarray | None = None) -> Thing:
    """The piece in about its own size at the origin, resting on y = 0."""
    rotation = np.eye(3) if rotation is None else rotation
    scale = piece.metres_per_unit * rng.uniform(0.95, 1.05)
    thing = Thing(piece, Sim3(rotation, np.zeros(3), scale))
    middle = (thing.low + thing.high) / 2
    return thing.moved([-middle[0], -thing.low[1], -middle[2]])


def made(rng: np.random.Generator, maker: Maker) -> Piece:
    """A piece of a procedural kind."""
    return Piece(make_shape(maker, rng), maker.__name__.replace("_", " "))


def centre_of(thing: Thing) -> np.ndarray:
    """(3,) the middle of its surface, taken for its centre of mass."""
    return thing.pose.apply(thing.piece.samples).mean(0)


STABLE_M = 0.006
CLEARANCE_M = 0.02
TRIES = 12


def dropped(thing: Thing, others: Sequence[Thing], onto: int) -> Thing | None:
    """The thing let down along y until it touches ``others[onto]`` first and rests on it.

    None when another is met first, none is met, or it would tip over.
    """
    falls = [travel(thing.triangles, other.triangles, 1, -1) for other in others]
    least = int(np.argmin(falls))
    if least != onto or not np.isfinite(falls[onto]):
        return None
    down = thing.moved([0, -falls[onto], 0])
    return down if steady(down, others[onto]) else None


def steady(thing: Thing, carrier: Thing) -> bool:
    """Its centre is well over what it stands on, which is level under its whole foot."""
    bottom = thing.low[1]
    foot = thing.vertices[thing.vertices[:, 1] <= bottom + 0.004]
    line, height, _ = crossings(carrier.triangles, foot, 1)
    held = np.zeros(len(foot), bool)
    held[line[np.abs(height - bottom) < 0.004]] = True
    return rests_stably(foot[held], centre_of(thing), bottom, STABLE_M)


# --- things on the floor ----------------------------------------------------------------------


def on_floor(rng: np.random.Generator, stock: Stock) -> Group | None:
    """One piece of furniture."""
    piece = stock.pick(rng, 1, 0)[0]
    if piece.hanging:
        return None
    thing = new_thing(rng, piece)
    if not rests_stably(thing.vertices, centre_of(thing), 0.0, STABLE_M):
        return None
    group = Group()
    group.add(thing, ("on", "floor"))
    return group


def pair(rng: np.random.Generator, stock: Stock) -> Group | None:
    """Two chests or seats side by side that touch."""
    group = Group()
    kinds = (furniture.crate, furniture.crate, furniture.armchair, furniture.pouf)
    first = new_thing(rng, made(rng, kinds[rng.integers(len(kinds))]))
    second = new_thing(rng, made(rng, furniture.crate))
    gap = second.low[0] - first.high[0]
    second = second.moved([1.0 - gap, 0, rng.uniform(-0.08, 0.08)])
    second = second.moved([-travel(second.triangles, first.triangles, 0, -1), 0, 0])
    group.add(first, ("on", "floor"))
    group.add(second, ("on", "floor"), ("against", 0))
    return group


SMALL: tuple[Maker, ...] = (
    shapes.block, shapes.book, furniture.vase, furniture.desk_lamp, furniture.carton, furniture.mug,
    furniture.screen,
)  # fmt: skip
FLAT: tuple[Maker, ...] = (shapes.block, shapes.book, shapes.block)


def _small(rng: np.random.Generator, stock: Stock) -> Piece:
    models = [m for m in stock.models if m.small and not m.name.startswith("basketball")]
    if models and rng.random() < 0.35:
        return models[rng.integers(len(models))]
    return made(rng, SMALL[rng.integers(len(SMALL))])


def _put_on_top(rng, stock: Stock, group: Group, carrier: int, count: int) -> None:
    """Single things, stacks and bowls on the top of a carrier; as many as find a place."""
    top = group.things[carrier]
    for _ in range(count):
        kind = rng.random()
        for _ in range(TRIES):
            if kind < 0.35:
                column = [made(rng, FLAT[rng.integers(len(FLAT))]) for _ in range(2)]
                column += [_small(rng, stock)] if rng.random() < 0.5 else []
            elif kind < 0.55:
                column = [made(rng, shapes.bowl), made(rng, shapes.ball)]
            else:
                column = [_small(rng, stock)]
            if _stacked(rng, group, top, carrier, column):
                break


def _stacked(rng, group: Group, top: Thing, carrier: int, column: Sequence[Piece]) -> bool:
    """Lets a column of pieces down on a random place of a top; keeps it when all of them rest."""
    placed: list[Thing] = []
    for level, piece in enumerate(column):
        thing = new_thing(rng, piece, turn(rng.uniform(-np.pi, np.pi)))
        half = (thing.high - thing.low) / 2
        if level == 0:
            low, high = top.low + half + 0.01, top.high - half - 0.01
            if (low > high)[[0, 2]].any():
                return False
            below, spot = top, [rng.uniform(low[i], high[i]) for i in (0, 2)]
        else:
            below = placed[-1]
            middle, wide = (below.low + below.high) / 2, below.high - below.low
            jitter = 0.0 if piece.name == "ball" else 0.06
            if piece.name != "ball" and (half[[0, 2]] > 0.75 * wide[[0, 2]]).any():
                return False
            spot = [middle[i] + jitter * wide[i] * rng.uniform(-1, 1) for i in (0, 2)]
        thing = thing.moved([spot[0], below.high[1] + 0.05, spot[1]])
        if any(_beside(thing, other) for other in group.things[carrier + 1 :]):
            return False
        if piece.name == "ball":
            thing = thing.moved([0, -travel(thing.triangles, below.triangles, 1, -1), 0])
        else:
            down = dropped(thing, [below], 0)
            if down is None:
                return False
            thing = down
        placed.append(thing)
    target = carrier
    for thing in placed:
        kind = "in" if thing.piece.name == "ball" else "on"
        target = group.add(thing, (kind, target))
    return True


def _near(one: Thing, other: Thing, margin: float = CLEARANCE_M) -> bool:
    """Their boxes come nearer than a margin."""
    apart = (one.low > other.high + margin) | (other.low > one.high + margin)
    return not apart.any()


def _beside(one: Thing, other: Thing) -> bool:
    """Seen from above their boxes come nearer than the clearance."""
    apart = (one.low > other.high + CLEARANCE_M) | (other.low > one.high + CLEARANCE_M)
    return not apart[[0, 2]].any()


def table_group(rng: np.random.Generator, stock: Stock, count: int = 0) -> Group | None:
    """A table with things, stacks or a bowl on it."""
    group = Group()
    flat = [m for m in stock.models if m.name.split("_")[0] in ("table", "desk", "oak", "stool")]
    flat = [m for m in flat if "chair" not in m.name and "cloth" not in m.name]
    if flat and rng.random() < 0.4:
        carrier = new_thing(rng, flat[rng.integers(len(flat))])
    else:
        carrier = new_thing(rng, made(rng, shapes.side_table))
    group.add(carrier, ("on", "floor"))
    _put_on_top(rng, stock, group, 0, count or int(rng.integers(1, 4)))
    return group if len(group.things) > 1 else None


def bowl_group(rng: np.random.Generator, stock: Stock) -> Group | None:
    """A bowl with a ball on a low table."""
    group = Group()
    group.add(new_thing(rng, made(rng, shapes.side_table)), ("on", "floor"))
    for _ in range(TRIES):
        column = [made(rng, shapes.bowl), made(rng, shapes.ball)]
        if _stacked(rng, group, group.things[0], 0, column):
            return group
    return None


def stack_group(rng: np.random.Generator, stock: Stock) -> Group | None:
    """A stack of two or three boxes and books on a low table, something small on some of them."""
    group = Group()
    group.add(new_thing(rng, made(rng, shapes.side_table)), ("on", "floor"))
    for _ in range(TRIES):
        column = [made(rng, FLAT[rng.integers(len(FLAT))]) for _ in range(int(rng.integers(2, 4)))]
        column.sort(key=lambda p: -p.footprint * p.metres_per_unit)
        if rng.random() < 0.3:
            column[-1] = _small(rng, stock)
        if _stacked(rng, group, group.things[0], 0, column):
            return group
    return None


# --- things at walls --------------------------------------------------------------------------


def _to_wall(thing: Thing) -> Thing:
    return thing.moved([0, 0, -thing.low[2]])


def against_wall(rng: np.random.Generator, stock: Stock) -> Group | None:
    """A chest, seat or sofa with its back to the wall, now and then with something on it."""
    group = Group(at_wall=True)
    sofas = [
        m for m in stock.models if m.name.split("_")[0] in ("couch", "television", "winchester")
    ]
    if sofas and rng.random() < 0.4:
        thing = new_thing(rng, sofas[rng.integers(len(sofas))])
    else:
        kind = (furniture.crate, furniture.crate, furniture.armchair)[rng.integers(3)]
        thing = new_thing(rng, made(rng, kind))
    group.add(_to_wall(thing), ("on", "floor"), ("against", "wall"))
    if thing.piece.name == "crate":
        _put_on_top(rng, stock, group, 0, int(rng.integers(0, 3)))
        behind = [t for t in group.things[1:] if t.low[2] < 0.04]
        if behind:
            return None
    return group


def shelf_group(rng: np.random.Generator, stock: Stock, count: int = 0) -> Group | None:
    """A shelf with its back to the wall and things on its inner boards, some side by side."""
    group = Group(at_wall=True)
    shelf = _to_wall(new_thing(rng, made(rng, shapes.bookshelf)))
    group.add(shelf, ("on", "floor"), ("against", "wall"))
    middle = (shelf.low + shelf.high) / 2
    _, height, facing = crossings(shelf.triangles, middle[None], 1)
    order = np.argsort(height)
    height, facing = height[order], facing[order]
    boards = [
        (float(a), float(b))
        for a, b, up in zip(height[:-1], height[1:], facing[:-1], strict=True)
        if up > 0 and b - a > 0.25 and a > 0.25
    ]
    wanted = count or int(rng.integers(2, 5))
    inner = shelf.low[0] + 0.03, shelf.high[0] - 0.03
    for number in range(4 * wanted):
        if len(group.things) > wanted or not boards:
            break
        low, high = boards[(len(group.things) - 1 + number) % len(boards)]
        if rng.random() < 0.5:
            many = min(int(rng.integers(1, 4)), wanted + 1 - len(group.things))
            _row_of_books(rng, group, low, high, inner, many)
        else:
            thing = new_thing(rng, _small(rng, stock), turn(rng.normal(0, 0.3)))
            _into_shelf(rng, group, thing, low, high, inner)
    return group if len(group.things) > 1 else None


def _into_shelf(rng, group: Group, thing: Thing, low, high, inner) -> bool:
    """Sets a thing down on a board where it fits."""
    shelf, half = group.things[0], (thing.high - thing.low) / 2
    if (
        2 * half[1] > high - low - 0.03
        or 2 * half[2] > np.ptp([shelf.low[2], shelf.high[2]]) - 0.03
    ):
        return False
    if 2 * half[0] > inner[1] - inner[0] - 0.04:
        return False
    x = rng.uniform(inner[0] + half[0], inner[1] - half[0])
    thing = thing.moved([x, low + 0.015, shelf.high[2] - half[2] - rng.uniform(0.005, 0.02)])
    thing = thing.moved([0, -travel(thing.triangles, shelf.triangles, 1, -1), 0])
    if any(_near(thing, other) for other in group.things[1:]) or not steady(thing, shelf):
        return False
    group.add(thing, ("in", 0))
    return True


def _row_of_books(rng, group: Group, low, high, inner, count: int) -> None:
    """Standing books that touch each other."""
    before = len(group.things)
    first = new_thing(rng, made(rng, shapes.upright_book))
    if not _into_shelf(rng, group, first, low, high, (inner[0], inner[1] - 0.25)):
        return
    for _ in range(count - 1):
        last = group.things[-1]
        book = new_thing(rng, made(rng, shapes.upright_book))
        if book.high[1] > high - low - 0.03:
            continue
        front = last.high[2] - book.high[2] - rng.uniform(-0.004, 0.004)
        book = book.moved([last.high[0] + 0.2 - book.low[0], low + 0.015, front])
        book = book.moved([-travel(book.triangles, last.triangles, 0, -1), 0, 0])
        book = book.moved([0, -travel(book.triangles, group.things[0].triangles, 1, -1), 0])
        others = [t for t in group.things[1:-1]] if len(group.things) > before + 1 else []
        others = others + group.things[1:before]
        if book.high[0] > inner[1] - 0.01 or any(_near(book, o, 0.001) for o in others):
            break
        group.add(book, ("in", 0), ("against", len(group.things) - 1))


def leaning(rng: np.random.Generator, stock: Stock) -> Group | None:
    """A plank, ladder or picture that stands on the floor and leans against the wall."""
    kinds = (shapes.plank, shapes.ladder, shapes.picture)
    angle = rng.uniform(np.deg2rad(8), np.deg2rad(18))
    c, s = np.cos(angle), np.sin(angle)
    back = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])  # y goes towards -z, where the wall is
    thing = new_thing(rng, made(rng, kinds[rng.integers(3)]), back)
    group = Group(at_wall=True)
    group.add(_to_wall(thing), ("on", "floor"), ("leaning", "wall"))
    return group


def wall_picture(rng: np.random.Generator, stock: Stock) -> Group | None:
    """A picture that hangs flat on the wall."""
    thing = _to_wall(new_thing(rng, made(rng, shapes.picture)))
    group = Group(at_wall=True)
    group.add(thing.moved([0, rng.uniform(1.15, 1.5), 0]), ("hanging", "wall"))
    return group


def pendant_lamp(rng: np.random.Generator, stock: Stock) -> Group | None:
    """A lamp that hangs from the ceiling."""
    thing = new_thing(rng, made(rng, shapes.pendant))
    group = Group(from_ceiling=True)
    group.add(thing.moved([0, -thing.high[1], 0]), ("hanging", "ceiling"))
    return group


KINDS: dict[str, tuple[Callable[..., Group | None], float]] = {
    "floor": (on_floor, 1.6),
    "table": (table_group, 1.6),
    "shelf": (shelf_group, 1.0),
    "against": (against_wall, 1.2),
    "leaning": (leaning, 1.0),
    "stack": (stack_group, 1.0),
    "picture": (wall_picture, 0.5),
    "pendant": (pendant_lamp, 0.5),
    "pair": (pair, 1.0),
    "bowl": (bowl_group, 0.6),
}
"""Makers of groups and how often they are wanted."""
