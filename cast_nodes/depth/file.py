"""Backend ``file``: geometry that was made elsewhere, read from a file.

Read are ``.npz`` (a run folder's ``geometry.npz``, MoGe's output, or depth with intrinsics),
``.npy`` (a point map (H, W, 3) or a depth image (H, W)), and depth images (PNG 16 bit, TIFF 16
bit, 32 bit or float). What cannot be used as a depth (0, inf, NaN, negative) becomes NaN.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..backends import Backend, BackendInfo, Options, option
from ..context import Context
from ..errors import BadInput
from ..frames import denormalise_intrinsics, intrinsics_from_fov, pixel_centres
from ..types import Geometry
from . import DepthInputs
from .measured import Measured, clean_depth, geometry_of, require_usable

DEFAULT_FOV_DEG = 55.0

POINTS = ("points", "point_map", "pointmap", "pts3d", "xyz")
DEPTH = ("depth", "depth_map", "depths", "z")
DISPARITY = ("disparity", "inverse_depth")
INTRINSICS = ("intrinsics", "k", "camera_matrix", "intrinsic")
NORMALS = ("normals", "normal")
MASK = ("mask", "valid")


@dataclass(frozen=True)
class File(Options):
    """Options of ``file``."""

    path: str = option(
        "", "point map or depth: .npz, .npy, or a 16-bit or float .png/.tif depth image"
    )
    unit_m: float = option(
        0.001, "metres per step of a depth image of whole numbers (0.001: millimetres)",
        low=1e-9, high=1e3, unit="m",
    )  # fmt: skip
    values: Literal["depth", "inverse depth"] = option(
        "depth", "what an image's or plain array's numbers are; inverse depth is nearer = larger"
    )
    fov_deg: float = option(
        0.0, "horizontal angle of view where the file has no intrinsics; 0 takes EXIF or 55",
        low=0.0, high=150.0, step=0.5, unit="degrees",
    )  # fmt: skip
    metric: Literal["auto", "yes", "no"] = option(
        "auto", "lengths are metres; auto believes the file, and images of whole numbers"
    )

    def content(self) -> str:
        """Hash of the file's bytes: part of the key, so that a changed file counts."""
        try:
            return hashlib.sha256(_existing(self.path).read_bytes()).hexdigest()
        except OSError as error:
            raise _unreadable(self.path, error) from error


def run(inputs: DepthInputs, options: File, context: Context) -> Geometry:
    """Reads the file and fits it to the photo.

    Raises:
        BadInput: no such file, nothing usable in it, or another aspect than the photo's.
    """
    path = _existing(options.path)
    photo = inputs.photo
    measured = _load(path, options)
    require_usable(str(path), measured.depth, photo.height, photo.width)
    height, width = measured.depth.shape
    notes = list(measured.notes)
    intrinsics = measured.intrinsics
    if intrinsics is None and measured.points is not None:
        intrinsics, note = _fitted_intrinsics(measured.points)
        if note:
            notes.append(note)
    if intrinsics is None:
        intrinsics, note = _assumed_intrinsics(options, width, height, photo)
        notes.append(note)
    metric = {"yes": True, "no": False, "auto": measured.metric}[options.metric]
    context.cancel.check()
    measured = replace(measured, intrinsics=intrinsics, metric=metric, notes=tuple(notes))
    return geometry_of(measured, photo.height, photo.width, "file")


def _existing(text: str) -> Path:
    if not text.strip():
        raise BadInput("depth backend 'file' needs its option path: a .npz, .npy, .png or .tif")
    path = Path(text).expanduser()
    if not path.is_file():
        raise BadInput(f"depth backend 'file': there is no file {path}")
    return path


def _unreadable(path: object, error: Exception) -> BadInput:
    return BadInput(f"{path} cannot be read as depth: {error}")


