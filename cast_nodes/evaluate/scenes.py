"""What is compared: a scene as triangles in one frame, with what is known beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..frames import Sim3
from ..mesh_data import MeshData
from ..planes import Plane, transform_plane
from .pose import Body
from .solid import is_watertight


@dataclass(frozen=True, eq=False)
class Item:
    """One object.

    Attributes:
        id: its number in the photo, None where the source has none.
        name: its node's, or label and id.
        label: what it is; "" when unknown.
        data: its mesh in its object frame; None when it failed.
        pose: ``T_world_from_object``; None when it failed.
        failure: why it has none.
        supported_by: another's id, "floor", "wall", "ceiling"; None when unknown or nothing.
    """

    id: int | None
    name: str
    label: str = ""
    data: MeshData | None = None
    pose: Sim3 | None = None
    failure: str = ""
    supported_by: int | str | None = None

    @property
    def placed(self) -> bool:
        return self.data is not None and self.pose is not None

    @cached_property
    def body(self) -> Body:
        assert self.data is not None
        return Body(self.data)

    @cached_property
    def vertices(self) -> np.ndarray:
        """(n, 3) in the world."""
        assert self.data is not None and self.pose is not None
        return self.pose.apply(self.data.vertices)

    @property
    def triangles(self) -> np.ndarray:
        """(m, 3, 3) in the world."""
        assert self.data is not None
        return self.vertices[self.data.faces]

    @cached_property
    def closed(self) -> bool:
        """Its mesh is watertight."""
        assert self.data is not None
        return is_watertight(self.data.faces, self.data.vertices)

    @property
    def size(self) -> float:
        """Diagonal of its box in the world."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0)))


@dataclass(frozen=True, eq=False)
class Camera:
    """The photo's camera.

    Attributes:
        world_from_camera: rigid, to the scene's world.
        intrinsics: (3, 3) pixels of a picture of ``width`` x ``height``.
    """

    world_from_camera: Sim3
    intrinsics: np.ndarray
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class EvalScene:
    """A scene, true or predicted.

    Attributes:
        name: for tables.
        source: the path, for messages.
        items: all objects, failed ones too.
        camera: None where the source does not tell.
        metric: lengths are metres; None where the source does not tell.
        floor: height of the floor along the world's y, None when unknown.
        up_known: the world's y is against gravity.
        glb: the scene's file, for pictures of it; b"" when there is none.
        photo: (H, W, 3) uint8 or None.
        masks: (H, W) bool by id, the visible pixels.
        depth: (H, W) depth along z, NaN where invalid; None when unknown.
        planes: walls and ceiling that the source tells, in the world.
        relations: (subject id, type, object id or "floor" …), what the source says.
        notes: what had to be assumed.
    """

    name: str
    source: str
    items: tuple[Item, ...]
    camera: Camera | None = None
    metric: bool | None = None
    floor: float | None = None
    up_known: bool = True
    glb: bytes = field(default=b"", repr=False)
    photo: np.ndarray | None = None
    masks: Mapping[int, np.ndarray] = field(default_factory=dict)
    depth: np.ndarray | None = None
    relations: tuple[tuple[int, str, int | str], ...] | None = None
    notes: tuple[str, ...] = ()
    planes: tuple[Plane, ...] = ()

    @property
    def placed(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.placed)

    @property
    def unit(self) -> str:
        return "m" if self.metric else "units"

    def moved(self, transform: Sim3) -> EvalScene:
        """The same scene in another world: ``transform`` is new world from old world.

        Heights keep their meaning only where it turns about y; the floor is dropped otherwise.
        The GLB stays as it is, so take pictures before moving.
        """
        upright = abs(transform.rotation[1, 1] - 1) < 1e-9
        floor = self.floor
        if floor is not None:
            floor = transform.scale * floor + float(transform.translation[1]) if upright else None
        camera = self.camera
        if camera is not None:
            pose = transform @ camera.world_from_camera
            camera = replace(camera, world_from_camera=Sim3(pose.rotation, pose.translation))
        return replace(
            self,
            items=tuple(
                item if item.pose is None else replace(item, pose=transform @ item.pose)
                for item in self.items
            ),
            camera=camera,
            floor=floor,
            up_known=self.up_known and upright,
            planes=tuple(
                Plane(p.name, *transform_plane(transform, np.append(p.normal, p.offset)))
                for p in self.planes
            ),
        )
