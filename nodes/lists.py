"""Lists that go out to other graphs and come back: items, options, placeholders.

At a node that takes whole lists every input is one, also a widget's: ``[9]``. A linked input that
is lazy and was not asked for arrives as ``(None,)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from comfy_api.latest import io

from ..cast_nodes.backends import Backend, BackendInfo, Choice, Options, make_options, option_specs
from ..cast_nodes.bridges.handout import Decisions, HandedOut
from ..cast_nodes.errors import BadInput
from .widgets import widget

MISSING = object()
"""Default of an input that is not connected; connected but not evaluated is ``(None,)``."""

decisions = Decisions()
"""What was handed out in this process, for all nodes."""

Value = TypeVar("Value")


def option_widgets(options: type[Options], without: Sequence[str] = ()) -> list[io.Input]:
    """The widgets of an options class, in order of declaration."""
    return [widget(spec) for spec in option_specs(options) if spec.name not in without]


def options_of(options: type[Options], values: dict[str, Any], where: str) -> Any:
    """The options that were set in :func:`option_widgets`.

    Raises:
        BadInput: a value out of bounds; the message starts with ``where``.
    """
    return make_options(options, values, where)


def graph_choice(stage: str, options: Options) -> Choice:
    """What stands in a stage's log for a graph of the user's own."""
    info = BackendInfo("graph", "A graph of your own", "bridge", "What other nodes have made.")
    return Choice(Backend(info, type(options), lambda *_: None, stage=stage), options)


def single(values: Sequence[Value] | None, what: str) -> Value:
    """The one value of an input that must not be a list.

    Raises:
        BadInput: there are several.
    """
    if values is None or len(values) != 1:
        raise BadInput(f"{what}: one is needed, a list of {len(values or ())} came in")
    return values[0]


def unevaluated(wanted: bool, **inputs: Any) -> list[str]:
    """Names of the lazy inputs to ask for.

    Args:
        wanted: whether the node needs them at all.
        inputs: as ``check_lazy_status`` gets them; :data:`MISSING` where nothing is connected.
    """
    if not wanted:
        return []
    return [
        name
        for name, values in inputs.items()
        if values is not MISSING and (values is None or all(v is None for v in values))
    ]


def anything_sent(order: Sequence[HandedOut] | None) -> bool:
    """Whether a list is to come back at all; unknown orders are asked for."""
    return not order or any(o is None or bool(o.sent) for o in order)


def pictures_from(images: Sequence[torch.Tensor | None] | None) -> list[np.ndarray]:
    """Every picture of a list of IMAGE batches, (h, w, 3) uint8; transparency over white.

    Raises:
        BadInput: an item is no picture.
    """
    found = []
    for batch in images or ():
        if batch is None:
            continue
        if batch.ndim != 4 or 0 in batch.shape[1:]:
            raise BadInput(f"images: an item of shape {tuple(batch.shape)} is no picture")
        for values in batch.detach().cpu().numpy().astype(np.float32):
            pixels = np.clip(np.nan_to_num(values), 0, 1)
            if pixels.shape[-1] == 4:
                pixels = pixels[..., :3] * pixels[..., 3:] + (1 - pixels[..., 3:])
            elif pixels.shape[-1] < 3:
                pixels = np.repeat(pixels[..., :1], 3, -1)
            found.append(np.rint(pixels[..., :3] * 255).astype(np.uint8))
    return found


def covers_from(masks: Sequence[torch.Tensor | None] | None) -> list[np.ndarray]:
    """Every mask of a list of MASK batches, (h, w) float32 in 0..1."""
    found = []
    for batch in masks or ():
        if batch is not None:
            values = batch.detach().cpu().float()
            values = values.reshape(-1, *values.shape[-2:])
            found += [np.clip(np.nan_to_num(v), 0, 1) for v in values.numpy()]
    return found


def mask_tensor(mask: np.ndarray) -> torch.Tensor:
    """An (h, w) mask as MASK (1, h, w) float."""
    return torch.from_numpy(np.ascontiguousarray(mask, np.float32))[None]
