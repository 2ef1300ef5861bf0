"""The process's models: one copy each, lent to whoever works with it.

:class:`Models` is what backends see as ``context.models``. :class:`OwnModels` is the command
line's; inside ComfyUI the nodes give one that lives under ComfyUI's model management.
"""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import BadInput, OutOfMemory

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..cancel import CancelToken

T = TypeVar("T")

DEVICE, MEMORY = "CAST_DEVICE", "CAST_MODELS_GB"
SHARE = 0.6
"""Share of the working device's memory that models may keep while nobody uses them."""
_POLL_S = 0.1


class Models(Protocol):
    """The process's models, one copy of each. Any thread may ask."""

    @property
    def device(self) -> torch.device:
        """Where models work."""
        ...

    def lend(
        self, name: str, load: Callable[[], nn.Module], cancel: CancelToken | None = None
    ) -> AbstractContextManager[nn.Module]:
        """The one copy of the model ``name``, on the working device while the ``with`` lasts.

        One user at a time: others wait until it is given back, so what is done with it must not
        wait for another thread that wants the same model. Nested lending of several models is
        allowed where all do it in the same order.

        Args:
            name: tells apart whatever must not be the same copy: kind of model, place of its
                weights (with the revision), precision.
            load: makes it on the CPU, in eval mode, in the precision it runs with. When it
                fails, nothing is kept, and the next who asks tries again.
            cancel: ends the waiting for another user with ``Cancelled``.

        Raises:
            OutOfMemory: it does not fit, even after all others were freed.
        """
        ...

    def free(self) -> int:
        """Drops the models that nobody uses at the moment; returns how many."""
        ...


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that memory is full, on whichever device."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in words or "not enough memory" in words or "can't allocate memory" in words
    )


def too_little(name: str, device: Any) -> str:
    """What to tell where a model does not fit even alone."""
    return (
        f"{name} does not fit into the memory of {device}, even alone; choose a smaller model or"
        f" resolution, close other programs, or set {DEVICE}=cpu"
    )


def working_device(wish: str = "") -> torch.device:
    """The device that models work on: the wish, else ``CAST_DEVICE``, else cuda, mps, cpu.

    Args:
        wish: "cpu", "cuda", "cuda:1", "mps"; "" or "auto" leaves it to the machine.

    Raises:
        BadInput: it is not a device, or torch does not see it.
    """
    import torch

    text = wish or os.environ.get(DEVICE, "")
    if text in ("", "auto"):
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(text)
    except RuntimeError:
        raise BadInput(f"device {text!r} is none; use auto, cpu, cuda, cuda:1 or mps") from None
    seen = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }.get(device.type, True)
    if not seen:
        raise BadInput(f"device {text!r} is not there: torch sees no such device; use auto or cpu")
    return device


def bytes_of(model: nn.Module) -> int:
    """Memory of a model's weights and buffers."""
    return sum(t.numel() * t.element_size() for t in [*model.parameters(), *model.buffers()])


@dataclass(eq=False)
class _Held:
    """One model: ``lock`` is held by whoever loads or uses it, ``users`` also counts who waits."""

    lock: Any = field(default_factory=threading.RLock)
    users: int = 0
    model: nn.Module | None = None
    size: int = 0
    last_use: int = 0


class OwnModels:
    """Models kept on one device up to a bound; the least recently used go first.

    Args:
        device: see :func:`working_device`; asked when the first model is wanted.
        bound: bytes that may stay in memory; None takes ``CAST_MODELS_GB``, else a share of the
            device's memory. A model larger than that is still lent, and freed afterwards.
    """

    def __init__(self, device: str = "", bound: int | None = None) -> None:
        self._wish = device
        self._bound = bound
        self._device: torch.device | None = None
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._clock = 0

    @property
    def device(self) -> torch.device:
        if self._device is None:
            self._device = working_device(self._wish)
        return self._device

    @property
    def bound(self) -> int:
        """Bytes that models may keep while nobody uses them."""
        if self._bound is None:
            self._bound = memory_bound(self.device)
        return self._bound

    @property
    def names(self) -> tuple[str, ...]:
        """What is in memory, the least recently used first."""
        with self._lock:
            loaded = [(h.last_use, name) for name, h in self._held.items() if h.model is not None]
        return tuple(name for _, name in sorted(loaded))

    @contextlib.contextmanager
    def lend(
        self, name: str, load: Callable[[], nn.Module], cancel: CancelToken | None = None
    ) -> Iterator[nn.Module]:
        with self._lock:
            held = self._held.setdefault(name, _Held())
            held.users += 1  # from now on nobody drops it
        try:
            acquire(held.lock, cancel)
            try:
                if held.model is None:
                    held.model = self._loaded(name, load)
                    held.size = bytes_of(held.model)
                with self._lock:
                    self._clock += 1
                    held.last_use = self._clock
                yield held.model
            finally:
                held.lock.release()
        finally:
            with self._lock:
                held.users -= 1
                if held.model is None and not held.users:
                    self._held.pop(name, None)
            self._shrink(self.bound)

    def free(self) -> int:
        return self._shrink(0)

    def _loaded(self, name: str, load: Callable[[], nn.Module]) -> nn.Module:
        model = made(load)
        self._shrink(self.bound - bytes_of(model))
        try:
            return model.to(self.device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # A move that broke off has left some weights behind on the device: made anew.
        del model
        self.free()
        try:
            return made(load).to(self.device)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemory(too_little(name, self.device)) from error

    def _shrink(self, bound: int) -> int:
        """Frees unused models, the least recently used first, until ``bound`` bytes are left."""
        freed = 0
        with self._lock:
            total = sum(h.size for h in self._held.values())
            unused = [(h.last_use, n) for n, h in self._held.items() if not h.users]
            for _, name in sorted(unused):
                if total <= bound:
                    break
                total -= self._held.pop(name).size
                freed += 1
        if freed:
            empty_cache(self.device)
        return freed


def made(load: Callable[[], nn.Module]) -> nn.Module:
    """The model with ordinary weights, which can be moved, also when asked within a graph."""
    import torch

    with torch.inference_mode(False), torch.no_grad():
        return load().eval()


def acquire(lock: Any, cancel: CancelToken | None) -> None:
    """Takes a lock; a stop of the run ends the waiting."""
    if cancel is None:
        lock.acquire()
        return
    while not lock.acquire(timeout=_POLL_S):
        cancel.check()


def empty_cache(device: torch.device) -> None:
    """Gives memory that nobody holds any more back to the device."""
    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def memory_bound(device: torch.device) -> int:
    """Bytes for models on a device: ``CAST_MODELS_GB``, else a share of its memory.

    Raises:
        BadInput: the setting is no number.
    """
    import torch

    text = os.environ.get(MEMORY, "")
    if text:
        try:
            return max(0, int(float(text) * 1e9))
        except ValueError:
            raise BadInput(f"{MEMORY} must be a number of gigabytes, got {text!r}") from None
    if device.type == "cuda":
        return int(SHARE * torch.cuda.get_device_properties(device).total_memory)
    return int(SHARE * machine_memory())


def machine_memory() -> int:
    """Bytes of this machine's memory; 16 GB where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 16 << 30


@cache
def own_models() -> OwnModels:
    """The process's models where nobody else manages them."""
    return OwnModels()
