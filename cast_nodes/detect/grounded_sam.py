"""Detect ``grounded_sam``: Grounding DINO finds what a list of labels names, SAM cuts it out."""

from __future__ import annotations

from dataclasses import dataclass

from ..backends import Backend, BackendInfo, Need, Options, option
from ..content import content_key
from ..context import Context, Progress
from ..errors import BadInput
from ..local.weights import Weights
from ..types import Objects, Photo
from . import DetectInputs
from ._cut_out import SAM_WEIGHTS, cut_out_objects, weights_identity
from ._found import suppress, without_groups
from ._grounding import Candidates, choose_labels, find_candidates
from ._labels import DEFAULT_LABELS, parse_label_list
from ._transformers import INSTALL, Precision, model_folder

VERSION = 1
"""Raised when what the detector says changes; part of its key."""

DETECTOR = Weights(
    "IDEA-Research/grounding-dino-base",
    ("config.json", "model*.safetensors", "tokenizer.json|vocab.txt"),
    0.9,
    option="detector_weights",
    optional_files=(
        "preprocessor_config.json", "processor_config.json", "tokenizer_config.json",
        "special_tokens_map.json", "*.safetensors.index.json",
    ),
    licence="Apache-2.0",
)  # fmt: skip


@dataclass(frozen=True)
class GroundedSamOptions(Options):
    """What to look for, how sure it must be, and with which weights."""

    labels: str = option(
        DEFAULT_LABELS, "what to look for: names with commas between them", multiline=True
    )
    box_threshold: float = option(
        0.3, "how well a thing must fit its name to be found", low=0.05, high=0.95, step=0.01
    )
    text_threshold: float = option(
        0.25,
        "how well a word must fit a thing to count for its name",
        low=0.05,
        high=0.95,
        step=0.01,
    )
    iou_threshold: float = option(
        0.7, "of boxes that overlap more than this only the surest stays", low=0.1, high=1.0,
        step=0.05,
    )  # fmt: skip
    max_objects: int = option(40, "at most this many, the surest", low=1, high=300, step=1)
    detector_weights: str = option(
        DETECTOR.reference,
        "Grounding DINO: a hub repository (IDEA-Research/grounding-dino-tiny is faster) or a folder",
    )
    mask_weights: str = option(
        SAM_WEIGHTS.reference,
        "SAM or SAM 2: a hub repository (facebook/sam-vit-huge, facebook/sam2.1-hiera-tiny) or a "
        "folder",
    )
    precision: Precision = option(
        "auto", "of the mask model's image encoder; auto: bfloat16 on CUDA, else float32"
    )


def run(inputs: DetectInputs, options: GroundedSamOptions, context: Context) -> Objects:
    """What the labels name in the photo, the surest first.

    The network's answer is stored before thresholds, so that they can be tried out at no cost.

    Raises:
        BadInput: no label, or weights that are not what they should be.
    """
    photo = inputs.photo
    labels = parse_label_list(options.labels)
    if not labels:
        raise BadInput("labels names nothing to look for; write names like: chair, table, lamp")
    candidates = _candidates(photo, labels, options, context)
    context.cancel.check()
    size = (photo.width, photo.height)
    found = choose_labels(candidates, labels, options.box_threshold, options.text_threshold, size)
    found = without_groups(suppress(found, options.iou_threshold))
    notes = ()
    if len(found) > options.max_objects:
        notes = (f"{len(found)} things were found; the {options.max_objects} surest are kept",)
    found = found[: options.max_objects]
    objects = cut_out_objects(photo, found, options.mask_weights, options.precision, context)
    return Objects(photo, objects, notes=notes)


def _candidates(
    photo: Photo, labels: tuple[str, ...], options: GroundedSamOptions, context: Context
) -> Candidates:
    """What Grounding DINO says of the photo, from the store where it was asked before."""
    identity = weights_identity(options.detector_weights)
    key = content_key("grounding dino", VERSION, photo.rgb, labels, identity)
    stored = context.store.get(key)
    if stored is None:
        context.progress(Progress("detect", 0, 1))
        folder = model_folder(DETECTOR, options, context)
        made = find_candidates(photo.rgb, labels, folder, context)
        stored = {"boxes": made.boxes, "peaks": made.peaks, "means": made.means}
        context.store.put(key, stored)
    return Candidates(stored["boxes"], stored["peaks"], stored["means"])


BACKEND = Backend(
    info=BackendInfo(
        name="grounded_sam",
        label="Grounding DINO + SAM 2",
        kind="local",
        summary="Finds what a list of names says and cuts it out; on this machine.",
        weights_licence="Apache-2.0",
        needs=(
            Need.package("transformers", f"'{INSTALL}'"),
            Need.local_weights(DETECTOR, "grounded_sam"),
            Need.local_weights(SAM_WEIGHTS, "grounded_sam"),
        ),
    ),
    options=GroundedSamOptions,
    run=run,
)
