"""What is true of a picture of posed models in a room: masks, points, planes, poses.

Everything comes from one z-buffer of the scene's own triangles, at the pixels' centres.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cast_nodes.files import write_atomically
from cast_nodes.frames import CAMERA_UP, Sim3, pixel_centres, unproject
from cast_nodes.mesh_data import MeshData, read_mesh
from cast_nodes.raster import Raster, rasterize
from cast_nodes.records import mask_box
from cast_nodes.run_folder import JOURNAL, RunFolder
from cast_nodes.types import (
    Geometry,
    Mesh,
    MeshEntry,
    Meshes,
    Objects,
    Photo,
    Placement,
    Placements,
    SceneObject,
)

from .shell import Box


@dataclass(frozen=True, eq=False)
class Thing:
    """One posed model. ``supported_by`` is another thing's index, "floor" or "ceiling"."""

    label: str
    mesh: Mesh
    room_from_object: Sim3
    supported_by: int | str


@dataclass(frozen=True, eq=False)
class Seen:
    """The z-buffer of things and room.

    Attributes:
        raster: of the whole scene in the camera frame.
        ids: (H, W) int64, index of the thing seen, -1 the room, -2 nothing.
        amodal: (N, H, W) bool, each thing's whole silhouette within the picture.
        cut: (N,) share of each whole silhouette that lies outside the picture.
    """

    raster: Raster
    ids: np.ndarray
    amodal: np.ndarray
    cut: np.ndarray


@dataclass(frozen=True, eq=False)
class Truth:
    """One picture with everything known, in the pack's own types.

    Attributes:
        objects: the visible things with their true masks; an object's id is its index in
            ``amodal``, ``meshes`` and ``placements``.
        amodal: (N, H, W) bool, the masks without occlusion.
        room_from_camera: rigid.
        supported_by: per object an id, "floor", "ceiling", or None (its carrier is not seen).
    """

    objects: Objects
    geometry: Geometry
    meshes: Meshes
    placements: Placements
    amodal: np.ndarray
    room_from_camera: Sim3
    supported_by: tuple[int | str | None, ...]


