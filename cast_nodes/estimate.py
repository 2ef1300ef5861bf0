"""What a run needs and would cost, told before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .backends import STAGES, Choice, Need
from .context import Context
from .errors import BackendNotReady
from .inpaint import InpaintOptions
from .types import Objects


@dataclass(frozen=True)
class StageEstimate:
    """One stage of a run to come.

    Attributes:
        missing: what must be mended before it can run.
        low, high: how many units would be paid for, at least and at most.
        per: the unit ("mesh", "picture", "request", "photo"); "" where nothing is paid.
        usd: price of one unit.
        words: its price, for people ("free").
    """

    stage: str
    backend: str
    missing: tuple[Need, ...] = ()
    low: int = 0
    high: int = 0
    per: str = ""
    usd: float = 0.0
    words: str = ""

    @property
    def most_usd(self) -> float:
        return self.high * self.usd

    def line(self) -> str:
        """Its cost for people: ``up to 20 meshes: at most $6.00``."""
        if not self.per:
            return self.words
        if not self.high:
            return "nothing to pay for"
        count = f"{self.high}" if self.low == self.high else f"{self.low} to {self.high}"
        unit = self.per if self.high == 1 else _plural(self.per)
        return f"{count} {unit}, {self.words}: at most ${self.most_usd:.2f}"


def estimate(
    choices: Mapping[str, Choice],
    only: Sequence[str],
    context: Context,
    objects: Objects | None = None,
) -> tuple[StageEstimate, ...]:
    """What the stages ``only`` need and would cost for one photo.

    What an earlier run has paid for is not paid for again; that is not looked up here, so the
    most is what a first run can cost.

    Args:
        objects: those that are known from an earlier run; None before Detect has run.
    """
    made = []
    for stage in STAGES:
        if stage not in only:
            continue
        choice = choices[stage]
        info, missing = choice.backend.info, choice.backend.missing(context, choice.options)
        if info.price is None or _own_server(choice):
            words = info.cost if info.price is None else "free on your own server"
            made.append(StageEstimate(stage, info.name, tuple(missing), words=words))
            continue
        # Detect run anew may find other objects than an earlier run did.
        known = None if "detect" in only else objects
        low, high = _units(choice, info.price.per, known, _most_objects(choices))
        made.append(
            StageEstimate(
                stage, info.name, tuple(missing), low, high, info.price.per, info.price.usd,
                info.price.words(),
            )
        )  # fmt: skip
    return tuple(made)


def require_all(choices: Sequence[Choice], context: Context) -> None:
    """Raises :class:`BackendNotReady` that names what is missing for all of them together."""
    errors = []
    for choice in choices:
        try:
            choice.require(context)
        except BackendNotReady as error:
            errors.append(str(error))
    if errors:
        raise BackendNotReady("; ".join(errors))


def _units(choice: Choice, per: str, objects: Objects | None, most: int) -> tuple[int, int]:
    """How many units are paid for, at least and at most."""
    options = choice.options
    if per == "photo":
        return 1, 1
    if per == "request":
        asked = int(getattr(options, "samples", 1))
        return (asked, asked) if objects is None or objects.kept else (0, 0)
    low, high = (0, most) if objects is None else (len(objects.kept),) * 2
    if isinstance(options, InpaintOptions):
        wants = options.wants()
        if not wants.every_object:
            low = 0
            if objects is not None:
                high = sum(o.needs_completion for o in objects.kept)
                low = high
        if not options.complete:
            low = high = 0
        room = int(wants.room)
        return low + room, high + room
    return low, high


def _own_server(choice: Choice) -> bool:
    """Whether the options name a server of the user's own, so that no key is needed."""
    needs = choice.backend.info.needs
    return any(n.unless is not None and n.unless(choice.options) for n in needs)


def _most_objects(choices: Mapping[str, Choice]) -> int:
    return int(getattr(choices["filter"].options, "max_objects", 0))


def _plural(word: str) -> str:
    return word + ("es" if word.endswith(("s", "sh", "ch", "x")) else "s")
