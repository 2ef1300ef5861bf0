"""Views out to any graph that makes a mesh of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image

from ..backends import Options, option
from ..content import content_key
from ..mesh import make_item
from ..store import Store
from ..types import Objects, View, Views
from .handout import Decisions, HandedOut, hand_out

VERSION = 1
PLACEHOLDER_PX = 64
GROUNDS: Mapping[str, tuple[int, int, int]] = {
    "white": (255, 255, 255), "grey": (127, 127, 127), "black": (0, 0, 0),
}  # fmt: skip


@dataclass(frozen=True)
class ViewOptions(Options):
    """How a view becomes a square picture."""

    side: int = option(1024, "side of the square", low=64, high=4096, step=64, unit="px")
    padding: float = option(
        0.1, "free ground on all four sides of the object", low=0.0, high=0.4, step=0.01,
        unit="share of the square's side",
    )  # fmt: skip
    ground: Literal["white", "grey", "black"] = option("white", "colour beside the object")
    only_new: bool = option(
        False, "send only objects whose mesh is not kept yet from an earlier run"
    )
    answers: str = option(
        "", "name under which this graph's meshes are kept; another name starts afresh"
    )


def views_out(
    objects: Objects,
    views: Views,
    options: ViewOptions,
    store: Store,
    decisions: Decisions | None = None,
) -> HandedOut:
    """Which of the kept objects' views go out; those without a view are left out, with reason."""
    requests: dict[int, str] = {}
    left_out: dict[int, str] = {}
    asked = replace(options, only_new=False)
    for item in objects.kept:
        view = views.get(item.id)
        name = f"{item.label} {item.id}"
        if view is None:
            left_out[item.id] = f"{name} has no view; run Inpaint for it or drop it"
        elif view.failure:
            left_out[item.id] = view.failure
        elif not (view.rgba[..., 3] >= 128).any():
            left_out[item.id] = f"{name} has an empty view (its mask holds no pixel)"
        else:
            requests[item.id] = content_key("view", VERSION, asked, make_item(item, view))
    return hand_out(objects, requests, left_out, store, options.only_new, decisions)


def pictures_of(
    order: HandedOut, views: Views, options: ViewOptions
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The list that goes out: (n, n, 3) uint8 pictures with their (n, n) float32 masks.

    A placeholder when no object goes out: an empty list would break every node that is run per
    item.
    """
    found = [view for i in order.sent if (view := views.get(i)) is not None]
    return [squared(view, options) for view in found] or [placeholder()]


def squared(view: View, options: ViewOptions) -> tuple[np.ndarray, np.ndarray]:
    """A view in the middle of a square, in the photo's proportions.

    Returns:
        (n, n, 3) uint8 on the ground, and (n, n) float32 alpha in 0..1.
    """
    rgba = view.rgba
    rows, columns = np.nonzero(rgba[..., 3] > 0)
    cut = rgba[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(np.float32)
    x0, y0, x1, y1 = view.box
    # A view's pixels need not be square in the photo.
    tall = cut.shape[0] * (y1 - y0) / max(rgba.shape[0], 1)
    wide = cut.shape[1] * (x1 - x0) / max(rgba.shape[1], 1)
    if not (tall > 0 and wide > 0):
        tall, wide = cut.shape[:2]
    room = options.side * (1 - 2 * options.padding)
    scale = room / max(tall, wide)
    size = max(1, round(wide * scale)), max(1, round(tall * scale))
    alpha = cut[..., 3:] / 255
    planes = np.dstack([cut[..., :3] * alpha, alpha])
    shrinks = size[0] < cut.shape[1]
    mode = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    planes = np.dstack(
        [np.asarray(Image.fromarray(planes[..., c]).resize(size, mode)) for c in range(4)]
    )
    whole = np.zeros((options.side, options.side, 4), np.float32)
    left, top = (options.side - size[0]) // 2, (options.side - size[1]) // 2
    whole[top : top + size[1], left : left + size[0]] = planes
    cover = np.clip(whole[..., 3], 0, 1)
    ground = np.array(GROUNDS[options.ground], np.float32)
    rgb = whole[..., :3] + ground * (1 - cover[..., None])
    return np.clip(rgb.round(), 0, 255).astype(np.uint8), cover


def placeholder() -> tuple[np.ndarray, np.ndarray]:
    """A small picture of a disc, that the gathering node drops."""
    at = np.arange(PLACEHOLDER_PX) + 0.5 - PLACEHOLDER_PX / 2
    disc = (np.hypot(*np.meshgrid(at, at)) < PLACEHOLDER_PX / 3).astype(np.float32)
    rgb = np.where(disc[..., None] > 0, 128, 255).astype(np.uint8)
    return np.repeat(rgb, 3, -1), disc