def look(
    things: Sequence[Thing],
    room: MeshData,
    intrinsics: np.ndarray,
    room_from_camera: Sim3,
    width: int,
    height: int,
) -> Seen:
    """Rasterises the scene, and each thing alone in a canvas twice as wide and high."""
    camera_from_room = room_from_camera.inverse()
    vertices, faces, owner = [camera_from_room.apply(room.vertices)], [room.faces], [-1]
    amodal, cut = [], []
    wide = np.array(intrinsics, float)
    wide[:2, 2] += (width / 2, height / 2)
    inside = np.s_[height // 2 : height // 2 + height, width // 2 : width // 2 + width]
    for index, thing in enumerate(things):
        data = read_mesh(thing.mesh)
        own = (camera_from_room @ thing.room_from_object).apply(data.vertices)
        whole = rasterize(own, data.faces, wide, 2 * width, 2 * height).mask
        amodal.append(whole[inside])
        cut.append(1 - whole[inside].sum() / max(1, whole.sum()))
        faces.append(data.faces + sum(map(len, vertices)))
        vertices.append(own)
        owner.append(index)
    raster = rasterize(np.concatenate(vertices), np.concatenate(faces), intrinsics, width, height)
    owners = np.repeat(owner, [len(f) for f in faces])
    ids = np.where(raster.mask, owners[raster.face], -2)
    silhouettes = np.stack(amodal) if amodal else np.zeros((0, height, width), bool)
    return Seen(raster, ids, silhouettes, np.array(cut))


def make_truth(
    photo: Photo,
    things: Sequence[Thing],
    seen: Seen,
    intrinsics: np.ndarray,
    room_from_camera: Sim3,
    box: Box,
    min_pixels: int = 60,
) -> Truth:
    """Gathers what is true of the things of which at least ``min_pixels`` are visible."""
    masks = [seen.ids == i for i in range(len(things))]
    order = [i for i, mask in enumerate(masks) if mask.sum() >= min_pixels]
    new_id = {old: new for new, old in enumerate(order)}
    objects, entries, placements, support = [], [], [], []
    camera_from_room = room_from_camera.inverse()
    for new, old in enumerate(order):
        thing, mask = things[old], masks[old]
        hidden = 1 - mask.sum() / seen.amodal[old].sum()
        front = {int(i) for i in np.unique(seen.ids[seen.amodal[old] & ~mask]) if i >= 0}
        objects.append(
            SceneObject(
                id=new,
                label=thing.label,
                score=1.0,
                bbox=mask_box(mask) or (0, 0, 0, 0),
                mask=mask,
                occlusion=float(hidden),
                needs_completion=bool(hidden > 0.15),
                occluded_by=tuple(new_id[i] for i in sorted(front) if i in new_id),
            )
        )
        entries.append(MeshEntry(new, (thing.mesh,)))
        placements.append(Placement(new, camera_from_room @ thing.room_from_object))
        carrier = thing.supported_by
        support.append(carrier if isinstance(carrier, str) else new_id.get(carrier))
    return Truth(
        Objects(photo, tuple(objects), "truth"),
        _geometry(seen.raster, intrinsics, room_from_camera, box),
        Meshes(tuple(entries), "truth"),
        Placements(tuple(placements), "truth"),
        seen.amodal[order],
        room_from_camera,
        tuple(support),
    )


def _geometry(raster: Raster, intrinsics: np.ndarray, room_from_camera: Sim3, box: Box) -> Geometry:
    height, width = raster.depth.shape
    camera_from_room = room_from_camera.inverse()

    def plane(normal: tuple[float, float, float], offset: float) -> np.ndarray:
        """normal . p + offset = 0 of the room, in the camera frame."""
        n = camera_from_room.rotate(np.array(normal, float))
        return np.array([*n, offset - n @ camera_from_room.translation])

    points = unproject(pixel_centres(height, width), raster.depth, intrinsics)
    return Geometry(
        points=points.astype(np.float32),
        intrinsics=intrinsics,
        metric=True,
        source="truth",
        up=camera_from_room.rotate(-CAMERA_UP),  # the room's y axis
        floor=plane((0, 1, 0), 0.0),
        walls=np.stack(
            [plane((0, 0, 1), -box.back), plane((1, 0, 0), -box.left), plane((-1, 0, 0), box.right)]
        ),
        ceiling=plane((0, -1, 0), box.ceiling),
    )


def label_image(truth: Truth) -> bytes:
    """PNG with a palette: 0 is background, i + 1 is object i."""
    labels = np.zeros(truth.amodal.shape[1:] or truth.geometry.depth.shape, np.uint8)
    for item in truth.objects.objects:
        labels[item.mask] = item.id + 1
    picture = Image.fromarray(labels, "P")
    hues = np.random.default_rng(7).integers(60, 255, (255, 3))
    picture.putpalette([0, 0, 0, *hues.ravel().tolist()])
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def facts(truth: Truth) -> dict:
    """What the run folder has no place for, JSON-ready (``truth.json``)."""
    g = truth.geometry
    return {
        "room_from_camera": truth.room_from_camera.matrix().tolist(),
        "intrinsics": g.intrinsics.tolist(),
        "up": np.asarray(g.up).tolist(),
        "floor": np.asarray(g.floor).tolist(),
        "walls": g.walls.tolist(),
        "ceiling": np.asarray(g.ceiling).tolist(),
        "objects": [
            {
                "id": item.id,
                "label": item.label,
                "model": truth.meshes.entries[item.id].candidates[0].name,
                "supported_by": truth.supported_by[item.id],
                "occlusion": round(item.occlusion, 4),
                "camera_from_object": pose.camera_from_object.matrix().tolist(),
            }
            for item, pose in zip(truth.objects.objects, truth.placements.placements, strict=True)
            if pose.camera_from_object is not None
        ],
    }


def write_run_folder(truth: Truth, path: Path) -> None:
    """A run folder whose every file is true, with ``truth.json``, ``masks.png`` (label image)
    and ``objects/<id>/amodal.png`` beside the usual ones. Files there are replaced.

    No journal is left, so a later run takes the files as its user's own. Delete those that it
    shall make by itself.
    """
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    folder.disown()
    folder.write_photo(truth.objects.photo)
    folder.write_objects(truth.objects)
    folder.write_geometry(truth.geometry)
    folder.write_meshes(truth.meshes)
    folder.write_placements(truth.placements)
    (path / JOURNAL).unlink(missing_ok=True)
    for item in truth.objects.objects:
        out = io.BytesIO()
        Image.fromarray(truth.amodal[item.id]).save(out, "PNG")
        write_atomically(path / f"objects/{item.id}/amodal.png", out.getvalue())
    write_atomically(path / "masks.png", label_image(truth))
    write_atomically(path / "truth.json", json.dumps(facts(truth), indent=1).encode())
