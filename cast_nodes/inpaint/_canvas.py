"""The application-querying canvas: a picture that looks like a small program's window.

After 3D-RE-GEN (arXiv 2512.17459): left the photo with the object outlined, right a grey panel
with a white card, captioned, that shows the object's visible part. An image editor is asked to
put the complete object on the card and to leave the rest; the card is then cut from its answer
by the same geometry. Seeing the whole room, the editor knows what the object is, how it is lit
and from where it is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..boxes import Box

PHOTO_WIDTH = 1280
MOST_HEIGHT = 1280  # px; portrait photos are made narrower than PHOTO_WIDTH
LEAST_HEIGHT = 480  # px; below this a card would be too small (panoramas get a grey band)
PANEL = (230, 230, 230)
INK = (0, 0, 0)
MARGIN, BOTTOM, TOP = 0.04, 0.08, 0.02  # round the card, shares of the panel's side
BORDER, RADIUS, PADDING = 5, 20, 40  # px
CAPTION = "Extracted Object"
OUTLINE = (255, 32, 64)
RIM = 0.008  # of the card's inside, share of its side
SEARCH = 0.05  # how far from where it should be the card is looked for, share of the height


@dataclass(frozen=True)
class Layout:
    """Where things lie on a canvas, px.

    Attributes:
        width, height: of the canvas.
        photo: (x0, y0, x1, y1) of the photo.
        card: (x0, y0, x1, y1) of the square card with its border, half-open.
    """

    width: int
    height: int
    photo: tuple[int, int, int, int]
    card: tuple[int, int, int, int]

    @property
    def inner(self) -> tuple[int, int, int, int]:
        """The card inside its border."""
        x0, y0, x1, y1 = self.card
        return (x0 + BORDER, y0 + BORDER, x1 - BORDER, y1 - BORDER)

    @property
    def inner_side(self) -> int:
        return self.inner[2] - self.inner[0]

    @property
    def margin(self) -> float:
        """Free ground round the object, share of the inner side."""
        return (PADDING - BORDER) / self.inner_side


def layout_for(photo_width: int, photo_height: int) -> Layout:
    """The canvas for a photo of this size."""
    scale = min(PHOTO_WIDTH / photo_width, MOST_HEIGHT / photo_height)
    width = max(1, round(photo_width * scale))
    tall = max(1, round(photo_height * scale))
    height = max(tall, LEAST_HEIGHT)
    above = (height - tall) // 2
    space = height - int(height * BOTTOM)
    side = min(height - 2 * int(height * MARGIN), space - int(height * TOP))
    x0, y0 = width + (height - side) // 2, (space - side) // 2
    return Layout(
        width + height, height, (0, above, width, above + tall), (x0, y0, x0 + side, y0 + side)
    )


def draw_canvas(
    layout: Layout,
    photo: np.ndarray,
    mask: np.ndarray,
    shown: np.ndarray,
    ground: tuple[int, int, int],
) -> np.ndarray:
    """The canvas.

    Args:
        photo: (H, W, 3) uint8.
        mask: (H, W) bool, the object's visible pixels.
        shown: (n, n, 3) uint8 with n = ``layout.inner_side``: what the card shows.
        ground: the card's colour.

    Returns:
        (height, width, 3) uint8.
    """
    from PIL import Image, ImageDraw, ImageFont

    canvas = Image.new("RGB", (layout.width, layout.height), PANEL)
    x0, y0, x1, y1 = layout.photo
    small = Image.fromarray(photo).resize((x1 - x0, y1 - y0), Image.Resampling.LANCZOS)
    cover = Image.fromarray(mask.astype(np.uint8) * 255)
    cover = np.asarray(cover.resize(small.size, Image.Resampling.BILINEAR), np.float32) / 255
    canvas.paste(Image.fromarray(_outlined(np.asarray(small), cover)), (x0, y0))

    # Drawn four times as large and reduced: round corners without stairs.
    fine = 4
    side = layout.card[2] - layout.card[0]
    card = Image.new("RGB", (side * fine, side * fine), PANEL)
    ImageDraw.Draw(card).rounded_rectangle(
        (0, 0, side * fine - 1, side * fine - 1), RADIUS * fine, ground, INK, BORDER * fine
    )
    card = card.resize((side, side), Image.Resampling.BOX)
    # The corners are round inside too: the shown square may not cover them.
    keep = Image.new("L", (side * fine, side * fine), 0)
    ImageDraw.Draw(keep).rounded_rectangle(
        (BORDER * fine, BORDER * fine, (side - BORDER) * fine - 1, (side - BORDER) * fine - 1),
        (RADIUS - BORDER) * fine,
        255,
    )
    inside = Image.new("RGB", (side, side), ground)
    inside.paste(Image.fromarray(shown), (BORDER, BORDER))
    card.paste(inside, (0, 0), keep.resize((side, side), Image.Resampling.BOX))
    canvas.paste(card, layout.card[:2])

    pen = ImageDraw.Draw(canvas)
    size = max(24, min(55, round(layout.height * 0.045)))
    middle_x = (layout.card[0] + layout.card[2]) / 2
    middle_y = (layout.card[3] + layout.height) / 2
    font = ImageFont.load_default(size)
    pen.text((middle_x, middle_y), CAPTION, INK, font, anchor="mm", stroke_width=0.6)
    return np.asarray(canvas)


def _outlined(photo: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """The photo with a red line, edged in white, round the covered part."""
    from scipy import ndimage

    inside = cover > 0.5
    if not inside.any() or inside.all():
        return photo
    # Signed distance to the outline, positive outside, px.
    away = np.asarray(ndimage.distance_transform_edt(~inside)) - np.asarray(
        ndimage.distance_transform_edt(inside)
    )
    away = np.asarray(ndimage.gaussian_filter(away, 0.8))
    out = photo.astype(np.float32)
    for middle, half, colour in ((2.0, 4.0, (255, 255, 255)), (2.0, 2.5, OUTLINE)):
        share = np.clip(half + 0.5 - np.abs(away - middle), 0, 1)[..., None]
        out = out * (1 - share) + np.array(colour, np.float32) * share
    return np.clip(out.round(), 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Cut:
    """The card of an answer.

    Attributes:
        rgb: (n, n, 3) uint8, the card inside its border, at the answer's own resolution.
        box: (x0, y0, x1, y1) answer pixels it was cut from.
        found: the card's border was seen there; else it is where the geometry says.
    """

    rgb: np.ndarray
    box: tuple[float, float, float, float]
    found: bool


def cut_back(answer: np.ndarray, layout: Layout) -> Cut:
    """Cuts the card from an editor's answer of any size.

    Editors answer at sizes of their own: stretched, with bands, or with the sides cut off. The
    card's border is looked for where each of the three would have put it; where none is seen
    the stretched geometry holds, and an answer that is nothing but an object on a plain ground
    is taken whole.

    Args:
        answer: (h, w, 3) uint8.
    """
    left, top, inside = _without_black_bands(answer)
    if inside.shape != answer.shape:
        cut = cut_back(inside, layout)
        x0, y0, x1, y1 = cut.box
        return Cut(cut.rgb, (x0 + left, y0 + top, x1 + left, y1 + top), cut.found)
    height, width = answer.shape[:2]
    across, down = width / layout.width, height / layout.height
    ink = _ink(answer)
    guesses = [
        _placed(layout, width, height, x, y)
        for x, y in ((across, down), (min(across, down),) * 2, (max(across, down),) * 2)
    ]
    best, best_score = None, 0.0
    for guess in guesses:
        box, score = _seen_border(ink, guess, layout)
        if box is not None and score > best_score:
            best, best_score = box, score
    if best is not None:
        return Cut(_without_rim(cropped(answer, best)), best, True)
    if abs(np.log(across / down)) > 0.15 and _plain_rim(answer):
        side = max(width, height)
        x, y = (width - side) / 2, (height - side) / 2
        whole = (x, y, x + side, y + side)
        return Cut(cropped(answer, whole), whole, False)
    return Cut(_without_rim(cropped(answer, guesses[0])), guesses[0], False)


def _placed(layout: Layout, width: int, height: int, across: float, down: float) -> Box:
    """The card's inside when the canvas is scaled so and centred in the answer."""
    x = (width - layout.width * across) / 2
    y = (height - layout.height * down) / 2
    x0, y0, x1, y1 = layout.inner
    return (x + x0 * across, y + y0 * down, x + x1 * across, y + y1 * down)


