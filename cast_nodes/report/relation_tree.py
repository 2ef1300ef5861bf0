"""The relations of a scene as a picture: what stands on what, from the floor up.

Inline SVG without outside parts. Colours come from the page's style (``report.css``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from markupsafe import Markup

from .pictures import object_colour

CELL, LEVEL, NODE = (132, 78, (116, 34))
"""Width of a column, height of a level, size of a node, px."""
COLUMNS = 9
"""Columns in a row of the picture."""
BAR, EDGE_ROOM, MARGIN = 20, 26, 10
LETTERS = 12
AIR = "nothing"
TITLES = {"floor": "floor", "wall": "wall", "ceiling": "ceiling", AIR: "carried by nothing found"}
SUPPORTS = ("on", "in", "hanging", "leaning")
WORDS = {
    "on": "on", "in": "in", "hanging": "hanging", "leaning": "leaning on", "against": "against",
    "part_of": "part of",
}  # fmt: skip


@dataclass
class _Node:
    """An object, what it carries, and where it is drawn."""

    id: int
    label: str
    edge: Mapping[str, Any] | None
    loads: list[_Node] = field(default_factory=list)
    tags: list[Mapping[str, Any]] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def columns(self) -> int:
        return max(1, sum(load.columns for load in self.loads))

    @property
    def levels(self) -> int:
        return 1 + max((load.levels for load in self.loads), default=0)


def relation_tree(description: Mapping[str, Any]) -> Markup | None:
    """The picture of a scene.json's relations; None where there is no object in the scene."""
    nodes, others = _forest(description)
    if not nodes:
        return None
    rows = _rows(nodes)
    parts: list[str] = []
    y, width = float(MARGIN), 0.0
    for base, roots in rows:
        y, right = _place_row(base, roots, y, parts)
        width = max(width, right)
    by_id = {n.id: n for n in nodes}
    lines = [_line(n, by_id[n.edge["object"]]) for n in nodes if _carrier_of(n) in by_id]  # type: ignore[index]
    arcs = [_arc(e, by_id) for e in others]
    boxes = [_box(n) for n in nodes]
    legend, y = _legend(_kinds(nodes, others), y)
    width = max(width + MARGIN, 420.0)
    body = "".join([*parts, *lines, *arcs, *boxes, legend])
    return Markup(
        f'<svg class="tree" viewBox="0 0 {width:.0f} {y:.0f}" width="{width:.0f}" '
        f'height="{y:.0f}" role="img" aria-label="what stands on what">{body}</svg>'
    )


def _forest(description: Mapping[str, Any]) -> tuple[list[_Node], list[Mapping[str, Any]]]:
    """All placed objects as nodes, hung below what carries them; and the relations beside that."""
    placed = [e for e in description.get("objects", ()) if e.get("node")]
    relations = list(description.get("relations", ()))
    known = {e["id"] for e in placed}
    nodes: dict[int, _Node] = {}
    used: set[int] = set()
    for entry in placed:
        best = _main_edge(entry, relations, known)
        if best is not None:
            used.add(best)
        edge = None if best is None else relations[best]
        nodes[entry["id"]] = _Node(entry["id"], str(entry.get("label", "")), edge)
    for node in nodes.values():
        carrier = _carrier_of(node)
        if isinstance(carrier, int) and not _circles(node, nodes):
            nodes[carrier].loads.append(node)
        elif isinstance(carrier, int):
            node.edge = None
    beside = []
    for number, edge in enumerate(relations):
        if number in used or edge["subject"] not in nodes:
            continue
        if isinstance(edge["object"], str):
            nodes[edge["subject"]].tags.append(edge)
        elif edge["object"] in nodes:
            beside.append(edge)
    return list(nodes.values()), beside


def _main_edge(
    entry: Mapping[str, Any], relations: Sequence[Mapping[str, Any]], known: set[int]
) -> int | None:
    """Number of the relation by which an object is drawn above another, or above the room."""
    mine = [
        (r["type"] == "part_of", r["object"] != entry.get("supported_by"), -_sure(r), n)
        for n, r in enumerate(relations)
        if r["subject"] == entry["id"]
        and (r["type"] in SUPPORTS or r["type"] == "part_of")
        and (isinstance(r["object"], str) or r["object"] in known)
    ]
    return min(mine)[-1] if mine else None


