"""Outlines of masks as a few numbers, for pages that draw them."""

from __future__ import annotations

import numpy as np

LONGEST_PX = 1024
"""Masks are outlined at this longest side: as fine as a page shows them."""

TOLERANCE_PX = 0.7


def outlines(mask: np.ndarray) -> list[list[int]]:
    """Closed polygons round a (H, W) bool mask and its holes, each ``[x, y, x, y, …]`` in its px.

    To be filled by the even-odd rule; off by about a pixel of :data:`LONGEST_PX`.
    """
    from skimage.measure import approximate_polygon, find_contours

    height, width = mask.shape
    step = max(1, -(-max(height, width) // LONGEST_PX))
    small = np.pad(mask[step // 2 :: step, step // 2 :: step], 1)
    found = []
    for line in find_contours(small.astype(np.float32), 0.5):
        # Rows and columns of the padded samples' centres; a sample stands for its square.
        points = approximate_polygon((line - 0.5) * step, TOLERANCE_PX * step)[:-1, ::-1]
        if len(points) >= 3:
            flat = np.clip(np.rint(points), 0, [width, height]).astype(int)
            found.append(flat.ravel().tolist())
    return found
