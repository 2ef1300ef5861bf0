"""One thing comes to what holds it: laid flat, from where along its view it can, down to where it
stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..planes import Plane
from .arrangement import Arrangement
from .contacts import clearance
from .descent import descend
from .evidence import UP, moved
from .measures import gap_of
from .pieces import FLAT, UPRIGHT, Piece, View

FLAT_RAD = float(np.radians(6.0))
"""What is nearly flat against a wall becomes so."""
DOUBTED = 3.5
"""A turn beyond this many sigmas of the photo is left."""
FLUSH = 1.75
"""So many sigmas may a thing that stands have to turn to be flush to a wall: many are not."""
SEATED = 0.01
"""Share of its size by which what holds a thing may be missed before other places are tried."""
BEARABLE = 4.0
"""Also where the photo would be wrong by so many sigmas."""
SEATS = (0.0, 1.0, -1.0, 2.0, -2.0)
"""These places, deviations along the view from where it was placed."""


def lift(piece: Piece, all_of: Arrangement) -> None:
    """Puts a thing upon what certainly carries it, and lets that be where it was placed: where the
    photo was read otherwise, it holds it no more."""
    for tie in all_of.of(piece):
        if not tie.certain or tie.kind != "rests":
            continue
        gap = gap_of(piece, tie, all_of.pieces, float("inf"))
        if gap is not None and abs(gap) > all_of.reach(piece):
            piece.start = moved(
                piece.now.pose, piece.now.middle, np.array([0, 0, 0, 0, -gap, 0, 0])
            )
            piece.put(piece.start)


def lay_flat(piece: Piece, all_of: Arrangement) -> None:
    """Turns a thing so that it lies flat on what it rests on or touches, where it nearly does."""
    ties = all_of.of(piece)
    rests = [t for t in ties if t.kind == "rests"]
    touches = [t for t in ties if t.kind == "touches" and isinstance(t.object, Plane)]
    leaning = any(t.kind == "leans" for t in ties)
    if rests and not leaning:
        under = rests[0].object
        down = -under.normal if isinstance(under, Plane) else -UP
        turn = piece.shape.stable_turn(piece.now.pose, down)
        if turn is not None and _bearable(piece, turn):
            piece.move(np.array([*turn, 0, 0, 0, 0]))
            piece.free = UPRIGHT
        for tie in touches:
            assert isinstance(tie.object, Plane)
            turn = piece.shape.stable_turn(piece.now.pose, -tie.object.normal, FLAT_RAD, False)
            if turn is not None and _headed_so(piece, turn[1]):
                piece.move(np.array([0, turn[1], 0, 0, 0, 0, 0]))
                if piece.free is UPRIGHT:
                    piece.free = FLAT
                break
    elif touches and not rests:
        plane = touches[0].object
        assert isinstance(plane, Plane)
        turn = piece.shape.stable_turn(piece.now.pose, -plane.normal, FLAT_RAD, False)
        if turn is not None and _bearable(piece, turn):
            piece.move(np.array([*turn, 0, 0, 0, 0]))
            piece.free = FLAT


def _headed_so(piece: Piece, yaw: float) -> bool:
    """Whether the photo is likely wrong by a turn about up."""
    doubt = np.sqrt(np.linalg.inv(piece.information)[1, 1])
    return abs(piece.change[1] + yaw) < FLUSH * float(doubt)


def _bearable(piece: Piece, turn: np.ndarray) -> bool:
    """Whether the photo leaves room for a turn, everything else following as it likes."""
    spread = np.linalg.inv(piece.information)[:3, :3]
    whole = piece.change[:3] + turn
    return float(whole @ np.linalg.solve(spread, whole)) <= DOUBTED**2


def seat(
    piece: Piece, all_of: Arrangement, others: Sequence[Piece], check: Callable[[], None]
) -> None:
    """A thing comes to what holds it; where it cannot from where it is, from elsewhere along the
    view, which the photo tells least."""
    rows, laid = all_of.rows([piece], others), piece.now
    best: tuple[float, View] | None = None
    away = laid.middle - all_of.camera
    gone = np.log(np.linalg.norm(away) / np.linalg.norm(piece.at_start - all_of.camera))
    doubt = float(np.sqrt(np.linalg.inv(piece.information)[6, 6]))
    for along in (0.0, *(k * doubt - gone for k in SEATS)):
        shift = np.array([0, 0, 0, *(np.expm1(along) * away), along])
        piece.put(moved(laid.pose, laid.middle, shift))
        descend([piece], rows, all_of.camera, check)
        wrong = max((row.wrong for row in rows()), default=0.0)
        cost = float(piece.change @ piece.information @ piece.change)
        if wrong > SEATED:
            cost = 1e6 * wrong
        if best is None or cost < best[0]:
            best = cost, piece.now
        if cost < BEARABLE**2 or not others:
            break
    assert best is not None
    piece.now = best[1]
    _roll(piece, all_of)


def _roll(piece: Piece, all_of: Arrangement) -> None:
    """What is round comes to the lowest place nearby, and is let to have been placed there."""
    on = [all_of.pieces[t.object] for t in all_of.of(piece)
          if t.kind == "rests" and isinstance(t.object, int)]  # fmt: skip
    if not on or not piece.shape.round:
        return
    reach = all_of.reach(piece)

    def resting(shift: np.ndarray) -> tuple[float, View]:
        """Height over that of now where it comes to rest, and it there."""
        view = View(piece, moved(piece.now.pose, piece.now.middle, shift))
        found = [clearance(view, other.now, reach) for other in on]
        return -min((f.gap for f in found if f), default=-np.inf), view

    place, step = np.zeros(7), 0.1 * piece.size
    height = resting(place)[0]
    while step > 0.005 * piece.size:
        tried = [place + step * np.eye(7)[k] * way for k in (3, 5) for way in (1, -1)]
        heights = [resting(t)[0] for t in tried]
        best = int(np.argmin(heights))
        if heights[best] < height - 1e-4 * piece.size:
            place, height = tried[best], heights[best]
        else:
            step /= 2
    if np.linalg.norm(place) > 0.01 * piece.size and np.isfinite(height):
        place[4] = height
        piece.move(place)
        piece.start = piece.now.pose


def drop(all_of: Arrangement) -> None:
    """The last hair's breadth: what rests comes down, or up, until it just touches."""
    for level in all_of.levels():
        for piece in level:
            falls = []
            for tie in all_of.of(piece):
                if tie.kind != "rests":
                    continue
                if isinstance(tie.object, Plane):
                    steep = float(tie.object.normal[1])
                    height = tie.object.height(piece.now.corners)
                    falls.append(float(height.min()) / max(steep, 0.2))
                else:
                    other = all_of.pieces[tie.object]
                    found = clearance(piece.now, other.now, all_of.reach(piece))
                    if found is not None:
                        falls.append(found.gap)
            if falls and abs(min(falls)) < 0.02 * piece.size:
                piece.move(np.array([0, 0, 0, 0, -min(falls), 0, 0]))
