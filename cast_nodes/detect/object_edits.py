"""What a person changes about the found objects, as one compact text that people can read.

    {"photo": [1024, 768],
     "objects": {
       "3": {"label": "armchair"},
       "4": {"keep": false},
       "6": {"points": [[310, 420, 1], [290, 500, -1]]},
       "100": {"label": "lamp", "box": [40, 60, 180, 330],
               "brush": [{"add": 12, "path": [[50, 70], [80, 96]]}, {"erase": 8, "path": [[60, 300]]}]}}}

Lengths are pixels of the photo that was drawn on, whose size "photo" tells: they read like the
boxes everywhere else, a brush is round, and they still fit when the photo is worked on in another
size, while a photo of other proportions is noticed. Every field is optional. An id that is not
among the objects makes a new one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..boxes import Box
from ..errors import BadInput

Point = tuple[float, float]

OTHER_SHAPE = 0.02
"""Relative difference of proportions from which it is another photo."""


@dataclass(frozen=True)
class Stroke:
    """A line drawn with a round brush.

    Attributes:
        adds: it paints the object; otherwise it wipes it away.
        radius: px.
        path: (x, y) px; one point is a dab.
    """

    adds: bool
    radius: float
    path: tuple[Point, ...]


@dataclass(frozen=True)
class ObjectEdit:
    """What is changed about one object.

    Attributes:
        label: "" leaves its name.
        keep: False deletes it, True brings it back when it was dropped, None leaves that.
        box: (x0, y0, x1, y1) px, drawn anew; its mask is then made anew, too.
        positive, negative: (x, y) px on it and beside it.
        strokes: painted on its mask in this order, after all else.
    """

    label: str = ""
    keep: bool | None = None
    box: Box | None = None
    positive: tuple[Point, ...] = ()
    negative: tuple[Point, ...] = ()
    strokes: tuple[Stroke, ...] = ()

    @property
    def shows_where(self) -> bool:
        """Whether it tells where a thing is that was not found."""
        return bool(self.box or self.positive or any(s.adds for s in self.strokes))

    @property
    def reshapes(self) -> bool:
        """Whether the mask changes."""
        return bool(self.box or self.positive or self.negative or self.strokes)

    def scaled(self, across: float, down: float) -> ObjectEdit:
        """The same on a picture of another size."""

        def moved(points: tuple[Point, ...]) -> tuple[Point, ...]:
            return tuple((x * across, y * down) for x, y in points)

        mean = math.sqrt(across * down)
        box = self.box and (
            self.box[0] * across, self.box[1] * down, self.box[2] * across, self.box[3] * down,
        )  # fmt: skip
        strokes = (Stroke(s.adds, s.radius * mean, moved(s.path)) for s in self.strokes)
        return replace(
            self,
            box=box,
            positive=moved(self.positive),
            negative=moved(self.negative),
            strokes=tuple(strokes),
        )


@dataclass(frozen=True)
class ObjectEdits:
    """All changes by object id.

    Attributes:
        size: (width, height) px of the photo they were drawn on; None is the photo's own.
    """

    by_id: Mapping[int, ObjectEdit] = field(default_factory=dict)
    size: tuple[float, float] | None = None

    def on(self, width: int, height: int) -> ObjectEdits:
        """The edits in pixels of a photo of this size.

        Raises:
            BadInput: its proportions are not those of the photo that was drawn on.
        """
        if self.size is None or self.size == (width, height):
            return self
        across, down = width / self.size[0], height / self.size[1]
        if abs(math.log(across / down)) > OTHER_SHAPE:
            raise BadInput(
                f"edits: they were drawn on a photo of {self.size[0]:g} x {self.size[1]:g} pixels,"
                f" this one is {width} x {height}; clear them, or connect the photo they belong to"
            )
        scaled = {i: e.scaled(across, down) for i, e in self.by_id.items()}
        return ObjectEdits(scaled, (width, height))


def read_edits(text: str) -> ObjectEdits:
    """The edits that a text tells; an empty one changes nothing.

    Raises:
        BadInput: it cannot be read; the sentence names the object and the field.
    """
    if not text.strip():
        return ObjectEdits()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f'edits: this is not JSON ({error}); write {{"objects": {{"3": {{…}}}}}}'
        ) from None
    _known(value, ("photo", "objects"), "edits")
    size = None
    if "photo" in value:
        size = _numbers(value["photo"], 2, "edits: photo", "[width, height]")
        if min(size) < 1:
            raise BadInput("edits: photo: width and height are at least 1 pixel")
    found: dict[int, ObjectEdit] = {}
    objects = value.get("objects", {})
    if not isinstance(objects, dict):
        raise BadInput('edits: objects: write edits by object id, {"3": {"label": "chair"}}')
    for name, edit in objects.items():
        if not re.fullmatch(r"\d{1,6}", name):
            raise BadInput(f"edits: object {_short(name)}: an id is a whole number from 0 up")
        if int(name) in found:
            raise BadInput(f"edits: object {int(name)} is there twice")
        found[int(name)] = _edit(edit, f"edits: object {int(name)}")
    return ObjectEdits(found, None if size is None else (size[0], size[1]))


def _edit(value: Any, where: str) -> ObjectEdit:
    _known(value, ("label", "keep", "box", "points", "brush"), where)
    label, keep, box = value.get("label", ""), value.get("keep"), None
    if not isinstance(label, str):
        raise BadInput(f"{where}: label: a text is needed, not {_short(label)}")
    if keep is not None and not isinstance(keep, bool):
        raise BadInput(f"{where}: keep: true or false is needed, not {_short(keep)}")
    if "box" in value:
        a, b, c, d = _numbers(value["box"], 4, f"{where}: box", "[left, top, right, bottom]")
        box = (min(a, c), min(b, d), max(a, c), max(b, d))
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            raise BadInput(f"{where}: box: it is empty; write [left, top, right, bottom]")
    positive, negative = [], []
    for point in _list(value.get("points", []), f"{where}: points"):
        x, y, sign = _numbers(point, 3, f"{where}: points", "[x, y, 1] or [x, y, -1]")
        if sign not in (1, -1):
            raise BadInput(f"{where}: points: the third number is 1 (on it) or -1 (beside it)")
        (positive if sign > 0 else negative).append((x, y))
    strokes = _list(value.get("brush", []), f"{where}: brush")
    return ObjectEdit(
        " ".join(label.split()).lower(),
        keep,
        box,
        tuple(positive),
        tuple(negative),
        tuple(_stroke(s, f"{where}: brush") for s in strokes),
    )


def _stroke(value: Any, where: str) -> Stroke:
    _known(value, ("add", "erase", "path"), where)
    kinds = [k for k in ("add", "erase") if k in value]
    if len(kinds) != 1:
        raise BadInput(f'{where}: a stroke has a radius, either "add" or "erase"')
    (radius,) = _numbers([value[kinds[0]]], 1, f"{where}: {kinds[0]}", "a radius in pixels")
    if radius <= 0:
        raise BadInput(f"{where}: {kinds[0]}: the radius must be above 0")
    path = _list(value.get("path", []), f"{where}: path")
    points = [_numbers(p, 2, f"{where}: path", "[x, y]") for p in path]
    if not points:
        raise BadInput(f"{where}: path: at least one point [x, y] is needed")
    return Stroke(kinds[0] == "add", radius, tuple((p[0], p[1]) for p in points))


def _known(value: Any, names: tuple[str, ...], where: str) -> None:
    if not isinstance(value, dict):
        raise BadInput(f"{where}: {{…}} with {', '.join(names)} is needed, not {_short(value)}")
    for name in value:
        if name not in names:
            raise BadInput(f"{where}: there is no field {_short(name)}; it has {', '.join(names)}")


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadInput(f"{where}: a list […] is needed, not {_short(value)}")
    return value


def _numbers(value: Any, count: int, where: str, form: str) -> list[float]:
    ok = isinstance(value, list) and len(value) == count
    if not ok or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value):
        raise BadInput(f"{where}: {form} is needed, not {_short(value)}")
    if not all(abs(v) < 1e6 for v in value):
        raise BadInput(f"{where}: {_short(value)} is no place in a photo")
    return [float(v) for v in value]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
