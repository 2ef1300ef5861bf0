"""A small room with coloured things in it, some behind others."""

from __future__ import annotations

import numpy as np

from cast_nodes.types import Objects, Photo, SceneObject

SIZE = (120, 200)
COLOURS = (
    (200, 40, 40), (40, 150, 60), (40, 60, 190), (200, 170, 40), (150, 50, 170), (40, 170, 180),
    (120, 80, 40),
)  # fmt: skip


def things(count: int, hidden: bool = True, **changes) -> Objects:
    """``count`` things of different size and colour beside each other; ids 10, 11, …

    Args:
        hidden: a grey post (id 1) stands before the lower middle of each, as an object that was
            dropped.
        changes: of the thing 10.
    """
    rgb = np.full((*SIZE, 3), 190, np.uint8)
    rgb[70:] = (140, 110, 80)
    objects, posts = [], np.zeros(SIZE, bool)
    for i in range(count):
        left, width, top = 4 + 28 * i, 14 + i, 40 - 3 * i
        mask = np.zeros(SIZE, bool)
        mask[top:95, left : left + width] = True
        rgb[mask] = COLOURS[i]
        if hidden:
            posts[75:100, left + 4 : left + 8] = True
        objects.append((i, mask, (left, top, left + width, 95)))
    rgb[posts] = (90, 90, 95)
    made = []
    for i, mask, box in objects:
        values = dict(
            mask=mask & ~posts, occlusion=0.2, needs_completion=hidden,
            occluded_by=(1,) if hidden else (),
        )  # fmt: skip
        made.append(
            SceneObject(10 + i, f"thing{i}", 0.9, box, **(values | (changes if i == 0 else {})))
        )
    post = SceneObject(1, "post", 0.5, (0, 75, 200, 100), posts, keep=False, reason="no")
    return Objects(Photo(rgb), (*made, post) if hidden and count else tuple(made))
