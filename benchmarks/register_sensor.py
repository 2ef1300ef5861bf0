"""What a depth network, a segmenter and a mesh generator make of a true room: noise models.

All noise is relative: pixels scale with the photo's width, depths with the distance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import trimesh
from PIL import Image
from scipy import ndimage

from cast_nodes.mesh_data import MeshData, make_glb
from cast_nodes.types import Geometry, Mesh

BASE_WIDTH = 640
"""Wavelengths and blurs below are pixels of a photo this wide."""
TILT_RAD = np.deg2rad(0.7)
FLOOR_NOISE = 0.01
LAYOUT_TILT_RAD = np.deg2rad(1.2)
LAYOUT_FLOOR_NOISE = 0.03
LAYOUT_DEPTH_NOISE = 0.015
STRETCH = 0.08


@dataclass(frozen=True)
class Sensor:
    """How a point map differs from the truth.

    Attributes:
        warp: smooth relative error of the depth, standard deviation.
        white: relative error of each pixel, standard deviation.
        bleed_px: blur of the depth across borders.
        holes: pixels are lost where a smooth normal field exceeds this many deviations.
        rough_px: deviation of the masks' borders.
        scaled: the unit is unknown: all lengths off by one factor of e^-1 to e.
    """

    warp: float = 0.0
    white: float = 0.0
    bleed_px: float = 0.0
    holes: float = np.inf
    rough_px: float = 0.0
    scaled: bool = False


EXACT = Sensor()
NOISY = Sensor(warp=0.015, white=0.004, bleed_px=1.0, holes=2.5, rough_px=1.0, scaled=True)
WARPED = replace(NOISY, warp=0.03)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], length: float) -> np.ndarray:
    """(H, W) float32 noise of a wavelength in pixels, standard deviation about 1."""
    height, width = shape
    grid = rng.normal(size=(int(height / length) + 4, int(width / length) + 4))
    coarse = Image.fromarray(grid.astype(np.float32))
    box = (1.0, 1.0, 1.0 + width / length, 1.0 + height / length)
    fine = coarse.resize((width, height), Image.Resampling.BICUBIC, box=box)
    out = np.asarray(fine)
    return out / max(float(out.std()), 1e-6)


def sensed_depth(depth: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """(H, W) float32 true depth as the sensor gives it, NaN in holes; not scaled."""
    if sensor == EXACT:
        return depth
    unit = depth.shape[1] / BASE_WIDTH
    out = np.asarray(ndimage.gaussian_filter(depth, sensor.bleed_px * unit), np.float32)
    out = out * (1 + sensor.warp * smooth_noise(rng, depth.shape, 120.0 * unit))
    out = out * (1 + sensor.white * rng.standard_normal(depth.shape, np.float32))
    out[smooth_noise(rng, depth.shape, 12.0 * unit) > sensor.holes] = np.nan
    return out


def rough_mask(mask: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """The mask with its border off by about ``rough_px``; never empty."""
    if sensor.rough_px == 0:
        return mask
    unit = mask.shape[1] / BASE_WIDTH
    margin = int(6 * sensor.rough_px * unit) + 2
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    part = np.s_[
        max(0, rows[0] - margin) : rows[-1] + 1 + margin,
        max(0, columns[0] - margin) : columns[-1] + 1 + margin,
    ]
    inside = mask[part]
    signed = _distance(inside) - _distance(~inside)
    noise = smooth_noise(rng, inside.shape, 8.0 * unit)
    rough = np.asarray(signed + sensor.rough_px * unit * noise > 0)
    if not rough.any():
        return mask
    out = np.zeros_like(mask)
    out[part] = rough
    return out


def _distance(mask: np.ndarray) -> np.ndarray:
    """(h, w) px from each set pixel to the nearest that is not set."""
    return np.asarray(ndimage.distance_transform_edt(mask), np.float32)


def sensed_plane(
    floor: np.ndarray, tilt_rad: float, offset: float, rng: np.random.Generator
) -> np.ndarray:
    """(4,) the floor with its normal and its distance a little off."""
    up = floor[:3] + rng.normal(size=3) * tilt_rad
    up = up / np.linalg.norm(up)
    return np.array([*up, floor[3] * (1 + offset * rng.normal())])


def sensed_geometry(
    rays: np.ndarray,
    depth: np.ndarray,
    intrinsics: np.ndarray,
    floor: np.ndarray,
    sensor: Sensor,
    rng: np.random.Generator,
) -> tuple[Geometry, float]:
    """A point map as depth networks make it, and the factor of its unknown scale.

    Args:
        rays: (H, W, 3) float32, z = 1.
        depth: (H, W) float32, true.
        floor: (4,) true, camera frame.
    """
    factor = float(np.exp(rng.uniform(-1, 1))) if sensor.scaled else 1.0
    points = rays * (sensed_depth(depth, sensor, rng) * np.float32(factor))[..., None]
    plane = floor if sensor == EXACT else sensed_plane(floor, TILT_RAD, FLOOR_NOISE, rng)
    plane = plane * [1, 1, 1, factor]
    return Geometry(points, intrinsics, False, "benchmark", up=plane[:3], floor=plane), factor


# --- meshes ----------------------------------------------------------------------------------


def stretched(mesh: Mesh, data: MeshData, rng: np.random.Generator) -> Mesh:
    """The mesh with each axis off by up to 8 %, about its centre."""
    matrix = np.diag([*(1 + rng.uniform(-STRETCH, STRETCH, 3)), 1.0])
    centre = data.bounds.mean(0)
    matrix[:3, 3] = centre - matrix[:3, :3] @ centre
    return replace(mesh, glb=make_glb(data.moved(matrix)))


CELLS = 56
"""A decimated mesh has about this many cells along its bounding box's diagonal."""
HOLES = 3
HOLE_RADIUS = 0.11
"""Of the diagonal."""


