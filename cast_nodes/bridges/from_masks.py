"""MASK batches or lists, with names and confidences, as things that were found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .found import Found, Picture, flat_masks, names_for, scores_for


def found_in_masks(
    masks: Sequence[Any], picture: Picture, labels: Sequence[str] = (), scores: str = ""
) -> list[Found]:
    """One thing for each mask, white where it is; no mask gives no thing.

    Args:
        masks: list of (n, h, w) or (h, w) batches.
        labels, scores: see :func:`names_for` and :func:`scores_for`.

    Raises:
        BadInput: a mask of another size than the picture, or names or scores that do not match.
    """
    single = flat_masks(masks, picture)
    names, sure = names_for(labels, len(single)), scores_for(scores, len(single))
    return [
        Found(mask, None, name, score)
        for mask, name, score in zip(single, names, sure, strict=True)
    ]
