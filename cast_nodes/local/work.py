"""Working with one of the process's models.

A model is always used through :func:`work_with`, which also deals with an accelerator that is
full::

    def load() -> nn.Module:
        return MyModel.from_pretrained(folder).eval()

    points = work_with(context, f"moge {folder} fp16", load, lambda model: model.infer(image))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ..context import Context
from ..errors import OutOfMemory
from .models import is_out_of_memory, too_little

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


def work_with(
    context: Context, name: str, load: Callable[[], nn.Module], work: Callable[[nn.Module], T]
) -> T:
    """``work(model)`` without gradients, with the process's one copy (see :meth:`Models.lend`).

    When the accelerator's memory is full, all models in nobody's use are freed and ``work`` is
    tried once more; it must therefore have no effect but its result.

    Raises:
        OutOfMemory: still full.
        Cancelled: while waiting for another user of the model.
    """
    import torch

    context.cancel.check()
    models = context.models
    for last in (False, True):
        try:
            with models.lend(name, load, context.cancel) as model, torch.inference_mode():
                return work(model)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if last:
                raise OutOfMemory(too_little(name, models.device)) from error
        models.free()  # outside the except: the error holds on to what filled the memory
    raise AssertionError("unreachable")
