"""The scene seen from the photo's camera, against masks, depth and the photo itself.

Everything is seen with the predicted scene's own camera, as that is the camera its objects were
placed with; pixels are the photo's. What is hidden by a predicted object is hidden; where the
truth shows an object that the scene lacks, pixels do not count for the others, as it may hide them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import BackendNotReady, CastError
from ..frames import resize_intrinsics
from ..mesh_data import MeshData
from ..raster import rasterize
from .matching import Matching
from .scenes import Camera, EvalScene, Item

LONGEST_PX = 1024
"""Pictures are taken no larger; masks and depths are reduced by taking nearest pixels."""
DELTA1 = 1.25


@dataclass(frozen=True, eq=False)
class Seen:
    """What each pixel of the photo's camera shows.

    Attributes:
        ids: (H, W) index of the item, -2 the room, -1 nothing.
        depth: (H, W) z of the nearest surface, NaN where nothing is.
    """

    ids: np.ndarray
    depth: np.ndarray


def working_camera(camera: Camera) -> Camera:
    """The same camera with a picture of at most ``LONGEST_PX``."""
    factor = min(1.0, LONGEST_PX / max(camera.width, camera.height))
    width, height = round(camera.width * factor), round(camera.height * factor)
    intrinsics = resize_intrinsics(camera.intrinsics, width / camera.width, height / camera.height)
    return replace(camera, intrinsics=intrinsics, width=width, height=height)


def nearest_pixels(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W, …) values at the centres of a picture of another size."""
    rows = ((np.arange(height) + 0.5) * values.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * values.shape[1] / width).astype(int)
    return values[rows[:, None], columns[None]]


def see(items: Sequence[Item], room: Sequence[MeshData], camera: Camera) -> Seen:
    """Rasterises the objects, and the room's faces that are turned to the camera."""
    camera_from_world = camera.world_from_camera.inverse()
    vertices, faces, owner, count = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], [], 0
    parts = [
        (index, item.vertices, item.data.faces) for index, item in enumerate(items) if item.data
    ]
    parts += [(-2, part.vertices, part.faces) for part in room]
    for number, points, corners in parts:
        seen = camera_from_world.apply(points)
        if number == -2:
            corners = _turned_here(seen, corners)
        vertices.append(seen)
        faces.append(corners + count)
        owner.append(np.full(len(corners), number))
        count += len(points)
    raster = rasterize(
        np.concatenate(vertices),
        np.concatenate(faces),
        camera.intrinsics,
        camera.width,
        camera.height,
    )
    owners = np.concatenate(owner) if owner else np.zeros(0, int)
    ids = np.full(raster.face.shape, -1)
    ids[raster.mask] = owners[raster.face[raster.mask]]
    return Seen(ids, raster.depth)


