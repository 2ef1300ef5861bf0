"""What tips the balance where the outline cannot tell: front and back, model and fallback."""

import numpy as np
import trimesh

from cast_nodes.backends import choose
from cast_nodes.context import Context
from cast_nodes.frames import CAMERA_UP, Sim3, intrinsics_from_fov
from cast_nodes.mesh_data import read_mesh
from cast_nodes.raster import rasterize
from cast_nodes.register import RegisterInputs, register
from cast_nodes.store import Store
from cast_nodes.types import Geometry, Mesh, MeshEntry, Meshes, Objects, Photo, SceneObject

SIZE = 160
INTRINSICS = intrinsics_from_fov(SIZE, SIZE, 0.9)


def glb(*boxes):
    """Boxes (centre, extents) as one GLB, y up."""
    parts = []
    for centre, extents in boxes:
        part = trimesh.creation.box(extents)
        part.apply_translation(centre)
        parts.append(part)
    return trimesh.util.concatenate(parts).export(file_type="glb")


ARMCHAIR = glb(((0, 0.2, 0), (0.8, 0.4, 0.8)), ((0, 0.6, -0.3), (0.8, 0.5, 0.2)))
"""A block with a back at its -z side; its outline is nearly the same from +z and -z."""
BALL = trimesh.creation.icosphere(radius=0.4).export(file_type="glb")


def placed(candidates, truth_glb=ARMCHAIR, approximate=True):
    """Registers ``candidates`` to a photo of ``truth_glb`` facing the camera, guessed geometry."""
    rotation = np.diag([1.0, -1.0, -1.0])
    pose = Sim3(rotation, np.array([0.0, 0.4, 3.0]))
    mesh = read_mesh(Mesh(truth_glb))
    seen = rasterize(pose.apply(mesh.vertices), mesh.faces, INTRINSICS, SIZE, SIZE)
    mask = seen.mask
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    photo = Photo(np.full((SIZE, SIZE, 3), 128, np.uint8))
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    depth = np.where(mask, 3.0, 5.0)  # a cardboard cut-out: no help with front or back
    points = np.stack(
        [
            (x - SIZE / 2) / INTRINSICS[0, 0] * depth,
            (y - SIZE / 2) / INTRINSICS[1, 1] * depth,
            depth,
        ],
        -1,
    ).astype(np.float32)
    geometry = Geometry(
        points, INTRINSICS, approximate=approximate, up=CAMERA_UP, floor=np.array([0, -1.0, 0, 0.4])
    )
    objects = Objects(photo, (SceneObject(0, "chair", 1.0, box, mask),))
    inputs = RegisterInputs(objects, geometry, Meshes((MeshEntry(0, tuple(candidates)),)))
    return register(inputs, choose("register"), Context(store=Store())).placements[0]


def front(placement):
    """Cosine between the mesh's +z and the way back to the camera."""
    return -placement.camera_from_object.rotation[2, 2]


def test_what_is_rarely_seen_from_behind_turns_its_front_to_the_camera():
    assert front(placed([Mesh(ARMCHAIR, faces_viewer=True)])) > 0.7


def test_a_model_that_fits_beats_the_fallback_made_from_the_mask():
    made = Mesh(ARMCHAIR, "made from the mask", view_aligned=True)
    assert placed([Mesh(ARMCHAIR, "model"), made]).candidate == 0


def test_the_fallback_is_taken_where_no_model_comes_near():
    pole = Mesh(glb(((0, 1, 0), (0.05, 2.0, 0.05))), "pole")
    made = Mesh(ARMCHAIR, "made from the mask", view_aligned=True)
    placement = placed([pole, made])
    assert placement.candidate == 1
    assert placement.fit["iou"] > 0.8
