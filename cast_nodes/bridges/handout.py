"""Which object each item of a list is, from the node that hands a list out to the one that gathers.

ComfyUI runs a graph once per item of a list, and the items carry no names. The token that goes
round the graph beside the list, :class:`HandedOut`, knows them: the ids in the order of the list.
What comes back is counted against it, and kept in the store under the content of what was asked,
so that the next time only objects whose request is new need go out (ComfyUI's own cache knows no
items: one changed item would run the graph for all of them again).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..content import content_key
from ..errors import BadInput
from ..store import Store
from ..types import Objects

Item = TypeVar("Item")

MOST_DECISIONS = 4096


@dataclass(frozen=True, eq=False)
class HandedOut:
    """Socket CAST_ORDER: which objects went out, in which order.

    Attributes:
        objects: all of them, with the photo.
        sent: ids in the order of the list that went out.
        kept: ids that did not go out, because the answer to the same request is in the store.
        left_out: ids of kept objects that have nothing to be asked, with the reason; "" where
            nothing is wrong.
        keys: content key of the request of each id in ``sent`` and ``kept``.
        earlier: what was sent for the same requests before, while the process lives. ComfyUI takes
            a node for a function of its inputs: when it has dropped this token but not what the
            graph made, an earlier list comes back.
    """

    objects: Objects
    sent: tuple[int, ...]
    kept: tuple[int, ...] = ()
    left_out: Mapping[int, str] = field(default_factory=dict)
    keys: Mapping[int, str] = field(default_factory=dict)
    earlier: tuple[tuple[int, ...], ...] = ()

    def name(self, object_id: int) -> str:
        """As people know it ("chair 3")."""
        return f"{self.objects.by_id(object_id).label} {object_id}"

    def names(self, ids: Sequence[int]) -> str:
        return ", ".join(self.name(i) for i in ids)


class Decisions:
    """What was sent for which requests, as long as the process lives."""

    def __init__(self) -> None:
        self._sent: OrderedDict[str, tuple[tuple[int, ...], ...]] = OrderedDict()

    def before(self, key: str) -> tuple[tuple[int, ...], ...]:
        """The lists that were sent for these requests, the latest last."""
        return self._sent.get(key, ())

    def note(self, key: str, sent: tuple[int, ...]) -> None:
        self._sent[key] = (*(s for s in self.before(key) if s != sent), sent)
        self._sent.move_to_end(key)
        while len(self._sent) > MOST_DECISIONS:
            self._sent.popitem(last=False)


def hand_out(
    objects: Objects,
    requests: Mapping[int, str],
    left_out: Mapping[int, str],
    store: Store,
    only_new: bool = False,
    decisions: Decisions | None = None,
) -> HandedOut:
    """The token for a list.

    Args:
        requests: content key of what is asked, by id, in the order of the list.
        left_out: reason by id.
        only_new: objects whose request has an answer in the store stay at home.
        decisions: where earlier lists for the same requests are noted; None notes none.
    """
    ids = tuple(requests)
    kept = {i for i in ids if store.get(requests[i]) is not None} if only_new else set()
    sent = tuple(i for i in ids if i not in kept)
    earlier: tuple[tuple[int, ...], ...] = ()
    if decisions is not None:
        asked = content_key("handed out", only_new, [[i, requests[i]] for i in ids])
        earlier = tuple(s for s in decisions.before(asked) if s != sent)
        decisions.note(asked, sent)
    stay = tuple(i for i in ids if i in kept)
    return HandedOut(objects, sent, stay, dict(left_out), dict(requests), earlier)


def take_back(
    order: HandedOut,
    items: Sequence[Item],
    store: Store,
    what: str,
    encode: Callable[[Item], Any],
    decode: Callable[[Any], Item],
    likely: Callable[[Sequence[int], Sequence[Item]], Sequence[int]] | None = None,
) -> dict[int, Item]:
    """The items by id: those that came back, and those that the store holds.

    Args:
        what: the items' name for errors, plural ("images").
        encode, decode: an item to what the store takes and back; None is not kept (a failure).
        likely: when the count is wrong, the ids that an item is missing for, told by their
            looks; None where nothing tells.

    Raises:
        BadInput: another number of items came back than went out, or a kept answer is gone.
    """
    sent = _sent(order, len(items))
    if sent is None:
        raise BadInput(_miscounted(order, items, what, likely))
    back: dict[int, Item] = dict(zip(sent, items, strict=True))
    for object_id, item in back.items():
        stored = encode(item)
        if stored is not None:
            store.put(order.keys[object_id], stored)
    gone = []
    for object_id in (i for i in (*order.sent, *order.kept) if i not in back):
        stored = store.get(order.keys[object_id])
        if stored is None:
            gone.append(object_id)
        else:
            back[object_id] = decode(stored)
    if gone:
        raise BadInput(
            f"{what}: the kept answers of {order.names(gone)} are no longer there; "
            "turn only_new off where they are handed out, and queue again"
        )
    return back


def _sent(order: HandedOut, count: int) -> tuple[int, ...] | None:
    """The list that so many items came back for: this one, else the latest earlier one."""
    for sent in (order.sent, *order.earlier[::-1]):
        if len(sent) == count:
            return sent
    return None


def _miscounted(
    order: HandedOut,
    items: Sequence[Item],
    what: str,
    likely: Callable[[Sequence[int], Sequence[Item]], Sequence[int]] | None,
) -> str:
    out, back = len(order.sent), len(items)
    if back > out:
        return (
            f"{what}: {back} came back for {out} objects ({order.names(order.sent)}); "
            "the graph between must give exactly one per object (batch size 1)"
        )
    missing = likely(order.sent, items) if likely and items else ()
    if not items:
        told = f"all are missing: {order.names(order.sent)}"
    elif missing:
        told = f"by its looks {order.names(missing)} is missing" if len(missing) == 1 else (
            f"by their looks {order.names(missing)} are missing"
        )  # fmt: skip
    else:
        told = f"{out - back} of {order.names(order.sent)} are missing"
    return (
        f"{what}: {out} objects were handed out and {back} came back; {told}; "
        "no node between may drop or join items of the list"
    )
