"""The pack's socket types. What travels in them is in :mod:`cast_nodes.types`."""

from __future__ import annotations

from comfy_api.latest import io

CastObjects = io.Custom("CAST_OBJECTS")
CastGeometry = io.Custom("CAST_GEOMETRY")
CastViews = io.Custom("CAST_VIEWS")
CastMeshes = io.Custom("CAST_MESHES")
CastPlacements = io.Custom("CAST_PLACEMENTS")
CastScene = io.Custom("CAST_SCENE")
CastOrder = io.Custom("CAST_ORDER")
"""Which object each item of a list is (:class:`cast_nodes.bridges.handout.HandedOut`)."""

CATEGORY = "CAST"
