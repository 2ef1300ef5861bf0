"""Shapes for the tests of physics, built in code."""

from __future__ import annotations

import numpy as np
import trimesh

from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.physics.bodies import Body
from cast_nodes.types import Mesh


def mesh_of(*parts: trimesh.Trimesh) -> Mesh:
    shape = trimesh.util.concatenate(list(parts))
    faces = np.asarray(shape.faces)
    none = np.zeros(len(faces), int)
    return Mesh(make_glb(MeshData(np.asarray(shape.vertices), faces, none, (Material(),))))


def box(size, centre=(0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    shape = trimesh.creation.box(size)
    shape.apply_translation(centre)
    return shape


def body(number: int, mesh: Mesh, position, yaw_deg: float = 0.0, scale: float = 1.0) -> Body:
    c, s = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return Body(number, f"thing {number}", mesh, Sim3(turn, np.array(position, float), scale))


CRATE = mesh_of(box((0.4, 0.4, 0.4), (0, 0.2, 0)))
BOOK = mesh_of(box((0.03, 0.24, 0.17), (0, 0.12, 0)))
TABLE = mesh_of(
    box((1.2, 0.04, 0.8), (0, 0.73, 0)),
    *[box((0.06, 0.71, 0.06), (x, 0.355, z)) for x in (-0.5, 0.5) for z in (-0.3, 0.3)],
)
SHELF = mesh_of(
    *[box((0.8, 0.03, 0.3), (0, y, 0)) for y in (0.015, 0.6, 1.2)],
    *[box((0.03, 1.2, 0.3), (x, 0.6, 0)) for x in (-0.4, 0.4)],
    box((0.8, 1.2, 0.015), (0, 0.6, -0.15)),
)


def bowl_mesh() -> Mesh:
    """Half a ball of radius .2, hollow and .01 thick, its rim at height .2."""
    outer = trimesh.creation.revolve(
        [
            *[(0.2 * np.sin(a), 0.2 - 0.2 * np.cos(a)) for a in np.linspace(0, np.pi / 2, 24)],
            *[(0.19 * np.sin(a), 0.2 - 0.19 * np.cos(a)) for a in np.linspace(np.pi / 2, 0, 24)],
        ],
        sections=48,
    )
    outer.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    return mesh_of(outer)


BALL = mesh_of(trimesh.creation.icosphere(3, 0.07))
