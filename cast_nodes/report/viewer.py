"""What a 3D viewer needs beside scene.glb to show a scene and to prove it against the photo."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ..compose.describe import json_ready
from ..errors import CastError
from ..frames import Sim3, resize_intrinsics
from ..render import render
from ..types import Geometry, Photo, Scene
from .facts import depth_off, fit_facts, grade
from .pictures import Posed, fitted, object_colour, posed_in

MASK_SIDE_PX = 1024
PHOTO_SIDE_PX = 2048
SILHOUETTE_SIDE_PX = 480
"""Longest side of the picture in which the scene's outlines are compared with the masks."""

MOST_POINTS = 120_000
POINTS_MAGIC = b"CASTPTS1"
FAR_SHARE = 1.5
"""Points beyond this multiple of the far ones' distance (their 99th percentile) are left out:
they would coarsen the steps of all others."""


@dataclass(frozen=True, eq=False)
class ViewerFiles:
    """The files of one scene for a viewer.

    Attributes:
        about: JSON-ready, see :func:`scene_facts`.
        photo: JPEG.
        masks: PNG, see :func:`masks_png`.
        points: see :func:`points_bytes`.
    """

    about: dict[str, Any]
    photo: bytes
    masks: bytes
    points: bytes


def viewer_files(scene: Scene) -> ViewerFiles:
    """All of them; the scene's GLB goes beside as it is."""
    return ViewerFiles(
        scene_facts(scene),
        photo_jpeg(scene.objects.photo),
        masks_png(scene),
        points_bytes(scene.geometry, scene.objects.photo, scene.world_from_camera),
    )


def scene_facts(scene: Scene) -> dict[str, Any]:
    """The scene's camera, floor and objects.

    An object's ``iou`` is Register's, of its own outline against its mask; ``scene_iou`` is that of
    what the finished scene shows of it (see :func:`scene_ious`). Both None when not measured.
    """
    description, photo = scene.description, scene.objects.photo
    ious = scene_ious(scene, posed_in(scene))
    placements = {p.id: p for p in scene.placements.placements}
    objects = []
    for entry in description.get("objects", ()):
        fit: Mapping[str, Any] = entry.get("fit") or {}
        placed = placements.get(entry["id"])
        objects.append(
            {
                "id": entry["id"],
                "label": entry["label"],
                "node": entry.get("node"),
                "failure": entry.get("failure"),
                "iou": fit.get("iou"),
                "scene_iou": ious.get(entry["id"]),
                "grade": grade(fit, bool(entry.get("ambiguous"))),
                "depth_off": depth_off(fit),
                "ambiguous": bool(entry.get("ambiguous")),
                "facts": fit_facts(fit),
                "locked": bool(placed and placed.locked),
                "colour": object_colour(entry["id"]),
            }
        )
    floor = description.get("floor")
    return json_ready(
        {
            "version": 1,
            "width": photo.width,
            "height": photo.height,
            "intrinsics": scene.geometry.intrinsics,
            "world_from_camera": scene.world_from_camera.matrix(),
            "metric": scene.geometry.metric,
            "floor": floor["world"] if floor else None,
            "edits": scene.edits,
            "objects": objects,
        }
    )


def scene_ious(scene: Scene, posed: Posed) -> dict[int, float]:
    """Overlap of each object's mask with what the scene shows of it from the photo's camera.

    Intersection over union of pixels, both with what stands in front cut out: the mask holds the
    visible pixels, and the scene's objects hide one another. The room is left out.
    """
    photo = scene.objects.photo
    factor = min(1.0, SILHOUETTE_SIDE_PX / max(photo.width, photo.height))
    width, height = max(1, round(photo.width * factor)), max(1, round(photo.height * factor))
    camera = resize_intrinsics(
        scene.geometry.intrinsics, width / photo.width, height / photo.height
    )
    masks = {o.id: o.mask for o in scene.objects.kept if o.mask is not None}
    shown = [object_id for object_id in posed if object_id in masks]
    if not shown:
        return {}
    order = list(posed)
    try:
        ids = render([posed[i] for i in order], camera, width, height, supersample=1).ids
    except CastError:
        return {}
    found = {}
    for object_id in shown:
        size = (width, height)
        mask = np.asarray(Image.fromarray(masks[object_id]).resize(size, Image.Resampling.NEAREST))
        seen = ids == order.index(object_id)
        union = np.count_nonzero(mask | seen)
        found[object_id] = float(np.count_nonzero(mask & seen) / union) if union else 0.0
    return found


def photo_jpeg(photo: Photo) -> bytes:
    """The photo as JPEG, its longest side at most :data:`PHOTO_SIDE_PX`."""
    buffer = io.BytesIO()
    Image.fromarray(fitted(photo.rgb, PHOTO_SIDE_PX)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def masks_png(scene: Scene) -> bytes:
    """Which object the photo shows where: an 8-bit grey PNG, its longest side at most
    :data:`MASK_SIDE_PX`.

    A pixel holds 1 + the object's index in ``scene_facts()["objects"]``, 0 for none; of two masks
    that overlap the smaller one is on top. Objects beyond the 255th are left out.
    """
    photo = scene.objects.photo
    factor = min(1.0, MASK_SIDE_PX / max(photo.width, photo.height))
    size = (max(1, round(photo.width * factor)), max(1, round(photo.height * factor)))
    index = {e["id"]: n + 1 for n, e in enumerate(scene.description.get("objects", ()))}
    drawn = [o for o in scene.objects.kept if o.mask is not None and index.get(o.id, 256) < 256]
    canvas = np.zeros(size[::-1], np.uint8)
    for item in sorted(drawn, key=lambda o: -o.area_px):
        assert item.mask is not None
        mask = Image.fromarray(item.mask).resize(size, Image.Resampling.NEAREST)
        canvas[np.asarray(mask)] = index[item.id]
    buffer = io.BytesIO()
    Image.fromarray(canvas).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def points_bytes(geometry: Geometry, photo: Photo, world_from_camera: Sim3) -> bytes:
    """The point map, thinned out evenly, in the world frame with the photo's colours.

    Little endian: :data:`POINTS_MAGIC`, uint32 count, 3 float32 lowest corner, 3 float32 step;
    then count x 3 uint16 with position = corner + step * value; then count x 3 uint8 sRGB.
    """
    stride = max(1, int(np.ceil(np.sqrt(geometry.valid.sum() / MOST_POINTS))))
    points = geometry.points[::stride, ::stride].reshape(-1, 3).astype(np.float64)
    colours = photo.rgb[::stride, ::stride].reshape(-1, 3)
    known = np.isfinite(points).all(1)
    points, colours = points[known], colours[known]
    if len(points):
        distance = np.linalg.norm(points, axis=1)
        near = distance <= FAR_SHARE * np.quantile(distance, 0.99)
        points, colours = world_from_camera.apply(points[near]), colours[near]
    low = points.min(0) if len(points) else np.zeros(3)
    step = np.maximum(np.ptp(points, axis=0), 1e-9) / 65535 if len(points) else np.ones(3)
    values = np.rint((points - low) / step).astype("<u2")
    head = POINTS_MAGIC + struct.pack("<I6f", len(points), *low, *step)
    return head + values.tobytes() + colours.astype(np.uint8).tobytes()