def _without_black_bands(answer: np.ndarray) -> tuple[int, int, np.ndarray]:
    """x and y of the answer's part between black bands, and that part.

    A canvas has no black at both of two opposite edges: its panel is grey.
    """
    lit = answer.max(-1) > 24
    rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
    if not len(rows):
        return 0, 0, answer
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    height, width = lit.shape
    if not (top and bottom < height):
        top, bottom = 0, height
    if not (left and right < width):
        left, right = 0, width
    return left, top, answer[top:bottom, left:right]


def _ink(answer: np.ndarray) -> np.ndarray:
    """(h, w) float32 in 0..1: how black and colourless a pixel is."""
    values = answer.astype(np.float32)
    bright, tint = values.max(-1), np.ptp(values, -1)
    return np.clip((150 - bright) / 110, 0, 1) * np.clip((70 - tint) / 40, 0, 1)


def _seen_border(ink: np.ndarray, guess: Box, layout: Layout) -> tuple[Box | None, float]:
    """The card's inside from its four border lines near the guess, and how clear they are."""
    height, width = ink.shape
    x0, y0, x1, y1 = guess
    side_x, side_y = x1 - x0, y1 - y0
    thick_x = BORDER * side_x / layout.inner_side
    thick_y = BORDER * side_y / layout.inner_side
    slack = SEARCH * min(height, width)
    # The straight part of each side, short of where the others may lie.
    rows = np.s_[max(0, int(y0 + 0.12 * side_y)) : max(1, int(y1 - 0.12 * side_y))]
    columns = np.s_[max(0, int(x0 + 0.12 * side_x)) : max(1, int(x1 - 0.12 * side_x))]
    if ink[rows, columns].size == 0:
        return None, 0.0
    by_column, by_row = ink[rows].mean(0), ink[:, columns].mean(1)
    left = _line(by_column, x0 - thick_x / 2, slack, thick_x)
    right = _line(by_column, x1 + thick_x / 2, slack, thick_x)
    top = _line(by_row, y0 - thick_y / 2, slack, thick_y)
    bottom = _line(by_row, y1 + thick_y / 2, slack, thick_y)
    lines = (left, right, top, bottom)
    if any(line is None for line in lines):
        return None, 0.0
    (x0, a), (x1, b), (y0, c), (y1, d) = (line for line in lines if line is not None)
    found = (x0 + thick_x / 2, y0 + thick_y / 2, x1 - thick_x / 2, y1 - thick_y / 2)
    wide, tall = found[2] - found[0], found[3] - found[1]
    if not (0.9 < wide / side_x < 1.1 and 0.9 < tall / side_y < 1.1):
        return None, 0.0
    # Of several readings the one whose card kept its proportions.
    skew = abs(np.log((wide / side_x) / (tall / side_y)))
    return found, min(a, b, c, d) * float(np.exp(-10 * skew))


