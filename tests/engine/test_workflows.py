"""The shipped workflows fit this version's backends and options, also where no ComfyUI is."""

import json
from pathlib import Path

import pytest

from cast_nodes.backends import choose, option_specs

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "example_workflows").glob("*.json"))
STAGE_OF_NODE = {
    "CASTDetect": "detect", "CASTFilter": "filter", "CASTDepth": "depth", "CASTInpaint": "inpaint",
    "CASTMesh": "mesh", "CASTRegister": "register", "CASTComposeScene": "compose",
}  # fmt: skip
BROUGHT_BY_NODES = {"boxes"}

CASES = [
    pytest.param(node, id=f"{path.stem}-{node['type']}")
    for path in WORKFLOWS
    for node in json.loads(path.read_text())["nodes"]
    if node["type"] in STAGE_OF_NODE
]


@pytest.mark.parametrize("node", CASES)
def test_a_workflow_saves_every_option_with_a_value_that_is_allowed(node: dict):
    values = node["widgets_values_named"]
    options = {k.removeprefix("backend."): v for k, v in values.items() if k.startswith("backend.")}
    options = {k: v for k, v in options.items() if k not in BROUGHT_BY_NODES}
    choice = choose(STAGE_OF_NODE[node["type"]], values["backend"], **options)
    assert set(options) == {s.name for s in option_specs(choice.backend.options)}
