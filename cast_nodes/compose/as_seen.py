"""The photo has the last word: what would have to leave its outline to hold together stays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from ..physics.bodies import Body
from .settle import Settled

MOST = 0.15
"""How much of its overlap with its mask a thing may lose when it is settled."""
ROUNDS = 3


def settled_as_seen(
    settle_but: Callable[[Collection[int]], Settled],
    bodies: Sequence[Body],
    fits: Callable[[Sequence[Body]], Mapping[int, float]],
) -> tuple[Settled, dict[int, tuple[float, float]]]:
    """Things settled, but for those that would leave what the photo shows of them.

    Floor, walls and what carries a thing may be wrong, or be taken for what they are not; then the
    contacts that they ask for pull it out of its outline. It is kept as placed then and the rest
    settles around it.

    Args:
        settle_but: settles all but the ids that it is given, which stay as placed.
        bodies: as placed.
        fits: by id, IoU of what is seen of a body and its mask.

    Returns:
        What came of it, and of each that was kept its IoU before and as it would have been.
    """
    before = fits(bodies)
    kept: dict[int, tuple[float, float]] = {}
    settled = settle_but(())
    for _ in range(ROUNDS):
        after = fits(settled.bodies)
        lost = {
            i: (before[i], now)
            for i, now in after.items()
            if i not in kept and i in before and before[i] - now > MOST
        }
        moved = {b.id for a, b in zip(bodies, settled.bodies, strict=True) if a is not b}
        lost = {i: pair for i, pair in lost.items() if i in moved}
        if not lost:
            break
        kept |= lost
        settled = settle_but(kept)
    return settled, kept
