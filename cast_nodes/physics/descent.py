"""Poses that the photo likes best among those that hold together: damped Gauss-Newton steps.

Minimised over the changes of all movable things is what the photo says against each change (a
quadratic form) plus squared violations of the constraints, which are linearised where the things
are; those that must not be negative count where they are. The constraints' weight grows from step
to step (a penalty method: Nocedal and Wright, "Numerical Optimization", 2006, section 17.1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .contacts import Rows
from .pieces import Piece

TIGHT = (0.01, 0.005, 0.0025, 0.0012, 0.0006)
"""Deviation that weighs as much as one sigma of the photo, share of size, step after step."""
STEPS = 9
SETS = 12
"""Rounds in which the constraints that count are found."""
STRIDE = np.array([0.06] * 3 + [0.12] * 3 + [0.06])
"""Largest part of a change in one step: rad, share of the size, log factor; see ``RANGE``."""
MOST_TURNED = float(np.radians(12.0))
MOST_SCALED = 0.2
MOST_ASIDE = 0.4
"""A thing is not moved further across the view, share of its size."""
STILL = 2e-4
"""A step in which nothing moves by more than this share of its size is the last."""

HARDLY = 1e-5
"""A smaller step is not taken."""


def descend(
    pieces: Sequence[Piece],
    rows: Callable[[], list[Rows]],
    camera: np.ndarray,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Moves the pieces to where the photo and the constraints are content.

    Args:
        pieces: those that may move; others that the rows name stay.
        rows: the constraints where the pieces are now.
        camera: (3,) world.
        check: called between steps; raises when the run was stopped.
    """
    moving = [p for p in pieces if p.free.any()]
    if not moving:
        return
    index = {id(p): i for i, p in enumerate(moving)}
    before = np.zeros((len(moving), 7))
    for step in range(STEPS):
        check()
        tight = TIGHT[min(step, len(TIGHT) - 1)]
        changes = _solve(moving, index, rows(), tight)
        # To and fro between contacts that come and go: half way.
        turns = np.einsum("ij,ij->i", changes, before) < 0
        changes[turns & (step >= len(TIGHT) - 1)] *= 0.5
        before = changes
        largest = 0.0
        for piece, change in zip(moving, changes, strict=True):
            bound = STRIDE * [1, 1, 1, *[_reach(piece, camera)] * 3, 1]
            change = change * min(1.0, float((bound / np.maximum(np.abs(change), 1e-300)).min()))
            moved = np.abs(change[3:6]).max() + piece.size * np.abs(change[[0, 1, 2, 6]]).max()
            if moved > HARDLY * piece.size:  # what stays need not be looked at again
                piece.move(_within(piece, change, camera))
            largest = max(largest, moved / piece.size)
        if largest < STILL and tight == TIGHT[-1]:
            break


def _reach(piece: Piece, camera: np.ndarray) -> float:
    """The length that a step's translation is told in: along the view a thing may go further."""
    return max(piece.size, 0.5 * float(np.linalg.norm(piece.now.middle - camera)))


def _solve(
    moving: Sequence[Piece], index: dict[int, int], rows: Sequence[Rows], tight: float
) -> np.ndarray:
    """(m, 7) changes."""
    count = len(moving)
    free = np.array([p.free for p in moving])
    base = np.zeros((count, 7, count, 7))
    pull = np.zeros((count, 7))
    for i, piece in enumerate(moving):
        base[i, :, i, :] = piece.information
        pull[i] = -piece.information @ piece.change
    # Columns of things that stay are left out of the rows.
    parts = []
    for row in rows:
        blocks = [
            (index[id(p)], j)
            for p, j in zip(row.pieces, row.jacobians, strict=True)
            if id(p) in index
        ]
        if blocks:
            parts.append((blocks, row.value, row.equal, 1.0 / (tight * row.size) ** 2))
    changes = np.zeros((count, 7))
    keep = np.flatnonzero(free.reshape(-1))
    active: list[np.ndarray] | None = None
    for _ in range(SETS):
        before = active
        active = []
        matrix, right = base.copy(), pull.copy()
        for blocks, value, equal, weight in parts:
            now = value + sum(j @ changes[i] for i, j in blocks)
            on = np.ones(len(value), bool) if equal else now < 0
            active.append(on)
            if not on.any():
                continue
            for i, j in blocks:
                right[i] -= weight * (j[on].T @ value[on])
                for k, other in blocks:
                    matrix[i, :, k, :] += weight * (j[on].T @ other[on])
        if before is not None and all((a == b).all() for a, b in zip(active, before, strict=True)):
            break
        flat = matrix.reshape(7 * count, 7 * count)[np.ix_(keep, keep)]
        solution = np.zeros(7 * count)
        scale = 1.0 / np.sqrt(np.diag(flat))  # lengths, angles and factors alike
        solved = np.linalg.solve(scale[:, None] * flat * scale, scale * right.reshape(-1)[keep])
        solution[keep] = scale * solved
        changes = solution.reshape(count, 7)
    return changes


def _within(piece: Piece, change: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """As much of a further change as the bounds of the whole one leave."""
    whole = piece.change + change
    away = piece.at_start - camera
    ray = away / max(float(np.linalg.norm(away)), 1e-12)
    aside = whole[3:6] - (whole[3:6] @ ray) * ray
    share = max(
        float(np.linalg.norm(whole[:3])) / MOST_TURNED,
        abs(float(whole[6])) / MOST_SCALED,
        float(np.linalg.norm(aside)) / (MOST_ASIDE * piece.size),
        abs(float(whole[3:6] @ ray)) / (MOST_SCALED * max(float(np.linalg.norm(away)), 1e-12)),
    )
    return change if share <= 1.0 else whole / share - piece.change
