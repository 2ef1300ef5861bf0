"""docs/services.md tells of every paid backend, with the prices and keys of the registry."""

import re
from pathlib import Path

import pytest

from cast_nodes.backends import STAGES, backends

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "services.md").read_text(encoding="utf-8")
PAID = [b for stage in STAGES for b in backends(stage).values() if b.info.price is not None]


@pytest.mark.parametrize("backend", PAID, ids=lambda b: b.info.name)
def test_a_paid_backend_is_described_with_its_price_and_key(backend):
    assert backend.info.price is not None
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| {backend.stage.title()} |")]
    (row,) = [r for r in rows if f"`{backend.info.name}` |" in r]
    told = re.search(r"\$(\d+\.\d+) a (\w+)", row)
    assert told, row
    assert (float(told[1]), told[2]) == (backend.info.price.usd, backend.info.price.per)
    keys = {
        w for need in backend.info.needs for w in re.findall(r"[A-Z_]+_(?:KEY|TOKEN)", need.what)
    }
    assert keys and any(f"`{key}`" in row for key in keys)


@pytest.mark.parametrize("backend", PAID, ids=lambda b: b.info.name)
def test_it_is_said_what_was_run_of_a_paid_backend(backend):
    tried = PAGE.partition("## What was run")[2]
    assert f"| `{backend.info.name}`" in tried
