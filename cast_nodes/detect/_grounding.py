"""Grounding DINO: a list of labels and a photo to labelled boxes.

Liu et al., Grounding DINO (ECCV 2024). The labels are one text, "chair. table. lamp."; each of
the network's boxes says of each token of that text how well it fits. Here the tokens of a label
are known from the start, so a box gets one label of the list, never pieces of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..context import Context
from ..local.work import work_with
from ._found import box_in_photo
from ._labels import share_out
from ._pixels import Prepared, Recipe, prepare, read_recipe
from ._transformers import edition, from_folder, named_class, tokenizer_of
from .ssd import Found

if TYPE_CHECKING:
    from torch import nn

RECIPE = Recipe("within", 800, 1333)
FILES = (
    "config.json", "model.safetensors", "preprocessor_config.json", "tokenizer_config.json",
    "tokenizer.json", "vocab.txt",
)  # fmt: skip
LEAST_PEAK = 0.05
"""Boxes that fit no token better than this are not kept: no threshold goes so low."""


@dataclass(frozen=True)
class Prompt:
    """One text for the network.

    Attributes:
        token_ids: with the marks of beginning and end.
        spans: (first, end) token of each label, half-open.
        labels: index of each label in the whole list.
    """

    token_ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Candidates:
    """What the network says before any threshold, over all prompts.

    Attributes:
        boxes: (n, 4) float32, (centre x, centre y, width, height) as shares of the photo.
        peaks: (n, L) float32, the best token's fit of each label, 0..1.
        means: (n, L) float32, the mean fit of its tokens; both 0 for labels of other prompts.
    """

    boxes: np.ndarray
    peaks: np.ndarray
    means: np.ndarray


def make_prompts(
    label_tokens: Sequence[Sequence[int]],
    names: Sequence[str],
    limit: int,
    marks: tuple[int, int, int],
) -> list[Prompt]:
    """Texts that hold all labels, each within the limit.

    Args:
        label_tokens: token ids of each label, without marks.
        names: of the labels, for errors.
        limit: tokens of one text.
        marks: ids of the beginning, the full stop and the end.
    """
    begin, stop, end = marks
    sizes = [len(ids) + 1 for ids in label_tokens]
    prompts = []
    for run in share_out(sizes, limit - 2, names):
        ids, spans = [begin], []
        for index in run:
            spans.append((len(ids), len(ids) + len(label_tokens[index])))
            ids += [*label_tokens[index], stop]
        prompts.append(Prompt((*ids, end), tuple(spans), tuple(run)))
    return prompts


def label_fits(token_fits: np.ndarray, prompt: Prompt, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, count) best and mean fit of each label's tokens.

    Args:
        token_fits: (n, T) in 0..1, T at least the prompt's tokens.
        count: labels in the whole list.
    """
    peaks = np.zeros((len(token_fits), count), np.float32)
    means = np.zeros((len(token_fits), count), np.float32)
    for label, (first, end) in zip(prompt.labels, prompt.spans, strict=True):
        peaks[:, label] = token_fits[:, first:end].max(1)
        means[:, label] = token_fits[:, first:end].mean(1)
    return peaks, means


def choose_labels(
    candidates: Candidates,
    labels: Sequence[str],
    box_threshold: float,
    text_threshold: float,
    size: tuple[int, int],
) -> list[Found]:
    """The candidates that are good enough, each with one label, best first.

    A box takes the label whose tokens fit best on average ("coffee table" before "table" when
    both words fit), among those with a token of at least ``text_threshold``. Its score is that
    label's best token, which must reach ``box_threshold``.

    Args:
        size: (width, height) px of the photo.
    """
    width, height = size
    found = []
    for box, peaks, means in zip(
        corners_px(candidates.boxes, size), candidates.peaks, candidates.means, strict=True
    ):
        possible = np.where(peaks >= text_threshold, means, -1.0)
        best = int(possible.argmax())
        if possible[best] < 0 or peaks[best] < box_threshold:
            continue
        inside = box_in_photo(box, width, height)
        if inside is not None:
            found.append(Found(labels[best], min(1.0, float(peaks[best])), inside))
    return sorted(found, key=lambda f: -f.score)


def corners_px(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n, 4) (x0, y0, x1, y1) px from (centre x, centre y, width, height) as shares of the photo.

    The network sees the photo resized without padding, so shares of its picture are shares of
    the photo.
    """
    centre, half = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64) / 2
    corners = np.concatenate([centre - half, centre + half], 1)
    return corners * (np.array(size * 2, np.float64))


def find_candidates(
    rgb: np.ndarray, labels: Sequence[str], folder: Path, context: Context
) -> Candidates:
    """What Grounding DINO says of the photo, one pass for each prompt that the labels need.

    It runs in float32 everywhere: boxes suffer from half precision, and it is small.

    Args:
        rgb: (H, W, 3) uint8.
        folder: with the weights and the tokenizer.
    """
    prepared = prepare(rgb, read_recipe(folder, RECIPE))

    def work(model: nn.Module) -> Candidates:
        return run_prompts(model, _prompts(model, labels, folder), prepared, len(labels), context)

    def load() -> nn.Module:
        return load_model(folder)

    return work_with(context, f"Grounding DINO {folder} {edition(folder)}", load, work)


def load_model(folder: Path) -> nn.Module:
    """The network on the CPU, float32, in eval mode."""
    return from_folder(named_class("GroundingDinoForObjectDetection"), folder)


def _prompts(model: Any, labels: Sequence[str], folder: Path) -> list[Prompt]:
    tokenizer = tokenizer_of(folder)
    tokens = [tokenizer(label, add_special_tokens=False)["input_ids"] for label in labels]
    stop = tokenizer.convert_tokens_to_ids(".")
    marks = (tokenizer.cls_token_id, stop, tokenizer.sep_token_id)
    return make_prompts(tokens, labels, int(model.config.max_text_len), marks)


def run_prompts(
    model: Any, prompts: Sequence[Prompt], prepared: Prepared, count: int, context: Context
) -> Candidates:
    """One forward pass for each prompt; a stop of the run is noticed between them."""
    import torch

    pixels = torch.from_numpy(prepared.values).to(model.device)
    boxes, peaks, means = [], [], []
    for prompt in prompts:
        context.cancel.check()
        ids = torch.tensor([prompt.token_ids], device=model.device)
        out = model(
            pixel_values=pixels,
            input_ids=ids,
            token_type_ids=torch.zeros_like(ids),
            attention_mask=torch.ones_like(ids),
        )
        fits = torch.sigmoid(out.logits[0].float())[:, : ids.shape[1]].cpu().numpy()
        peak, mean = label_fits(np.nan_to_num(fits), prompt, count)
        good = peak.max(1) >= LEAST_PEAK
        boxes.append(out.pred_boxes[0].float().cpu().numpy()[good])
        peaks.append(peak[good])
        means.append(mean[good])
    return Candidates(np.concatenate(boxes), np.concatenate(peaks), np.concatenate(means))
