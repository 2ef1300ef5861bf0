"""Whether the whole graph can run, asked once more before the first thing is paid for.

ComfyUI's validation asks each node before anything runs, but does not tell it the options of the
backend that was chosen (a server of one's own, which needs no key, is one of them). A node that is
about to pay therefore looks at all nodes of its graph with their options.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from comfy_execution.utils import get_executing_context
from server import PromptServer

from ..cast_nodes.backends import backends, choose, option_specs
from ..cast_nodes.context import Context
from ..cast_nodes.errors import BackendNotReady, BadInput
from .widgets import BACKEND

STAGE_OF_NODE = {
    "CASTDetect": "detect", "CASTFilter": "filter", "CASTDepth": "depth", "CASTInpaint": "inpaint",
    "CASTMesh": "mesh", "CASTRegister": "register", "CASTComposeScene": "compose",
}  # fmt: skip


def require_whole_graph(context: Context) -> None:
    """Raises :class:`BackendNotReady` for what any node of the running graph lacks."""
    lacks = []
    for node in _running_nodes():
        stage = STAGE_OF_NODE.get(node.get("class_type", ""))
        if stage is not None:
            lacks += _lacks(stage, node.get("inputs", {}), context)
    if lacks:
        raise BackendNotReady("nothing was paid for yet, because " + "; ".join(lacks))


def _lacks(stage: str, inputs: Mapping[str, Any], context: Context) -> list[str]:
    name = inputs.get(BACKEND)
    if name not in backends(stage):
        return []  # that node says so itself
    known = {spec.name for spec in option_specs(backends(stage)[name].options)}
    values = {k.removeprefix(f"{BACKEND}."): v for k, v in inputs.items()}
    given = {k: v for k, v in values.items() if k in known and not isinstance(v, list)}
    try:
        choice = choose(stage, name, **given)
    except BadInput:
        return []  # also its own to say
    missing = choice.backend.missing(context, choice.options)
    return [f"{stage} ({name}) lacks its {n.what}: {n.mend}" for n in missing]


def _running_nodes() -> Iterator[Mapping[str, Any]]:
    """The nodes of the graph that is being run, as queued; none when ComfyUI does not tell."""
    executing = get_executing_context()
    running, _ = PromptServer.instance.prompt_queue.get_current_queue_volatile()
    for _, prompt_id, prompt, _, outputs, *_ in running:
        if executing is not None and prompt_id == executing.prompt_id:
            yield from _leading_to(outputs, prompt)


def _leading_to(outputs: Iterable[str], prompt: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The outputs and all nodes before them; others are not run."""
    seen, waiting = set(), list(outputs)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in prompt:
            continue
        seen.add(name)
        yield prompt[name]
        links = (v for v in prompt[name]["inputs"].values() if isinstance(v, list) and len(v) == 2)
        waiting += [str(link[0]) for link in links]
