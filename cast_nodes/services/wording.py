"""Sentences of failures, for calls that are about the whole photo and not about one object."""

from __future__ import annotations

OF_AN_OBJECT = "this object's retry"


def for_photo(sentence: str, option: str) -> str:
    """The sentence with the option that asks anew where it names an object's retry.

    Args:
        option: as on the command line ("filter.retry").
    """
    return sentence.replace(OF_AN_OBJECT, f"the option {option}")