def _load(path: Path, options: File) -> Measured:
    kind = path.suffix.lower()
    try:
        if kind == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return _from_arrays({k.lower(): archive[k] for k in archive.files}, path)
        if kind == ".npy":
            array = np.load(path, allow_pickle=False)
            return _from_plain(np.asarray(array), options, path)
        if kind in (".png", ".tif", ".tiff"):
            return _from_plain(_read_image(path), options, path)
    except BadInput:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error
    raise BadInput(f"{path} is of a kind that is not read; use .npz, .npy, .png or .tif")


def _read_image(path: Path) -> np.ndarray:
    """(H, W) numbers of a grey image, whatever its depth."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.mode in ("P", "1"):
                raise BadInput(f"{path} is a palette image, not a depth image")
            array = np.asarray(image)
    except UnidentifiedImageError as error:
        raise _unreadable(path, error) from error
    if array.ndim == 3:
        colour = array[..., :3]
        if not (colour == colour[..., :1]).all():
            raise BadInput(f"{path} is a colour image; a depth image has one channel")
        array = colour[..., 0]
    return array


def _from_plain(array: np.ndarray, options: File, path: Path) -> Measured:
    """A single array: a point map (H, W, 3) or numbers per pixel (H, W)."""
    array = np.squeeze(array)
    if array.dtype.kind not in "fui":
        raise BadInput(f"{path} holds {array.dtype}, not numbers")
    if array.ndim == 3 and array.shape[-1] == 3:
        return _from_arrays({"points": array}, path)
    if array.ndim != 2:
        raise BadInput(
            f"{path} has shape {array.shape}; needed is (height, width) or (height, width, 3)"
        )
    whole = array.dtype.kind in "ui"
    values = array.astype(np.float64)
    notes: tuple[str, ...] = ()
    if array.dtype == np.uint8:
        notes = ("The depth image has only 256 steps, so surfaces come out in terraces.",)
    if options.values == "inverse depth":
        return Measured(_inverted(values), metric=False, notes=notes)
    if whole:
        values = values * options.unit_m
    # A float image's unit is unknown; one of whole numbers has the option's.
    return Measured(clean_depth(values), metric=whole, notes=notes)


def _inverted(values: np.ndarray) -> np.ndarray:
    """Depth from inverse depth, in units of the nearest; at most a hundred times as far."""
    good = np.isfinite(values) & (values > 0)
    top = float(values[good].max()) if good.any() else 1.0
    return np.where(good, top / np.maximum(np.where(good, values, top), 0.01 * top), np.nan)


def _from_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> Measured:
    """Named arrays, under the names that the usual tools give them."""

    def take(names: tuple[str, ...]) -> np.ndarray | None:
        for name in names:
            if name in arrays:
                array = np.squeeze(arrays[name])
                if array.dtype.kind not in "fuib":
                    raise BadInput(f"{path}: {name!r} holds {array.dtype}, not numbers")
                return array.astype(np.float64)
        return None

    points, depth, disparity = take(POINTS), take(DEPTH), take(DISPARITY)
    if points is not None and (points.ndim != 3 or points.shape[-1] != 3):
        raise BadInput(f"{path}: points must be (height, width, 3), got {points.shape}")
    if points is not None:
        shape = points.shape[:2]
        depth = clean_depth(points[..., 2])
        depth[~np.isfinite(points).all(-1)] = np.nan
    elif depth is not None or disparity is not None:
        depth = clean_depth(depth) if depth is not None else _inverted(np.asarray(disparity))
        if depth.ndim != 2:
            raise BadInput(f"{path}: depth must be (height, width), got {depth.shape}")
        shape = depth.shape
    else:
        held = ", ".join(arrays) or "nothing"
        raise BadInput(f"{path} holds neither points nor depth; it holds: {held}")
    mask = take(MASK)
    if mask is not None and mask.shape == shape:
        depth[mask <= 0] = np.nan
    normals = take(NORMALS)
    if normals is not None and normals.shape != (*shape, 3):
        raise BadInput(f"{path}: normals must be {(*shape, 3)}, got {normals.shape}")
    intrinsics, notes = take(INTRINSICS), ()
    if intrinsics is not None:
        intrinsics, notes = _pixel_intrinsics(intrinsics, shape, path)
    metric = take(("metric",))
    up, floor = _vector(take(("up",)), 3, "up", path), _vector(take(("floor",)), 4, "floor", path)
    return Measured(
        depth, points, intrinsics, normals, up, floor,
        None if metric is None else bool(np.ravel(metric)[0]), notes,
    )  # fmt: skip


def _vector(value: np.ndarray | None, size: int, name: str, path: Path) -> np.ndarray | None:
    """A direction or plane whose first three numbers have length 1; all zero or NaN is absent."""
    if value is None:
        return None
    if value.shape != (size,):
        raise BadInput(f"{path}: {name} must hold {size} numbers, got shape {value.shape}")
    length = float(np.linalg.norm(value[:3]))
    if not np.isfinite(value).all() or length < 1e-6:
        return None
    return value / length


def _pixel_intrinsics(
    matrix: np.ndarray, shape: tuple[int, ...], path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(3, 3) in pixels; those divided by the picture's size are recognised by their values."""
    height, width = shape[:2]
    if matrix.shape == (4, 4):
        matrix = matrix[:3, :3]
    if matrix.shape == (4,):
        fx, fy, cx, cy = matrix
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or matrix[0, 0] <= 0:
        raise BadInput(f"{path}: intrinsics must be a (3, 3) camera matrix with a positive focal")
    if matrix[1, 1] <= 0:
        raise BadInput(f"{path}: intrinsics must be a (3, 3) camera matrix with a positive focal")
    # The principal point tells: about .5 when divided by the size, half the size in pixels.
    normalised = max(matrix[0, 2], matrix[1, 2]) <= 3 and max(matrix[0, 0], matrix[1, 1]) <= 20
    if normalised and max(width, height) > 8:
        note = "Its intrinsics are divided by width and height; they were turned into pixels."
        return denormalise_intrinsics(matrix, width, height), (note,)
    return matrix, ()


