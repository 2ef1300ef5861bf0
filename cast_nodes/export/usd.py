"""The scene as Universal Scene Description.

``/Scene`` (assembly) holds one Xform per object (component) with ``geo``, ``mtl`` and, where
there are collision shapes, ``collision``; the ``room`` (component) likewise; ``photo_camera``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import CastError
from ..frames import gltf_camera_pose
from .collision import Shape
from .primitives import Primitive, primitives_below
from .source import CAMERA, ROOM, ExportScene
from .usd_camera import lens, write_camera
from .usd_library import pxr, require_usd
from .usd_materials import PbrMaterial, write_material
from .usd_meshes import place, tell, write_collider, write_mesh
from .usd_names import prim_names
from .usd_textures import TextureFiles

METRES_PER_UNIT = 1.0
ROOT = "/Scene"
UpAxis = Literal["y", "z"]

UP_FROM_WORLD = {
    "y": np.eye(4),
    "z": np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], np.float64),
}
"""(4, 4) stage-from-world by the stage's up axis: y up becomes z up, x stays."""


@dataclass(frozen=True, eq=False)
class UsdExport:
    """A stage as files.

    Attributes:
        usdc: the stage in USD's binary form; it names ``textures`` relative to itself.
        textures: pictures by path ("textures/<hash>.png").
        prims: each object's path in the stage, by id.
        notes: sentences on what could not be taken along.
    """

    usdc: bytes = field(repr=False)
    textures: Mapping[str, bytes] = field(repr=False)
    prims: Mapping[int, str]
    notes: tuple[str, ...] = ()


def usd_export(
    scene: ExportScene, up: UpAxis = "y", shapes: Mapping[int, Sequence[Shape]] | None = None
) -> UsdExport:
    """The scene as USD.

    Lengths are the scene's; ``metersPerUnit`` is 1, and where the scene is not metric the stage
    says so (its documentation, ``customLayerData`` and ``/Scene.userProperties:metric``).

    Args:
        shapes: collision shapes by object id; with them objects that stand on something become
            rigid bodies, the others and the floor static colliders.

    Raises:
        BackendNotReady: usd-core is not installed.
        CastError: the scene's GLB is damaged.
    """
    require_usd()
    Usd = pxr("Usd")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.usdc"
        stage = Usd.Stage.CreateNew(str(path))
        writer = _Stage(stage, scene, UP_FROM_WORLD[up], up, shapes or {})
        writer.write()
        stage.GetRootLayer().Save()
        usdc = path.read_bytes()
    files = writer.files
    return UsdExport(usdc, files.files, writer.prims, (*writer.notes, *files.notes))


def usdz_package(made: UsdExport) -> bytes:
    """Stage and pictures in one .usdz."""
    Sdf = pxr("Sdf")
    UsdUtils = pxr("UsdUtils")

    with tempfile.TemporaryDirectory() as folder:
        for name, content in {"scene.usdc": made.usdc, **made.textures}.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        target = Path(folder) / "scene.usdz"
        source = Sdf.AssetPath(str(Path(folder) / "scene.usdc"))
        if not UsdUtils.CreateNewUsdzPackage(source, str(target)):
            raise CastError("usd-core could not pack the .usdz; export the .usdc instead")
        return target.read_bytes()


