"""``cast fetch NAME``: weights of local models, downloaded before they are needed."""

from __future__ import annotations

from collections.abc import Iterator

from ..backends import STAGES, Need, backends
from ..context import Context
from ..errors import BadInput
from .weights import Weights

EVERYTHING = ("*",)


def fetch_weights(name: str, context: Context) -> Iterator[str]:
    """Downloads what a name stands for; one sentence for each model.

    Args:
        name: a local backend, or a repository ``owner/name[@revision]``: then the files that a
            backend wants of it, or all where none of ours names it.

    Raises:
        BadInput: no such backend, or one without weights.
        BackendNotReady, StorageError, Cancelled: as :func:`.weights.weights_folder`.
    """
    for weights in _meant(name):
        folder = weights.folder(None, context)
        licence = f" (licence of the weights: {weights.licence})" if weights.licence else ""
        yield f"{weights.reference} lies at {folder}{licence}"


def weights_of_backends() -> dict[str, tuple[Weights, ...]]:
    """By name of the backend, what it loads."""
    found: dict[str, tuple[Weights, ...]] = {}
    for stage in STAGES:
        for name, backend in backends(stage).items():
            loads = tuple(w for w in map(_weights, backend.info.needs) if w is not None)
            if loads:
                found[name] = loads
    return found


def _weights(need: Need) -> Weights | None:
    return need.weights


def _meant(name: str) -> tuple[Weights, ...]:
    known = weights_of_backends()
    if name in known:
        return known[name]
    if "/" not in name:
        raise BadInput(
            f"{name!r} is no backend with weights to fetch; there are: {', '.join(known) or 'none'},"
            " or give a model on the hub as owner/name"
        )
    repository = name.partition("@")[0]
    for weights in (w for loads in known.values() for w in loads):
        if weights.reference.partition("@")[0] == repository:
            return (Weights(name, weights.files, 0.0, optional_files=weights.optional_files),)
    return (Weights(name, EVERYTHING, 0.0),)
