"""Filter: which objects are worth making, and which need their hidden parts completed.

A backend's ``run(objects, options, context) -> Objects`` returns every object it was given, with
``keep``, ``reason`` and ``needs_completion`` decided. Objects that arrive dropped stay dropped.
A backend that had to let another one decide says so in ``source`` and ``notes``.
"""

from __future__ import annotations

from dataclasses import replace

from ..backends import Choice
from ..context import Context, Progress
from ..types import Objects


def filter_objects(objects: Objects, choice: Choice, context: Context) -> Objects:
    """Decides for every object whether it is kept; none is lost.

    Raises:
        BackendNotReady: the backend lacks something; the message holds the mend.
        Cancelled: the run was stopped.
    """
    choice.backend.require(context)
    context.cancel.check()
    decided = choice.backend.run(objects, choice.options, context)
    before = {item.id for item in objects.objects}
    if {item.id for item in decided.objects} != before:
        raise AssertionError(f"filter backend {choice.backend.info.name} lost or invented objects")
    total = len(decided.objects)
    context.progress(Progress("filter", total, total, f"{len(decided.kept)} kept"))
    for note in decided.notes[len(objects.notes) :]:
        context.warn(note)
    if decided.source != objects.source:
        return decided
    return replace(decided, source=choice.backend.info.name)
