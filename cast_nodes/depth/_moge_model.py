"""MoGe's model out of its checkpoint: which version it is, and the package that holds it."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
import threading
import types
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BackendNotReady

if TYPE_CHECKING:
    from torch import nn

CHECKPOINT = "model.pt"

_importing = threading.Lock()


def checkpoint_in(place: Path) -> Path:
    """The checkpoint: the file itself, or ``model.pt`` in a folder."""
    return place if place.is_file() else place / CHECKPOINT


def load_moge(checkpoint: Path) -> nn.Module:
    """The model of a MoGe-1 or MoGe-2 checkpoint, on the CPU, in single precision.

    The version is the checkpoint's own: MoGe-1 names its encoder, MoGe-2 describes it.

    Raises:
        BackendNotReady: the file is damaged or not a MoGe checkpoint.
    """
    config = _config(checkpoint)
    version = "v2" if isinstance(config["encoder"], dict) else "v1"
    model_class = import_moge(version).MoGeModel
    try:
        return model_class.from_pretrained(checkpoint).float().eval()
    except (RuntimeError, KeyError, TypeError, AttributeError, OSError, EOFError) as error:
        raise _unreadable(checkpoint, error) from error


def _config(checkpoint: Path) -> dict[str, Any]:
    """What the checkpoint says of its model; the weights stay on the disk."""
    import torch

    try:
        held = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:
        try:  # files of old torch cannot be mapped
            held = torch.load(checkpoint, map_location="cpu", weights_only=True)
        except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
            raise _unreadable(checkpoint, error) from None
    except (OSError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise _unreadable(checkpoint, error) from None
    config = held.get("model_config") if isinstance(held, dict) else None
    if not isinstance(config, dict) or "encoder" not in config or "model" not in held:
        raise BackendNotReady(
            f"{checkpoint} is no MoGe checkpoint (it has no model_config); the option weights takes"
            f" MoGe's own {CHECKPOINT}, such as that of Ruicheng/moge-2-vitl-normal"
        )
    return config


def _unreadable(checkpoint: Path, error: BaseException) -> BackendNotReady:
    reason = (
        str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    )
    return BackendNotReady(
        f"{checkpoint} cannot be read as a MoGe checkpoint ({reason}); delete it and run again to"
        " download it anew, or name another in the option weights"
    )


def import_moge(version: str) -> Any:
    """MoGe's module ``v1`` or ``v2``.

    Both import OpenCV, which only their training and file reading use; where it is not installed
    an empty module stands in during the import, so that it need not be.
    """
    name = f"moge.model.{version}"
    with _importing:
        if name in sys.modules or importlib.util.find_spec("cv2") is not None:
            return importlib.import_module(name)
        sys.modules["cv2"] = _NoOpenCV("cv2")
        try:
            return importlib.import_module(name)
        finally:
            del sys.modules["cv2"]


class _NoOpenCV(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(f"cv2.{name} is needed, and OpenCV is not installed")
