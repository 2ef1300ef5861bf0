"""Florence-2: a photo to labelled boxes or captions, without or with a list of names.

Xiao et al., Florence-2 (CVPR 2024). It writes its answer word by word, so it gives no scores; how
sure it was of its own words and places stands in for them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..cancel import CancelToken
from ..context import Context
from ..errors import BadInput
from ..local.work import work_with
from ._florence_answer import BINS, Placed, read_places
from ._labels import share_out
from ._pixels import Recipe, prepare, read_recipe
from ._transformers import edition, from_folder, named_class, read_config, tokenizer_of

if TYPE_CHECKING:
    import torch
    from torch import nn

RECIPE = Recipe("stretched", 768, 768, resample=3)

# The sentences that the model was trained with.
OBJECTS = "Locate the objects with category name in the image."
CAPTIONS = "Locate the objects in the image, with their descriptions."
PHRASES = "Locate the phrases in the caption: {}"

PHRASE_TOKENS = 96
"""Names in one question take at most this much; of longer lists it forgets half."""

NEAR_BINS = 10
"""A place is as sure as all bins within 1 % of the photo's side together."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What was said to one question.

    Attributes:
        places: in the order of the answer.
        scores: (n,) of the places, 0..1: geometric mean of the probabilities of their tokens.
        finished: False when the answer was cut off at its bound.
        text: its beginning, for messages.
    """

    places: tuple[Placed, ...]
    scores: np.ndarray
    finished: bool
    text: str


@dataclass(frozen=True)
class Limits:
    """Bounds of an answer: tokens, and how many wordings are followed at once."""

    max_new_tokens: int
    num_beams: int


def phrase_questions(labels: Sequence[str], sizes: Sequence[int], limit: int) -> list[str]:
    """Questions that name all labels.

    Args:
        sizes: tokens of each label, its comma included.
        limit: tokens that the labels of one question may take.
    """
    runs = share_out(sizes, limit, labels)
    return [PHRASES.format(", ".join(labels[i] for i in run)) for run in runs]


def ask(
    rgb: np.ndarray,
    labels: Sequence[str],
    plain: str,
    folder: Path,
    precision: str,
    limits: Limits,
    context: Context,
) -> list[Answer]:
    """What Florence-2 says of the photo: to one question, or to several with a list of labels.

    Args:
        rgb: (H, W, 3) uint8.
        labels: what to look for; empty asks ``plain``.
        plain: :data:`OBJECTS` or :data:`CAPTIONS`.
        precision: of torch.

    Raises:
        BadInput: the weights are not Florence-2's in the layout of transformers.
    """
    refuse_first_layout(folder)
    prepared = prepare(rgb, read_recipe(folder, RECIPE))

    def load() -> nn.Module:
        return from_folder(named_class("Florence2ForConditionalGeneration"), folder, precision)

    def work(model: Any) -> list[Answer]:
        import torch

        tokenizer = tokenizer_of(folder)
        weights = next(model.parameters())
        pixels = torch.from_numpy(prepared.values).to(weights.device, weights.dtype)
        answers = []
        for question in _questions(model, tokenizer, labels, plain, prepared.content):
            context.cancel.check()
            ids = _question_ids(model, tokenizer, question, prepared.content)
            answers.append(_answer(model, tokenizer, ids, pixels, limits, context.cancel))
        return answers

    return work_with(context, f"Florence-2 {folder} {edition(folder)} {precision}", load, work)


def running_precision(wanted: str, device: str) -> str:
    """float16 on CUDA, as the weights are published; else float32, unless one is asked for."""
    if wanted != "auto":
        return wanted
    return "float16" if device == "cuda" else "float32"


def refuse_first_layout(folder: Path) -> None:
    """Raises BadInput for Florence-2 weights in Microsoft's own layout, and for other models."""
    said = read_config(folder)
    if said.get("model_type") != "florence2":
        raise BadInput(
            f"the weights in {folder} are {said.get('model_type')!r}, not Florence-2; use "
            "florence-community/Florence-2-large or -base"
        )
    vision = said.get("vision_config") or {}
    if vision.get("model_type") == "davit":
        raise BadInput(
            f"the Florence-2 weights in {folder} are in Microsoft's first layout, which only runs "
            "with the code that lies beside them; use florence-community/Florence-2-large or -base"
        )


def picture_tokens(vision: Any, width: int, height: int) -> int:
    """How many tokens a picture of that size becomes: one a cell of the last map, and one more."""
    for patch, stride, padding in zip(
        vision.patch_size, vision.patch_stride, vision.patch_padding, strict=True
    ):
        width = (width + 2 * padding - patch) // stride + 1
        height = (height + 2 * padding - patch) // stride + 1
    return width * height + 1


