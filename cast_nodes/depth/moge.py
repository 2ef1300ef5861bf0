"""Backend ``moge``: MoGe-2 and MoGe-1, points of a whole photo from one network.

MoGe (Wang et al., CVPR 2025; MoGe-2: arXiv 2507.02546) answers with points in the OpenCV camera
frame, a mask of what has a finite distance, the camera's matrix divided by the picture's width
and height, and, in MoGe-2, unit normals toward the camera. MoGe-2's lengths are metres; MoGe-1's
are the camera's up to one factor, which stays unknown. Its principal point is the picture's
middle and its pixels are square; what lies outside the mask comes as +inf and leaves as NaN.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..backends import Backend, BackendInfo, Need, Options, option
from ..content import content_key
from ..context import Context
from ..errors import BadInput
from ..frames import denormalise_intrinsics
from ..local.lookup import users_path
from ..local.weights import Weights
from ..local.work import work_with
from ..types import Geometry, Photo
from . import DepthInputs
from ._moge_model import CHECKPOINT, checkpoint_in, load_moge
from .measured import Measured, clean_depth, geometry_of

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = Weights(
    "Ruicheng/moge-2-vitl-normal",
    (CHECKPOINT,),
    1.3,
    licence="MIT",
)
INSTALL = "--no-deps dlr-moge dlr-utils3d dlr-pipeline"
TRAINED_ASPECT = 2.0
"""MoGe learnt from pictures between 1:2 and 2:1."""
NARROWEST_FOV_DEG, WIDEST_FOV_DEG = 1.0, 175.0


@dataclass(frozen=True)
class Moge(Options):
    """Options of ``moge``."""

    weights: str = option(
        WEIGHTS.reference,
        "model on the hub (owner/name, MoGe-2 or MoGe-1), or a folder or .pt file of your own",
    )
    resolution_level: int = option(
        9, "how finely the picture is looked at: 0 is fastest, 9 sees most detail", low=0, high=9
    )
    patches: int = option(
        0, "how many patches (tokens) the picture is cut into, in place of resolution_level; 0 follows it",
        low=0, high=20000, unit="patches",
    )  # fmt: skip
    precision: Literal["auto", "fp16", "fp32"] = option(
        "auto", "of the network's layers; auto is fp16 on a GPU and fp32 on a CPU"
    )
    fov_deg: float = option(
        0.0, "horizontal angle of view; 0 takes it from EXIF, or lets the model find it",
        low=0.0, high=150.0, step=0.5, unit="degrees",
    )  # fmt: skip
    force_projection: bool = option(
        True, "put each point on its pixel's ray; off keeps the model's own points"
    )

    def content(self) -> str:
        """Tells files of the user's apart by what lies there now; part of the content key."""
        path = users_path(self.weights)
        if path is None:
            return content_key(self.weights)
        try:
            facts = checkpoint_in(path).stat()
        except OSError as error:
            raise BadInput(f"weights: {checkpoint_in(path)} cannot be read: {error}") from None
        return content_key(self.weights, facts.st_size, facts.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class MogeAnswer:
    """What MoGe says of one photo, still in its own conventions.

    Attributes:
        points: (H, W, 3) float32 camera frame, inf where masked.
        intrinsics: (3, 3) divided by width and height.
        mask: (H, W) bool or None.
        normal: (H, W, 3) or None.
        metric: lengths are metres.
    """

    points: np.ndarray
    intrinsics: np.ndarray
    mask: np.ndarray | None
    normal: np.ndarray | None
    metric: bool


def run(inputs: DepthInputs, options: Moge, context: Context) -> Geometry:
    """Runs MoGe on the photo.

    Raises:
        BadInput: the answer has no valid point or no camera, or the options cannot be used.
        BackendNotReady: weights that cannot be had or read.
        OutOfMemory: the picture or model is too large for the device.
    """
    photo = inputs.photo
    fov_deg, fov_note = known_fov(options.fov_deg, photo)
    place = WEIGHTS.folder(options, context)
    checkpoint = checkpoint_in(place)
    if not checkpoint.is_file():
        raise BadInput(f"weights: {place} has no {CHECKPOINT}")
    aspect = max(photo.width, photo.height) / min(photo.width, photo.height)
    if aspect > TRAINED_ASPECT + 0.05:
        context.warn(
            f"the photo is {photo.width}x{photo.height}; MoGe learnt from pictures between 1:2 and"
            " 2:1, so its depth may be wrong"
        )
    fp16 = _half(options.precision, context)
    answer = work_with(
        context,
        f"MoGe {checkpoint}",
        lambda: load_moge(checkpoint),
        lambda model: infer(model, photo, options, fov_deg, fp16),
    )
    context.cancel.check()
    measured = measured_of(answer, photo.width, photo.height)
    measured = replace(measured, notes=_notes(measured, answer, fov_note, photo))
    return geometry_of(measured, photo.height, photo.width, "moge")


def infer(
    model: nn.Module, photo: Photo, options: Moge, fov_deg: float | None, fp16: bool
) -> MogeAnswer:
    """Asks the model, on the device it lies on.

    Args:
        fov_deg: the horizontal angle of view that is forced, None lets the model find it.

    Raises:
        BadInput: its numbers are not finite.
    """
    import torch

    device = next(model.parameters()).device
    image = torch.from_numpy(photo.rgb.copy()).to(device)  # the photo's own must not be written
    image = image.permute(2, 0, 1).float() / 255
    _require_room(model, photo, options)
    ask: Any = model.infer
    try:
        with warnings.catch_warnings():
            # It asks for single precision on the CPU in a way that torch only warns of.
            warnings.filterwarnings("ignore", message="In CPU autocast")
            answer = ask(
                image,
                num_tokens=options.patches or None,
                resolution_level=options.resolution_level,
                force_projection=options.force_projection,
                apply_mask=True,
                fov_x=fov_deg,
                use_fp16=fp16,
            )
    except ValueError as error:
        # Its camera is found by least squares, which refuse numbers that are not finite.
        if "finite" not in str(error):
            raise
        raise BadInput(_not_finite(photo)) from None
    held: dict[str, np.ndarray] = {k: v.cpu().numpy() for k, v in answer.items()}
    return MogeAnswer(
        held["points"],
        held["intrinsics"],
        held.get("mask"),
        held.get("normal"),
        hasattr(model, "scale_head"),
    )


def _require_room(model: Any, photo: Photo, options: Moge) -> None:
    """Raises :class:`BadInput` for a photo so narrow that its short side is less than a token."""
    fewest, most = model.num_tokens_range
    tokens = options.patches or fewest + options.resolution_level / 9 * (most - fewest)
    if tokens < 1.2 * max(photo.width, photo.height) / min(photo.width, photo.height):
        raise BadInput(f"the photo is {photo.width}x{photo.height}, too narrow for MoGe; crop it")


def measured_of(answer: MogeAnswer, width: int, height: int) -> Measured:
    """MoGe's answer in our conventions: pixels, NaN, float64.

    Raises:
        BadInput: no valid point, or no camera.
    """
    depth = clean_depth(answer.points[..., 2])
    depth[~np.isfinite(answer.points).all(-1)] = np.nan
    if answer.mask is not None:
        depth[~answer.mask] = np.nan
        if not np.isfinite(depth).any() and answer.mask.any():
            raise BadInput(f"MoGe's depth is not finite anywhere; {_WAY_OUT}")
    if not np.isfinite(depth).any():
        raise BadInput(
            "MoGe sees nothing at a finite distance in the photo (all of it is masked as sky); try"
            " another photo, or depth backend layout"
        )
    matrix = np.asarray(answer.intrinsics, np.float64)
    fov = np.degrees(2 * np.arctan(0.5 / np.array([matrix[0, 0], matrix[1, 1]])))
    if not (np.isfinite(matrix).all() and (fov > NARROWEST_FOV_DEG).all()
            and (fov < WIDEST_FOV_DEG).all()):  # fmt: skip
        raise BadInput(
            f"MoGe finds no camera for the photo (angle of view {fov[0]:.1f} degrees); give it in"
            " the option fov_deg"
        )
    return Measured(
        depth,
        answer.points.astype(np.float64),
        denormalise_intrinsics(matrix, width, height),
        None if answer.normal is None else answer.normal.astype(np.float64),
        metric=answer.metric,
    )


def known_fov(fov_deg: float, photo: Photo) -> tuple[float | None, str]:
    """The horizontal angle of view to force, in degrees, or None; and the note that says why."""
    if fov_deg > 0:
        return fov_deg, f"The angle of view ({fov_deg:g} degrees across) was given."
    focal = photo.focal_px
    if focal and np.isfinite(focal) and focal > 0.05 * photo.width:
        fov = float(np.degrees(2 * np.arctan(0.5 * photo.width / focal)))
        if fov > NARROWEST_FOV_DEG:
            return fov, f"The angle of view ({fov:.0f} degrees across) is from the photo's file."
    return None, ""


_WAY_OUT = "set precision to fp32, and check the weights"


def _not_finite(photo: Photo) -> str:
    return f"MoGe's points of {photo.name} are not finite; {_WAY_OUT}"


def _half(precision: str, context: Context) -> bool:
    if precision == "auto":
        return context.models.device.type != "cpu"
    return precision == "fp16"


def _notes(measured: Measured, answer: MogeAnswer, fov_note: str, photo: Photo) -> tuple[str, ...]:
    version = "MoGe-2" if answer.metric or answer.normal is not None else "MoGe-1"
    assert measured.intrinsics is not None
    fov = np.degrees(2 * np.arctan(0.5 * photo.width / measured.intrinsics[0, 0]))
    masked = 100 * (1 - np.isfinite(measured.depth).mean())
    notes = [
        fov_note or f"{version} found the angle of view ({fov:.0f} degrees across).",
        f"Lengths are the metres of {version}."
        if answer.metric
        else f"{version} does not tell the scale: lengths have an unknown unit.",
    ]
    if masked >= 0.5:
        notes.append(f"{masked:.0f} % of the photo is sky or too far to have a distance.")
    return tuple(notes)


BACKEND = Backend(
    info=BackendInfo(
        name="moge",
        label="MoGe",
        kind="local",
        summary="MoGe-2 or MoGe-1 measures every pixel: points, camera, normals, metres.",
        weights_licence="MIT",
        version=2,
        needs=(
            Need.package("moge", INSTALL),
            Need.package("utils3d", INSTALL),
            Need.package("huggingface_hub", "huggingface_hub"),
            Need.local_weights(WEIGHTS, "moge"),
        ),
    ),
    options=Moge,
    run=run,
)
