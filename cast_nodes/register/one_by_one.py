"""Objects placed each by itself: one object's surprise is its own failure and ends no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..context import Context
from ..errors import BackendNotReady, BadInput, Cancelled, CastError
from ..types import Placement
from .problem import Problem


def one_by_one(
    problems: Sequence[Problem], place: Callable[[Problem], Placement], context: Context
) -> list[Placement]:
    """What ``place`` makes of each problem, in order.

    Raises:
        Cancelled, BackendNotReady, BadInput: wrong for all objects alike, so they end the stage.
    """
    placements = []
    for problem in problems:
        context.cancel.check()
        try:
            placements.append(place(problem))
        except (Cancelled, BackendNotReady, BadInput):
            raise
        except Exception as error:
            placements.append(failed(problem, error))
    return placements


def failed(problem: Problem, error: Exception) -> Placement:
    """The entry of an object that could not be placed, with the reason."""
    name = f"{problem.label} {problem.id}"
    known = isinstance(error, CastError)
    reason = str(error) if known else f"{type(error).__name__}: {error}"
    return Placement(
        problem.id, None, failure=reason if reason.startswith(name) else f"{name}: {reason}"
    )