def damaged(mesh: Mesh, data: MeshData, rng: np.random.Generator) -> Mesh:
    """The mesh decimated by clustering its vertices in a grid, with round holes in it."""
    diagonal = float(np.linalg.norm(np.ptp(data.vertices, axis=0)))
    cell = diagonal / CELLS
    colours = data.face_colours
    subdivided: Any = trimesh.remesh.subdivide_to_size(
        data.vertices, data.faces, 2 * cell, return_index=True
    )
    vertices, faces, index = subdivided
    colours = colours[index]
    keys = np.floor((vertices - vertices.min(0)) / cell + rng.random(3)).astype(np.int64)
    _, cluster = np.unique(keys, axis=0, return_inverse=True)
    cluster = cluster.reshape(-1)
    count = np.bincount(cluster)
    clustered = np.stack([np.bincount(cluster, vertices[:, i]) / count for i in range(3)], 1)
    faces = cluster[faces]
    kept = (faces != np.roll(faces, 1, 1)).all(1)
    _, first = np.unique(np.sort(faces, 1), axis=0, return_index=True)
    kept &= np.isin(np.arange(len(faces)), first)
    faces, colours = faces[kept], colours[kept]
    middle = clustered[faces].mean(1)
    holes = middle[rng.integers(len(middle), size=HOLES)]
    apart = np.linalg.norm(middle[:, None] - holes, axis=2).min(1) > HOLE_RADIUS * diagonal
    if apart.any():
        faces, colours = faces[apart], colours[apart]
    # One colour a vertex, as vertex-coloured generator output has it.
    shade = np.zeros((len(clustered), 4))
    for corner in range(3):
        shade[faces[:, corner]] = colours
    rough = MeshData(
        clustered, faces, np.zeros(len(faces), np.int64), data.materials[:1], colours=shade
    )
    plain = replace(rough.materials[0], base_colour=(1.0, 1.0, 1.0, 1.0), image=None)
    return replace(mesh, glb=make_glb(replace(rough, materials=(plain,))))


def turned(mesh: Mesh, data: MeshData, rotation: np.ndarray) -> Mesh:
    """The mesh in a frame whose y axis is not up, as scanners and some generators give it."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    return replace(mesh, glb=make_glb(data.moved(matrix)), upright=False)


Condition = Literal["true", "stretched", "damaged"]