def _turned_here(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The faces whose front is turned to the camera at the origin."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return faces[(np.cross(b - a, c - a) * a).sum(1) < 0]


def mask_ious(
    seen: Seen, items: Sequence[Item], masks: Mapping[int, np.ndarray], matching: Matching
) -> dict[int, float]:
    """IoU of the visible pixels of each matched object, by the true object's id.

    Args:
        items: those that ``seen.ids`` counts.
        masks: true masks, (H, W) bool by the true object's id, of ``seen``'s size.
    """
    unknown = np.zeros(seen.ids.shape, bool)
    for true, _ in matching.missing:
        if true.id is not None and true.id in masks:
            unknown |= masks[true.id]
    index = {id(item): n for n, item in enumerate(items)}
    found = {}
    for predicted, true in matching.pairs:
        if true.id is None or true.id not in masks:
            continue
        mask = masks[true.id]
        shown = (seen.ids == index[id(predicted)]) & (mask | ~unknown)
        union = int((shown | mask).sum())
        if union:
            found[true.id] = float((shown & mask).sum() / union)
    return found


def depth_measures(depth: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """AbsRel and δ1 (Eigen et al., "Depth Map Prediction from a Single Image", 2014), as they are
    and after scaling by the ratio of the medians (Zhou et al., 2017), where both are valid.

    Args:
        depth, true: (H, W) along z, NaN or <= 0 where invalid.

    Returns:
        Empty where no pixel is valid in both.
    """
    valid = np.isfinite(depth) & np.isfinite(true) & (depth > 0) & (true > 0)
    if not valid.any():
        return {}
    d, t = depth[valid].astype(np.float64), true[valid].astype(np.float64)
    scaled = d * (np.median(t) / np.median(d))
    out = {}
    for name, values in (("", d), ("_scaled", scaled)):
        ratio = np.maximum(values / t, t / values)
        out[f"abs_rel{name}"] = float((np.abs(values - t) / t).mean())
        out[f"delta1{name}"] = float((ratio < DELTA1).mean())
    return out


def likeness(render: np.ndarray, photo: np.ndarray, valid: np.ndarray) -> dict[str, float]:
    """PSNR and SSIM (Wang et al., 2004: Gaussian window, σ 1.5, population covariance) of two
    (H, W, 3) uint8 pictures over the valid pixels (H, W) bool; empty where there are none.

    Equal pictures have an infinite PSNR.
    """
    from skimage.metrics import structural_similarity

    if not valid.any():
        return {}
    difference = render[valid].astype(np.float64) - photo[valid].astype(np.float64)
    error = float(np.square(difference).mean())
    out = {"psnr": float("inf") if error == 0 else float(10 * np.log10(255**2 / error))}
    if min(render.shape[:2]) >= 11:
        each = structural_similarity(
            photo,
            render,
            channel_axis=2,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )[1]
        out["ssim"] = float(each[valid].mean())
    return out


def lpips_distance(render: np.ndarray, photo: np.ndarray) -> float:
    """LPIPS (Zhang et al., 2018; AlexNet) of two (H, W, 3) uint8 pictures.

    Raises:
        BackendNotReady: the package ``lpips`` (BSD-2, weights of torchvision) is not there or
            cannot get its weights.
    """
    try:
        import lpips  # type: ignore[import-not-found]
        import torch
    except ImportError as error:
        raise BackendNotReady(
            f"LPIPS needs {error.name}: pip install lpips torchvision; or leave --lpips away"
        ) from None
    try:
        model = lpips.LPIPS(net="alex", verbose=False)
    except OSError as error:  # its backbone is downloaded on first use
        raise BackendNotReady(
            f"LPIPS cannot load its weights ({error}); leave --lpips away"
        ) from None

    def tensor(picture: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]

    with torch.no_grad():
        return float(model(tensor(render), tensor(photo)))


def scene_picture_of(scene: EvalScene, camera: Camera) -> np.ndarray | None:
    """(H, W, 3) uint8 of the scene's own file with its textures; None where there is no file."""
    from ..compose.turntable import scene_meshes
    from ..compose.view import scene_picture

    if not scene.glb:
        return None
    objects, room, baked = scene_meshes(scene.glb)
    camera_from_world = camera.world_from_camera.inverse()
    return scene_picture(
        [(data, camera_from_world) for data in objects],
        room,
        camera_from_world,
        camera.intrinsics,
        camera.width,
        camera.height,
        baked,
        supersample=1,
    )


def room_of(scene: EvalScene) -> list[MeshData]:
    """The room's pieces in the world, from the scene's own file."""
    from .glb_nodes import read_glb_scene

    return list(read_glb_scene(scene.glb, scene.source).room) if scene.glb else []


@dataclass(frozen=True, eq=False)
class PictureScores:
    """Measures of the pictures.

    Attributes:
        whole: by name, of the whole picture.
        mask_iou: by the true object's id.
        notes: what could not be measured, and why.
    """

    whole: Mapping[str, float]
    mask_iou: Mapping[int, float]
    notes: tuple[str, ...] = ()


def picture_scores(
    predicted: EvalScene, truth: EvalScene, matching: Matching, with_lpips: bool
) -> PictureScores:
    """All that the two scenes' pictures can tell.

    Raises:
        BackendNotReady: LPIPS is asked for and not there.
    """
    if predicted.camera is None:
        return PictureScores({}, {}, ("no pictures: the predicted scene has no camera",))
    camera = working_camera(predicted.camera)
    size = camera.height, camera.width
    notes = []
    shapes = {m.shape[:2] for m in truth.masks.values()}
    shapes |= {a.shape[:2] for a in (truth.depth, truth.photo) if a is not None}
    aspect = predicted.camera.width / predicted.camera.height
    if any(abs(w / h / aspect - 1) > 0.02 for h, w in shapes):
        return PictureScores({}, {}, ("no pictures: the truth's picture has another shape",))

    seen = see(predicted.placed, room_of(predicted), camera)
    masks = {i: nearest_pixels(m, *size) for i, m in truth.masks.items()}
    ious = mask_ious(seen, predicted.placed, masks, matching)
    if not truth.masks:
        notes.append("no mask IoU: the truth has no masks")
    whole: dict[str, float] = {}
    if truth.depth is not None:
        true_depth = nearest_pixels(truth.depth, *size)
        whole |= depth_measures(seen.depth, true_depth)
        on = depth_measures(np.where(seen.ids >= 0, seen.depth, np.nan), true_depth)
        whole |= {f"{k} (objects)": v for k, v in on.items()}
    else:
        notes.append("no depth error: the truth has no depth")
    photo = truth.photo if truth.photo is not None else predicted.photo
    if photo is None:
        notes.append("no PSNR and SSIM: there is no photo")
        return PictureScores(whole, ious, tuple(notes))
    try:
        picture = scene_picture_of(predicted, camera)
    except (CastError, KeyError) as error:
        picture = None
        notes.append(f"no PSNR and SSIM: {error}")
    if picture is not None:
        fitted = _reduced(photo, *size)
        whole |= likeness(picture, fitted, seen.ids != -1)
        if with_lpips:
            whole["lpips"] = lpips_distance(picture, fitted)
    elif not notes or not notes[-1].startswith("no PSNR"):
        notes.append("no PSNR and SSIM: the predicted scene has no GLB")
    return PictureScores(whole, ious, tuple(notes))


def _reduced(photo: np.ndarray, height: int, width: int) -> np.ndarray:
    from PIL import Image

    if photo.shape[:2] == (height, width):
        return photo
    return np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BOX))
