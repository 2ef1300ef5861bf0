"""Meshes, poses and attributes of a USD stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from ..frames import Sim3
from .primitives import Primitive, UvSource
from .usd_library import pxr


def place(xform: Any, matrix: np.ndarray) -> None:
    """Sets the (4, 4) pose of an Xformable: translate, orient and scale where it is a similarity."""
    Gf = pxr("Gf")
    UsdGeom = pxr("UsdGeom")

    double = UsdGeom.XformOp.PrecisionDouble
    xform.ClearXformOpOrder()
    try:
        pose = Sim3.from_matrix(matrix)
    except ValueError:  # a scene edited by hand may shear or mirror
        xform.AddTransformOp(double).Set(Gf.Matrix4d(*(float(v) for v in matrix.T.ravel())))
        return
    x, y, z, w = (float(v) for v in Rotation.from_matrix(pose.rotation).as_quat())
    xform.AddTranslateOp(double).Set(Gf.Vec3d(*pose.translation.tolist()))
    xform.AddOrientOp(double).Set(Gf.Quatd(w, x, y, z))
    xform.AddScaleOp(double).Set(Gf.Vec3d(pose.scale))


def write_mesh(
    stage: Any,
    path: str,
    primitive: Primitive,
    uv_names: Mapping[UvSource, str],
    factor: tuple[float, float, float, float],
    double_sided: bool,
) -> Any:
    """A UsdGeom.Mesh at ``path``, not subdivided.

    Args:
        uv_names: the primvar of each source of texture coordinates; a set that the mesh lacks
            is left out, and its picture shows its first pixel.
        factor: linear RGBA that multiplies vertex colours.
    """
    Sdf = pxr("Sdf")
    UsdGeom = pxr("UsdGeom")
    Vt = pxr("Vt")

    mesh = UsdGeom.Mesh.Define(stage, path)
    _surface(mesh, primitive.points, primitive.faces)
    mesh.CreateDoubleSidedAttr(double_sided)
    mesh.CreatePurposeAttr(UsdGeom.Tokens.default_)
    if primitive.normals is not None:
        mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(primitive.normals.astype(np.float32)))
        mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    primvars = UsdGeom.PrimvarsAPI(mesh)
    for source, name in uv_names.items():
        if source.index in primitive.uv:
            uv = source.apply(primitive.uv[source.index])
            uv = np.stack([uv[:, 0], 1 - uv[:, 1]], 1)  # USD counts v from the bottom
            made = primvars.CreatePrimvar(
                name, Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex
            )
            made.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(uv, np.float32)))
    if primitive.colours is not None:
        colours = np.clip(primitive.colours[:, :3] * np.asarray(factor[:3]), 0, None)
        made = mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex)
        made.Set(Vt.Vec3fArray.FromNumpy(colours.astype(np.float32)))
    return mesh


def write_collider(stage: Any, path: str, vertices: np.ndarray, faces: np.ndarray) -> Any:
    """A convex collision mesh: purpose "guide", so that no picture shows it."""
    UsdGeom = pxr("UsdGeom")
    UsdPhysics = pxr("UsdPhysics")

    mesh = UsdGeom.Mesh.Define(stage, path)
    _surface(mesh, vertices, faces)
    mesh.CreatePurposeAttr(UsdGeom.Tokens.guide)
    UsdPhysics.CollisionAPI.Apply(mesh.GetPrim())
    shape = UsdPhysics.MeshCollisionAPI.Apply(mesh.GetPrim())
    shape.CreateApproximationAttr(UsdPhysics.Tokens.convexHull)
    return mesh


def _surface(mesh: Any, points: np.ndarray, faces: np.ndarray) -> None:
    UsdGeom = pxr("UsdGeom")
    Vt = pxr("Vt")

    points = np.ascontiguousarray(points, np.float32)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(faces), 3, np.int32)))
    indices = np.ascontiguousarray(faces.reshape(-1), np.int32)
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(indices))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateOrientationAttr(UsdGeom.Tokens.rightHanded)
    bounds = np.stack([points.min(0), points.max(0)])
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(bounds, np.float32)))


def tell(prim: Any, facts: Mapping[str, Any]) -> None:
    """Facts as custom attributes ``userProperties:<name>``, which programs show to users.

    Mappings become namespaces; None and what is neither text nor number is left out.
    """
    Sdf = pxr("Sdf")

    kinds = Sdf.ValueTypeNames
    for name, value in facts.items():
        if isinstance(value, Mapping):
            tell(prim, {f"{name}:{inner}": v for inner, v in value.items()})
            continue
        if isinstance(value, str):
            kind = kinds.String
        elif isinstance(value, (bool, int)):
            kind = kinds.Bool if isinstance(value, bool) else kinds.Int
        elif isinstance(value, float):
            kind = kinds.Double
        else:
            continue
        path = f"userProperties:{name}"
        if Sdf.Path.IsValidNamespacedIdentifier(path):
            prim.CreateAttribute(path, kind, custom=True).Set(value)
