"""What flows between the stages: one frozen dataclass per socket.

Arrays are never changed in place once they are inside one of these. Objects are joined by
``id``; an object that failed stays as an entry with a ``failure``, it is never left out.
Frames and units are those of :mod:`cast_nodes.frames`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from .content import content_key
from .frames import Sim3

OcclusionLevel = Literal["none", "some", "severe"]


def occlusion_level(ratio: float) -> OcclusionLevel:
    """None up to 15 %, some up to 50 %, severe above (the unofficial CAST's levels)."""
    return "none" if ratio <= 0.15 else "some" if ratio <= 0.5 else "severe"


@dataclass(frozen=True, eq=False)
class Photo:
    """The input picture, upright, sRGB.

    Attributes:
        rgb: (H, W, 3) uint8.
        name: the file's stem, used for folders and titles.
        focal_px: focal length in pixels of this picture when the file's EXIF tells it.
    """

    rgb: np.ndarray
    name: str = "photo"
    focal_px: float | None = None

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @cached_property
    def key(self) -> str:
        """Content key: pixels and focal length; the name does not matter."""
        return content_key(self.rgb, self.focal_px)


@dataclass(frozen=True, eq=False)
class SceneObject:
    """One object of the photo.

    Attributes:
        id: unique in the photo, >= 0; also its folder's name in the run folder.
        label: what it is, free text in lower case ("chair"); "object" when unknown.
        score: confidence in 0..1.
        bbox: (x0, y0, x1, y1) pixels, half-open.
        mask: (H, W) bool, the visible pixels, or None while only the box is known.
        occlusion: share of the object hidden by others, 0..1.
        keep: False when Filter dropped it; then ``reason`` says why.
        needs_completion: Filter's word to Inpaint that hidden parts should be completed.
        occluded_by: ids of the objects in front of it that touch it in the picture.
        retry: raised by the user to have this object's results made anew.
        mask_confidence: 0..1, the IoU with the true mask that what made the mask expects of it;
            None where nobody said so, and for masks of the user's.
    """

    id: int
    label: str
    score: float
    bbox: tuple[float, float, float, float]
    mask: np.ndarray | None = None
    occlusion: float = 0.0
    keep: bool = True
    reason: str = ""
    needs_completion: bool = False
    occluded_by: tuple[int, ...] = ()
    retry: int = 0
    mask_confidence: float | None = None

    @property
    def occlusion_level(self) -> OcclusionLevel:
        return occlusion_level(self.occlusion)

    @property
    def area_px(self) -> int:
        """Number of pixels of the mask; of the box while there is no mask."""
        if self.mask is not None:
            return int(np.count_nonzero(self.mask))
        x0, y0, x1, y1 = self.bbox
        return int(max(0.0, x1 - x0) * max(0.0, y1 - y0))


@dataclass(frozen=True, eq=False)
class Objects:
    """Socket CAST_OBJECTS: the photo and what was found in it (kept and dropped)."""

    photo: Photo
    objects: tuple[SceneObject, ...]
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[SceneObject, ...]:
        return tuple(o for o in self.objects if o.keep)

    def by_id(self, object_id: int) -> SceneObject:
        """Raises KeyError with the known ids when there is no such object."""
        for item in self.objects:
            if item.id == object_id:
                return item
        raise KeyError(f"no object {object_id}; there are {[o.id for o in self.objects]}")

    def replaced(self, *changed: SceneObject) -> Objects:
        """The same objects with those of equal id replaced."""
        new = {o.id: o for o in changed}
        return replace(self, objects=tuple(new.get(o.id, o) for o in self.objects))


@dataclass(frozen=True, eq=False)
class Geometry:
    """Socket CAST_GEOMETRY: camera and visible surface, in the camera frame.

    Attributes:
        points: (H, W, 3) float32, NaN where invalid. H, W are the photo's.
        intrinsics: (3, 3) float64, pixels of the photo.
        metric: lengths are metres; otherwise an unknown common factor remains.
        source: name of the backend or adapter that made it.
        approximate: True for guesses from few cues (``layout``): good for placing things,
            not a measurement. Register then trusts masks and contacts more than points.
        normals: (H, W, 3) float32 unit, facing the camera, or None.
        up: (3,) unit, against gravity, or None.
        floor: (4,) plane n.p + d = 0, n unit and pointing up (so d is the camera's height), or None.
        walls: (N, 4) planes, n unit and pointing into the room.
        ceiling: (4,) plane, n pointing down into the room, or None.
        notes: sentences for the report.
    """

    points: np.ndarray
    intrinsics: np.ndarray
    metric: bool = False
    source: str = ""
    approximate: bool = False
    normals: np.ndarray | None = None
    up: np.ndarray | None = None
    floor: np.ndarray | None = None
    walls: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    ceiling: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def depth(self) -> np.ndarray:
        """(H, W) float32 depth along z, NaN where invalid."""
        return self.points[..., 2]

    @property
    def valid(self) -> np.ndarray:
        """(H, W) bool."""
        return np.isfinite(self.points[..., 2])

    @cached_property
    def key(self) -> str:
        return content_key(
            self.points, self.intrinsics, self.metric, self.approximate, self.normals,
            self.up, self.floor, self.walls, self.ceiling,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class View:
    """One object's completed (amodal) picture.

    Attributes:
        rgba: (h, w, 4) uint8, straight alpha; colour completed where the object was hidden.
        crop: (h, w, 4) uint8, what the photo shows of it (alpha = visible mask), same size.
        box: (x0, y0, x1, y1) px, the photo's area that the view covers; may reach outside the
            photo. The view's pixel (u, v) shows photo (x0 + u (x1-x0)/w, y0 + v (y1-y0)/h).
        failure: why there is no view ("" when there is one). rgba then equals crop.
    """

    id: int
    rgba: np.ndarray
    crop: np.ndarray
    box: tuple[float, float, float, float]
    failure: str = ""


@dataclass(frozen=True, eq=False)
class Views:
    """Socket CAST_VIEWS.

    Attributes:
        background: (H, W, 3) uint8, the photo with all objects painted away, or None.
    """

    views: tuple[View, ...]
    background: np.ndarray | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    def get(self, object_id: int) -> View | None:
        return next((v for v in self.views if v.id == object_id), None)


@dataclass(frozen=True, eq=False)
class Mesh:
    """One textured mesh in its own object frame (y up), kept as the GLB its generator made.

    The bytes stay as they are all the way to the scene, so materials are never lost.
    :mod:`cast_nodes.mesh_data` reads triangles out of them.

    Attributes:
        glb: a binary glTF 2.0 file, self-contained.
        name: human-readable ("armchair_001", "built-in table").
        source: backend or adapter that made it.
        metric: its unit is the metre and its size is to be believed.
        upright: its y axis is up when the object stands as usual.
        view_aligned: it was made from the photo's view: facing the photo's camera along its
            own +z is a good first guess (inflated and generated meshes).
        faces_viewer: its front is +z, and people rarely photograph such a thing from behind
            (sofas, shelves, screens). It only tips the balance where the photo cannot tell.
    """

    glb: bytes = field(repr=False)
    name: str = ""
    source: str = ""
    metric: bool = False
    upright: bool = True
    view_aligned: bool = False
    faces_viewer: bool = False

    @cached_property
    def key(self) -> str:
        return content_key(
            self.glb, self.metric, self.upright, self.view_aligned, self.faces_viewer
        )


@dataclass(frozen=True, eq=False)
class MeshEntry:
    """The candidate meshes of one object, best guess first; Register keeps the best fitting."""

    id: int
    candidates: tuple[Mesh, ...] = ()
    failure: str = ""


@dataclass(frozen=True, eq=False)
class Meshes:
    """Socket CAST_MESHES."""

    entries: tuple[MeshEntry, ...]
    source: str = ""
    notes: tuple[str, ...] = ()

    def get(self, object_id: int) -> MeshEntry | None:
        return next((e for e in self.entries if e.id == object_id), None)


@dataclass(frozen=True, eq=False)
class Placement:
    """Where one mesh stands.

    Attributes:
        camera_from_object: the similarity, or None when it failed.
        candidate: index of the chosen mesh in the entry's candidates.
        fit: numbers, JSON-ready: "iou" (silhouette, occlusion-aware), "depth_residual"
            (median |error| / object depth), "visible" (share of the silhouette visible),
            "margin" (score lead over the runner-up), … Absent means not measured.
        alternatives: runner-up poses, best first.
        failure: why there is no pose.
        covariance: (7, 7) of rotation vector (rad, camera axes, about the mesh's centre),
            translation of that centre (camera units) and log scale, as the photo's evidence
            tells; None where it was not estimated.
        locked: the pose is the user's: Register keeps it as it is and only measures its fit.
        stretch: factors along the mesh's own axes that come before the pose; their product is 1.
            None keeps the mesh's proportions.
    """

    id: int
    camera_from_object: Sim3 | None
    candidate: int = 0
    fit: Mapping[str, float] = field(default_factory=dict)
    ambiguous: bool = False
    alternatives: tuple[Sim3, ...] = ()
    failure: str = ""
    covariance: np.ndarray | None = None
    locked: bool = False
    stretch: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Placements:
    """Socket CAST_PLACEMENTS."""

    placements: tuple[Placement, ...]
    source: str = ""
    notes: tuple[str, ...] = ()

    def get(self, object_id: int) -> Placement | None:
        return next((p for p in self.placements if p.id == object_id), None)


@dataclass(frozen=True, eq=False)
class Scene:
    """Socket CAST_SCENE: everything that made the scene, and the scene.

    Attributes:
        glb: binary glTF: nodes "room/…", one named node per object, the photo's camera.
        description: the content of scene.json (see the design), JSON-ready.
        world_from_camera: rigid pose of the photo's camera.
        render: (H, W, 3) uint8, the scene seen from the photo's camera.
        edits: the user's edits it was made with, as JSON text (see :mod:`.compose.edits`); "" for
            none.
    """

    objects: Objects
    geometry: Geometry
    views: Views
    meshes: Meshes
    placements: Placements
    glb: bytes = field(repr=False)
    description: Mapping
    world_from_camera: Sim3
    render: np.ndarray
    background_glb: bytes = field(default=b"", repr=False)
    notes: tuple[str, ...] = ()
    edits: str = ""
