"""Writes the translations that ComfyUI's front end reads, from the nodes themselves.

    COMFYUI_DIR=… make locales

English is what the nodes say, so it is taken from a running ComfyUI and never written twice. The
Chinese texts are written by hand in ``locales/zh/texts.json``: names by the English name (or by
``Node.name`` where one node means something else by it), all else by the English line. Texts that
lack a translation, and translations that nothing uses any more, are named.

The layout that the front end wants (its version 1.49):

- ``nodeDefs.json``: node -> ``display_name``, ``description``, ``inputs`` by name (dots become
  ``_``: ``backend.labels`` is ``backend_labels``) and ``outputs`` by index, each with ``name`` and
  ``tooltip``. Names and descriptions are message patterns, in which ``{ } @ |`` mean something;
  tooltips are taken as they are.
- A backend's widgets are put in by the front end with the tooltip of the node's definition, which
  it does not translate, and neither does it translate price badges. ``main.json`` carries those
  under ``castOptions`` and ``castPrices``, and ``frontend/src/translated.ts`` puts them in their
  place.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCALES = ROOT / "locales"
CATALOGUE = "texts.json"
TRANSLATED = ("zh",)
PREFIX = "CAST"
DYNAMIC = "COMFY_DYNAMICCOMBO_V3"

Json = dict[str, Any]


class Untranslated(Exception):
    """Texts that a catalogue lacks, and those that it no longer needs."""

    def __init__(self, missing: Mapping[str, None], unused: list[str]) -> None:
        lines = [f"no translation: {json.dumps(m, ensure_ascii=False)}" for m in missing]
        lines += [f"no longer used: {json.dumps(u, ensure_ascii=False)}" for u in unused]
        super().__init__("\n".join(lines))


def inputs_of(groups: Json) -> Iterator[tuple[str, list]]:
    """Name and [type, facts] of each input, required ones first."""
    for group in ("required", "optional"):
        yield from groups.get(group, {}).items()


def option_tooltips(facts: Json) -> dict[str, dict[str, dict[str, str]]]:
    """Tooltips of what a choice brings along, by input, choice and name."""
    return {
        name: {
            choice["key"]: {n: s[1].get("tooltip", "") for n, s in inputs_of(choice["inputs"])}
            for choice in spec[1]["options"]
        }
        for name, spec in inputs_of(facts["input"])
        if spec[0] == DYNAMIC
    }


def price_words(nodes: Json) -> list[str]:
    """The words of the price badges (nodes/prices.py)."""
    badges = [facts["price_badge"]["expr"] for facts in nodes.values() if facts.get("price_badge")]
    found = [re.search(r"\$words := (\{.*?\});", badge) for badge in badges]
    return sorted({word for match in found if match for word in json.loads(match[1])})


def english(nodes: Json) -> Json:
    """``nodeDefs.json`` of what the server tells about nodes (``/object_info``)."""
    return {node_id: _node(facts) for node_id, facts in sorted(nodes.items())}


def _node(facts: Json) -> Json:
    inputs = {
        name: {"name": name, "tooltip": spec[1].get("tooltip", "")}
        for name, spec in inputs_of(facts["input"])
    }
    for name, choices in option_tooltips(facts).items():
        for key, tooltip in _shared(choices).items():
            inputs[f"{name}_{key}"] = {"name": key, "tooltip": tooltip}
    tooltips = facts.get("output_tooltips") or [""] * len(facts["output"])
    outputs = {
        str(i): {"name": name, "tooltip": tooltip}
        for i, (name, tooltip) in enumerate(zip(facts["output_name"], tooltips, strict=True))
    }
    texts = {"display_name": facts["display_name"], "description": facts["description"]}
    return texts | {"inputs": inputs, "outputs": outputs}


def _shared(choices: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """One tooltip for each name: the choices' common one, else one line for each that has it."""
    names = dict.fromkeys(name for tooltips in choices.values() for name in tooltips)
    shared = {}
    for name in names:
        told = {key: tooltips[name] for key, tooltips in choices.items() if name in tooltips}
        common = set(told.values())
        shared[name] = (
            common.pop() if len(common) == 1 else "\n".join(f"{k}: {v}" for k, v in told.items())
        )
    return shared


