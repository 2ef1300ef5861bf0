"""Textures of planes, rectified from the clean plate, and carried on smoothly outside the view."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ..frames import Sim3, project
from ..planes import Plane
from .continued import carried_on
from .planes import plane_axes

MIN_SIDE = 16
RIM = 0.008
"""Rim of the plate that is not carried on outside the view, share of its longer side."""


def sample_bilinear(picture: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """(..., C) float32 of a (H, W, C) picture at (..., 2) pixels (centres at .5), edges held."""
    height, width = picture.shape[:2]
    x = np.clip(pixels[..., 0] - 0.5, 0, width - 1)
    y = np.clip(pixels[..., 1] - 0.5, 0, height - 1)
    x0 = np.minimum(x.astype(np.int64), max(width - 2, 0))
    y0 = np.minimum(y.astype(np.int64), max(height - 2, 0))
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = (x - x0)[..., None].astype(np.float32), (y - y0)[..., None].astype(np.float32)
    top = picture[y0, x0] * (1 - fx) + picture[y0, x1] * fx
    bottom = picture[y1, x0] * (1 - fx) + picture[y1, x1] * fx
    return (top * (1 - fy) + bottom * fy).astype(np.float32)


def without_dark_rim(plate: np.ndarray) -> np.ndarray:
    """The (H, W, 3) plate with black lines along its border painted over from further in.

    Scans and video frames have them; on a wall they would be a black bar in the room.
    """
    out = plate
    for turns in range(4):
        side = np.rot90(out, turns)
        deepest = max(2, round(1.5 * RIM * max(plate.shape[:2])))
        if side.shape[0] < 4 * deepest:
            continue
        brightness = side[: 3 * deepest].astype(np.float32).mean(-1)
        inner = float(np.median(brightness[2 * deepest :]))
        dark = np.quantile(brightness[:deepest], 0.8, axis=1) < min(24.0, 0.35 * inner)
        if not dark[0]:
            continue
        if not dark.all():  # else it is a dark picture
            # Its last row is dark in parts, and beyond it is its blur.
            partly = np.quantile(brightness[:deepest], 0.1, axis=1) < 0.6 * inner
            lines = 2 + int(np.argmin(partly) if not partly.all() else deepest)
            side = side.copy()
            side[:lines] = side[lines : 2 * lines][::-1]
            out = np.rot90(side, -turns)
    return np.ascontiguousarray(out)


def rectified_texture(
    plane: Plane,
    polygon: np.ndarray,
    points: np.ndarray,
    plate: np.ndarray,
    seen: np.ndarray,
    source: np.ndarray,
    intrinsics: np.ndarray,
    camera_from_world: Sim3,
    limit: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The plate's picture of a plane, straightened.

    Args:
        plane: the plane.
        polygon: (k, 3) world, the part of the plane that the texture covers.
        points: (n, 3) world, on the plane, whose texture coordinates are wanted.
        plate: (H, W, 3) uint8 sRGB, seen by the camera.
        seen: (H, W) bool, where the plate shows the plane and nothing before it.
        source: (H, W) bool, where its colours may be carried on from.
        intrinsics: (3, 3) of the plate.
        camera_from_world: the camera's pose.
        limit: longest side, texels.

    Returns:
        texture: (h, w, 3) uint8. Its resolution is that of the plate where the plane is nearest,
            as far as ``limit`` allows. Texels outside the plate hold smooth continuation.
        uv: (n, 2) of the points; (0, 0) is the top-left corner.
    """
    right, down = plane_axes(plane)
    flat = np.stack([polygon @ right, polygon @ down], 1)
    size = np.ptp(flat, axis=0)
    # A little more than the polygon, so that filtering at its edges finds neighbours.
    low, size = flat.min(0) - 0.005 * size, 1.01 * size
    height, width = plate.shape[:2]
    foot = -plane.offset * plane.normal
    foot = foot - (foot @ right) * right - (foot @ down) * down

    def pixels_at(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        world = foot + u[..., None] * right + v[..., None] * down
        return project(camera_from_world.apply(world), intrinsics)

    # The finest density of the plate on this plane: a step of the plane against its pixels.
    grid = np.stack(np.meshgrid(*(np.linspace(0, 1, 24) for _ in range(2)), indexing="ij"), -1)
    u, v = low[0] + grid[..., 0] * size[0], low[1] + grid[..., 1] * size[1]
    here = pixels_at(u, v)
    with np.errstate(invalid="ignore"):
        inside = np.all((here >= 0) & (here <= [width, height]), axis=-1)
    step = 1e-3 * float(size.max())
    density = []
    for du, dv in ((step, 0.0), (0.0, step)):
        with np.errstate(invalid="ignore"):
            moved = np.linalg.norm(pixels_at(u + du, v + dv) - here, axis=-1) / step
        steps = moved[inside & np.isfinite(moved)]
        density.append(float(np.percentile(steps, 90)) if len(steps) else MIN_SIDE / size.max())
    wanted = np.ceil(size * density)
    texels = np.clip(wanted, MIN_SIDE, limit).astype(int)
    columns, rows = int(texels[0]), int(texels[1])

    # From texels to the plate it is a homography: plane to world to camera to pixels.
    per_texel = size / texels
    plane_from_texel = np.stack(
        [right * per_texel[0], down * per_texel[1], foot + low[0] * right + low[1] * down], 1
    )
    to_camera = camera_from_world.scale * camera_from_world.rotation
    homography = intrinsics @ (to_camera @ plane_from_texel)
    homography[:, 2] += intrinsics @ camera_from_world.translation
    samples = 2 if (wanted > limit).any() else 1
    picture, known, inner = _warped(plate, seen, source, homography, columns, rows, samples)
    # Beyond the polygon the plate shows other planes.
    inner &= _drawn((flat - low) / per_texel, columns, rows)
    if not inner.any():
        picture = np.where(known[..., None], picture, plate.reshape(-1, 3).mean(0))
    elif not known.all():
        picture = carried_on(picture, known, inner)
    spots = np.stack([points @ right, points @ down], 1)
    uv = (spots - low) / np.where(size > 0, size, 1)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), uv


