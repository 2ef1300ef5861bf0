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
    """

    objects: Objects
    sent: tuple[int, ...]
    kept: tuple[int, ...] = ()
    left_out: Mapping[int, str] = field(default_factory=dict)
    keys: Mapping[int, str] = field(default_factory=dict)

    def name(self, object_id: int) -> str:
        """As people know it ("chair 3")."""
        return f"{self.objects.by_id(object_id).label} {object_id}"

    def names(self, ids: Sequence[int]) -> str:
        return ", ".join(self.name(i) for i in ids)


class Decisions:
    """What was sent for which inputs, as long as the process lives.

    ComfyUI's cache takes a node for a function of its inputs: asked again with the same inputs
    (its own result was dropped, the graph's behind it was not), it must send the same list.
    """

    def __init__(self) -> None:
        self._sent: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def get(self, key: str) -> tuple[int, ...] | None:
        return self._sent.get(key)

    def keep(self, key: str, sent: tuple[int, ...]) -> None:
        self._sent[key] = sent
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
        decisions: what was decided before for the same inputs.
    """
    ids = tuple(requests)
    if not only_new:
        return HandedOut(objects, ids, (), dict(left_out), dict(requests))
    asked = content_key("handed out", [[i, requests[i]] for i in ids])
    known = {i for i in ids if store.get(requests[i]) is not None}
    before = decisions.get(asked) if decisions else None
    if before is None or not set(ids) - set(before) <= known:
        before = tuple(i for i in ids if i not in known)
    if decisions is not None:
        decisions.keep(asked, before)
    kept = tuple(i for i in ids if i not in before)
    return HandedOut(objects, before, kept, dict(left_out), dict(requests))


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
        encode, decode: an item to what the store takes and back.
        likely: when the count is wrong, the ids that an item is missing for, told by their
            looks; None where nothing tells.

    Raises:
        BadInput: another number of items came back than went out, or a kept answer is gone.
    """
    if len(items) != len(order.sent):
        raise BadInput(_miscounted(order, items, what, likely))
    back: dict[int, Item] = dict(zip(order.sent, items, strict=True))
    for object_id, item in back.items():
        store.put(order.keys[object_id], encode(item))
    gone = []
    for object_id in order.kept:
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
