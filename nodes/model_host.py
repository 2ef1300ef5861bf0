"""The pack's models under ComfyUI's model management.

ComfyUI sees each model as one of its own: it makes room before one is used, moves it off the
device when others need the memory, and lets go of it on "unload models". What a stage works with
at the moment is not moved away under it; it goes as soon as it is given back.

ComfyUI's list of loaded models belongs to the thread that runs the graph, and stages work in
threads of their own, so everything that touches the list is done in the graph's event loop.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import comfy.model_management as management
import torch
from comfy.model_patcher import ModelPatcher
from torch import nn

from ..cast_nodes.cancel import CancelToken
from ..cast_nodes.local.models import (
    DEVICE,
    acquire,
    bytes_of,
    made,
    memory_bound,
    working_device,
)

T = TypeVar("T")

SPARE_RAM = 0.15
"""Share of the machine's memory that must stay free for a model to be kept off the device."""
_CPU = torch.device("cpu")
_POLL_S = 0.1


class Housing(nn.Module):
    """What ComfyUI holds: it sets attributes of its own, which many models do not allow."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner: nn.Module | None = inner


def housed(model: nn.Module) -> Housing:
    """The model's housing, under the model's own name in ComfyUI's log."""
    return type(type(model).__name__, (Housing,), {})(model)


class LentPatcher(ModelPatcher):
    """A model for ComfyUI's list that is moved as a whole and never while it is used.

    Its layers are not ComfyUI's own, so they cannot work half loaded.
    """

    def __init__(self, model: nn.Module, load_device: torch.device, offload_device: torch.device):
        super().__init__(housed(model), load_device=load_device, offload_device=offload_device)
        self.users = 0
        self.wanted_back = False

    @property
    def lent(self) -> nn.Module | None:
        """The model itself; None once its memory was given up."""
        return self.model.inner

    def partially_unload(self, *arguments: Any, **named: Any) -> int:
        return 0  # then ComfyUI goes on to detach the whole

    def detach(self, unpatch_all: bool = True) -> Any:
        if not unpatch_all:  # only listed anew, it stays where it is
            return super().detach(False)
        if self.users:
            self.wanted_back = True
            return self.model
        self.wanted_back = False
        super().detach()
        if self.load_device.type == "cpu" or _short_of_ram():
            self.give_up()
        return self.model

    def give_back(self) -> None:
        """One user less; does what ComfyUI asked for meanwhile."""
        self.users -= 1
        if not self.users and self.wanted_back:
            self.detach()

    def give_up(self) -> None:
        """Lets the weights go. The patcher stays: ComfyUI may still look at it."""
        self.model.inner = None
        self.size = 0


def _short_of_ram() -> bool:
    return management.get_free_memory(_CPU) < SPARE_RAM * management.get_total_memory(_CPU)


@dataclass(eq=False)
class _Held:
    """One model's place: ``lock`` is held by its user, ``users`` also counts who waits."""

    lock: Any = field(default_factory=threading.RLock)
    users: int = 0
    patcher: LentPatcher | None = None
    last_use: int = 0

    @property
    def model(self) -> nn.Module | None:
        return None if self.patcher is None else self.patcher.lent


_held: dict[str, _Held] = {}
_lock = threading.Lock()
_clock = 0


class HostedModels:
    """``context.models`` of one running node; the models themselves are the process's.

    Args:
        loop: the event loop that runs the graph, None where the caller is in its thread.
        cancel: ends the waiting for the loop.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop | None = None, cancel: CancelToken | None = None
    ) -> None:
        self._loop = loop
        self._cancel = cancel or CancelToken()

    @property
    def device(self) -> torch.device:
        """ComfyUI's device, unless ``CAST_DEVICE`` names another."""
        if os.environ.get(DEVICE):
            return working_device()
        return management.get_torch_device()

    @contextlib.contextmanager
    def lend(
        self, name: str, load: Callable[[], nn.Module], cancel: CancelToken | None = None
    ) -> Iterator[nn.Module]:
        global _clock
        with _lock:
            held = _held.setdefault(name, _Held())
            held.users += 1
        try:
            acquire(held.lock, cancel or self._cancel)
            try:
                patcher = held.patcher
                if patcher is None or patcher.lent is None:
                    model = made(load)
                    offload = (
                        _CPU if self.device.type == "cpu" else management.unet_offload_device()
                    )
                    patcher = held.patcher = LentPatcher(model, self.device, offload)
                with _lock:
                    _clock += 1
                    held.last_use = _clock
                with self._on_device(patcher) as model:
                    yield model
            finally:
                held.lock.release()
        finally:
            with _lock:
                held.users -= 1
                if held.model is None and not held.users:
                    _held.pop(name, None)
            self._shrink(memory_bound(_CPU))

    @contextlib.contextmanager
    def _on_device(self, patcher: LentPatcher) -> Iterator[nn.Module]:
        model = patcher.lent
        assert model is not None
        patcher.users += 1
        try:
            self._in_graph(lambda: management.load_models_gpu([patcher], force_full_load=True))
            yield model
        finally:
            patcher.give_back()

    def free(self) -> int:
        """Drops our unused models, and has ComfyUI unload its own."""
        freed = self._shrink(0)
        self._in_graph(_unload_others)
        return freed

    def _shrink(self, bound: int) -> int:
        """Drops unused models, the least recently used first, until ``bound`` bytes are left."""
        with _lock:
            sizes = {name: bytes_of(h.model) for name, h in _held.items() if h.model is not None}
            unused = sorted((h.last_use, n) for n, h in _held.items() if n in sizes and not h.users)
            total, dropped = sum(sizes.values()), []
            for _, name in unused:
                if total <= bound:
                    break
                total -= sizes[name]
                dropped.append(_held.pop(name).patcher)
        if dropped:
            self._in_graph(lambda: _forget(dropped))
        return len(dropped)

    def _in_graph(self, work: Callable[[], T]) -> T:
        """``work()`` in the thread that runs the graph, with ordinary tensors.

        Raises:
            Cancelled: the run was stopped, or has ended, before it came to it.
        """

        def ordinary() -> T:
            with torch.inference_mode(False), torch.no_grad():
                return work()

        if self._loop is None:
            return ordinary()
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()

        def call() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(ordinary())
            except BaseException as error:  # for the thread that waits
                answer.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:  # the graph has ended: nothing runs in its thread any more
            return ordinary()
        while True:
            try:
                return answer.result(_POLL_S)
            except concurrent.futures.TimeoutError:
                if answer.done():
                    raise
                if self._cancel.cancelled and answer.cancel():
                    self._cancel.check()


def _unload_others() -> None:
    management.unload_all_models()
    management.soft_empty_cache()


def _forget(patchers: list[LentPatcher | None]) -> None:
    """Takes models off ComfyUI's list and lets their weights go."""
    for patcher in patchers:
        if patcher is None:
            continue
        for place in reversed(range(len(management.current_loaded_models))):
            loaded = management.current_loaded_models[place]
            if loaded.model is patcher:
                loaded.model_unload()
                management.current_loaded_models.pop(place)
        patcher.give_up()
        logging.debug("CAST: %s was dropped", type(patcher.model).__name__)
    management.soft_empty_cache()


def hosted() -> dict[str, LentPatcher]:
    """The pack's models that are in memory, by name."""
    with _lock:
        return {
            n: h.patcher for n, h in _held.items() if h.patcher is not None and h.model is not None
        }
