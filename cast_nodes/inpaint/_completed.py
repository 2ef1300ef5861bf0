"""From an editor's answer to an object's view that lies where the photo has the object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import ObjectFailure
from ..types import View
from . import InpaintItem, InpaintOptions
from ._align import CLIP, Placed, align, moved
from ._frame import Frame, drawn, mask_in_frame
from ._matte import Matte, matte_of
from .cutout import make_view
from .masks import blur, depth_in, distance_to, grow, spread

WORST_MATCH = 42.0  # grey levels: beyond this the editor has drawn another thing
RIM = 0.03  # what sticks out over the seen outline by less is redrawing, share of the object's size
MOST_RELIGHT = 40.0  # grey levels by which completed colours follow the photo's light
MOST_ENLARGED = 4.0


def completed_view(
    item: InpaintItem,
    frame: Frame,
    answer: np.ndarray,
    ground: tuple[int, int, int],
    options: InpaintOptions,
    keep_visible: bool,
    cover: np.ndarray | None = None,
) -> View:
    """The view of an object whose square an editor has completed.

    Args:
        item: the window of the photo.
        frame: the square that the editor was shown.
        answer: (n, n, 3) uint8, the square as the editor answered it, at its own resolution.
        ground: the colour on which the object was shown.
        keep_visible: the visible pixels stay the photo's own.
        cover: (m, m) float in 0..1, what of the answer is the object; None cuts it from the ground.

    Raises:
        ObjectFailure: the answer is no object on a plain ground, or another one.
    """
    size = _size(item, frame, answer, options)
    shown, seen = drawn(item, frame, size, ground)
    free = mask_in_frame(item.inside & ~item.visible & ~item.hidden, frame, size)
    placed = align(answer, shown, seen, free)
    border = np.median(np.concatenate([answer[0], answer[-1]]), 0)
    laid = moved(answer, placed, size, border)
    away = np.minimum(np.abs(blur(laid, 1.0) - blur(shown.astype(np.float32), 1.0)).max(-1), CLIP)
    error = float((away * seen).sum() / max(float(seen.sum()), 1e-6))
    if error > WORST_MATCH:
        raise ObjectFailure(
            f"{item.name}: the service drew something else than the photo shows "
            f"(off by {error:.0f} of {CLIP:.0f} grey levels); raise its retry counter for "
            "another answer, or change the prompt"
        )
    visible = seen > 0.5
    if not visible.any():  # thinner than a pixel at this size
        visible = seen >= seen.max()
    matte = matte_of(laid, visible) if cover is None else _given(cover, placed, size, border)
    if not matte.plain:
        raise ObjectFailure(
            f"{item.name}: the service's answer does not show the object on a plain ground; "
            "raise its retry counter for another answer, or change the prompt"
        )
    hidden = _believable((matte.alpha > 0.5) & ~visible, visible, free > 0.5)
    whole = visible | hidden
    colours = np.clip(laid, 0, 255)
    if keep_visible:
        own = spread(_own_colours(item, frame, size), visible.astype(np.float32))
        colours = _joined(own, colours, visible, hidden)
    square = InpaintItem(
        id=item.id,
        label=item.label,
        rgb=np.where(visible[..., None], _own_colours(item, frame, size), 0).astype(np.uint8),
        visible=visible,
        hidden=hidden,
        inside=np.ones_like(visible),
        origin=(0, 0),
    )
    painted = np.where(whole[..., None], colours.round(), 0).astype(np.uint8)
    view = make_view(square, painted, hidden, options)
    across = frame.side / size
    left, top = item.origin[0] + frame.x, item.origin[1] + frame.y
    x0, y0, x1, y1 = (v * across for v in view.box)
    return replace(view, box=(left + x0, top + y0, left + x1, top + y1))


def _given(cover: np.ndarray, placed: Placed, size: int, border: np.ndarray) -> Matte:
    """The alpha that came with the answer, laid as the answer is."""
    laid = moved(np.asarray(cover, np.float32)[..., None] * 255, placed, size, np.zeros(1))
    return Matte(np.clip(laid[..., 0] / 255, 0, 1), border, True)


def _size(item: InpaintItem, frame: Frame, answer: np.ndarray, options: InpaintOptions) -> int:
    """Side in px at which the square is put together: the finer of photo and answer, bounded."""
    rows, columns = np.nonzero(item.visible)
    extent = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    finer = min(answer.shape[0] / frame.side, MOST_ENLARGED, options.max_size / extent)
    return frame.side if finer <= 1 else round(frame.side * finer)


def _own_colours(item: InpaintItem, frame: Frame, size: int) -> np.ndarray:
    """(size, size, 3) float32: the photo's colours in the square, without any ground."""
    black, cover = drawn(item, frame, size, (0, 0, 0))
    own = black.astype(np.float32) / np.maximum(cover[..., None], 1e-3)
    return np.clip(own, 0, 255)


def _believable(hidden: np.ndarray, visible: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The completed part without what redrawing has left round the seen outline.

    Where the photo shows that the object is not, a narrow rim is cut; a wide part is one that
    the mask has missed, and stays.
    """
    excess = hidden & free
    if not excess.any():
        return hidden
    rows, columns = np.nonzero(visible)
    radius = max(1.5, RIM * (max(np.ptp(rows), np.ptp(columns)) + 1))
    # Opening by a disc, with distances: fast for any radius.
    core = np.asarray(depth_in(excess) > radius)
    return hidden & (~excess | grow(core, radius + 1.0))


def _joined(
    own: np.ndarray, answer: np.ndarray, visible: np.ndarray, hidden: np.ndarray
) -> np.ndarray:
    """(n, n, 3): the photo's pixels where it shows the object, the answer's in its light beyond.

    The rim of the visible part that borders the completed one often holds the colour of the
    thing in front; there the answer's pixels are taken too.
    """
    if not hidden.any():
        return own
    sound = visible & (depth_in(visible) > 1.5)
    sound = sound if np.count_nonzero(sound) > 0.3 * np.count_nonzero(visible) else visible
    weight = sound.astype(np.float32)
    change = np.clip(own - answer, -MOST_RELIGHT, MOST_RELIGHT)
    share = blur(weight, 4.0)[..., None]
    local = blur(change * weight[..., None], 4.0) / np.maximum(share, 1e-3)
    light = spread(local, np.minimum(1.0, 2 * share[..., 0]))
    rows, columns = np.nonzero(visible)
    extent = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    fading = np.exp(-distance_to(visible) / (0.5 * extent))[..., None]
    relit = np.clip(answer + light * fading, 0, 255)
    stays = visible & ~(grow(hidden, 2.5) & ~sound)
    return np.where(stays[..., None], own, relit)