def _fitted_intrinsics(points: np.ndarray) -> tuple[np.ndarray | None, str]:
    """The pinhole camera that projects a point map's points onto their own pixels."""
    height, width = points.shape[:2]
    good = np.isfinite(points).all(-1) & (points[..., 2] > 0)
    if good.sum() < 20:
        return None, ""
    pixels, p = pixel_centres(height, width)[good], points[good]
    focal, centre = [], []
    for axis in range(2):
        ratio = p[:, axis] / p[:, 2]
        if np.ptp(ratio) < 1e-6:
            return None, ""
        slope, start = np.polyfit(ratio, pixels[:, axis], 1)
        focal.append(slope)
        centre.append(start)
    if min(focal) <= 0.1 * max(width, height):
        return None, ""
    matrix = np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1.0]])
    return matrix, "The file has no intrinsics; they were fitted to its points."


def _assumed_intrinsics(options: File, width: int, height: int, photo) -> tuple[np.ndarray, str]:
    if options.fov_deg > 0:
        fov, why = options.fov_deg, "was given"
    elif photo.focal_px:
        fov = float(np.degrees(2 * np.arctan(0.5 * photo.width / photo.focal_px)))
        why = "is from the photo's file"
    else:
        fov, why = DEFAULT_FOV_DEG, "is assumed, because neither file tells; set fov_deg if known"
    note = f"The angle of view ({fov:.0f} degrees across) {why}."
    return intrinsics_from_fov(width, height, np.radians(fov)), note


BACKEND = Backend(
    info=BackendInfo(
        name="file",
        label="File",
        kind="embedded",
        summary="A point map, depth image or .npz that was made elsewhere.",
        version=3,
    ),
    options=File,
    run=run,
)
