"""The composed test room of tests/compose."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_path = Path(__file__).parents[1] / "compose" / "conftest.py"
_spec = importlib.util.spec_from_file_location("cast_test_room", _path)
assert _spec and _spec.loader
_module = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _module
_spec.loader.exec_module(_module)

room, scene = _module.room, _module.scene