class Catalogue:
    """Hand-written translations, and what was asked of them in vain."""

    def __init__(self, texts: Json) -> None:
        self._names, self._texts = texts["names"], texts["texts"]
        self._used: set[str] = set()
        self.missing: dict[str, None] = {}

    def name(self, node_id: str, name: str) -> str:
        """A label, by ``Node.name`` or the name alone."""
        own = f"{node_id}.{name}"
        return self._look_up(self._names, own if own in self._names else name)

    def text(self, text: str) -> str:
        """Prose, line by line."""
        return "\n".join(self._look_up(self._texts, line) for line in text.split("\n"))

    def _look_up(self, known: Json, key: str) -> str:
        self._used.add(key)
        if key not in known:
            self.missing[key] = None
        return known.get(key, key)

    def unused(self) -> list[str]:
        return [k for k in (*self._names, *self._texts) if k not in self._used]


def translated(nodes: Json, catalogue: Catalogue) -> tuple[Json, Json]:
    """``nodeDefs.json`` and ``main.json`` in the catalogue's language."""
    changed, options = {}, {}
    for node_id, facts in nodes.items():
        brought = option_tooltips(facts)
        for choices in brought.values():
            for tooltips in choices.values():
                for name in tooltips:
                    tooltips[name] = catalogue.text(tooltips[name])
        if brought:
            options[node_id] = brought
        changed[node_id] = _node_in(facts, node_id, brought, catalogue)
    prices = {word: catalogue.text(word) for word in price_words(nodes)}
    main = {"castOptions": dict(sorted(options.items())), "castPrices": prices}
    return dict(sorted(changed.items())), main


def _node_in(facts: Json, node_id: str, brought: Json, catalogue: Catalogue) -> Json:
    ours = {f"{name}_{n}": t for name, c in brought.items() for n, t in _shared(c).items()}
    node = _node(facts)
    node["display_name"] = catalogue.name(node_id, node["display_name"])
    node["description"] = catalogue.text(node["description"])
    for key, item in (*node["inputs"].items(), *node["outputs"].items()):
        item["name"] = catalogue.name(node_id, item["name"])
        item["tooltip"] = ours[key] if key in ours else catalogue.text(item["tooltip"])
    return node


def files(nodes: Json) -> dict[str, Json]:
    """All files to be written, by their path below ``locales``.

    Raises:
        Untranslated: a catalogue does not fit the nodes' texts.
    """
    made = {"en/nodeDefs.json": english(nodes)}
    for language in TRANSLATED:
        catalogue = Catalogue(read(f"{language}/{CATALOGUE}"))
        made[f"{language}/nodeDefs.json"], made[f"{language}/main.json"] = translated(
            nodes, catalogue
        )
        if catalogue.missing or catalogue.unused():
            raise Untranslated(catalogue.missing, catalogue.unused())
    return made


def read(path: str) -> Json:
    """A file below ``locales``."""
    return json.loads((LOCALES / path).read_text(encoding="utf-8"))


def write(path: str, content: Json) -> None:
    """The same, written so that a change of one text is a change of one line."""
    target = LOCALES / path
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    target.write_text(text, encoding="utf-8")


def nodes_of_server() -> Json:
    """What a ComfyUI of its own tells about the pack's nodes."""
    sys.path.insert(0, str(ROOT))
    from tests.comfyui.conftest import comfyui_python
    from tests.comfyui.server import Server

    if "COMFYUI_DIR" not in os.environ:
        sys.exit("COMFYUI_DIR is not set: name a ComfyUI checkout (version 0.33.0 or later)")
    comfyui = Path(os.environ["COMFYUI_DIR"]).resolve()
    with tempfile.TemporaryDirectory() as base:
        log = Path(base) / "comfyui.log"
        server = Server(comfyui, comfyui_python(comfyui), Path(base), log)
        server.start()
        try:
            return pack_nodes(server.get("/object_info"))
        finally:
            server.stop()


def pack_nodes(object_info: Json) -> Json:
    """The pack's own of all the server's nodes."""
    return {k: v for k, v in object_info.items() if k.startswith(PREFIX)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--object-info", type=Path, help="a saved /object_info, in place of ComfyUI"
    )
    given = parser.parse_args().object_info
    nodes = pack_nodes(json.loads(given.read_text("utf-8"))) if given else nodes_of_server()
    write("en/nodeDefs.json", english(nodes))
    try:
        made = files(nodes)
    except Untranslated as lacks:
        sys.exit(f"locales/zh/{CATALOGUE} does not fit the nodes:\n{lacks}")
    for path, content in made.items():
        write(path, content)
        print(f"locales/{path}")


if __name__ == "__main__":
    main()
