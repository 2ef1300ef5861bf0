"""Names of USD prims: plain ASCII identifiers, because many readers know no others."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence


def prim_names(names: Sequence[str], fallback: str = "object") -> list[str]:
    """A valid name for each, different from all others among them and as alike as can be.

    Accents go, other letters become underscores; the true name belongs in ``displayName``.
    """
    made: list[str] = []
    for name in names:
        base = _identifier(name, fallback)
        candidate, count = base, 1
        while candidate.lower() in {m.lower() for m in made}:  # some file systems ignore case
            count += 1
            candidate = f"{base}_{count}"
        made.append(candidate)
    return made


def _identifier(name: str, fallback: str) -> str:
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = [w for w in re.split(r"[^A-Za-z0-9]+", plain) if w]
    if not any(w[0].isalpha() for w in words):
        words.insert(0, fallback)
    text = "_".join(words)
    return text if not text[0].isdigit() else f"_{text}"
