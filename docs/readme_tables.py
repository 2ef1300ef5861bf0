"""Writes the backend tables of README.md from the registry: ``make readme``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

START, END = "<!-- tables: made by `make readme` -->", "<!-- end of tables -->"


def main() -> None:
    """Replaces what stands between the two markers."""
    root = Path(__file__).parents[1]
    tables = subprocess.run(
        [sys.executable, "-m", "cast_nodes", "backends", "--markdown"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    path = root / "README.md"
    before, _, rest = path.read_text().partition(START)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{START}\n\n{tables}\n\n{END}{after}")


if __name__ == "__main__":
    main()
