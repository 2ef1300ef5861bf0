"""Which object each item of a list is, where no token tells: by order, or by ids that are named."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import BadInput
from ..types import Objects


def joined_ids(count: int, objects: Objects | None, ids: str, what: str) -> list[int]:
    """The object's id of each of ``count`` items.

    Without named ids the items are the kept objects in their order, one each; without objects too
    they are 0, 1, …. Named ids may leave objects out, and name one several times.

    Args:
        ids: numbers by comma, one for each item; "" for the order.
        what: the items' name in messages, plural ("meshes").

    Raises:
        BadInput: counts do not match (the message names the objects that are missing or the items
            too many), or an id is of no kept object.
    """
    parts = [p for p in re.split(r"[\s,;]+", ids.strip()) if p]
    if parts:
        return _named(parts, count, objects, what)
    if objects is None:
        return list(range(count))
    kept = objects.kept
    if count == len(kept):
        return [o.id for o in kept]
    names = [f"{o.label} {o.id}" for o in kept]
    mend = "make one for each kept object, or name the object of each in ids"
    if count < len(kept):
        raise BadInput(
            f"{what}: {count} came for {len(kept)} kept objects ({', '.join(names)}); in their "
            f"order none is left for {', '.join(names[count:])}; {mend}"
        )
    extra = f"item {len(kept)}" if count == len(kept) + 1 else f"items {len(kept)} to {count - 1}"
    raise BadInput(
        f"{what}: {count} came for {len(kept)} kept objects ({', '.join(names) or 'none'}); "
        f"{extra} (from 0) would be too many; {mend}"
    )


def _named(parts: Sequence[str], count: int, objects: Objects | None, what: str) -> list[int]:
    try:
        numbers = [int(p) for p in parts]
    except ValueError:
        raise BadInput(
            f"ids: {', '.join(parts)!r} cannot be read; write numbers: 0, 2, 5"
        ) from None
    if len(numbers) != count:
        raise BadInput(f"ids: {len(numbers)} are named for {count} {what}; name one for each")
    if min(numbers, default=0) < 0:
        raise BadInput("ids: they are 0 or more")
    if objects is not None:
        kept = {o.id for o in objects.kept}
        strange = [str(n) for n in numbers if n not in kept]
        if strange:
            known = ", ".join(f"{o.label} {o.id}" for o in objects.kept) or "none"
            raise BadInput(
                f"ids: no kept object has the id {', '.join(strange)}; there are: {known}"
            )
    return numbers
