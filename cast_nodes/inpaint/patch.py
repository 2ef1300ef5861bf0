"""Inpaint backend ``patch``: outlines by symmetry (and the mask network), colours by mirror and patches.

What the photo does not show is borrowed from the object's own pixels. Good where a leg, a corner or
a strip is hidden; it invents no colours it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..backends import Backend, BackendInfo, Need, option
from ..context import Context
from ..types import View
from . import InpaintItem, InpaintOptions, Wants
from .amodal import guess_hidden, mirrored, outline_in_photo
from .cutout import make_view
from .masks import blur, depth_in, grow, spread
from .texture import Hole, fill_texture

MIRROR_ERROR = 32.0  # mean colour difference up to which the mirror image is believed


@dataclass(frozen=True)
class PatchOptions(InpaintOptions):
    """How outlines are guessed."""

    outlines: Literal["symmetry", "network+symmetry"] = option(
        "symmetry",
        "how hidden outlines are guessed: by symmetry, and by the trained mask network as well",
    )

    def wants(self) -> Wants:
        return Wants(photo=self.outlines == "network+symmetry")


def run(item: InpaintItem, options: PatchOptions, context: Context) -> View:
    """The object's view; what is hidden is filled when the item asks for it."""
    rgb, hidden = item.rgb, np.zeros_like(item.visible)
    if item.complete and options.complete:
        rgb, hidden = complete_object(item, context.seed + item.retry)
        context.cancel.check()
    return make_view(item, rgb, hidden, options)


def complete_object(item: InpaintItem, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Colours (h, w, 3) uint8 with the hidden part filled, and the hidden part (h, w) bool."""
    told = None
    if item.photo is not None and item.hidden.any():
        told = outline_in_photo(item.photo, item.visible, item.origin)
    guess = guess_hidden(item.visible, item.hidden, told)
    hidden, visible = guess.hidden, item.visible
    if not hidden.any():
        return item.rgb, hidden
    colours = item.rgb.astype(np.float32)
    # Edges of masks often hold the neighbour's colour.
    sound = visible & (depth_in(visible) > 1.5)
    sound = sound if np.count_nonzero(sound) > 0.3 * np.count_nonzero(visible) else visible
    known = sound.copy()
    if guess.axis is not None:
        image = mirrored(colours, guess.axis)
        there = mirrored(sound, guess.axis)
        both = there & sound
        if both.any() and np.abs(image - colours)[both].mean() < MIRROR_ERROR:
            # The two halves are lit differently: the mirror image takes the near side's light.
            light = spread(np.where(both[..., None], colours - image, 0), both.astype(np.float32))
            borrowed = there & hidden
            colours[borrowed] = np.clip((image + 0.7 * light)[borrowed], 0, 255)
            known |= borrowed
    rest = (hidden | (visible & ~sound)) & ~known
    if rest.any():
        filled = _with_texture(colours, known, rest, seed)
        colours[rest] = np.clip(filled[rest], 0, 255)
    # What is seen stays, but for the rim where the photo mixes it with the thing in front.
    stays = visible & ~(grow(hidden, 2.5) & ~sound)
    out = np.where(stays[..., None], item.rgb, colours.round().astype(np.uint8))
    return out.astype(np.uint8), hidden


def _with_texture(
    colours: np.ndarray, known: np.ndarray, rest: np.ndarray, seed: int
) -> np.ndarray:
    """(h, w, 3): the known colours spread over the rest, with the object's own fine texture."""
    base = blur(spread(colours, known.astype(np.float32)), 3.0)
    detail = np.where(known[..., None], colours - base, 0).astype(np.float32)
    strength = np.abs(detail).max(-1)
    # Edges between parts are no texture, unless they are everywhere (a pattern).
    usual = float(np.percentile(strength[known], 70)) if known.any() else 0.0
    source = known & (blur(strength, 2.0) < max(8.0, 1.5 * usual))
    tile = int(np.clip(min(rest.shape) // 8, 8, 32))
    group = np.zeros(rest.shape, int)
    return base + fill_texture(Hole(detail, rest, source, group), seed, tile)


BACKEND = Backend(
    info=BackendInfo(
        name="patch",
        label="Patches and symmetry",
        kind="embedded",
        summary="Completes hidden parts from the object's own pixels; paints a clean background.",
        needs=(Need.package("patchmatch_cython", "patchmatch-cython", optional=True),),
    ),
    options=PatchOptions,
    run=run,
    default=True,
)
