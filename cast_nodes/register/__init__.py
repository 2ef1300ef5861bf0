"""Stage Register: each mesh of unknown pose and size to its place in the photo.

``register(inputs, choice, context) -> Placements``. A backend's run is
``run(problems: Sequence[Problem], options, context) -> list[Placement]``: one placement a
problem, in order, with a ``failure`` where there is none. A backend's rest, where it has one, is
``rest(problems, placements, options, context) -> list[Placement]``: it gets the problems of what
stands on other objects once more, with the plane that each stands on for a floor, and the
placements found before, and answers with better ones or the same.

Poses from elsewhere (``RegisterInputs.given``) are hypotheses to a backend that takes them, and
come out refined; locked ones come out as they went in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..backends import Choice
from ..content import content_key
from ..context import Context, Progress
from ..errors import BackendNotReady, BadInput, Cancelled, ObjectFailure
from ..types import Geometry, Meshes, Objects, Placement, Placements, SceneObject
from .carried import rested
from .given import sorted_out, with_fit
from .one_by_one import failed
from .problem import Problem, make_problem
from .survey import Survey, survey_photo

__all__ = ["Problem", "RegisterInputs", "Survey", "make_problem", "register", "survey_photo"]


@dataclass(frozen=True, eq=False)
class RegisterInputs:
    """What Register works on; objects, meshes and given placements are joined by id.

    Attributes:
        given: poses from elsewhere, of any of the objects. Locked ones are kept as they are, the
            others are where a backend that takes them (``BackendInfo.takes_given``) starts from
            as well; of those only pose and candidate count.
    """

    objects: Objects
    geometry: Geometry
    meshes: Meshes
    given: Placements | None = None


def register(inputs: RegisterInputs, choice: Choice, context: Context) -> Placements:
    """A placement for each kept object; results are reused by the content of its problem.

    Raises:
        BackendNotReady: the backend lacks something.
        Cancelled: the run was stopped; finished objects are in the store.
    """
    kept = inputs.objects.kept
    placements: dict[int, Placement] = {}

    def finish(placement: Placement, label: str, reused: bool) -> None:
        placements[placement.id] = placement
        done = len(placements)
        context.progress(Progress("register", done, len(kept), label, reused))

    given = sorted_out(inputs.given, inputs.objects, inputs.meshes, choice.backend, context)
    if any(item.id not in given.locked for item in kept):
        choice.backend.require(context)
    surveyed = survey_photo(inputs.geometry, inputs.objects) if kept else None
    problems: dict[int, Problem] = {}
    waiting: list[tuple[Problem, str]] = []
    for item in kept:
        context.cancel.check()
        label = _name(item)
        problem, reason = _problem(item, inputs, surveyed, given.starts.get(item.id))
        if problem is not None:
            problems[item.id] = problem
        if item.id in given.locked:
            finish(with_fit(given.locked[item.id], problem), label, True)
            continue
        if problem is None:
            finish(Placement(item.id, None, failure=reason), label, False)
            continue
        key = content_key(choice.identity, problem.key, item.retry)
        stored = context.store.get(key)
        if isinstance(stored, Placement):
            finish(replace(stored, id=item.id), label, True)
        else:
            waiting.append((problem, key))
    for start in range(0, len(waiting), AT_ONCE):
        part = waiting[start : start + AT_ONCE]
        context.cancel.check()
        for problem, _ in part:
            context.begins(f"{problem.label} {problem.id}")
        found = _solved([problem for problem, _ in part], choice, context)
        for (problem, key), placement in zip(part, found, strict=True):
            if not placement.failure:
                context.store.put(key, placement)
            finish(placement, f"{problem.label} {problem.id}", False)
    if choice.backend.rest is not None:
        placements |= _rested(inputs, problems, placements, choice, context)
    return Placements(
        tuple(placements[item.id] for item in kept),
        source=choice.backend.info.name,
        notes=surveyed.notes if surveyed else (),
    )


def _rested(
    inputs: RegisterInputs,
    problems: Mapping[int, Problem],
    placements: Mapping[int, Placement],
    choice: Choice,
    context: Context,
) -> dict[int, Placement]:
    """The placements of what stands on other objects, with that contact; from the store likewise."""
    rest = choice.backend.rest
    assert rest is not None

    def again(standing: list[Problem], before: list[Placement]) -> list[Placement]:
        keys = {
            p.id: content_key(choice.identity, "rest", p.key, inputs.objects.by_id(p.id).retry)
            for p in standing
        }
        stored = {i: context.store.get(key) for i, key in keys.items()}
        found = {i: replace(p, id=i) for i, p in stored.items() if isinstance(p, Placement)}
        new = [i for i, p in enumerate(standing) if p.id not in found]
        context.cancel.check()
        made = rest([standing[i] for i in new], [before[i] for i in new], choice.options, context)
        for placement in made:
            context.store.put(keys[placement.id], placement)
            found[placement.id] = placement
        return [found[p.id] for p in standing]

    return rested(problems, placements, again, [p.id for p in placements.values() if p.locked])


def _problem(
    item: SceneObject, inputs: RegisterInputs, surveyed: Survey | None, given: Placement | None
) -> tuple[Problem | None, str]:
    """An object's problem, or why there is none."""
    entry = inputs.meshes.get(item.id)
    try:
        return make_problem(item, inputs.objects, inputs.geometry, entry, surveyed, given), ""
    except ObjectFailure as error:
        return None, str(error)
    except Exception as error:  # one object's surprise must not end the others
        return None, f"{_name(item)}: {type(error).__name__}: {error}"


def _name(item: SceneObject) -> str:
    return f"{item.label} {item.id}"


def _solved(problems: list[Problem], choice: Choice, context: Context) -> list[Placement]:
    """What the backend finds; its surprises become the reasons of these problems alone."""
    try:
        return choice.backend.run(problems, choice.options, context)
    except (Cancelled, BackendNotReady, BadInput):
        raise
    except Exception as error:
        return [failed(problem, error) for problem in problems]


AT_ONCE = 8
"""Problems handed to a backend at a time: progress moves, and a stopped run keeps what is done."""
