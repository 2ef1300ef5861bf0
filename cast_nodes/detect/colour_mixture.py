"""Gaussian mixtures of colours, fitted in a few steps and without randomness."""

from __future__ import annotations

import numpy as np

FRONT_COMPONENTS = 5
BACK_COMPONENTS = 6
SAMPLES = 1200
LOG_RATIO_LIMIT = 6.0
NOISE = 6.0  # Lab variance added to every component: sensor noise, JPEG, texture


def mixture_ratio(lab: np.ndarray, front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """(h, w) log ratio of a front and a back colour mixture, clipped to the limit."""
    ratio = log_mixture(lab, lab[front], FRONT_COMPONENTS) - log_mixture(
        lab, lab[back], BACK_COMPONENTS
    )
    return np.clip(ratio, -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)


def log_mixture(lab: np.ndarray, samples: np.ndarray, components: int) -> np.ndarray:
    """(h, w) log density of a Gaussian mixture fitted to (n, 3) samples by k-means and EM.

    A common constant is left out.
    """
    samples = samples[:: max(1, len(samples) // SAMPLES)].astype(np.float64)
    share, centres, precision = fit(samples, max(1, min(components, len(samples) // 8)))
    log = _log_components(_squares(lab.reshape(-1, 3)), share, centres, precision)
    top = log.max(1)
    return (top + np.log(np.exp(log - top[:, None]).sum(1))).reshape(lab.shape[:2])


def fit(samples: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares (k,), centres (k, 3) and precisions (k, 3, 3) of a mixture of (n, 3) samples."""
    # Start spread along the main axis: deterministic, and enough for so few components.
    mean = samples.mean(0)
    axis = np.linalg.svd(np.cov(samples.T) if len(samples) > 1 else np.eye(3))[0][:, 0]
    order = np.argsort((samples - mean) @ axis, kind="stable")
    centres = np.stack([part.mean(0) for part in np.array_split(samples[order], k)])
    nearest = np.zeros(len(samples), int)
    for _ in range(5):
        apart = (centres**2).sum(1) - 2 * samples @ centres.T
        nearest = apart.argmin(1)
        for i in range(k):
            if (nearest == i).any():
                centres[i] = samples[nearest == i].mean(0)
    weight = np.eye(k)[nearest]
    squares = _squares(samples)
    share, precision = np.ones(k) / k, np.stack([np.eye(3)] * k)
    for step in range(5):
        mass = weight.sum(0) + 1e-6
        share = mass / mass.sum()
        moments = (weight.T @ squares) / mass[:, None]
        centres = moments[:, 1:4]
        spread = moments[:, _UPPER_AS_FULL] - centres[:, :, None] * centres[:, None, :]
        precision = np.linalg.inv(spread + NOISE * np.eye(3))
        if step < 4:
            log = _log_components(squares, share, centres, precision)
            weight = np.exp(log - log.max(1, keepdims=True))
            weight /= weight.sum(1, keepdims=True)
    return share, centres, precision


_ROWS, _COLUMNS = np.triu_indices(3)
_UPPER_AS_FULL = np.array([[4, 5, 6], [5, 7, 8], [6, 8, 9]])
"""Where the products x_i x_j stand among :func:`_squares`' columns."""


def _squares(points: np.ndarray) -> np.ndarray:
    """(n, 10): 1, the coordinates, and their six products, so that a density is one product."""
    products = points[:, _ROWS] * points[:, _COLUMNS]
    return np.concatenate([np.ones((len(points), 1)), points, products], 1)


def _log_components(
    squares: np.ndarray, share: np.ndarray, centres: np.ndarray, precision: np.ndarray
) -> np.ndarray:
    """(n, k) log of share times normal density, without the common constant."""
    turned = np.einsum("kij,kj->ki", precision, centres)
    constant = np.log(share) + 0.5 * np.linalg.slogdet(precision)[1]
    constant = constant - 0.5 * (turned * centres).sum(1)
    double = np.where(_ROWS == _COLUMNS, 0.5, 1.0)
    quadratic = -precision[:, _ROWS, _COLUMNS] * double
    return squares @ np.concatenate([constant[:, None], turned, quadratic], 1).T
