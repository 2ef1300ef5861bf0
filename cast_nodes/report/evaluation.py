"""The report's section on how near the scene is to a truth, one a protocol."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..evaluate import Evaluation

END = "<footer>"
"""Before this the first section is put."""


def put_evaluation(page: str, evaluation: Evaluation) -> str | None:
    """The page with the evaluation's section, in place of an earlier one of the same protocol.

    None when the page is none of :func:`cast_nodes.report.render_report`.
    """
    name = evaluation.protocol.name
    start, end = f"<!-- evaluation {name} -->", f"<!-- /evaluation {name} -->"
    section = f"{start}\n{evaluation_section(evaluation)}\n{end}\n"
    if start in page and end in page:
        before, rest = page.split(start, 1)
        return before + section + rest.split(end, 1)[1].lstrip("\n")
    if END not in page:
        return None
    before, found, after = page.rpartition(END)
    return before + section + found + after


def evaluation_section(evaluation: Evaluation) -> str:
    """The section as HTML, to stand inside the report's ``<main>``."""
    from ..evaluate.measures import measure_of, text
    from ..evaluate.table import counts_line, physics_lines, unit_of

    e = evaluation

    def titled(name: str) -> dict[str, str]:
        stem, bracket, rest = name.partition(" (")
        kind = measure_of(stem)
        return {"title": kind.title + bracket + rest, "help": kind.help}

    def block(title: str, values: Any, lines: Any = ()) -> dict[str, Any]:
        found = [{**titled(k), "value": text(v)} for k, v in values.items()]
        return {"title": title, "rows": found, "lines": list(lines)}

    blocks = [block("Scene", e.scene), block("Pictures", e.pictures)]
    if e.physics is not None:
        blocks.append(block("Physics", e.physics.whole, physics_lines(e)))
    columns = list(e.means)
    return _template().render(
        title=f"{e.protocol.name} – {e.protocol.title}",
        truth=e.truth,
        unit=unit_of(e),
        counts=counts_line(e),
        blocks=[b for b in blocks if b["rows"]],
        columns=[titled(c) for c in columns],
        objects=[
            {
                "name": o.name,
                "missing": "" if o.predicted else o.reason or "not there",
                "cells": [text(o.values.get(c)) for c in columns],
            }
            for o in e.objects
        ],
        means=[text(e.means[c][0]) for c in columns],
        extra=e.extra,
        notes=e.notes,
        source=e.protocol.source,
    )


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("evaluation.html.j2")
