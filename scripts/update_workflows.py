"""Brings example_workflows/*.json up to date after a backend got new options.

    python scripts/update_workflows.py

Options are only ever appended, so a saved node lacks the last ones: each is added with its default,
as the front end would have saved it. What is there already stays as it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from cast_nodes.backends import STAGES, get_backend, option_specs  # noqa: E402

SOCKETS = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING"}


def update(node: dict) -> list[str]:
    """Adds the options that a saved node lacks; returns their names."""
    stage = node["type"].removeprefix("CAST").lower().replace("composescene", "compose")
    values = node.get("widgets_values_named", {})
    if stage not in STAGES or "backend" not in values:
        return []
    added = []
    for spec in option_specs(get_backend(stage, values["backend"]).options):
        name = f"backend.{spec.name}"
        if name in values:
            continue
        values[name] = spec.default
        node["widgets_values"].append(spec.default)
        kind = "COMBO" if spec.choices else SOCKETS[spec.type]
        widget = {"localized_name": name, "name": name, "type": kind, "widget": {"name": name}}
        node["inputs"].append(widget | {"link": None})
        added.append(name)
    return added


def main() -> None:
    for path in sorted((ROOT / "example_workflows").glob("*.json")):
        workflow = json.loads(path.read_text(encoding="utf-8"))
        added = {node["type"]: names for node in workflow["nodes"] if (names := update(node))}
        if added:
            text = json.dumps(workflow, indent=1, ensure_ascii=False) + "\n"
            path.write_text(text, encoding="utf-8")
            print(path.name, added)


if __name__ == "__main__":
    main()