def _carrier_of(node: _Node) -> int | str | None:
    return None if node.edge is None else node.edge["object"]


def _circles(node: _Node, nodes: Mapping[int, _Node]) -> bool:
    """A file changed by hand may have things carry each other."""
    seen, item = {node.id}, _carrier_of(node)
    while isinstance(item, int):
        if item in seen:
            return True
        seen.add(item)
        item = _carrier_of(nodes[item])
    return False


def _rows(nodes: Sequence[_Node]) -> list[tuple[str, list[_Node]]]:
    """What stands on each part of the room, in rows no wider than the picture."""
    rows = []
    for base in ("ceiling", "wall", AIR, "floor"):
        roots = [n for n in nodes if (_carrier_of(n) or AIR) == base]
        roots.sort(key=lambda n: (-n.columns, -n.levels, n.id))
        while roots:
            row, taken = [], 0
            for root in list(roots):
                if not row or taken + root.columns <= COLUMNS:
                    row.append(root)
                    taken += root.columns
                    roots.remove(root)
            rows.append((base, row))
    return rows


def _place_row(base: str, roots: Sequence[_Node], y: float, out: list[str]) -> tuple[float, float]:
    """Gives the nodes of a row their places and draws what they stand on.

    Returns:
        where the next row begins, and the right end of this one.
    """
    levels = max(root.levels for root in roots)
    tagged = EDGE_ROOM if any(n.tags for root in roots for n in _all(root)) else 0
    hangs = base == "ceiling"
    height = levels * LEVEL + tagged
    bar = y if hangs else y + height
    x = float(MARGIN)
    for root in roots:
        _place(root, x, bar + BAR if hangs else bar, 1 if hangs else -1)
        x += root.columns * CELL
    for root in roots:
        if base != AIR:
            out.append(_line_to_bar(root, bar + BAR if hangs else bar))
    wide = max(x - MARGIN, 8.0 * len(TITLES[base]))
    out.append(
        f'<rect class="bar bar-{base}" x="{MARGIN}" y="{bar:.0f}" width="{wide:.0f}" '
        f'height="{BAR}" rx="4"/><text class="base" x="{MARGIN + 8}" y="{bar + 14:.0f}">'
        f"{escape(TITLES[base])}</text>"
    )
    return y + height + BAR + EDGE_ROOM, x


def _place(node: _Node, left: float, base: float, way: int) -> None:
    """Places a node in the middle of its columns, its loads beyond it."""
    node.x = left + node.columns * CELL / 2
    node.y = base + way * (LEVEL - NODE[1] / 2 - 12)
    for load in node.loads:
        _place(load, left, base + way * LEVEL, way)
        left += load.columns * CELL


def _all(node: _Node) -> Iterable[_Node]:
    yield node
    for load in node.loads:
        yield from _all(load)


def _line(node: _Node, carrier: _Node) -> str:
    """From an object to what carries it."""
    assert node.edge is not None
    below = carrier.y > node.y
    y0 = node.y + (NODE[1] / 2 if below else -NODE[1] / 2)
    y1 = carrier.y - (NODE[1] / 2 if below else -NODE[1] / 2)
    x1 = min(max(node.x, carrier.x - NODE[0] / 2 + 10), carrier.x + NODE[0] / 2 - 10)
    return _stroke(node.edge, f"M{node.x:.0f},{y0:.0f}L{x1:.0f},{y1:.0f}", node.x, (y0 + y1) / 2)


def _line_to_bar(node: _Node, bar: float) -> str:
    assert node.edge is not None
    y0 = node.y + (NODE[1] / 2 if bar > node.y else -NODE[1] / 2)
    return _stroke(node.edge, f"M{node.x:.0f},{y0:.0f}V{bar:.0f}", node.x, (y0 + bar) / 2)


