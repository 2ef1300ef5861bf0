"""The modules of usd-core, loaded when they are first needed."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import BackendNotReady

INSTALL = "pip install usd-core"


def require_usd() -> None:
    """Raises BackendNotReady with the install line when usd-core is absent."""
    try:
        from pxr import Usd  # noqa: F401
    except ImportError as error:
        raise BackendNotReady(f"USD needs usd-core: {INSTALL} ({error})") from None


def pxr(name: str) -> Any:
    """One of its modules ("UsdGeom"). They fill themselves when loaded, so no type is known."""
    return importlib.import_module(f"pxr.{name}")