def _questions(
    model: Any, tokenizer: Any, labels: Sequence[str], plain: str, size: tuple[int, int]
) -> list[str]:
    if not labels:
        return [plain]
    sizes = [len(tokenizer(f" {name},", add_special_tokens=False)["input_ids"]) for name in labels]
    around = len(_question_ids(model, tokenizer, PHRASES.format(""), size))
    room = int(model.config.text_config.max_position_embeddings) - around
    return phrase_questions(labels, sizes, min(PHRASE_TOKENS, room))


def _question_ids(model: Any, tokenizer: Any, question: str, size: tuple[int, int]) -> list[int]:
    """The picture's tokens, then the question between its marks."""
    config = model.config
    picture = [config.image_token_id] * picture_tokens(config.vision_config, *size)
    words = tokenizer(question, add_special_tokens=False)["input_ids"]
    return [*picture, tokenizer.bos_token_id, *words, tokenizer.eos_token_id]


def _answer(
    model: Any,
    tokenizer: Any,
    question: Sequence[int],
    pixels: torch.Tensor,
    limits: Limits,
    cancel: CancelToken,
) -> Answer:
    import torch

    ids = torch.tensor([question], device=pixels.device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "pixel_values": pixels}
    longest = int(model.config.text_config.max_position_embeddings) - 2
    bound = min(limits.max_new_tokens, longest)

    def stop_asked(written: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        cancel.check()  # between two words
        return torch.zeros(len(written), dtype=torch.bool, device=pixels.device)

    written = model.generate(
        **inputs,
        max_new_tokens=bound,
        num_beams=limits.num_beams,
        do_sample=False,
        stopping_criteria=[stop_asked],
    )[0].tolist()
    answer, finished = trimmed(written[1:], tokenizer.eos_token_id, bound)
    bins = _bins(tokenizer, answer)

    def text(first: int, end: int) -> str:
        return tokenizer.decode(answer[first:end], skip_special_tokens=True)

    places = read_places(bins, text)
    if not places:
        return Answer((), np.zeros(0, np.float32), finished, text(0, min(40, len(answer))))
    decoder = torch.tensor([[written[0], *answer]], device=pixels.device)
    logits = model(**inputs, decoder_input_ids=decoder[:, :-1]).logits[0]
    sure = token_probabilities(logits, answer, bins, _bin_ids(tokenizer))
    return Answer(
        tuple(places), place_scores(places, sure), finished, text(0, min(40, len(answer)))
    )


def trimmed(written: Sequence[int], end: int, bound: int) -> tuple[list[int], bool]:
    """An answer up to its mark of the end, and whether there is one before the bound."""
    if end in written:
        return list(written[: list(written).index(end)]), True
    return list(written), len(written) < bound


def token_probabilities(
    logits: torch.Tensor, answer: Sequence[int], bins: Sequence[int | None], bin_ids: Sequence[int]
) -> np.ndarray:
    """(n,) probability of each token of an answer; of bins, with those near them.

    Args:
        logits: (n, V), the row that predicts each token.
        bin_ids: token of each bin.
    """
    import torch

    every = torch.tensor(bin_ids, device=logits.device)
    out = np.zeros(len(answer), np.float32)
    for index, token in enumerate(answer):
        odds = torch.softmax(logits[index].float(), 0)
        place = bins[index]
        if place is None:
            out[index] = float(odds[token])
        else:
            near = every[max(0, place - NEAR_BINS) : place + NEAR_BINS + 1]
            out[index] = float(odds[near].sum())
    return out


def place_scores(places: Sequence[Placed], sure: np.ndarray) -> np.ndarray:
    """(n,) geometric mean of the probabilities of each place's words and bins."""
    scores = np.zeros(len(places), np.float32)
    logs = np.log(np.clip(np.nan_to_num(sure), 1e-9, 1.0))
    for index, item in enumerate(places):
        words = logs[slice(*item.word_tokens)]
        bins = logs[item.first_bin : item.first_bin + 4]
        scores[index] = np.exp(np.concatenate([words, bins]).mean())
    return scores


def _bins(tokenizer: Any, answer: Sequence[int]) -> list[int | None]:
    """The bin of each token, None for words."""
    names = tokenizer.convert_ids_to_tokens(list(answer))
    found = [re.fullmatch(r"<loc_(\d{1,3})>", str(name)) for name in names]
    return [int(match[1]) if match else None for match in found]


def _bin_ids(tokenizer: Any) -> list[int]:
    return tokenizer.convert_tokens_to_ids([f"<loc_{i}>" for i in range(BINS)])