def _arc(edge: Mapping[str, Any], nodes: Mapping[int, _Node]) -> str:
    """A relation beside the tree: over or under the nodes, bent away from them."""
    one, other = nodes[edge["subject"]], nodes[edge["object"]]
    bend = NODE[1] / 2 + 16
    if abs(one.y - other.y) < LEVEL / 2:
        y = one.y - NODE[1] / 2
        path = f"M{one.x:.0f},{y:.0f}C{one.x:.0f},{y - bend:.0f} {other.x:.0f},{y - bend:.0f} {other.x:.0f},{y:.0f}"
        return _stroke(edge, path, (one.x + other.x) / 2, y - 0.75 * bend)
    side = NODE[0] / 2 if other.x >= one.x else -NODE[0] / 2
    path = f"M{one.x + side:.0f},{one.y:.0f}Q{other.x:.0f},{one.y:.0f} {other.x:.0f},{other.y + (NODE[1] / 2 if one.y > other.y else -NODE[1] / 2):.0f}"
    return _stroke(edge, path, other.x, (one.y + other.y) / 2)


def _stroke(edge: Mapping[str, Any], path: str, x: float, y: float) -> str:
    """A line in the colour of its relation with its confidence; a doubtful one is dashed."""
    doubtful = " doubtful" if _sure(edge) < 0.6 else ""
    told = escape(_told(edge))
    return (
        f'<g class="edge {_class(edge)}{doubtful}"><title>{told}</title><path d="{path}"/>'
        f'<text x="{x + 5:.0f}" y="{y + 4:.0f}">{escape(_percent(edge))}</text></g>'
    )


def _box(node: _Node) -> str:
    """An object: colour, name, and what it has with the room beside standing on it."""
    width, height = NODE
    x, y = node.x - width / 2, node.y - height / 2
    colour = "rgb({}, {}, {})".format(*object_colour(node.id))
    name = node.label if len(node.label) <= LETTERS else node.label[: LETTERS - 1] + "…"
    tags = "".join(
        f'<g class="tag {_class(e)}"><title>{escape(_told(e))}</title>'
        f'<text x="{node.x:.0f}" y="{y - 6 - 12 * n:.0f}">'
        f"{escape(f'{_word(e)} {_partner(e)} {_percent(e)}')}</text></g>"
        for n, e in enumerate(node.tags)
    )
    return (
        f'<a href="#object-{node.id}"><g class="node"><title>{escape(f"{node.label} {node.id}")}'
        f'</title><rect x="{x:.0f}" y="{y:.0f}" width="{width}" height="{height}" rx="7"/>'
        f'<rect x="{x + 7:.0f}" y="{y + 11:.0f}" width="12" height="12" rx="3" '
        f'style="fill: {colour}" class="dot"/><text x="{x + 24:.0f}" y="{y + 21:.0f}">{escape(name)}'
        f'<tspan class="id"> {node.id}</tspan></text></g></a>{tags}'
    )


def _kinds(nodes: Sequence[_Node], others: Sequence[Mapping[str, Any]]) -> list[str]:
    there = {n.edge["type"] for n in nodes if n.edge} | {e["type"] for e in others}
    there |= {e["type"] for n in nodes for e in n.tags}
    return [kind for kind in WORDS if kind in there]


def _legend(kinds: Sequence[str], y: float) -> tuple[str, float]:
    """Which colour is which relation; and where the picture ends."""
    if not kinds:
        return "", y
    out = []
    for n, kind in enumerate(kinds):
        x = MARGIN + n * 104
        out.append(
            f'<g class="edge {_class({"type": kind})}"><path d="M{x},{y:.0f}h22"/>'
            f'<text x="{x + 28}" y="{y + 4:.0f}" class="word">{escape(WORDS[kind])}</text></g>'
        )
    return "".join(out), y + 18


def _word(edge: Mapping[str, Any]) -> str:
    return WORDS.get(edge["type"], str(edge["type"]))


def _partner(edge: Mapping[str, Any]) -> str:
    return str(edge["object"])


def _class(edge: Mapping[str, Any]) -> str:
    kind = edge["type"]
    return f"is-{kind}" if kind in WORDS else "is-other"


def _sure(edge: Mapping[str, Any]) -> float:
    value = edge.get("confidence")
    return float(value) if isinstance(value, (int, float)) else 1.0


def _percent(edge: Mapping[str, Any]) -> str:
    if edge.get("source") == "edit":
        return "by hand"
    return f"{100 * _sure(edge):.0f} %"


def _told(edge: Mapping[str, Any]) -> str:
    source = f", {edge['source']}" if edge.get("source") else ""
    return f"{edge['subject']} {_word(edge)} {_partner(edge)}: {_percent(edge)}{source}"
