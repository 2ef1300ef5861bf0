"""The square that a service is shown of one object, and how it lies over the photo.

Every request, plain or drawn as a canvas, shows the object in one square: the visible pixels on
a plain ground, with free room on the sides where hidden parts may lie. The answer is read back
through the same square, so what comes out lies where the photo has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import InpaintItem
from .masks import blur, depth_in, grow, spread, widened

HIDDEN_ROOM = 0.45  # free room towards what is in front, share of the visible part's size at most
TOUCH = 0.02  # so close, in shares of that size, things meet
WHITE = (255, 255, 255)
GREY = (150, 150, 150)
PALE = 222  # a rim of the object brighter than this would drown in white


@dataclass(frozen=True)
class Frame:
    """A square of the object's window.

    Attributes:
        x, y: window pixels of the square's top-left corner; may be negative. Whole, so that at
            the window's own resolution the photo's pixels stay as they are.
        side: window pixels, > 0.
    """

    x: int
    y: int
    side: int

    def scale(self, size_px: float) -> float:
        """Pixels of a picture ``size_px`` wide per window pixel."""
        return size_px / self.side


def frame_of(item: InpaintItem, margin: float) -> Frame:
    """The square round the visible part and the room for hidden parts.

    Args:
        margin: free ground on all four sides, share of the square's side, < 0.5.
    """
    rows, columns = np.flatnonzero(item.visible.any(1)), np.flatnonzero(item.visible.any(0))
    x0, y0, x1, y1 = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    if item.complete:
        _, near = _room_to_go_on(item)
        # To the sides as far as it reaches beside the object, up and down above and below it.
        columns = np.flatnonzero(near[y0:y1].any(0))
        rows = np.flatnonzero(near[:, x0:x1].any(1))
        if len(columns):
            x0, x1 = min(x0, int(columns[0])), max(x1, int(columns[-1]) + 1)
        if len(rows):
            y0, y1 = min(y0, int(rows[0])), max(y1, int(rows[-1]) + 1)
    side = int(np.ceil(max(x1 - x0, y1 - y0, 1) / (1 - 2 * margin)))
    return Frame(int(np.floor((x0 + x1 - side) / 2)), int(np.floor((y0 + y1 - side) / 2)), side)


def unknown_part(item: InpaintItem) -> np.ndarray:
    """(h, w) bool: where the object may go on unseen, in one piece with what is seen of it."""
    met, near = _room_to_go_on(item)
    return np.asarray(ndimage.binary_propagation(met, structure=np.ones((3, 3)), mask=near))


def _room_to_go_on(item: InpaintItem) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) bool each: where the object meets what is in front of it or the photo's edge, and
    what is not known within reach of those places."""
    rows, columns = np.nonzero(item.visible)
    size = max(int(np.ptp(rows)), int(np.ptp(columns))) + 1
    unknown = item.hidden | ~item.inside
    met = grow(item.visible, max(2.0, TOUCH * size)) & unknown
    return met, (grow(met, HIDDEN_ROOM * size) & unknown if met.any() else met)


def ground_for(item: InpaintItem) -> tuple[int, int, int]:
    """White, or a middle grey for objects so pale that white would swallow their outline."""
    depth = depth_in(item.visible)
    rim = item.visible & (depth > 1.5) & (depth < 6.0)
    rim = rim if rim.any() else item.visible
    darkest = item.rgb[rim].min(-1)
    return GREY if float((darkest > PALE).mean()) > 0.2 else WHITE


def drawn(
    item: InpaintItem, frame: Frame, size_px: int, ground: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The visible part in the square.

    Returns:
        (n, n, 3) uint8 on the ground, and (n, n) float32 coverage 0..1 of the visible part.
    """
    colours = _resampled(item.rgb.astype(np.float32), item.visible, frame, size_px)
    cover = colours[..., 3:]
    own = colours[..., :3] / np.maximum(cover, 1e-6)
    mixed = own * cover + np.array(ground, np.float32) * (1 - cover)
    return np.clip(mixed.round(), 0, 255).astype(np.uint8), cover[..., 0]


def mask_in_frame(mask: np.ndarray, frame: Frame, size_px: int) -> np.ndarray:
    """(n, n) float32 coverage 0..1 of a window's mask in the square; 0 beyond the window."""
    black = np.zeros((*mask.shape, 3), np.float32)
    return _resampled(black, mask, frame, size_px)[..., 3]


def _resampled(rgb: np.ndarray, mask: np.ndarray, frame: Frame, size_px: int) -> np.ndarray:
    """(n, n, 4) float32: premultiplied colours and coverage, zero beyond the window."""
    from PIL import Image

    scale = frame.scale(size_px)
    # Enlarged, a mask's pixels would be stairs: its outline is smoothed over them.
    smooth = mask.astype(np.float32)
    if scale > 1.25:
        rgb = spread(rgb, smooth)
        thin = mask & ~widened(depth_in(mask) > 1.0, 1)  # smoothing would eat it
        smooth = np.where(thin, smooth, blur(smooth, 0.8))
    stacked = np.dstack([rgb * smooth[..., None], smooth]).astype(np.float32)
    # Whole pixels of margin, so that filters at the window's edge see nothing beyond it.
    left, top = max(0, int(np.ceil(-frame.x)) + 4), max(0, int(np.ceil(-frame.y)) + 4)
    right = max(0, int(np.ceil(frame.x + frame.side)) - mask.shape[1] + 4)
    bottom = max(0, int(np.ceil(frame.y + frame.side)) - mask.shape[0] + 4)
    padded = np.pad(stacked, ((top, bottom), (left, right), (0, 0)))
    x, y = frame.x + left, frame.y + top
    box = (x, y, x + frame.side, y + frame.side)
    filter_ = Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BICUBIC
    planes = [
        np.asarray(Image.fromarray(padded[..., c]).resize((size_px, size_px), filter_, box))
        for c in range(4)
    ]
    out = np.dstack(planes)
    out[out[..., 3] < 1e-3] = 0
    if scale > 1.25:
        cover = np.clip((out[..., 3:] - 0.5) * scale + 0.5, 0, 1)
        out[..., :3] *= cover / np.maximum(out[..., 3:], 1e-3)
        out[..., 3:] = cover
    out[..., 3] = np.clip(out[..., 3], 0, 1)
    return out
