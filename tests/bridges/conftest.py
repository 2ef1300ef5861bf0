"""Helpers beside the tests are imported by their own name."""

import sys
from pathlib import Path

import pytest

from cast_nodes.context import Context
from cast_nodes.store import Store

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def context() -> Context:
    """A store of its own, in memory; one object at a time."""
    return Context(store=Store(), workers=1)
