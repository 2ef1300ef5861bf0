"""Other packs' numbers as numpy arrays, whatever library holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import BadInput


def array_of(value: Any, what: str) -> np.ndarray:
    """A tensor, array or nested list of numbers as numpy; half precisions become float32.

    Raises:
        BadInput: it holds no numbers; the message starts with ``what``.
    """
    if hasattr(value, "detach"):  # a tensor, on whichever device
        value = value.detach()
        if value.is_floating_point():
            value = value.float()
        value = value.cpu().numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise BadInput(f"{what}: rows of different lengths are no array ({error})") from None
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.dtype.kind not in "fuib":
        raise BadInput(f"{what}: it holds {type(value).__name__}, not numbers")
    return array


def eight_bit(values: np.ndarray) -> np.ndarray:
    """0..1 floats as uint8; what is not finite counts as 0."""
    values = np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
