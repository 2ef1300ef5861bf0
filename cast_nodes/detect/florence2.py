"""Detect ``florence2``: Florence-2 names or describes what is there, SAM cuts it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..backends import Backend, BackendInfo, Need, Options, option
from ..content import content_key
from ..context import Context, Progress
from ..errors import BadInput
from ..local.weights import Weights
from ..types import Objects, Photo
from . import DetectInputs, _florence
from ._cut_out import SAM_WEIGHTS, cut_out_objects, weights_identity
from ._florence_answer import to_found
from ._found import suppress, without_groups
from ._labels import parse_label_list
from ._transformers import INSTALL, Precision, model_folder
from .ssd import Found

VERSION = 1
"""Raised when what Florence-2 is asked or how it is read changes; part of its key."""

FLORENCE = Weights(
    "florence-community/Florence-2-large",
    ("config.json", "model*.safetensors", "tokenizer.json|vocab.json"),
    1.6,
    option="florence_weights",
    optional_files=(
        "generation_config.json", "preprocessor_config.json", "processor_config.json",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt",
        "*.safetensors.index.json",
    ),
    licence="MIT",
)  # fmt: skip
QUESTIONS = {"objects": _florence.OBJECTS, "captions": _florence.CAPTIONS}


@dataclass(frozen=True)
class Florence2Options(Options):
    """What to ask, how long to listen, and with which weights."""

    task: Literal["objects", "captions"] = option(
        "objects", "what each thing is called: by its name, or by a short description"
    )
    labels: str = option(
        "",
        "look for these names only (with commas between them); Florence-2 tends to find each of "
        "them somewhere. Empty: whatever is there",
        multiline=True,
    )
    iou_threshold: float = option(
        0.7, "of boxes that overlap more than this only the surest stays", low=0.1, high=1.0,
        step=0.05,
    )  # fmt: skip
    max_objects: int = option(40, "at most this many, the surest", low=1, high=300, step=1)
    max_new_tokens: int = option(
        1024, "longest answer; each thing takes some six tokens", low=16, high=4096, step=16
    )
    num_beams: int = option(
        3, "wordings followed at once: more is better and slower", low=1, high=8, step=1
    )
    florence_weights: str = option(
        FLORENCE.reference,
        "Florence-2: a hub repository in the layout of transformers "
        "(florence-community/Florence-2-base is faster) or a folder",
    )
    mask_weights: str = option(SAM_WEIGHTS.reference, "SAM or SAM 2: a hub repository or a folder")
    precision: Precision = option(
        "auto", "of the networks; auto on CUDA: float16 and bfloat16, else float32"
    )


def run(inputs: DetectInputs, options: Florence2Options, context: Context) -> Objects:
    """What Florence-2 sees in the photo, the surest first; nothing is a legal answer.

    Raises:
        BadInput: weights that are not what they should be, a label that is too long.
    """
    photo = inputs.photo
    labels = parse_label_list(options.labels)
    if options.labels.strip() and not labels:
        raise BadInput("labels names nothing to look for; write names like: chair, table, lamp")
    found, notes = _found(photo, labels, options, context)
    context.cancel.check()
    found = without_groups(suppress(found, options.iou_threshold))
    if len(found) > options.max_objects:
        notes += (f"{len(found)} things were found; the {options.max_objects} surest are kept",)
    found = found[: options.max_objects]
    objects = cut_out_objects(photo, found, options.mask_weights, options.precision, context)
    return Objects(photo, objects, notes=notes)


def _found(
    photo: Photo, labels: tuple[str, ...], options: Florence2Options, context: Context
) -> tuple[list[Found], tuple[str, ...]]:
    """Labelled boxes, best first, and sentences about odd answers; from the store where known."""
    precision = _florence.running_precision(options.precision, context.models.device.type)
    question = "" if labels else QUESTIONS[options.task]
    asked = (question, labels, options.max_new_tokens, options.num_beams, precision)
    identity = weights_identity(options.florence_weights)
    key = content_key("florence-2", VERSION, photo.rgb, asked, identity)
    stored = context.store.get(key)
    if stored is None:
        context.progress(Progress("detect", 0, 1))
        folder = model_folder(FLORENCE, options, context)
        limits = _florence.Limits(options.max_new_tokens, options.num_beams)
        answers = _florence.ask(photo.rgb, labels, question, folder, precision, limits, context)
        size = (photo.width, photo.height)
        found = [f for a in answers for f in to_found(a.places, a.scores.tolist(), size, labels)]
        notes = tuple(note for a in answers if (note := _odd(a, options)))
        found.sort(key=lambda f: -f.score)
        stored = {
            "found": [[f.label, f.score, list(f.box)] for f in found],
            "notes": notes,
        }
        context.store.put(key, stored)
    boxes = [Found(label, score, tuple(box)) for label, score, box in stored["found"]]
    return boxes, tuple(stored["notes"])


def _odd(answer: _florence.Answer, options: Florence2Options) -> str:
    """A sentence about an answer that is no list of things, or not a whole one."""
    if not answer.places:
        return f"Florence-2 named no place in the photo; its answer begins {answer.text[:60]!r}"
    if not answer.finished:
        return (
            f"Florence-2's answer was cut off after {options.max_new_tokens} tokens, so things may "
            "be missing; raise max_new_tokens, or name what to look for in labels"
        )
    return ""


BACKEND = Backend(
    info=BackendInfo(
        name="florence2",
        label="Florence-2 + SAM 2",
        kind="local",
        summary="Names or describes what is there without a list, and cuts it out; on this machine.",
        weights_licence="MIT (Florence-2), Apache-2.0 (SAM)",
        needs=(
            Need.package("transformers", f"'{INSTALL}'"),
            Need.local_weights(FLORENCE, "florence2"),
            Need.local_weights(SAM_WEIGHTS, "florence2"),
        ),
    ),
    options=Florence2Options,
    run=run,
)
