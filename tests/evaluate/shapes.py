"""Shapes whose measures are known in closed form."""

import numpy as np

from cast_nodes.frames import Sim3
from cast_nodes.mesh_data import Material, MeshData, make_glb

GREY = (Material("grey", (0.5, 0.5, 0.5, 1.0)),)


def mesh(vertices, faces) -> MeshData:
    faces = np.asarray(faces, np.int64)
    return MeshData(np.asarray(vertices, float), faces, np.zeros(len(faces), np.int64), GREY)


def box(size=(1, 1, 1), centre=(0, 0, 0)) -> MeshData:
    """Closed, oriented outwards."""
    import trimesh

    made = trimesh.creation.box(size)
    return mesh(np.asarray(made.vertices) + centre, made.faces)


def ball(radius=1.0, fineness=4) -> MeshData:
    import trimesh

    made = trimesh.creation.icosphere(fineness, radius)
    return mesh(made.vertices, made.faces)


def square(height=0.0, side=1.0) -> MeshData:
    """Open, level."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]]) * side + [0, height, 0]
    return mesh(corners, [[0, 2, 1], [0, 3, 2]])


def chair() -> MeshData:
    """No rotation leaves it as it is; its parts overlap, as in many models."""
    return joined(
        box((0.5, 0.05, 0.45), (0, 0.45, 0)),
        box((0.5, 0.5, 0.05), (0, 0.7, -0.2)),
        box((0.05, 0.46, 0.05), (0.2, 0.23, 0.2)),
        box((0.05, 0.46, 0.05), (-0.2, 0.23, 0.2)),
        box((0.12, 0.46, 0.05), (0.18, 0.23, -0.18)),
        box((0.2, 0.03, 0.4), (-0.3, 0.62, 0)),
    )


def joined(*parts: MeshData) -> MeshData:
    starts = np.cumsum([0, *(len(p.vertices) for p in parts[:-1])])
    return mesh(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate([p.faces + s for p, s in zip(parts, starts, strict=True)]),
    )


def turn(axis, degrees, translation=(0, 0, 0), scale=1.0) -> Sim3:
    from scipy.spatial.transform import Rotation

    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    rotation = Rotation.from_rotvec(np.deg2rad(degrees) * axis).as_matrix()
    return Sim3(rotation, np.asarray(translation, float), scale)


def glb_of(parts: dict[str, tuple[MeshData, Sim3]], wrapper: str = "") -> bytes:
    """A GLB with one named top node per part, below one more node where asked for."""
    from cast_nodes.gltf_merge import GlbBuilder

    builder = GlbBuilder()
    roots = []
    for name, (data, pose) in parts.items():
        children = builder.add_glb(make_glb(data, name), name, prefix=f"{name}/")
        roots.append(builder.add_node(name, children, {}, matrix=pose.matrix().T.ravel().tolist()))
    if wrapper:
        roots = [builder.add_node(wrapper, roots, {})]
    return builder.build(roots)
