"""Which of the pictures that went out came back, told by their looks alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

THUMB_PX = 48


def missing_by_looks(
    sent: Sequence[tuple[np.ndarray, np.ndarray]],
    back: Sequence[np.ndarray],
    ids: Sequence[int],
) -> list[int]:
    """The ids of which nothing came back, where fewer pictures came back and kept their order.

    Of all ways to leave out some of those sent, the one in which the others look most like what
    came back, where the object was seen. That is a shortest path over (sent, back).

    Args:
        sent: (h, w, 3) uint8 pictures, each with the (h, w) float weight of what is seen.
        back: (h, w, 3) uint8 pictures of any size, fewer than ``sent``.
        ids: of those sent.
    """
    weights = [np.clip(_thumb(weight), 0, 1) + 1e-3 for _, weight in sent]
    shown = [_thumb(picture) for picture, _ in sent]
    came = [_thumb(picture) for picture in back]
    away = np.array(
        [
            [float((np.abs(a - b).mean(-1) * w).sum() / w.sum()) for b in came]
            for a, w in zip(shown, weights, strict=True)
        ]
    ).reshape(len(shown), len(came))
    least = np.full((len(shown) + 1, len(came) + 1), np.inf)
    least[:, 0] = 0
    for i in range(1, len(shown) + 1):
        for j in range(1, min(i, len(came)) + 1):
            least[i, j] = min(least[i - 1, j], least[i - 1, j - 1] + away[i - 1, j - 1])
    missing, i, j = [], len(shown), len(came)
    while i:
        if j and least[i, j] == least[i - 1, j - 1] + away[i - 1, j - 1]:
            j -= 1
        else:
            missing.append(ids[i - 1])
        i -= 1
    return missing[::-1]


def _thumb(values: np.ndarray) -> np.ndarray:
    """(THUMB_PX, THUMB_PX[, C]) float32."""
    size = (THUMB_PX, THUMB_PX)
    planes = values[..., None] if values.ndim == 2 else values
    small = [
        np.asarray(Image.fromarray(planes[..., c].astype(np.float32)).resize(size, Image.Resampling.BOX))
        for c in range(planes.shape[-1])
    ]  # fmt: skip
    return small[0] if values.ndim == 2 else np.dstack(small)
