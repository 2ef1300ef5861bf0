"""MoGe's real model classes, made small, with random weights, saved as MoGe's own checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch

from cast_nodes.depth._moge_model import import_moge

TOKENS = [24, 60]
"""The range of tokens: few, so that the tests are fast."""


def stack(dim_in: list[int], dim_out: int | None) -> dict:
    """The configuration of one of MoGe-2's convolutional stacks, five levels deep."""
    return {
        "dim_in": dim_in,
        "dim_res_blocks": [32] * 5,
        "dim_out": [None] * 4 + [dim_out],
        "resamplers": ["conv_transpose", "bilinear", "bilinear", "bilinear"],
        "num_res_blocks": [1, 0, 0, 0, 0],
        "res_block_in_norm": "layer_norm",
        "res_block_hidden_norm": "group_norm",
    }


def config(version: str, normals: bool = True, scale: bool = True, tokens=TOKENS) -> dict:
    """What a checkpoint says of its model."""
    if version == "v1":
        return {
            "encoder": "dinov2_vits14", "intermediate_layers": 4, "dim_proj": 512,
            "dim_upsample": [32, 32, 32], "remap_output": "exp", "num_tokens_range": tokens,
        }  # fmt: skip
    made = {
        "encoder": {
            "backbone": "dinov2_vits14", "intermediate_layers": [2, 5, 8, 11], "dim_out": 32,
        },
        "neck": stack([34, 2, 2, 2, 2], None),
        "points_head": stack([32] * 5, 3),
        "mask_head": stack([32] * 5, 1),
        "remap_output": "exp",
        "num_tokens_range": tokens,
    }  # fmt: skip
    if normals:
        made["normal_head"] = stack([32] * 5, 3)
    if scale:
        made["scale_head"] = {"dims": [384, 16, 1]}
    return made


def save_checkpoint(path: Path, version: str, **heads) -> Path:
    """A checkpoint whose random depth is positive and whose mask is partly on."""
    torch.manual_seed(0)
    held = config(version, **heads)
    model = import_moge(version).MoGeModel(**held)
    if version == "v1":
        model.head.output_block[1][-1].bias.data.fill_(0.6)  # about its threshold
    model.half().float()  # whoever keeps them in half precision has the same weights
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model_config": held, "model": model.state_dict()}, path)
    return path