class _Stage:
    """Writes one scene into one stage."""

    def __init__(
        self, stage: Any, scene: ExportScene, up_from_world: np.ndarray, up: UpAxis, shapes: Any
    ) -> None:
        self.stage, self.scene, self.shapes = stage, scene, shapes
        self.up_from_world, self.up = up_from_world, up
        self.files = TextureFiles(scene.gltf)
        self.prims: dict[int, str] = {}
        self.notes: list[str] = []
        document = scene.gltf.document
        samplers = document.get("samplers", [])
        self.samplers = {
            i: samplers[t["sampler"]]
            for i, t in enumerate(document.get("textures", []))
            if 0 <= t.get("sampler", -1) < len(samplers)
        }

    def write(self) -> None:
        Kind = pxr("Kind")
        Usd = pxr("Usd")
        UsdGeom = pxr("UsdGeom")

        scene = self.scene
        self._stage_facts()
        root = UsdGeom.Xform.Define(self.stage, ROOT)
        self.stage.SetDefaultPrim(root.GetPrim())
        Usd.ModelAPI(root).SetKind(Kind.Tokens.assembly)
        root.GetPrim().SetDisplayName(scene.name)
        tell(root.GetPrim(), {"metric": scene.metric})
        if self.shapes:
            self._physics()
        wanted = [ROOM, CAMERA, "physics", *(item.node for item in scene.objects)]
        names = prim_names(wanted)
        for item, name in zip(scene.objects, names[3:], strict=True):
            path = f"{ROOT}/{name}"
            xform = self._component(path, item.node, self.up_from_world @ item.world_from_object)
            facts = {"id": item.id, "label": item.label, "score": item.score, "fit": item.fit}
            carrier = item.supported_by
            facts |= {} if carrier is None else {"supported_by": str(carrier)}
            tell(xform.GetPrim(), facts)
            self._geometry(path, item.root, item.node)
            self._colliders(path, item.id, carrier, xform)
            self.prims[item.id] = path
        if scene.room is not None:
            self._component(f"{ROOT}/{names[0]}", ROOM, self.up_from_world)
            self._geometry(f"{ROOT}/{names[0]}", scene.room, ROOM)
        made = lens(scene.intrinsics, scene.width, scene.height, METRES_PER_UNIT)
        camera = write_camera(self.stage, f"{ROOT}/{names[1]}", made, scene.clip)
        place(camera, self.up_from_world @ gltf_camera_pose(scene.world_from_camera))
        tell(camera.GetPrim(), {"width": scene.width, "height": scene.height})

    def _stage_facts(self) -> None:
        UsdGeom = pxr("UsdGeom")

        metric = self.scene.metric
        axis = UsdGeom.Tokens.y if self.up == "y" else UsdGeom.Tokens.z
        UsdGeom.SetStageUpAxis(self.stage, axis)
        UsdGeom.SetStageMetersPerUnit(self.stage, METRES_PER_UNIT)
        layer = self.stage.GetRootLayer()
        told = "Lengths are metres." if metric else (
            "The unit of length is not known: one unit is written as one metre, but the scene may"
            " be larger or smaller by one common factor."
        )  # fmt: skip
        layer.documentation = f"A photo as a 3D scene. {told}"
        unit = "metre" if metric else "unknown"
        layer.customLayerData = {"cast": {"metric": metric, "unit": unit}}

    def _component(self, path: str, title: str, matrix: np.ndarray) -> Any:
        Kind = pxr("Kind")
        Usd = pxr("Usd")
        UsdGeom = pxr("UsdGeom")

        xform = UsdGeom.Xform.Define(self.stage, path)
        Usd.ModelAPI(xform).SetKind(Kind.Tokens.component)
        xform.CreatePurposeAttr(UsdGeom.Tokens.default_)
        xform.GetPrim().SetDisplayName(title)
        place(xform, matrix)
        return xform

    def _geometry(self, path: str, root: int, name: str) -> None:
        """Meshes below ``<path>/geo``, materials below ``<path>/mtl``."""
        UsdGeom = pxr("UsdGeom")
        UsdShade = pxr("UsdShade")

        found = primitives_below(self.scene.gltf, root, name)
        if not found:
            self.notes.append(f"{name} has no faces.")
            return
        UsdGeom.Scope.Define(self.stage, f"{path}/geo")
        materials = self._materials(path, found)
        titles = prim_names([p.name.rpartition("/")[2] for p in found], "mesh")
        for primitive, title in zip(found, titles, strict=True):
            material, made = materials[_kind_of(primitive)]
            mesh = write_mesh(
                self.stage, f"{path}/geo/{title}", primitive, material.uv_names(), material.factor,
                bool(material.entry.get("doubleSided", False)),
            )  # fmt: skip
            UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(made)
            if name == ROOM and self.shapes and primitive.name.rpartition("/")[2] == "floor":
                self._static_floor(mesh)

    def _materials(
        self, path: str, found: Sequence[Primitive]
    ) -> dict[tuple[int | None, bool], tuple[PbrMaterial, Any]]:
        UsdGeom = pxr("UsdGeom")

        UsdGeom.Scope.Define(self.stage, f"{path}/mtl")
        entries = self.scene.gltf.document.get("materials", [])
        kinds = list(dict.fromkeys(map(_kind_of, found)))
        chosen = [PbrMaterial({} if i is None else entries[i], coloured) for i, coloured in kinds]
        titles = prim_names([str(m.entry.get("name") or "material") for m in chosen], "material")
        return {
            kind: (m, write_material(self.stage, f"{path}/mtl/{t}", m, self.files, self.samplers))
            for kind, m, t in zip(kinds, chosen, titles, strict=True)
        }

    # Physics.

    def _physics(self) -> None:
        Gf = pxr("Gf")
        UsdPhysics = pxr("UsdPhysics")

        world = UsdPhysics.Scene.Define(self.stage, f"{ROOT}/physics")
        down = -self.up_from_world[:3, 1]
        world.CreateGravityDirectionAttr(Gf.Vec3f(*down.tolist()))
        world.CreateGravityMagnitudeAttr(9.81 / METRES_PER_UNIT)

    def _colliders(self, path: str, object_id: int, carrier: Any, xform: Any) -> None:
        UsdGeom = pxr("UsdGeom")
        UsdPhysics = pxr("UsdPhysics")

        shapes = self.shapes.get(object_id, ())
        if not shapes:
            return
        UsdGeom.Scope.Define(self.stage, f"{path}/collision")
        for shape, title in zip(shapes, prim_names([s.name for s in shapes]), strict=True):
            place_in = f"{path}/collision/{title}"
            write_collider(self.stage, place_in, shape.vertices, shape.faces)
        if carrier == "floor" or (isinstance(carrier, int) and not isinstance(carrier, bool)):
            UsdPhysics.RigidBodyAPI.Apply(xform.GetPrim())

    def _static_floor(self, mesh: Any) -> None:
        UsdPhysics = pxr("UsdPhysics")

        UsdPhysics.CollisionAPI.Apply(mesh.GetPrim())
        shape = UsdPhysics.MeshCollisionAPI.Apply(mesh.GetPrim())
        shape.CreateApproximationAttr(UsdPhysics.Tokens.none)


def _kind_of(primitive: Primitive) -> tuple[int | None, bool]:
    """Vertex colours need a material of their own."""
    return primitive.material, primitive.colours is not None
