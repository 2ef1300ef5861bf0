"""Things that slopes could not take out of each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ..frames import Sim3
from .arrangement import Arrangement
from .measures import depth
from .pieces import Piece

DEEP = 0.005
"""Pairs deeper in each other than this share of the smaller one's size are treated again."""


def stuck_pairs(all_of: Arrangement) -> list[tuple[Piece, Piece]]:
    """Pairs of which one may move that lie deeper in each other than ``DEEP``."""
    found = []
    for one, other in combinations(all_of.pieces.values(), 2):
        if frozenset((one.id, other.id)) in all_of.together or not (one.movable or other.movable):
            continue
        if depth(one.now, other.now) > DEEP * min(one.size, other.size):
            found.append((one, other))
    return found


def part(all_of: Arrangement, pairs: Sequence[tuple[Piece, Piece]]) -> bool:
    """Takes pairs that slopes could not part out of each other; whether any moved.

    Where boards cross, each sample's way out is the nearest face, some up and some down, so a
    descent stands still. Tried are steps of growing length in level directions and along the view,
    and the one that costs the photo least is taken.
    """
    parted = False
    for one, other in pairs:
        best: tuple[float, Piece, Sim3] | None = None
        for piece in (one, other):
            if not piece.movable or (piece is one and (other.id, one.id) in all_of.carried):
                continue
            if piece is other and (one.id, other.id) in all_of.carried:
                continue
            partner = other if piece is one else one
            start = piece.now.pose
            for change in _trials(piece, all_of.camera):
                cost = _cost(piece, change)
                if best is not None and cost >= best[0]:
                    continue
                piece.move(change)
                if depth(piece.now, partner.now) <= DEEP * min(piece.size, partner.size):
                    best = cost, piece, piece.now.pose
                piece.put(start)
        if best is not None:
            best[1].put(best[2])
            parted = True
    return parted


def _cost(piece: Piece, change: np.ndarray) -> float:
    whole = piece.change + change
    return float(whole @ piece.information @ whole)


def _trials(piece: Piece, camera: np.ndarray) -> list[np.ndarray]:
    """Changes worth trying, the shortest first."""
    away = piece.now.middle - camera
    out = []
    for step in (0.01, 0.02, 0.04, 0.07, 0.11, 0.16):
        for angle in np.arange(8) * np.pi / 4:
            shift = step * piece.size * np.array([np.cos(angle), 0.0, np.sin(angle)])
            out.append(np.array([0, 0, 0, *shift, 0]))
        for sign in (1.0, -1.0):
            along = sign * step
            out.append(np.array([0, 0, 0, *(np.expm1(along) * away), along]))
            level = away * [1, 0, 1]
            out.append(np.array([0, 0, 0, *(np.expm1(along) * level), along]))
    return out
