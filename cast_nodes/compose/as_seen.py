"""The photo has the last word: what would have to leave its outline to hold together stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..physics.bodies import Body
from ..physics.solve import Solved, Task

Fits = Callable[[Sequence[Body]], Mapping[int, float]]
"""By id, IoU of what is seen of a body at its place and its mask."""

MOST = 0.15
"""How much of its overlap with its mask a thing may lose when it is settled."""
ROUNDS = 3


@dataclass(frozen=True, eq=False)
class AsSeen:
    """What came of a task, held against the photo.

    Attributes:
        solved: the bodies.
        before, after: their fit as placed and as solved.
        kept: of each that stays as placed, its fit before and as it would have been.
    """

    solved: Solved
    before: Mapping[int, float]
    after: Mapping[int, float]
    kept: Mapping[int, tuple[float, float]] = field(default_factory=dict)


def solved_as_seen(solve: Callable[[Task], Solved], task: Task, fits: Fits) -> AsSeen:
    """The task solved, but for things that would leave what the photo shows of them.

    Floor, walls and what carries a thing may be wrong, or be taken for what they are not; then the
    contacts that they ask for pull it out of its outline. It is kept as placed then and the rest
    settles around it.
    """
    before = fits(task.bodies)
    kept: dict[int, tuple[float, float]] = {}
    round_ = 0
    while True:
        solved = solve(replace(task, locked={*task.locked, *kept}))
        after = fits(solved.bodies)
        moved = {b.id for a, b in zip(task.bodies, solved.bodies, strict=True) if a is not b}
        lost = {
            i: (before[i], after[i])
            for i in sorted(moved & before.keys() & after.keys())
            if before[i] - after[i] > MOST
        }
        if not lost or round_ == ROUNDS:
            return AsSeen(solved, before, after, kept)
        kept |= lost
        round_ += 1
