"""The registry of backends.

A backend is one file in its stage's folder with a module-level ``BACKEND``. Its options are a
frozen dataclass derived from :class:`Options`; node widgets, command-line settings and the
README's table are all made from it. Heavy imports happen inside ``run``.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import os
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .context import Context
from .errors import BackendNotReady, BadInput
from .local.weights import Weights

STAGES = ("detect", "filter", "depth", "inpaint", "mesh", "register", "compose")

Kind = Literal["embedded", "local", "service", "bridge"]


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    unit: str = "",
    multiline: bool = False,
) -> Any:
    """A field of an options class: default, meaning, inclusive bounds, step and unit."""
    meta = {"help": help, "low": low, "high": high, "step": step, "unit": unit}
    return field(default=default, metadata=meta | {"multiline": multiline})


@dataclass(frozen=True)
class OptionSpec:
    """One option as widgets, flags and tables see it. ``choices`` is set for a Literal."""

    name: str
    type: type
    default: Any
    help: str
    low: float | None
    high: float | None
    step: float | None
    unit: str
    multiline: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """Base of all options: checks bounds and choices when made.

    Only append fields in later versions: workflows saved before keep their meaning.
    """

    def __post_init__(self) -> None:
        for spec in option_specs(type(self)):
            value = getattr(self, spec.name)
            if spec.type is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
                object.__setattr__(self, spec.name, value)
            if not isinstance(value, spec.type) or (
                spec.type is not bool and isinstance(value, bool)
            ):
                raise BadInput(f"{spec.name} must be {spec.type.__name__}, got {value!r}")
            if spec.choices and value not in spec.choices:
                raise BadInput(
                    f"{spec.name} must be one of {', '.join(spec.choices)}, got {value!r}"
                )
            if spec.low is not None and not value >= spec.low:
                raise BadInput(f"{spec.name} must be at least {spec.low} {spec.unit}".rstrip())
            if spec.high is not None and not value <= spec.high:
                raise BadInput(f"{spec.name} must be at most {spec.high} {spec.unit}".rstrip())


@cache
def option_specs(options: type[Options]) -> tuple[OptionSpec, ...]:
    """The options of a class, in order of declaration."""
    hints = get_type_hints(options)
    specs = []
    for item in dataclasses.fields(options):
        hint, choices = hints[item.name], ()
        if get_origin(hint) is Literal:
            choices, hint = get_args(hint), str
        if get_origin(hint) in (Union, UnionType) or hint not in (bool, int, float, str):
            raise TypeError(
                f"{options.__qualname__}.{item.name}: use bool, int, float, str, Literal"
            )
        specs.append(
            OptionSpec(item.name, hint, item.default, choices=choices, **dict(item.metadata))
        )
    return tuple(specs)


def make_options(options: type[Options], values: Mapping[str, Any], where: str) -> Options:
    """An options object from named values (text is converted), errors named after ``where``.

    Raises:
        BadInput: an unknown name, a value of the wrong type or out of bounds.
    """
    specs = {s.name: s for s in option_specs(options)}
    ready = {}
    for name, value in values.items():
        if name not in specs:
            known = ", ".join(specs) or "none"
            raise BadInput(f"{where} has no option {name!r}; it has: {known}")
        ready[name] = _convert(specs[name], value, where)
    try:
        return options(**ready)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _convert(spec: OptionSpec, value: Any, where: str) -> Any:
    if not isinstance(value, str) or spec.type is str:
        return value
    if spec.type is bool:
        lowered = value.strip().lower()
        if lowered in ("1", "true", "yes", "on"):
            return True
        if lowered in ("0", "false", "no", "off"):
            return False
        raise BadInput(f"{where}: {spec.name} must be true or false, got {value!r}")
    try:
        return spec.type(value)
    except ValueError:
        kind = "a whole number" if spec.type is int else "a number"
        raise BadInput(f"{where}: {spec.name} must be {kind}, got {value!r}") from None


@dataclass(frozen=True)
class Need:
    """Something a backend cannot run without, how to see it, and how to mend it.

    Attributes:
        what: for people ("package open3d").
        present: tells whether it is there; cheap, imports nothing heavy.
        mend: the one command or setting that mends it.
        optional: the backend runs without it, with less.
        unless: tells from the options that it is not needed after all (a key, where a server of
            one's own is named); asked only where the options are known.
        weights: what a local backend loads; where they lie, or that they will be downloaded, is
            told before anything runs.
    """

    what: str
    present: Callable[[Context], bool]
    mend: str
    optional: bool = False
    unless: Callable[[Any], bool] | None = None
    weights: Weights | None = None

    @staticmethod
    def local_weights(weights: Weights, fetch: str) -> Need:
        """Weights of a local model: missing only where they can not be downloaded either.

        Args:
            fetch: the backend's name, as ``cast fetch`` takes it.
        """
        what = f"weights {weights.reference}"
        mend = (
            f"cast fetch {fetch}, with a network; or name a folder or file of your own in the"
            f" option {weights.option}"
        )

        def named(options: Any) -> bool:
            return weights.chosen(options) != weights.reference  # its own, said when it runs

        return Need(what, weights.available, mend, unless=named, weights=weights)

    @staticmethod
    def package(module: str, install: str, optional: bool = False) -> Need:
        """An importable package."""

        def present(context: Context) -> bool:
            try:
                return importlib.util.find_spec(module) is not None
            except ModuleNotFoundError:
                return False

        return Need(f"package {module}", present, f"pip install {install}", optional)

    @staticmethod
    def environment(variable: str, mend: str) -> Need:
        """A key or address in an environment variable."""
        return Need(f"setting {variable}", lambda context: bool(os.environ.get(variable)), mend)

    @staticmethod
    def asset(name: str, mend: str, optional: bool = False) -> Need:
        """A file below the assets folder."""

        def present(context: Context) -> bool:
            return (context.folders.assets / name).is_file()

        return Need(f"file {name}", present, mend, optional)


@dataclass(frozen=True)
class Price:
    """What one unit of a paid backend costs, for estimates made before anything is spent.

    Attributes:
        usd: list price of one unit in US dollars.
        per: what is paid for ("mesh", "picture", "request", "photo").
        source: where the price was read.
        as_of: when ("2025-11"); prices change, so it is always shown beside the number.
    """

    usd: float
    per: str
    source: str
    as_of: str

    def words(self) -> str:
        """For people: ``about $0.04 a mesh (replicate.com, 2025-11)``."""
        amount = f"{self.usd:.4f}".rstrip("0")
        whole, _, cents = amount.partition(".")
        return f"about ${whole}.{cents:0<2} a {self.per} ({self.source}, {self.as_of})"


@dataclass(frozen=True)
class BackendInfo:
    """What people are told about a backend.

    Attributes:
        name: as written in workflows and on the command line; never changes.
        label: as shown in tables.
        summary: one sentence.
        version: part of every content key; raise it when results change.
        weights_licence: "" when it has no weights.
        cost: what a call costs, for people.
        price: the same as a number, or None where nothing is paid.
        concurrency: tells how many objects may be worked on at once; None follows the machine
            (``context.workers``). Services name their own limit: waiting needs no processor.
        takes_given: a Register backend that also starts from poses it is given.
    """

    name: str
    label: str
    kind: Kind
    summary: str
    version: int = 1
    weights_licence: str = ""
    needs: tuple[Need, ...] = ()
    cost: str = "free"
    price: Price | None = None
    concurrency: Callable[[], int] | None = None
    takes_given: bool = False


@dataclass(frozen=True)
class Backend:
    """One registered backend: its facts, its options, and the function that does the work.

    The signatures of ``run`` and ``rest`` are the stage's own; see the stage package's docstring.

    Attributes:
        rest: of a Register backend that knows contacts: places anew what stands on other objects.
    """

    info: BackendInfo
    options: type[Options]
    run: Callable[..., Any]
    default: bool = False
    stage: str = ""
    rest: Callable[..., Any] | None = None

    def workers(self) -> int | None:
        """How many objects it works on at once; None where the machine decides."""
        concurrency = self.info.concurrency
        return None if concurrency is None else max(1, concurrency())

    def missing(self, context: Context, options: Options | None = None) -> list[Need]:
        """The needs that are not met and without which it cannot run.

        Args:
            options: what it shall run with; None asks for everything it may need.
        """
        return [
            n
            for n in self.info.needs
            if not n.optional
            and not n.present(context)
            and not (options is not None and n.unless is not None and n.unless(options))
        ]

    def require(self, context: Context, options: Options | None = None) -> None:
        """Raises :class:`BackendNotReady`, naming each missing thing and its mend."""
        missing = self.missing(context, options)
        if missing:
            mends = "; ".join(f"{n.what} is missing: {n.mend}" for n in missing)
            raise BackendNotReady(f"{self.stage} backend {self.info.name!r} is not ready: {mends}")


@cache
def backends(stage: str) -> Mapping[str, Backend]:
    """All backends of a stage by name, the default first, the others by name."""
    if stage not in STAGES:
        raise BadInput(f"there is no stage {stage!r}; the stages are {', '.join(STAGES)}")
    folder = Path(__file__).parent / stage
    found = []
    for item in pkgutil.iter_modules([str(folder)]):
        if item.name.startswith("_") or item.ispkg:
            continue
        # The other files of a stage are its workings: asking for the list must not load them.
        source = (folder / f"{item.name}.py").read_text(encoding="utf-8")
        if not re.search(r"^BACKEND\b", source, re.MULTILINE):
            continue
        module = importlib.import_module(f".{stage}.{item.name}", __package__)
        backend = getattr(module, "BACKEND", None)
        if isinstance(backend, Backend):
            found.append(dataclasses.replace(backend, stage=stage))
    found.sort(key=lambda b: (not b.default, b.info.name))
    return {b.info.name: b for b in found}


def get_backend(stage: str, name: str = "") -> Backend:
    """A backend by name; "" gives the stage's default.

    Raises:
        BadInput: unknown name; the message lists the known ones.
    """
    known = backends(stage)
    if not name:
        return next(iter(known.values()))
    if name not in known:
        raise BadInput(f"{stage} has no backend {name!r}; it has: {', '.join(known)}")
    return known[name]


@dataclass(frozen=True)
class Choice:
    """A backend with the options it shall run with: what a stage is called with."""

    backend: Backend
    options: Options

    def require(self, context: Context) -> None:
        """Raises :class:`BackendNotReady` for what is missing with these options."""
        self.backend.require(context, self.options)

    @property
    def identity(self) -> tuple[str, str, int, Options]:
        """Stage, backend, version and options: the choice's part of a content key."""
        return (self.backend.stage, self.backend.info.name, self.backend.info.version, self.options)


def choose(stage: str, name: str = "", **values: Any) -> Choice:
    """A backend by name ("" = default) with the named options, the others at their defaults."""
    backend = get_backend(stage, name)
    where = f"{stage} backend {backend.info.name!r}"
    return Choice(backend, make_options(backend.options, values, where))
