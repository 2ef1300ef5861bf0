"""A small network that outlines the thing in a box; trained from nothing on rendered models.

A U-Net (Ronneberger et al., MICCAI 2015) with residual blocks (He et al., CVPR 2016). It sees
a crop, the box and clicks, and gives two masks: what is seen of the thing, and its whole
outline with what others hide; and how sure it is. ``training/masks`` makes its weights.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CastError

if TYPE_CHECKING:
    import torch

SIDE_PX = 160
"""Side of the crops the network works on; any multiple of 32 will do."""

CHANNELS = 6
"""Red, green, blue, box, positive clicks, negative clicks."""

WIDTHS = (24, 48, 96, 160, 224)
"""Feature channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the crop's side."""

DEPTHS = (1, 1, 2, 2, 1)
"""Residual blocks of the encoder at each of these."""

WEIGHTS = Path(__file__).parent / "weights.npz"
SCALE = "#scale"
"""Ending of the name under which an int8 weight's scales are kept."""


def make_network() -> torch.nn.Module:
    """The network with random weights.

    Its input is (n, CHANNELS, s, s) float32 as :func:`network_input` makes it; its output is
    (n, 2, s, s) logits of "seen" and "whole", and (n, 2) logits of the IoU that the seen mask
    will reach and of the share of the thing that is seen.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    def conv(inside: int, outside: int, size: int = 3, stride: int = 1) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inside, outside, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(outside),
        )

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.first, self.second = conv(width, width), conv(width, width)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return functional.relu(x + self.second(functional.relu(self.first(x))))

    class Up(nn.Module):
        def __init__(self, below: int, width: int) -> None:
            super().__init__()
            self.squeeze, self.block = conv(below, width, 1), Block(width)

        def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
            x = functional.interpolate(self.squeeze(x), scale_factor=2.0, mode="nearest")
            return self.block(functional.relu(x + skip))

    class MaskNetwork(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inside = (CHANNELS, *WIDTHS[:-1])
            self.down = nn.ModuleList(conv(a, b, 3, 2) for a, b in zip(inside, WIDTHS, strict=True))
            self.blocks = nn.ModuleList(
                nn.Sequential(*(Block(w) for _ in range(d)))
                for w, d in zip(WIDTHS, DEPTHS, strict=True)
            )
            self.context = nn.Linear(WIDTHS[-1], WIDTHS[-1])
            self.up = nn.ModuleList(Up(WIDTHS[i + 1], WIDTHS[i]) for i in (3, 2, 1, 0))
            self.masks = nn.Conv2d(WIDTHS[0], 8, 3, 1, 1)
            self.judge = nn.Sequential(
                nn.Linear(WIDTHS[-1] + WIDTHS[1] + 4, 64), nn.ReLU(), nn.Linear(64, 2)
            )

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            skips = []
            for down, block in zip(self.down, self.blocks, strict=True):
                x = block(functional.relu(down(x)))
                skips.append(x)
            everywhere = x.mean((2, 3))
            x = x + self.context(everywhere)[:, :, None, None]
            quarter = x
            for up, skip in zip(self.up, reversed(skips[:-1]), strict=True):
                x = up(x, skip)
                if x.shape[1] == WIDTHS[1]:
                    quarter = x
            masks = functional.pixel_shuffle(self.masks(x), 2)
            # The judge looks at the features under the mask, and at how decided the mask is.
            with torch.no_grad():
                sure = torch.sigmoid(masks.float())
                small = functional.avg_pool2d(sure[:, :1], 4)
                area = sure.sum((2, 3)) / masks[0, 0].numel()
                doubt = (sure * (1 - sure)).sum((2, 3)) / masks[0, 0].numel()
            under = (quarter * small).sum((2, 3)) / small.sum((2, 3)).clamp_min(1e-3)
            told = torch.cat([everywhere, under, area, doubt], 1)
            return masks, self.judge(told)

    return MaskNetwork()


def network_input(
    rgb: torch.Tensor, boxes: torch.Tensor, valid: torch.Tensor, clicks: torch.Tensor | None
) -> torch.Tensor:
    """(n, CHANNELS, s, s) float32 out of n crops.

    Args:
        rgb: (n, 3, s, s) in 0..1.
        boxes: (n, 4) x0, y0, x1, y1 in the crops' pixels.
        valid: (n, 1, s, s), 1 inside the photo, 0 beyond its border.
        clicks: (n, 2, s, s) positive and negative, 0..1, or None.
    """
    import torch

    side = rgb.shape[-1]
    count = valid.sum((1, 2, 3), keepdim=True).clamp_min(1)
    mean = (rgb * valid).sum((2, 3), keepdim=True) / count
    centred = (rgb - mean) * valid
    # Dark and pale crops alike fill the range: one deviation for the three colours.
    spread = ((centred**2).sum((1, 2, 3), keepdim=True) / (3 * count)).sqrt()
    colour = centred / (2 * spread).clamp_min(0.08)
    pixel = torch.arange(side, dtype=torch.float32, device=rgb.device)
    x0, y0, x1, y1 = (boxes[:, i, None] for i in range(4))
    across = ((x1 - pixel).clamp(0, 1) - (x0 - pixel).clamp(0, 1)).clamp(0, 1)
    along = ((y1 - pixel).clamp(0, 1) - (y0 - pixel).clamp(0, 1)).clamp(0, 1)
    box = along[:, None, :, None] * across[:, None, None, :]
    box = torch.where(valid > 0.5, box, torch.full_like(box, -1.0))
    if clicks is None:
        clicks = torch.zeros(len(rgb), 2, side, side, device=rgb.device)
    return torch.cat([colour, box, clicks], 1)


def click_map(points: np.ndarray, side: int) -> np.ndarray:
    """(side, side) float32, a soft dot at each of (k, 2) points in the crop's pixels."""
    out = np.zeros((side, side), np.float32)
    at = np.arange(side) + 0.5
    radius = 2.5 * side / SIDE_PX
    for x, y in np.asarray(points, np.float64).reshape(-1, 2):
        square = (at[None, :] - x) ** 2 + (at[:, None] - y) ** 2
        out = np.maximum(out, np.exp(-square / (2 * radius**2)).astype(np.float32))
    return out


