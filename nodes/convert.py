"""ComfyUI's values to the engine's and back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from comfy_api.latest import ui
from PIL import Image

from ..cast_nodes.bridges.found import fitted_mask
from ..cast_nodes.errors import BadInput
from ..cast_nodes.frames import gltf_camera_pose
from ..cast_nodes.pictures import MIN_SIDE_PX
from ..cast_nodes.records import mask_box
from ..cast_nodes.types import Photo, Scene, SceneObject, View

MAX_SIDE_PX = 2048
"""Longest side that the stages work on unless the user says otherwise; the command line's too."""


def photo_from_image(image: torch.Tensor, max_side: int = MAX_SIDE_PX) -> Photo:
    """An IMAGE ((1, H, W, 3 or 4) float, 0..1) as the engine's photo; transparency over white.

    Args:
        max_side: a larger picture is reduced to this longest side, px.

    Raises:
        BadInput: not exactly one picture, or too small.
    """
    if image.ndim != 4 or image.shape[0] != 1:
        count = image.shape[0] if image.ndim == 4 else 0
        raise BadInput(
            f"image: one photo is needed, this batch holds {count} pictures;"
            " take one out with 'Get Image from Batch', or queue them one by one"
        )
    height, width = image.shape[1:3]
    if min(height, width) < MIN_SIDE_PX:
        raise BadInput(
            f"image: it is {width} x {height} pixels; a photo needs at least"
            f" {MIN_SIDE_PX} x {MIN_SIDE_PX}"
        )
    pixels = np.nan_to_num(image[0].detach().cpu().numpy().astype(np.float32))
    if pixels.shape[-1] == 4:
        alpha = np.clip(pixels[..., 3:], 0, 1)
        pixels = pixels[..., :3] * alpha + (1 - alpha)
    elif pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, -1)
    rgb = np.rint(np.clip(pixels[..., :3], 0, 1) * 255).astype(np.uint8)
    factor = max_side / max(height, width)
    if factor < 1:
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        rgb = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
    return Photo(rgb)


def image_from_rgb(rgb: np.ndarray) -> torch.Tensor:
    """An (H, W, 3) uint8 picture as an IMAGE (1, H, W, 3) float."""
    return torch.from_numpy(np.ascontiguousarray(rgb).astype(np.float32) / 255)[None]


def pil_from_rgb(rgb: np.ndarray) -> Image.Image:
    """An (H, W, 3) uint8 picture for a live preview."""
    return Image.fromarray(np.ascontiguousarray(rgb))


def preview(rgb: np.ndarray, cls: Any) -> dict:
    """The picture on the node's face."""
    return ui.PreviewImage(image_from_rgb(rgb), cls=cls).as_dict()


def rgb_from_rgba(view: View) -> np.ndarray:
    """A view over white, (h, w, 3) uint8."""
    alpha = view.rgba[..., 3:] / 255.0
    return np.rint(view.rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def objects_from_masks(
    masks: torch.Tensor, image: torch.Tensor, photo: Photo
) -> tuple[SceneObject, ...]:
    """A MASK batch (N, H, W) as objects 0, 1, …; an empty mask keeps its number.

    Args:
        image: the IMAGE that the masks must fit; ``photo`` was made from it, maybe smaller.

    Raises:
        BadInput: no masks, all empty, or of another size than the image.
    """
    masks = masks[None] if masks.ndim == 2 else masks
    if masks.shape[0] == 0:
        raise BadInput("masks: the batch is empty; connect one mask per object")
    (height, width), wanted = masks.shape[-2:], image.shape[1:3]
    if (height, width) != tuple(wanted):
        raise BadInput(
            f"masks: they are {width} x {height}, the image is {wanted[1]} x {wanted[0]};"
            " make them from the same image"
        )
    objects = []
    for index, values in enumerate(masks.detach().cpu().numpy()):
        mask = fitted_mask(values, photo)
        bbox = mask_box(mask) or (0.0, 0.0, 0.0, 0.0)
        objects.append(SceneObject(index, "object", 1.0, bbox, mask))
    if not any(item.mask.any() for item in objects):
        raise BadInput("masks: every mask is empty; white is the object, black is not")
    return tuple(objects)


NUMBER = r"(-?\d+(?:\.\d+)?)"
BOX_LINE = r"(?:(.*?)\s*:)?\s*" + r"[\s,]+".join([NUMBER] * 4)


def objects_from_boxes(text: str, image: torch.Tensor, photo: Photo) -> tuple[SceneObject, ...]:
    """Boxes typed by the user, one a line: ``label: x0, y0, x1, y1`` in pixels of the image.

    Raises:
        BadInput: nothing there, or a line that cannot be read.
    """
    height, width = image.shape[1:3]
    scale = photo.width / width, photo.height / height
    objects = []
    for line in filter(None, (part.strip() for part in re.split(r"[;\n]", text or ""))):
        found = re.fullmatch(BOX_LINE, line)
        if not found:
            raise BadInput(
                f"boxes: {line!r} cannot be read; write one a line: chair: 10, 20, 110, 220"
            )
        x0, y0, x1, y1 = (float(v) for v in found.groups()[1:])
        x0, x1 = max(0.0, x0) * scale[0], min(float(width), x1) * scale[0]
        y0, y1 = max(0.0, y0) * scale[1], min(float(height), y1) * scale[1]
        if x1 - x0 < 1 or y1 - y0 < 1:
            raise BadInput(
                f"boxes: {line!r} lies outside the image ({width} x {height}) or is"
                " empty; the order is left, top, right, bottom in pixels"
            )
        label = (found[1] or "object").strip().lower()
        objects.append(SceneObject(len(objects), label, 1.0, (x0, y0, x1, y1)))
    if not objects:
        raise BadInput("boxes: there are none; write one a line: chair: 10, 20, 110, 220")
    return tuple(objects)


def load3d_camera(scene: Scene) -> dict[str, Any]:
    """The photo's camera as ComfyUI's LOAD3D_CAMERA (world y up, looking down its -z)."""
    from scipy.spatial.transform import Rotation

    pose = gltf_camera_pose(scene.world_from_camera)
    intrinsics, photo = scene.geometry.intrinsics, scene.objects.photo
    quaternion = Rotation.from_matrix(pose[:3, :3]).as_quat()
    distance = float(np.nanmedian(scene.geometry.depth)) if scene.geometry.valid.any() else 1.0
    position = pose[:3, 3]
    fov = 2 * np.degrees(np.arctan(0.5 * photo.height / intrinsics[1, 1]))
    return {
        "position": _xyz(position),
        "target": _xyz(position - distance * pose[:3, 2]),
        "quaternion": {axis: float(v) for axis, v in zip("xyzw", quaternion, strict=True)},
        "zoom": 1,
        "cameraType": "perspective",
        "fov": float(fov),
        "aspect": photo.width / photo.height,
    }


def _xyz(vector: np.ndarray) -> dict[str, float]:
    return {axis: float(value) for axis, value in zip("xyz", vector, strict=True)}
