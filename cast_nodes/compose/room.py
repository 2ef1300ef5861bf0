"""The standard composition: objects settled on floor and furniture, the room from the clean plate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..backends import Backend, BackendInfo, Need, Options, option
from ..context import Context, Progress
from ..errors import CastError
from ..mesh_data import read_mesh
from ..physics.bodies import Body
from ..physics.silhouettes import silhouette_ious
from ..physics.simulate import require_mujoco
from ..relations.graph import Relations
from ..stretched import posed_mesh
from ..surfaces.room import room_planes
from ..types import Mesh, Objects, Scene, SceneObject
from . import ComposeInputs, with_edits
from .assemble import Part, background_glb, node_name, scene_glb, sound_glb
from .background import fitting_background, room_parts
from .describe import describe, json_ready
from .enclosure import enclose, world_pose
from .settle import Physics, physics_json, settle
from .shrink import within_budget
from .simulated import Simulated, measured_in_simulation, settled_in_simulation
from .view import scene_picture


@dataclass(frozen=True)
class RoomOptions(Options):
    """How the scene is put together."""

    background: Literal["auto", "planes", "relief", "floor", "none", "mixed"] = option(
        "auto",
        "planes: floor, walls and a backdrop; relief: floor and the measured background; "
        "mixed: planes, and a relief of what departs from them; "
        "auto: mixed, or planes where the depth is a guess",
    )
    texture_size: int = option(
        2048, "longest side of a room texture", low=64, high=8192, step=64, unit="px"
    )
    margin: float = option(
        0.25, "how far the room reaches beyond the picture, share of its size",
        low=0.0, high=2.0, step=0.05,
    )  # fmt: skip
    settle: bool = option(
        True, "move things until they hold together, as physics says; off: leave them as placed"
    )
    max_gap: float = option(
        0.15, "largest gap that physics 'gaps' closes, share of the object's height",
        low=0.0, high=1.0, step=0.01,
    )  # fmt: skip
    baked_light: bool = option(
        True, "show the room's textures as photographed; off: lit by the viewer's lights"
    )
    max_megabytes: float = option(
        30.0, "textures and meshes are reduced where the scene would be larger; 0 keeps all",
        low=0.0, high=4096.0, step=1.0, unit="MB",
    )  # fmt: skip
    physics: Literal["full", "gaps"] = option(
        "full",
        "full: things rest, touch, and are not inside each other, as near to the photo as may be; "
        "gaps: only what hangs over its support comes down",
    )
    simulate: Literal["off", "measure", "settle"] = option(
        "off",
        "measure: tell how far a second of MuJoCo would move things (pip install mujoco); "
        "settle: also leave them there, where that is near and the photo agrees",
    )


def run(inputs: ComposeInputs, options: RoomOptions, context: Context) -> Scene:
    """The scene; see :class:`RoomOptions`."""
    return compose_room(inputs, options, context)


def compose_room(
    inputs: ComposeInputs,
    options: RoomOptions,
    context: Context,
    second_opinion: Callable[[Objects], Relations] | None = None,
) -> Scene:
    """The scene.

    Args:
        second_opinion: asked for the relations of the objects, beside geometry.

    Raises:
        BackendNotReady: a simulation is asked for and MuJoCo is not installed.
    """
    if options.simulate != "off":
        require_mujoco()  # before any work
    photo, geometry = inputs.objects.photo, inputs.geometry
    kept = inputs.objects.kept
    notes: list[str] = []
    steps = 4

    def step(number: int, label: str) -> None:
        context.cancel.check()
        context.progress(Progress("compose", number, steps, label))

    found = room_planes(geometry, inputs.objects.objects)
    geometry = found.completed(geometry)
    pose, assumed = world_pose(geometry)
    inputs = with_edits(inputs, pose, context)
    notes += [*found.notes, *assumed]
    chosen, failures = _chosen_meshes(inputs)
    names = {item.id: node_name(item.label, item.id) for item in kept}

    glbs: dict[int, bytes] = {}
    for item in kept:
        if item.id not in chosen:
            continue
        try:
            read_mesh(chosen[item.id])
            glbs[item.id], fault = sound_glb(chosen[item.id].glb, names[item.id])
        except CastError as error:
            failures[item.id] = str(error)
            del chosen[item.id]
            continue
        if fault:
            notes.append(f"The mesh of {names[item.id]} was written anew: {fault}.")
    bodies = [
        Body(item.id, item.label, chosen[item.id], pose @ _pose(inputs, item))
        for item in kept
        if item.id in chosen
    ]

    hidden = _objects_mask(kept, photo.height, photo.width)
    size = photo.width, photo.height
    placements = {p.id: p for p in inputs.placements.placements}
    # Walls are pushed behind the objects; where the objects belong the walls as found tell.
    room = enclose(geometry, pose, [], *size, ~hidden, found)
    how: Physics = options.physics if options.settle else "off"
    check = context.cancel.check
    second = Relations() if second_opinion is None else second_opinion(inputs.objects)
    masks = {item.id: item.mask for item in kept if item.mask is not None}

    def fits(these: Sequence[Body]) -> dict[int, float]:
        return silhouette_ious(these, masks, pose.inverse(), geometry.intrinsics, *size)

    settled = settle(
        bodies, room, placements, inputs.edits, how, options.max_gap, check, second,
        geometry.approximate, fits,
    )  # fmt: skip
    notes += settled.relations.notes
    notes += [
        f"{names[i]} stays where the photo shows it: to stand on what carries it, it would have to"
        f" leave its outline (overlap {before:.2f} to {after:.2f})."
        for i, (before, after) in settled.kept.items()
    ]
    surfaces = [body.points for body in settled.bodies]
    room = enclose(geometry, pose, surfaces, *size, ~hidden, found)
    simulated = Simulated(settled)
    locked = {i for i, p in placements.items() if p.locked}
    if options.simulate == "measure":
        simulated = measured_in_simulation(settled, room, geometry.metric, locked, names)
    elif options.simulate == "settle":
        simulated = settled_in_simulation(settled, room, geometry.metric, locked, names, fits)
        settled = simulated.settled
        surfaces = [body.points for body in settled.bodies]
        room = enclose(geometry, pose, surfaces, *size, ~hidden, found)
    notes += [*simulated.notes, *room.notes]
    step(1, "objects settled")

    background = options.background
    if background == "auto":
        background = fitting_background(geometry)
    plate = inputs.views.background
    if plate is None or plate.shape != photo.rgb.shape:
        if background != "none" and kept:
            notes.append("There is no clean plate; the room shows the objects' pictures as well.")
        plate = photo.rgb
    parts = room_parts(
        room, geometry, plate, hidden, surfaces, background, options.margin, options.texture_size
    )
    step(2, "room")

    physics = physics_json(settled)
    if simulated.facts:
        physics["simulation"] = simulated.facts
    description = describe(
        kept, geometry, room, parts, settled, physics, placements, names, failures, size
    )
    background_bytes = background_glb(parts, options.baked_light)
    if options.max_megabytes > 0:
        free = int(options.max_megabytes * 1e6) - len(background_bytes)
        glbs, reduced = within_budget(glbs, free)
        notes += [f"{names[i]}: {what}, to keep the scene small." for i, what in reduced.items()]
    entries = {entry["id"]: entry for entry in description["objects"]}
    extras = {i: {k: entries[i][k] for k in ("id", "label", "score", "fit")} for i in glbs}
    far = max([room.reach, *(float(np.abs(points).max()) for points in surfaces)], default=10.0)
    glb = scene_glb(
        [
            Part(names[body.id], glbs[body.id], body.world_from_object, extras[body.id])
            for body in settled.bodies
        ],
        parts,
        options.baked_light,
        pose,
        geometry.intrinsics,
        *size,
        clip=(1e-3 * far, 4 * far),
    )
    step(3, "scene.glb")

    camera_from_world = pose.inverse()
    render = scene_picture(
        [(b.mesh, camera_from_world @ b.world_from_object) for b in settled.bodies],
        [part.data for part in parts],
        camera_from_world,
        geometry.intrinsics,
        *size,
        baked_light=options.baked_light,
    )
    step(4, "picture")
    for item_id, reason in failures.items():
        context.warn(f"{names[item_id]} is not in the scene: {reason}")
    return Scene(
        objects=inputs.objects,
        geometry=geometry,
        views=inputs.views,
        meshes=inputs.meshes,
        placements=inputs.placements,
        glb=glb,
        description=json_ready({**description, "notes": notes}),
        world_from_camera=pose,
        render=render,
        background_glb=background_bytes,
        notes=tuple(notes),
    )


def _chosen_meshes(inputs: ComposeInputs) -> tuple[dict[int, Mesh], dict[int, str]]:
    """The mesh that was placed, by id; and why there is none."""
    chosen: dict[int, Mesh] = {}
    failures: dict[int, str] = {}
    for item in inputs.objects.kept:
        entry, placement = inputs.meshes.get(item.id), inputs.placements.get(item.id)
        if entry is None or not entry.candidates:
            failures[item.id] = (entry.failure if entry else "") or "it has no mesh"
        elif placement is None or placement.camera_from_object is None:
            failures[item.id] = (placement.failure if placement else "") or "it has no pose"
        elif not 0 <= placement.candidate < len(entry.candidates):
            failures[item.id] = f"its pose is for candidate {placement.candidate}, which is gone"
        else:
            chosen[item.id] = posed_mesh(entry.candidates[placement.candidate], placement)
    return chosen, failures


def _pose(inputs: ComposeInputs, item: SceneObject):
    placement = inputs.placements.get(item.id)
    assert placement is not None and placement.camera_from_object is not None
    return placement.camera_from_object


def _objects_mask(kept: tuple[SceneObject, ...], height: int, width: int) -> np.ndarray:
    """(H, W) bool, pixels of the kept objects."""
    hidden = np.zeros((height, width), bool)
    for item in kept:
        if item.mask is not None and item.mask.shape == hidden.shape:
            hidden |= item.mask
    return hidden


BACKEND = Backend(
    info=BackendInfo(
        name="room",
        label="Room",
        kind="embedded",
        summary="Objects settled on floor and furniture, room from the clean plate, camera, GLB.",
        needs=(Need.package("mujoco", "mujoco", optional=True),),
    ),
    options=RoomOptions,
    run=run,
    default=True,
)
