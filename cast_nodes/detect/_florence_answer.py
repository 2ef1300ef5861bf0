"""Florence-2's answers: words and places in one row of tokens, read back into labelled boxes.

A place is four tokens, left, top, right, bottom, each one of a thousand bins across the photo;
before the places of a thing stand the words that name it (Xiao et al., Florence-2, CVPR 2024).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ._found import box_in_photo
from .ssd import Found

BINS = 1000


@dataclass(frozen=True)
class Placed:
    """One place of an answer.

    Attributes:
        words: what stands before it.
        bins: left, top, right, bottom, 0..999.
        word_tokens: (first, end) of the words in the answer, half-open.
        first_bin: token of ``left``; the other three follow.
    """

    words: str
    bins: tuple[int, int, int, int]
    word_tokens: tuple[int, int]
    first_bin: int


def read_places(bins: Sequence[int | None], text: Callable[[int, int], str]) -> list[Placed]:
    """The places of an answer in their order.

    Several places may follow the same words. Three or fewer bins at the end of a run are what
    a broken-off answer leaves; they count for nothing, and so do places without words before.

    Args:
        bins: for each token of the answer its bin, None for words.
        text: the words of the tokens from the first to before the second number.
    """
    out: list[Placed] = []
    at, words = 0, (0, 0)
    while at < len(bins):
        end = at
        if bins[at] is None:
            while end < len(bins) and bins[end] is None:
                end += 1
            words = (at, end)
        else:
            while end < len(bins) and bins[end] is not None:
                end += 1
            said = " ".join(text(*words).split())
            for first in range(at, end - 3, 4):
                left, top, right, bottom = (b for b in bins[first : first + 4] if b is not None)
                if said:
                    out.append(Placed(said, (left, top, right, bottom), words, first))
        at = end
    return out


def box_of(bins: Sequence[int], width: int, height: int) -> tuple[float, ...]:
    """(x0, y0, x1, y1) px of the photo: the middles of the bins.

    The network sees the photo stretched to a square, so bins are shares of the photo.
    """
    values = (np.asarray(bins, np.float64) + 0.5) / BINS
    return tuple(float(v) for v in values * [width, height, width, height])


def to_found(
    places: Sequence[Placed],
    scores: Sequence[float],
    size: tuple[int, int],
    labels: Sequence[str] = (),
) -> list[Found]:
    """Labelled boxes from places, best first, each once.

    Args:
        scores: of the places, 0..1.
        size: (width, height) px of the photo.
        labels: only things that one of them names are taken, under its name; empty takes all,
            under their own words in lower case.
    """
    found: dict[tuple[str, tuple[int, ...]], Found] = {}
    for item, score in zip(places, scores, strict=True):
        label = named_by(item.words, labels) if labels else item.words.lower().strip(" .,;:")
        box = box_in_photo(np.array(box_of(item.bins, *size)), *size)
        if not label or box is None:
            continue
        known = found.get((label, item.bins))
        if known is None or score > known.score:
            found[label, item.bins] = Found(label, float(np.clip(score, 0.0, 1.0)), box)
    return sorted(found.values(), key=lambda f: -f.score)


def named_by(words: str, labels: Sequence[str]) -> str:
    """The longest label whose words stand in a row in a phrase, "" when there is none.

    "A wooden coffee table" is a "coffee table" before it is a "table"; plurals count.
    """
    said = [_singular(w) for w in re.findall(r"\w+", words.lower())]
    best = ""
    for label in labels:
        wanted = [_singular(w) for w in re.findall(r"\w+", label.lower())]
        rows = range(len(said) - len(wanted) + 1)
        if wanted and any(said[i : i + len(wanted)] == wanted for i in rows):
            best = max(best, label, key=lambda name: (len(name.split()), len(name)))
    return best


def _singular(word: str) -> str:
    if word.endswith(("sses", "xes", "shes", "ches")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
