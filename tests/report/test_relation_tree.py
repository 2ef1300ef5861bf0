"""The picture of the relations: well-formed, each object once, nothing of the user as markup."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from cast_nodes.report.relation_tree import COLUMNS, relation_tree


def placed(number, label="chair", by="floor"):
    return {"id": number, "label": label, "node": f"{label}_{number}", "supported_by": by}


def edge(subject, kind, target, confidence=0.9, source="geometry"):
    return {
        "subject": subject, "type": kind, "object": target, "confidence": confidence,
        "source": source,
    }  # fmt: skip


def drawn(objects, relations=()):
    made = relation_tree({"objects": objects, "relations": list(relations)})
    assert made is not None
    return ElementTree.fromstring(str(made))


def boxes(tree):
    """(x, y) of each object's box by its link."""
    return {
        a.attrib["href"]: (float(a[0][1].attrib["x"]), float(a[0][1].attrib["y"]))
        for a in tree.iter("a")
    }


def bar(tree, name):
    (found,) = [r for r in tree.iter("rect") if r.attrib.get("class") == f"bar bar-{name}"]
    return float(found.attrib["y"])


def test_nothing_placed_is_no_picture():
    assert relation_tree({"objects": [{"id": 1, "label": "x", "node": None}]}) is None
    assert relation_tree({}) is None


def test_the_floor_is_below_and_loads_are_above_their_carriers():
    objects = [placed(0), placed(1, by=0), placed(2, by=1), placed(3)]
    tree = drawn(
        objects,
        [edge(0, "on", "floor"), edge(1, "on", 0), edge(2, "in", 1), edge(3, "on", "floor")],
    )
    at = boxes(tree)
    assert bar(tree, "floor") > at["#object-0"][1] > at["#object-1"][1] > at["#object-2"][1]
    assert at["#object-3"][1] == at["#object-0"][1]
    assert len({x for x, _ in (at["#object-0"], at["#object-3"])}) == 2


def test_lamps_hang_below_the_ceiling():
    tree = drawn([placed(0, "lamp", "ceiling")], [edge(0, "hanging", "ceiling")])
    assert boxes(tree)["#object-0"][1] > bar(tree, "ceiling")


def test_what_nothing_carries_is_shown_so():
    tree = drawn([placed(0, by=None)])
    assert "carried by nothing found" in "".join(tree.itertext())


def test_relations_beside_the_tree_are_there():
    objects = [placed(0), placed(1), placed(2, "door", None)]
    relations = [
        edge(0, "on", "floor"), edge(1, "on", "floor"), edge(0, "against", 1, 0.55),
        edge(1, "against", "wall", 0.7), edge(2, "part_of", 0), edge(0, "leaning", "wall"),
    ]  # fmt: skip
    words = " ".join(drawn(objects, relations).itertext())
    for said in ("0 against 1", "against wall 70 %", "2 part of 0", "leaning on wall"):
        assert said in words


def test_the_users_word_is_told_as_such():
    assert "by hand" in " ".join(
        drawn([placed(0)], [edge(0, "on", "floor", 1.0, "edit")]).itertext()
    )


def test_no_label_becomes_markup():
    tree = drawn([placed(0, '<script>"&')], [edge(0, "on", "floor", source="<b>")])
    assert not [e for e in tree.iter() if e.tag in ("script", "b")]
    assert '<script>"&' in "".join(tree.itertext())


def test_a_file_changed_by_hand_may_hold_a_circle_or_strange_words():
    objects = [placed(0, by=1), placed(1, by=0)]
    relations = [edge(0, "on", 1), edge(1, "on", 0), edge(0, "glued to", 7), edge(9, "on", 0)]
    relations.append({"subject": 0, "object": 1, "type": "<&", "confidence": None})
    assert len(boxes(drawn(objects, relations))) == 2


def test_many_objects_go_into_rows():
    objects = [placed(n) for n in range(50)]
    tree = drawn(objects, [edge(n, "on", "floor") for n in range(50)])
    at = boxes(tree)
    assert len(at) == 50 and len(set(at.values())) == 50
    assert len({x for x, _ in at.values()}) == COLUMNS
    width, height = (float(v) for v in re.findall(r"[\d.]+", tree.attrib["viewBox"])[2:])
    assert all(x + 116 <= width and y <= height for x, y in at.values())
