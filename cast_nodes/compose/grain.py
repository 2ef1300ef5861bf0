"""More grain of the kind that a picture has: wood, carpet, plaster, bricks from afar.

Noise with the spectrum of a calm piece of the picture (spot noise: Galerne, Gousseau and Morel,
"Random phase textures: theory and synthesis", 2011). It has the piece's strength, fineness and
direction, and none of its things: nothing is seen twice.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

TILE = 512
"""The noise repeats after so many pixels."""
MOST_PIECE, LEAST_PIECE = 192, 12
"""Sides of the piece, px."""
FEWEST = 4
CALM_SHARE = 0.3
"""Grain is as strong as on the calmest share of the source, at most; …"""
CALM = 1.8
"""… what is so many times stronger is rugs, edges, furniture that nobody masked."""
LEVEL = 1.0
"""Strengths (of 255) that make no difference."""


def grain_like(residual: np.ndarray, source: np.ndarray, window: int) -> np.ndarray:
    """(TILE, TILE, C) float32 noise that can be laid side by side; zeros where nothing is calm.

    Args:
        residual: (H, W, C) float32, the picture without its slow colours.
        source: (H, W) bool, where it can be believed; not empty.
        window: px, over which strength is measured.
    """
    channels = residual.shape[-1]
    nothing = np.zeros((TILE, TILE, channels), np.float32)
    strength = _strength(residual, source, window)
    usual = float(np.quantile(strength[source], CALM_SHARE))
    piece = _largest_square(source & (strength <= CALM * usual + LEVEL))
    if piece is None:
        return nothing
    own = residual[piece] - residual[piece].mean((0, 1))
    deviation = float(np.sqrt((own**2).mean()))
    if deviation <= 0:
        return nothing
    fade = np.hanning(len(own) + 2)[1:-1].astype(np.float32)
    own = own * np.sqrt(np.outer(fade, fade))[..., None]
    noise = np.random.default_rng(0).standard_normal((TILE, TILE), np.float32)
    spectrum = np.asarray(fft.rfft2(own, (TILE, TILE), axes=(0, 1)))
    spectrum = spectrum * np.asarray(fft.rfft2(noise))[..., None]
    out = np.asarray(fft.irfft2(spectrum, (TILE, TILE), axes=(0, 1)), np.float32)
    wanted = _fineness(own) ** 1.5 * min(deviation, usual + LEVEL)
    return out * np.float32(wanted / max(float(np.sqrt((out**2).mean())), 1e-9))


def _fineness(piece: np.ndarray) -> float:
    """Share, 0..1, of the energy of an (n, n, C) piece that goes to and fro FEWEST times across it.

    What does so less often is no grain, but a shade, a thing or a picture stretched wide.
    """
    energy = (np.abs(np.asarray(fft.fft2(piece, axes=(0, 1)))) ** 2).sum(-1)
    cycles = fft.fftfreq(len(piece), 1 / len(piece))
    fine = np.hypot(cycles[:, None], cycles) >= FEWEST
    return float(energy[fine].sum() / max(float(energy.sum()), 1e-12))


def _strength(residual: np.ndarray, source: np.ndarray, window: int) -> np.ndarray:
    """(H, W) root mean square of the residual about each pixel, over the source alone."""
    inside = ndimage.uniform_filter(source.astype(np.float32), window, mode="constant")
    square = np.where(source, (residual**2).mean(-1), 0).astype(np.float32)
    total = ndimage.uniform_filter(square, window, mode="constant")
    return np.sqrt(np.maximum(total, 0) / np.maximum(inside, 1e-6))


def _largest_square(where: np.ndarray) -> tuple[slice, slice] | None:
    """A large square (not above MOST_PIECE) that lies in it; None when there is none to speak of."""
    coarse = max(1, round(max(where.shape) / 512))
    depth = ndimage.distance_transform_cdt(np.pad(where[::coarse, ::coarse], 1), "chessboard")
    depth = np.asarray(depth)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    half = min((int(depth.max()) - 1) * coarse, MOST_PIECE // 2)
    if 2 * half < LEAST_PIECE:
        return None
    row, column = int(row) * coarse, int(column) * coarse
    return slice(row - half, row + half), slice(column - half, column + half)
