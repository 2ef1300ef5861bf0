"""How objects fill their boxes: outlines of real models, used as a prior over masks.

``silhouettes.npz`` holds 32 x 32 outlines over each object's own bounding box, with labels;
``scripts/make_silhouettes.py`` makes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..boxes import Box

GROUPS: dict[str, tuple[str, ...]] = {
    "seat": ("chair", "armchair", "stool", "bench", "seat"),
    "sofa": ("sofa", "couch", "bed", "loveseat", "ottoman"),
    "table": ("table", "desk", "counter"),
    "plant": ("plant", "orchid", "cactus", "flower", "tree", "vase"),
    "lamp": ("lamp", "light"),
    "block": (
        "box", "crate", "book", "shel", "cabinet", "milk", "tv", "television", "monitor",
        "laptop", "mug", "cup", "bottle", "radio", "dresser", "basket", "bin", "ball",
    ),
}  # fmt: skip
"""Words in a label and the shape they stand for; what a label ends with counts."""

UNSURE = 0.2
"""How far the mean of the outlines is pulled towards "could be either"."""

TEMPER = 120.0
"""What full agreement between evidence and outline counts for, in log-odds."""

BLUR = 1.0  # cells: boxes are never exact

OWN_GROUP = 20.0
"""Weight of a label's own group of outlines against each other group."""


def group_of(label: str) -> str:
    """The group a label belongs to, "" when none."""
    # The last noun is the thing, as long as nothing is added: "desk lamp", "table with plant".
    thing = re.split(r" (?:with|on|of|in|for) ", label.lower())[0]
    found = [
        (thing.rfind(word) + len(word), group)
        for group, words in GROUPS.items()
        for word in words
        if word in thing
    ]
    return max(found)[1] if found else ""


@dataclass(frozen=True, eq=False)
class Silhouettes:
    """Outlines and how likely each is.

    Attributes:
        masks: (n, s, s) float32 in 0..1.
        weight: (n,) prior weights, sum 1.
    """

    masks: np.ndarray
    weight: np.ndarray

    def prior(self, box: Box, height: int, width: int) -> np.ndarray:
        """(height, width) log-odds of "object" before anything was seen; the rim's value outside the box."""
        return self._log_odds(self.weight, box, height, width)

    def posterior(self, evidence: np.ndarray, box: Box, height: int, width: int) -> np.ndarray:
        """The same after the outlines were weighed by (height, width) log-odds evidence.

        Neighbouring pixels say much the same, so the evidence is tempered before it counts.
        """
        side = self.masks.shape[-1]
        seen = np.tanh(_sample(evidence, box, side) / 2)
        flat = self.masks.reshape(len(self.masks), -1) * 2 - 1
        agreement = flat @ seen.ravel() / flat.shape[1]
        log = TEMPER * agreement + np.log(self.weight + 1e-12)
        weight = np.exp(log - log.max())
        return self._log_odds(weight / weight.sum(), box, height, width)

    def _log_odds(self, weight: np.ndarray, box: Box, height: int, width: int) -> np.ndarray:
        from scipy.ndimage import gaussian_filter, map_coordinates

        side = self.masks.shape[-1]
        mean = np.tensordot(weight, self.masks, 1)
        mean = gaussian_filter(mean, BLUR, mode="constant")
        mean = UNSURE + (1 - 2 * UNSURE) * mean
        y = (np.arange(height) + 0.5 - box[1]) / max(box[3] - box[1], 1e-6) * side - 0.5
        x = (np.arange(width) + 0.5 - box[0]) / max(box[2] - box[0], 1e-6) * side - 0.5
        grid = np.stack(np.meshgrid(y, x, indexing="ij"))
        spread = map_coordinates(mean, grid, order=1, mode="nearest")
        return np.log(spread / (1 - spread))


def _sample(values: np.ndarray, box: Box, side: int) -> np.ndarray:
    """(side, side) float64: the values inside the box, averaged over its cells."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(values, np.float32), "F")
    h, w = values.shape
    x0, y0 = min(max(box[0], 0), w - 1), min(max(box[1], 0), h - 1)
    region = (x0, y0, min(max(box[2], x0 + 1), w), min(max(box[3], y0 + 1), h))
    out = image.resize((side, side), Image.Resampling.BOX, box=region)
    return np.asarray(out, np.float64)


@lru_cache(maxsize=1)
def _library() -> tuple[np.ndarray, tuple[str, ...]]:
    with np.load(Path(__file__).parent / "silhouettes.npz") as data:
        side = int(data["side"])
        bits = np.unpackbits(data["packed"], axis=1)[:, : side * side]
        return bits.reshape(-1, side, side).astype(np.float32), tuple(data["labels"].tolist())


@lru_cache(maxsize=16)
def _silhouettes(group: str) -> Silhouettes:
    masks, labels = _library()
    groups = np.array([group_of(label) for label in labels])
    # Groups count alike however many models they have; a known group counts most.
    weight = np.zeros(len(labels))
    for name in set(groups):
        chosen = groups == name
        weight[chosen] = (OWN_GROUP if name == group else 1.0) / chosen.sum()
    return Silhouettes(masks, weight / weight.sum())


def silhouettes_for(label: str) -> Silhouettes:
    """The outlines to expect for a label; all alike when the label says nothing."""
    return _silhouettes(group_of(label))