def _drawn(polygon: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width) bool, the texels of a (k, 2) polygon."""
    canvas = Image.new("L", (width, height))
    ImageDraw.Draw(canvas).polygon([(float(x), float(y)) for x, y in polygon], fill=255)
    return np.asarray(canvas) > 0


def _warped(
    plate: np.ndarray,
    seen: np.ndarray,
    source: np.ndarray,
    homography: np.ndarray,
    width: int,
    height: int,
    samples: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The plate through a (3, 3) homography from texels to pixels (corner-based both).

    Args:
        samples: per texel along each side; more than one where texels are coarser than pixels.

    Returns:
        (height, width, 3) float32, (height, width) bool where the plate shows the plane, and where
        its colours may be carried on; not from the plate's rim: pictures have black lines and
        blurs there.
    """
    rim = 1 + max(1, round(RIM * max(plate.shape[:2])))
    inner_plate = np.zeros(plate.shape[:2], np.uint8)
    inner_plate[rim:-rim, rim:-rim] = 255
    inner_plate[~source] = 0

    def warp(source: Image.Image, matrix: np.ndarray, w: int, h: int, kind: Any) -> Image.Image:
        matrix = matrix / np.abs(matrix[2]).max()
        if abs(matrix[2, 2]) < 1e-9:  # Pillow divides by it
            matrix[2, 2] = 1e-9
        coefficients = tuple((matrix / matrix[2, 2]).ravel()[:8])
        return source.transform((w, h), Image.Transform.PERSPECTIVE, coefficients, kind)

    opaque = np.full(plate.shape[:2], 255, np.uint8)
    fine = homography @ np.diag([1 / samples, 1 / samples, 1.0])
    warped = warp(
        Image.fromarray(np.dstack([plate, opaque])), fine, width * samples, height * samples,
        Image.Resampling.BILINEAR,
    )  # fmt: skip
    rgba = np.asarray(warped.reduce(samples) if samples > 1 else warped)
    nearest = Image.Resampling.NEAREST
    inner = warp(Image.fromarray(inner_plate), homography, width, height, nearest)
    ahead = (
        homography[2, 0] * (np.arange(width) + 0.5)
        + homography[2, 1] * (np.arange(height)[:, None] + 0.5)
        + homography[2, 2]
    ) > 0  # behind the camera the same formula gives a second, upside-down picture
    clear = warp(
        Image.fromarray(np.uint8(255) * seen.astype(np.uint8)), homography, width, height, nearest
    )
    known = (rgba[..., 3] > 127) & ahead & (np.asarray(clear) > 0)
    return rgba[..., :3].astype(np.float32), known, known & (np.asarray(inner) > 0)
