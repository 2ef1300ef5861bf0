"""Bodies of simple solids for the tests of relations, made in code."""

from __future__ import annotations

import numpy as np
import trimesh
from scipy.spatial.transform import Rotation

from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import Material, MeshData, make_glb
from cast_nodes.physics.bodies import Body
from cast_nodes.planes import Plane
from cast_nodes.types import Mesh

UP = np.array([0.0, 1.0, 0.0])
EYE = np.array([0.0, 1.5, 0.0])
"""Of the photographer, who looks along -z."""
FLOOR = Plane("floor", UP, 0.0)
BACK = Plane("wall_0", np.array([0.0, 0.0, 1.0]), 4.0)
"""The wall z = -4."""
CEILING = Plane("ceiling", -UP, 2.5)


def box(size, at=(0, 0, 0)) -> trimesh.Trimesh:
    """A box whose bottom's middle is at ``at``."""
    solid = trimesh.creation.box(size)
    solid.apply_translation([at[0], at[1] + size[1] / 2, at[2]])
    return solid


def mesh_of(*parts: trimesh.Trimesh, turned: bool = False) -> Mesh:
    """One mesh of several solids. ``turned``: its faces look inwards, as in some files."""
    shape = trimesh.util.concatenate(list(parts))
    faces = np.asarray(shape.faces)[:, ::-1] if turned else np.asarray(shape.faces)
    data = MeshData(
        np.asarray(shape.vertices), faces, np.zeros(len(faces), np.int64), (Material(),)
    )
    return Mesh(make_glb(data))


def lathe(profile: list[tuple[float, float]]) -> trimesh.Trimesh:
    """A closed (radius, height) profile turned about y."""
    turned = trimesh.creation.revolve(np.array(profile, float), sections=32)
    turned.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    return turned


CRATE = mesh_of(box((0.5, 0.4, 0.5)))
BLOCK = mesh_of(box((0.2, 0.12, 0.2)))
BOOK = mesh_of(box((0.05, 0.25, 0.18)))
FLAT_BOOK = mesh_of(box((0.18, 0.03, 0.25)))
PLANK = mesh_of(box((0.25, 1.5, 0.03)))
BEAM = mesh_of(box((2.0, 0.06, 0.2)))
PICTURE = mesh_of(box((0.6, 0.45, 0.025)))
RUG = mesh_of(box((2.0, 0.012, 1.5)))
TABLE = mesh_of(
    box((1.2, 0.04, 0.8), (0, 0.7, 0)),
    *(box((0.06, 0.7, 0.06), (x, 0, z)) for x in (-0.5, 0.5) for z in (-0.33, 0.33)),
)
SHELF = mesh_of(
    *(box((0.9, 0.02, 0.3), (0, y, 0)) for y in (0.05, 0.45, 0.85, 1.25)),
    *(box((0.02, 1.27, 0.3), (x, 0, 0)) for x in (-0.46, 0.46)),
    box((0.9, 1.22, 0.01), (0, 0.05, -0.145)),
)
BASKET = mesh_of(
    box((0.5, 0.02, 0.4)),
    *(box((0.02, 0.3, 0.4), (x, 0, 0)) for x in (-0.24, 0.24)),
    *(box((0.46, 0.3, 0.02), (0, 0, z)) for z in (-0.19, 0.19)),
)
_BEND = np.linspace(0, np.pi / 2, 10)
_OUTSIDE = zip(0.16 * np.sin(_BEND[3:]), 0.16 * (1 - np.cos(_BEND[3:])) - 0.02, strict=True)
_INSIDE = zip(0.145 * np.sin(_BEND[::-1]), 0.14 - 0.125 * np.cos(_BEND[::-1]), strict=True)
BOWL = mesh_of(lathe([(0, 0), *_OUTSIDE, *_INSIDE]))
BALL = mesh_of(trimesh.creation.icosphere(3, 0.06))
LAMP = mesh_of(box((0.04, 0.7, 0.04), (0, 0.2, 0)), box((0.35, 0.2, 0.35)))
SOFA = mesh_of(
    box((1.8, 0.4, 0.9)), box((1.8, 0.45, 0.2), (0, 0.4, -0.35)),
    *(box((0.2, 0.2, 0.9), (x, 0.4, 0)) for x in (-0.8, 0.8)),
)  # fmt: skip
CUSHION = mesh_of(box((0.45, 0.14, 0.45)))
CUPBOARD = mesh_of(box((0.8, 1.8, 0.5)))
DOOR = mesh_of(box((0.38, 1.6, 0.06)))
RAMP = mesh_of(
    trimesh.Trimesh(
        [[-0.5, 0, -0.4], [0.5, 0, -0.4], [0.5, 0, 0.4], [-0.5, 0, 0.4], [-0.5, 0.25, -0.4], [-0.5, 0.25, 0.4]],
        [[0, 1, 2], [0, 2, 3], [0, 4, 1], [3, 2, 5], [0, 3, 5], [0, 5, 4], [1, 4, 5], [1, 5, 2]],
    )
)  # fmt: skip
CURTAIN = mesh_of(box((0.9, 2.1, 0.06)))


def body(number: int, mesh: Mesh, at, label: str = "", turn=(0, 0, 0), scale: float = 1.0) -> Body:
    """A body with its frame's origin at ``at``, turned by Euler angles (degrees, x then y then z)."""
    rotation = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    return Body(number, label, mesh, Sim3(rotation, np.array(at, float), scale))


def nudged(bodies, seed: int, ray: float = 0.025, across: float = 0.0015, yaw_deg: float = 2.0):
    """The bodies off as Register leaves them: mostly along the view of the eye, size with distance."""
    rng = np.random.default_rng(seed)
    out = []
    for item in bodies:
        pose, middle = item.world_from_object, item.bounds.mean(0)
        factor = float(np.exp(rng.normal(0, ray)))
        away = float(np.linalg.norm(middle - EYE))
        turn = Rotation.from_euler("y", rng.normal(0, yaw_deg), degrees=True).as_matrix()
        shift = rng.normal(0, across * away, 3)
        place = EYE + factor * (middle + turn @ (pose.translation - middle) - EYE) + shift
        out.append(item.at(Sim3(turn @ pose.rotation, place, pose.scale * factor)))
    return out