def _line(profile: np.ndarray, at: float, slack: float, thick: float) -> tuple[float, float] | None:
    """Middle (px) and clearness of the line of ink nearest its place, or None."""
    reach = slack + 2 * thick
    first, last = int(max(0, at - reach)), int(min(len(profile), at + reach + 1))
    if last - first < 3:
        return None
    part = profile[first:last]
    # What a thin line adds to its surroundings: dark areas do not count.
    width = max(1, round(thick))
    around = np.pad(part, 2 * width + 1, mode="edge")
    gap = 2 * width + 1
    beside = np.maximum(around[: len(part)], around[2 * gap :][: len(part)])
    stands_out = part - beside
    place = np.arange(first, last) + 0.5
    score = stands_out - 0.3 * np.abs(place - at) / max(reach, 1e-6)
    best = int(score.argmax())
    # A line thinner than a pixel is only partly black.
    if stands_out[best] < 0.35 * min(1.0, thick):
        return None
    around_best = np.s_[max(0, best - 2 * width) : best + 2 * width + 1]
    weight = np.clip(part[around_best] - beside[around_best], 0, None)
    return float((place[around_best] * weight).sum() / weight.sum()), float(stands_out[best])


def cropped(answer: np.ndarray, box: Box) -> np.ndarray:
    """(n, n, 3) uint8: the box as a square at about the answer's own resolution."""
    from PIL import Image

    height, width = answer.shape[:2]
    x0, y0, x1, y1 = box
    pad = int(max(0, -x0, -y0, x1 - width, y1 - height)) + 1
    wide = np.pad(answer, ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    side = max(8, round(max(x1 - x0, y1 - y0)))
    at = (x0 + pad, y0 + pad, x1 + pad, y1 + pad)
    picture = Image.fromarray(wide).resize((side, side), Image.Resampling.BICUBIC, at)
    return np.asarray(picture)


def _without_rim(card: np.ndarray) -> np.ndarray:
    """The card with its outermost pixels redone from those inside.

    Resizing has mixed the border into them, and the border's round corners reach over them.
    """
    rim = max(2, round(RIM * len(card)))
    return np.pad(card[rim:-rim, rim:-rim], ((rim, rim), (rim, rim), (0, 0)), mode="edge")


def _plain_rim(answer: np.ndarray) -> bool:
    """Whether the picture's rim is one light colour: an object on a plain ground."""
    rim = np.concatenate([answer[:3], answer[-3:]], 1).reshape(-1, 3)
    sides = np.concatenate([answer[:, :3], answer[:, -3:]], 0).reshape(-1, 3)
    both = np.concatenate([rim, sides]).astype(np.float32)
    middle = np.median(both, 0)
    return bool(middle.min() > 120 and (np.abs(both - middle).max(-1) < 14).mean() > 0.9)
