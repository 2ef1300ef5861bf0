"""Which renderers ``differentiable`` can use here, and what mends it where there are none.

Nothing heavy is imported at the top: the list of backends asks these questions, too.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from typing import Literal

from ..errors import BackendNotReady

Renderer = Literal["mitsuba", "pytorch3d"]
Device = Literal["cpu", "cuda"]

INSTALL_MITSUBA = "pip install mitsuba"
INSTALL_PYTORCH3D = (
    "build it as github.com/facebookresearch/pytorch3d/blob/main/INSTALL.md says, "
    "or set renderer to mitsuba"
)
_LLVM_COMMANDS = {"darwin": "brew install llvm", "win32": "winget install LLVM.LLVM"}
LLVM_MEND = (
    _LLVM_COMMANDS.get(sys.platform, "apt-get install libllvm19")
    + " (or another LLVM from 17 on; DRJIT_LIBLLVM_PATH names a library in an unusual place)"
)


def has_package(name: str) -> bool:
    """Whether a package is installed; nothing is imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ModuleNotFoundError, ValueError):
        return False


@cache
def has_llvm() -> bool:
    """Whether Dr.Jit, which Mitsuba is built on, finds an LLVM it can use.

    It must be asked beforehand: rendering without one ends the whole process.
    """
    return _has_backend("LLVM")


@cache
def has_nvidia() -> bool:
    """Whether Dr.Jit finds an NVIDIA driver."""
    return _has_backend("CUDA")


def _has_backend(name: str) -> bool:
    try:
        import drjit as dr
    except (ImportError, OSError):
        return False
    return bool(dr.has_backend(getattr(dr.JitBackend, name)))


def can_render() -> bool:
    """Whether one of the renderers is installed."""
    return has_package("mitsuba") or has_package("pytorch3d")


def can_compile() -> bool:
    """Whether Mitsuba, where it is the only renderer, has something to compile with."""
    if has_package("pytorch3d") or not has_package("mitsuba"):
        return True
    return has_llvm() or has_nvidia()


def pick_renderer(name: Literal["auto", "mitsuba", "pytorch3d"], device: Device) -> Renderer:
    """The renderer to use, checked to be able to run on the device.

    ``auto`` takes Mitsuba where it can run (exact edges, and much faster on a CPU).

    Raises:
        BackendNotReady: it, or what it needs, is missing; the message holds the mend.
    """
    order: tuple[Renderer, ...] = ("mitsuba", "pytorch3d") if name == "auto" else (name,)
    lacks = [_mitsuba_lacks(device) if r == "mitsuba" else _pytorch3d_lacks(device) for r in order]
    for renderer, lack in zip(order, lacks, strict=True):
        if not lack:
            return renderer
    raise BackendNotReady(f"register backend 'differentiable' cannot draw on {device}: {lacks[0]}")


def _mitsuba_lacks(device: Device) -> str:
    if not has_package("mitsuba"):
        return f"package mitsuba is missing: {INSTALL_MITSUBA}"
    if device == "cuda" and not (_torch_sees_a_gpu() and has_nvidia()):
        return "torch or Dr.Jit sees no NVIDIA GPU: set device to cpu"
    if device == "cpu" and not has_llvm():
        return f"libLLVM is missing: {LLVM_MEND}"
    return ""


def _pytorch3d_lacks(device: Device) -> str:
    if not has_package("pytorch3d"):
        return f"package pytorch3d is missing: {INSTALL_PYTORCH3D}"
    if device == "cuda" and not _torch_sees_a_gpu():
        return "torch sees no GPU: set device to cpu"
    return ""


def _torch_sees_a_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
