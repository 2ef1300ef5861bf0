"""Widgets made from the registry of backends, and what the user set in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..cast_nodes.backends import Backend, Choice, OptionSpec, backends, choose, option_specs
from ..cast_nodes.context import Context
from ..cast_nodes.errors import BadInput
from ..cast_nodes.types import Objects
from .folders import pack_folder

BACKEND = "backend"
WIDEST_INT = 2**31 - 1
WIDEST_FLOAT = 1e9


def backend_input(
    stage: str, brings: Mapping[str, Sequence[io.Input]] | None = None
) -> io.DynamicCombo.Input:
    """The choice of a stage's backend, each with the widgets of its own options.

    It must be a node's last input: workflows restore widgets by position, and this is the one
    whose number of widgets changes.

    Args:
        brings: sockets and widgets that only the node knows, by name of the backend they
            belong to (a MASK batch for the backend ``masks``).
    """
    brings = brings or {}
    known = backends(stage)
    choices = [
        io.DynamicCombo.Option(
            name, [*brings.get(name, ()), *(widget(s) for s in option_specs(backend.options))]
        )
        for name, backend in known.items()
    ]
    lines = [f"{name}: {_summary(backend)}" for name, backend in known.items()]
    return io.DynamicCombo.Input(BACKEND, choices, tooltip="How it is done.\n" + "\n".join(lines))


def _summary(backend: Backend) -> str:
    cost = "" if backend.info.cost == "free" else f" ({backend.info.cost})"
    return f"{backend.info.summary}{cost}"


def widget(spec: OptionSpec) -> io.Input:
    """The widget of one option."""
    tooltip = f"{spec.help} [{spec.unit}]" if spec.unit else spec.help
    if spec.choices:
        return io.Combo.Input(
            spec.name, options=list(spec.choices), default=spec.default, tooltip=tooltip
        )
    if spec.type is bool:
        return io.Boolean.Input(spec.name, default=spec.default, tooltip=tooltip)
    if spec.type is int:
        return io.Int.Input(
            spec.name,
            default=spec.default,
            min=-WIDEST_INT if spec.low is None else int(spec.low),
            max=WIDEST_INT if spec.high is None else int(spec.high),
            step=int(spec.step or 1),
            tooltip=tooltip,
        )
    if spec.type is float:
        # ComfyUI rounds what is typed to the step unless round says otherwise.
        return io.Float.Input(
            spec.name,
            default=spec.default,
            min=-WIDEST_FLOAT if spec.low is None else spec.low,
            max=WIDEST_FLOAT if spec.high is None else spec.high,
            step=spec.step or _step(spec),
            round=_step(spec) / 100,
            tooltip=tooltip,
        )
    return io.String.Input(
        spec.name, default=spec.default, multiline=spec.multiline, tooltip=tooltip
    )


def _step(spec: OptionSpec) -> float:
    """A step that suits the option's size: 0.01 up to 1, 0.1 up to 10, else 1."""
    size = max(abs(v) for v in (spec.default, spec.low or 0.0, spec.high or 0.0))
    return 0.01 if size <= 1 else 0.1 if size <= 10 else 1.0


def choice_from(stage: str, value: Mapping[str, Any] | None, brought: Sequence[str] = ()) -> Choice:
    """The backend and options that the user set.

    Args:
        value: as ComfyUI gives it, ``{"backend": name, option: value, …}``; None when the
            workflow names a backend that is not there.
        brought: names that are not options but came with the node's own ``brings``.

    Raises:
        BadInput: the backend or an option is not known or out of bounds.
    """
    if not value:
        raise BadInput(
            f"backend: this workflow asks for a {stage} backend that is not here;"
            f" choose one of {', '.join(backends(stage))}"
        )
    options = {k: v for k, v in value.items() if k != BACKEND and k not in brought}
    return choose(stage, value[BACKEND], **options)


def missing_needs(stage: str, value: Mapping[str, Any] | None, context: Context) -> str | None:
    """What the chosen backend lacks, as one sentence with the way to mend it, or None.

    Asked before anything of a graph runs, so that nothing is spent in vain.
    """
    name = (value or {}).get(BACKEND)
    if name not in backends(stage):
        return None
    # Nested values are not known yet here; what depends on them is asked when the node runs.
    lacks = [n for n in backends(stage)[name].missing(context) if n.unless is None]
    if not lacks:
        return None
    told = "; ".join(f"{n.what} is missing: {n.mend}" for n in lacks)
    keys = f" (one may lie at {pack_folder() / '.env'})" if ".env" in told else ""
    return f"{name} is not ready: {told}{keys}"


def retry_input(what: str) -> io.String.Input:
    """The text in which the user asks for single objects to be made anew."""
    return io.String.Input(
        "retry",
        default="",
        placeholder="2, 5:3",
        tooltip=f"Objects whose {what} shall be made anew, by their number in the picture:"
        " '2' or '2:1' redoes object 2, '2:2' once more, '2:1, 5:3' two of them."
        " All others are reused.",
    )


def with_retries(objects: Objects, text: str) -> Objects:
    """The objects with the retry counters of the widget ``retry``.

    Raises:
        BadInput: the text cannot be read, or names an object that is not there.
    """
    counters: dict[int, int] = {}
    for part in filter(None, (p.strip() for p in re.split(r"[,;\n]", text or ""))):
        found = re.fullmatch(r"(\d+)\s*(?::\s*(\d+))?", part)
        if not found:
            raise BadInput(
                f"retry: {part!r} cannot be read; write object or object:counter, like 2, 5:3"
            )
        counters[int(found[1])] = int(found[2] or 1)
    known = [o.id for o in objects.objects]
    for unknown in sorted(set(counters) - set(known)):
        raise BadInput(f"retry: there is no object {unknown}; there are {known}")
    changed = (replace(objects.by_id(i), retry=n) for i, n in counters.items())
    return objects.replaced(*changed)


def locked_input(what: str) -> io.String.Input:
    """The text that says which objects keep what they have, whatever else is set."""
    return io.String.Input(
        "locked",
        default="",
        advanced=True,
        optional=True,
        tooltip=f"Objects that keep the {what} they have, also with another backend or other"
        " settings. CAST Review Objects writes this when you lock an object; empty it to unlock"
        " all. It holds for this photo, on this machine.",
    )


def on_failure_input() -> io.Combo.Input:
    """What to do when single objects fail."""
    return io.Combo.Input(
        "on_failure",
        options=["continue", "stop"],
        default="continue",
        tooltip="continue: a failed object is left out and named with its reason."
        " stop: the others are finished first, then the run ends; queue again to redo only"
        " the failed ones.",
    )
