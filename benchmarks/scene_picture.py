"""Pictures of scene benchmark rooms: the photo, the poses before, the scene after, and from aside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from cast_nodes.compose.turntable import scene_meshes
from cast_nodes.compose.view import scene_picture
from cast_nodes.frames import intrinsics_from_fov
from cast_nodes.render import camera_looking_at, render
from cast_nodes.types import Placements, Scene

from .scene_rooms import Room


def write_comparison(room: Room, placements: Placements, scene: Scene, path: Path) -> None:
    """Four pictures: the photo with the true outlines; the scene from the photo's camera with the
    same; the objects before and after from the left and above, without the room."""
    photo = room.objects.photo
    left, right = photo.rgb.copy(), scene.render.copy()
    for item in room.objects.kept:
        assert item.mask is not None
        edge = item.mask & ~np.asarray(ndimage.binary_erosion(item.mask), bool)
        left[edge] = right[edge] = (255, 0, 0)
    before = [
        (entry.candidates[0], scene.world_from_camera @ p.camera_from_object)
        for p in placements.placements
        if p.camera_from_object is not None and (entry := room.meshes.get(p.id)) is not None
    ]
    objects, _, baked = scene_meshes(scene.glb)
    middle = np.mean([pose.translation for _, pose in before], axis=0)
    eye = middle + np.array([-2.2, 1.6, 2.6])
    aside = camera_looking_at(eye, middle, np.array([0.0, 1.0, 0.0]))
    view = intrinsics_from_fov(photo.width, photo.height, np.deg2rad(75)), photo.width, photo.height
    was = render([(mesh, aside @ pose) for mesh, pose in before], *view).rgb
    now = scene_picture([(d, aside) for d in objects], [], aside, *view, baked)
    rows = [np.concatenate([left, right], 1), np.concatenate([was, now], 1)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(path)
