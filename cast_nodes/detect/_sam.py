"""SAM, SAM 2 and SAM 2.1: boxes to masks.

Kirillov et al., Segment Anything (ICCV 2023); Ravi et al., SAM 2 (ICLR 2025). The photo is
encoded once; the boxes go through the small mask decoder a few at a time. Of the three masks
that each box gets, the one of the highest predicted IoU is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..boxes import Box, mask_box
from ..context import Context
from ..errors import BadInput
from ..local.work import work_with
from ._pixels import Prepared, Recipe, prepare, read_recipe
from ._transformers import edition, from_folder, named_class, read_config, tensor_in
from .mask_tools import tidy

if TYPE_CHECKING:
    import torch
    from torch import nn

POSITIONS = (
    "shared_image_embedding.positional_embedding",
    "prompt_encoder.shared_embedding.positional_embedding",
)
"""One matrix for the picture and the prompts. Versions of transformers differ in which they keep in
their files, and some make the other one up when they read a file of another version."""

BOXES_AT_ONCE = 8
"""The decoder takes some 100 MB for each box."""

MARGIN_PX = 2
SPECK_SHARE = 0.005
"""Parts of a mask below this share of it are stray; SAM's other loose parts are leaves and legs."""


@dataclass(frozen=True)
class Kind:
    """One family of mask models.

    Attributes:
        class_name: in transformers.
        recipe: of the picture, where the weights' files do not say.
    """

    class_name: str
    recipe: Recipe


SAM1 = Kind("SamModel", Recipe("longest", 1024, 1024))
SAM2 = Kind("Sam2Model", Recipe("stretched", 1024, 1024))
KINDS = {"sam": SAM1, "sam2": SAM2, "sam2_video": SAM2}
"""By the weights' model_type. Those of SAM 2 hold the video model, of which one picture needs a part."""


def kind_of(folder: Path) -> Kind:
    """Which model the weights in a folder are.

    Raises:
        BadInput: neither SAM nor SAM 2.
    """
    said = read_config(folder)["model_type"]
    if said not in KINDS:
        raise BadInput(
            f"the mask weights in {folder} are {said!r}; they must be SAM or SAM 2 "
            "(facebook/sam-vit-huge, facebook/sam2.1-hiera-large or smaller ones)"
        )
    return KINDS[said]


def cut_out(
    rgb: np.ndarray,
    boxes: Sequence[Box],
    folder: Path,
    precision: str,
    context: Context,
    done: Callable[[int, np.ndarray], None],
) -> None:
    """Hands over a mask for each box as soon as it is made.

    Args:
        rgb: (H, W, 3) uint8.
        boxes: (x0, y0, x1, y1) px of the photo.
        precision: of the image encoder (see :func:`encoder_precision`); the small rest always
            runs in float32, for half precision moves box corners by whole pixels.
        done: called with the box's index and its (H, W) bool mask, which may be empty. A second
            time for the same index when the memory was full in between.
    """
    kind = kind_of(folder)
    prepared = prepare(rgb, read_recipe(folder, kind.recipe))

    def load() -> nn.Module:
        return load_model(kind, folder, precision)

    def work(model: nn.Module) -> None:
        embedding = encode(model, prepared)
        for start in range(0, len(boxes), BOXES_AT_ONCE):
            context.cancel.check()
            some = boxes[start : start + BOXES_AT_ONCE]
            for index, logits in enumerate(best_logits(model, embedding, some, prepared), start):
                mask = full_mask(logits, prepared, kind.recipe.fit == "longest")
                done(index, cleaned(mask, boxes[index]))

    work_with(context, f"{kind.class_name} {folder} {edition(folder)} {precision}", load, work)


def encoder_precision(wanted: str, device: str) -> str:
    """The precision of the image encoder: bfloat16 on CUDA, else float32, unless one is asked for.

    SAM 2 was published with bfloat16 on CUDA. On MPS half precision of these encoders is not
    reliable, on a CPU it is slow.
    """
    if wanted != "auto":
        return wanted
    return "bfloat16" if device == "cuda" else "float32"


def load_model(kind: Kind, folder: Path, precision: str) -> nn.Module:
    """The network on the CPU, in eval mode: float32 with its image encoder in ``precision``."""
    import torch

    positions = tensor_in(folder, POSITIONS)
    known: dict[str, Any] = {}
    if positions is not None:
        known = {name: positions for name in POSITIONS}
    model = from_folder(named_class(kind.class_name), folder, known=known)
    model.vision_encoder.to(getattr(torch, precision))
    return model


def encode(model: Any, prepared: Prepared) -> Any:
    """What the decoder needs of the photo, float32: a map (SAM) or a list of maps (SAM 2)."""
    import torch

    weights = next(model.vision_encoder.parameters())
    pixels = torch.from_numpy(prepared.values).to(weights.device, weights.dtype)
    half = weights.dtype != torch.float32
    # SAM 2 sends the encoder's maps through two float32 layers of the decoder.
    with torch.autocast(weights.device.type, weights.dtype if half else None, enabled=half):
        maps = model.get_image_embeddings(pixels)
    if isinstance(maps, (list, tuple)):
        return [m.float() for m in maps]
    return maps.float()


def best_logits(
    model: Any, embedding: Any, boxes: Sequence[Box], prepared: Prepared
) -> list[torch.Tensor]:
    """(h, w) float32 logits of the likeliest mask of each box, in the decoder's resolution."""
    import torch

    corners = np.asarray(boxes, np.float64) * prepared.scale
    first = embedding[-1] if isinstance(embedding, list) else embedding
    out = model(
        image_embeddings=embedding,
        input_boxes=torch.tensor(corners[None], dtype=torch.float32, device=first.device),
        multimask_output=True,
    )
    best = out.iou_scores[0].float().nan_to_num(-1.0).argmax(1)
    masks = out.pred_masks[0].float()
    return [masks[i, int(k)] for i, k in enumerate(best)]


def full_mask(logits: torch.Tensor, prepared: Prepared, padded: bool) -> np.ndarray:
    """(H, W) bool: logits brought to the photo's size and cut at 0.

    Args:
        logits: (h, w) over the network's whole picture.
        padded: that picture was padded (SAM), so the part that shows the photo is cut out of it.
    """
    from torch.nn.functional import interpolate

    values = logits[None, None]
    if padded:
        height, width = prepared.values.shape[-2:]
        values = interpolate(values, (height, width), mode="bilinear", align_corners=False)
        w, h = prepared.content
        values = values[..., :h, :w]
    width, height = prepared.photo
    values = interpolate(values, (height, width), mode="bilinear", align_corners=False)
    return (values[0, 0] > 0).cpu().numpy()


def cleaned(mask: np.ndarray, box: Box) -> np.ndarray:
    """The mask without specks and pinholes; work is done only around it."""
    if not mask.any():
        return mask
    x0, y0, x1, y1 = (int(v) for v in mask_box(mask))
    height, width = mask.shape
    window = (
        slice(max(0, y0 - MARGIN_PX), min(height, y1 + MARGIN_PX)),
        slice(max(0, x0 - MARGIN_PX), min(width, x1 + MARGIN_PX)),
    )
    out = np.zeros_like(mask)
    out[window] = tidy(mask[window], box, SPECK_SHARE)
    return out