def pack_weights(state: dict[str, np.ndarray], bits: int = 8) -> dict[str, np.ndarray]:
    """Weights as arrays for an ``.npz``: convolutions in int8 with one scale for each output
    channel (8 bits) or in float16, everything else in float32."""
    out: dict[str, np.ndarray] = {}
    for name, value in state.items():
        if value.ndim < 2 or not np.issubdtype(value.dtype, np.floating):
            out[name] = value
        elif bits == 16:
            out[name] = value.astype(np.float16)
        else:
            flat = np.abs(value).reshape(len(value), -1).max(1)
            scale = np.maximum(flat, 1e-12).astype(np.float32) / 127
            spread = scale.reshape(-1, *[1] * (value.ndim - 1))
            out[name] = np.round(value / spread).astype(np.int8)
            out[name + SCALE] = scale
    return out


def unpack_weights(stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What :func:`pack_weights` packed, in float32 (integers as they were)."""
    out = {}
    for name, value in stored.items():
        if name.endswith(SCALE):
            continue
        scale = stored.get(name + SCALE)
        if scale is not None:
            value = value * scale.reshape(-1, *[1] * (value.ndim - 1))
        out[name] = value.astype(np.float32) if value.dtype == np.float16 else value
    return out


@lru_cache(maxsize=2)
def load_network(path: Path = WEIGHTS) -> torch.nn.Module:
    """The trained network, ready to be asked.

    Raises:
        CastError: the weights are missing or of another network.
    """
    import torch

    try:
        with np.load(path, allow_pickle=False) as stored:
            state = unpack_weights(dict(stored))
        network = make_network()
        network.load_state_dict({k: torch.from_numpy(np.asarray(v)) for k, v in state.items()})
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise CastError(
            f"the mask network's weights {path.name} cannot be read ({type(error).__name__}); "
            "install the package again, or do without it: mask_method = colour in Detect, "
            "outlines = symmetry in Inpaint"
        ) from error
    network.eval()
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
