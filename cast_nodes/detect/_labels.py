"""Lists of labels as users write them, and how they are shared out over several prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import BadInput

DEFAULT_LABELS = (
    "chair, armchair, stool, bench, sofa, bed, crib, table, coffee table, desk, nightstand, "
    "bookshelf, cabinet, dresser, wardrobe, tv stand, refrigerator, oven, microwave, "
    "washing machine, fireplace, piano, bathtub, toilet, sink, lamp, chandelier, ceiling fan, "
    "potted plant, tree, bush, flower, vase, bottle, cup, bowl, plate, pot, candle, book, laptop, "
    "keyboard, computer mouse, monitor, television, radio, speaker, phone, clock, camera, "
    "teddy bear, toy, ball, pillow, blanket, basket, box, suitcase, backpack, bag, trash can, "
    "bucket, cat, dog, person, bicycle, motorcycle, car, truck, bus, boat, statue, guitar, "
    "picture frame, mirror, curtain, radiator, rug, umbrella, tent, street lamp, traffic sign, "
    "mailbox, fountain"
)
"""Household and outdoor things; not more than about fit into one prompt of Grounding DINO."""


def parse_label_list(text: str) -> tuple[str, ...]:
    """Labels from a list with commas, semicolons, full stops or lines between them.

    They come in lower case, each once, in the order of the list. Full stops and question marks
    end a phrase for Grounding DINO, so they cannot be part of a label.
    """
    parts = (" ".join(p.lower().split()) for p in re.split(r"[,;.?\n]", text))
    return tuple(dict.fromkeys(p for p in parts if p))


def share_out(sizes: Sequence[int], limit: int, names: Sequence[str]) -> list[list[int]]:
    """Indices in order, cut into as few runs as fit the limit, all of about the same length.

    Args:
        sizes: tokens that each label takes.
        limit: tokens that one run may take.
        names: of the labels, for the error.

    Raises:
        BadInput: one label alone is longer than the limit.
    """
    for size, name in zip(sizes, names, strict=True):
        if size > limit:
            raise BadInput(
                f"the label {name[:60]!r} takes {size} tokens, more than the {limit} that one "
                "prompt has; shorten it"
            )
    runs = _filled(sizes, limit)
    low, high = max(sizes, default=0), limit
    while low < high:  # the smallest fill that needs no more runs: none is left nearly empty
        middle = (low + high) // 2
        if len(_filled(sizes, middle)) > len(runs):
            low = middle + 1
        else:
            high = middle
    return _filled(sizes, high)


def _filled(sizes: Sequence[int], limit: int) -> list[list[int]]:
    runs: list[list[int]] = []
    used = 0
    for index, size in enumerate(sizes):
        if not runs or used + size > limit:
            runs.append([])
            used = 0
        runs[-1].append(index)
        used += size
    return runs
