"""All stages over one run folder: run what was asked for, read the rest, keep the user's edits."""

from __future__ import annotations

import contextlib
import dataclasses
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import Any

from . import __version__
from .backends import STAGES, Choice, choose
from .compose import ComposeInputs, compose
from .context import Context, Progress, Usage
from .depth import DepthInputs, estimate_geometry
from .detect import DetectInputs, detect
from .errors import BadInput, CastError
from .estimate import require_all
from .filter import filter_objects
from .inpaint import inpaint
from .mesh import MeshInputs, make_meshes
from .register import RegisterInputs, register
from .report import render_report
from .run_folder import RunFolder
from .services.usage import costs_json
from .types import (
    Geometry,
    Meshes,
    Objects,
    Photo,
    Placements,
    Scene,
    Views,
)


@dataclass(frozen=True)
class Settings:
    """Which backend each stage uses, and with which options.

    Attributes:
        choices: one per stage; the defaults are the offline chain.
        only: the stages to run; what they need from the others is read from the folder.
    """

    choices: Mapping[str, Choice] = field(
        default_factory=lambda: {stage: choose(stage) for stage in STAGES}
    )
    only: tuple[str, ...] = STAGES


@dataclass(frozen=True)
class ObjectStatus:
    """How one object ended. ``status`` is "placed", "dropped" or "failed"."""

    id: int
    label: str
    status: str
    reason: str = ""
    fit: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a run over one folder came to."""

    folder: str
    photo: str
    objects: tuple[ObjectStatus, ...]
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]
    reused: Mapping[str, int]
    costs: tuple[Mapping[str, Any], ...] = ()

    @property
    def failed(self) -> tuple[ObjectStatus, ...]:
        return tuple(o for o in self.objects if o.status == "failed")


@dataclass
class _State:
    """What the stages have made so far, or what was read in their place."""

    photo: Photo
    objects: Objects | None = None
    geometry: Geometry | None = None
    views: Views | None = None
    meshes: Meshes | None = None
    placements: Placements | None = None
    scene: Scene | None = None


class _Run:
    """One run over one folder: six steps that read like the way of the data."""

    def __init__(self, folder: RunFolder, photo: Photo, settings: Settings, context: Context):
        self.folder = folder
        self.settings = settings
        self.state = _State(photo)
        self.warnings: list[str] = []
        self.seconds: dict[str, float] = {}
        self.reused: dict[str, int] = {}
        self.outer = context
        self.stage = ""
        self.spendings: list[tuple[str, Usage]] = []
        self.costs_before = folder.run.get("costs")
        self.context = replace(context, warn=self._warn, progress=self._progress, spent=self._spent)

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)
            self.outer.warn(sentence)

    def _progress(self, step: Progress) -> None:
        if step.reused:
            self.reused[step.stage] = self.reused.get(step.stage, 0) + 1
        self.outer.progress(step)

    def _spent(self, usage: Usage) -> None:
        self.spendings.append((self.stage, usage))
        self.outer.spent(usage)

    def run(self) -> Outcome:
        try:
            return self._run()
        except BaseException:
            if self.spendings:  # what was paid for is told, however the run ended
                costs = costs_json(self.spendings, self.costs_before)
                with contextlib.suppress(CastError):
                    self.folder.write_run({**self.folder.run, "costs": costs})
            raise

    def _run(self) -> Outcome:
        steps = {
            "detect": self.detect,
            "filter": self.filter,
            "depth": self.depth,
            "inpaint": self.inpaint,
            "mesh": self.mesh,
            "register": self.register,
            "compose": self.compose,
        }
        chosen = [self.settings.choices[s] for s in STAGES if s in self.settings.only]
        require_all(chosen, self.context)
        for stage in STAGES:
            if stage in self.settings.only:
                self.context.cancel.check()
                self._progress(Progress(stage, 0, 0))
                self.stage = stage
                start = time.perf_counter()
                steps[stage]()
                self.seconds[stage] = round(time.perf_counter() - start, 3)
                if self.context.store.disk_error:
                    self._warn(self.context.store.disk_error)
        outcome = self.outcome()
        self.folder.write_run(self.facts(outcome))
        return outcome

    # What a stage needs: made in this run, or read from the folder.

    def objects(self) -> Objects:
        if self.state.objects is None:
            self.state.objects = self.folder.read_objects(self.state.photo)
        return self.state.objects

    def masked_objects(self) -> Objects:
        objects = self.objects()
        missing = [f"{o.label} {o.id}" for o in objects.kept if o.mask is None]
        if missing:
            raise BadInput(
                f"{self.folder.path}: no mask.png for {', '.join(missing)}; "
                "run --only detect --detect boxes first, or put the masks there"
            )
        return objects

    def geometry(self) -> Geometry:
        if self.state.geometry is None:
            self.state.geometry = self.folder.read_geometry(self.state.photo)
        return self.state.geometry

    def views(self) -> Views:
        if self.state.views is None:
            self.state.views = self.folder.read_views(self.objects())
        return self.state.views

    def meshes(self) -> Meshes:
        if self.state.meshes is None:
            self.state.meshes = self.folder.read_meshes(self.objects())
        return self.state.meshes

    def placements(self) -> Placements:
        if self.state.placements is None:
            self.state.placements = self.folder.read_placements()
        return self.state.placements

    # The stages.

    def detect(self) -> None:
        photo, choice = self.state.photo, self.settings.choices["detect"]
        given = self.folder.read_objects(photo) if self.folder.is_users("objects.json") else None
        if given is None and choice.backend.info.name in ("boxes", "masks"):
            given = self.folder.read_objects(photo) if self.folder.has("objects.json") else None
        elif given is not None and choice.backend.info.name not in ("boxes", "masks"):
            self._warn(
                f"{self.folder.path / 'objects.json'} is yours: its objects are used as they are "
                "(--force detects anew)"
            )
            choice = choose("detect", "boxes")
        inputs = DetectInputs(photo, given.objects if given else ())
        objects = self.folder.user_masks(detect(inputs, choice, self.context))
        for note in objects.notes:
            self._warn(note)
        self.state.objects = objects
        self.folder.write_objects(objects)

    def filter(self) -> None:
        objects = self.masked_objects()
        if self.folder.filtered_by_hand():
            return
        self.state.objects = filter_objects(objects, self.settings.choices["filter"], self.context)
        self.folder.write_objects(self.state.objects)

    def depth(self) -> None:
        if self.folder.is_users("geometry.npz"):
            self.state.geometry = self.folder.read_geometry(self.state.photo)
            return
        objects = self.state.objects
        if objects is None and self.folder.has("objects.json"):
            objects = self.objects()
        if objects is not None and any(o.mask is None for o in objects.kept):
            objects = None
        inputs = DepthInputs(self.state.photo, objects)
        self.state.geometry = estimate_geometry(
            inputs, self.settings.choices["depth"], self.context
        )
        self.folder.write_geometry(self.state.geometry)

    def inpaint(self) -> None:
        objects = self.masked_objects()
        made = inpaint(objects, self.settings.choices["inpaint"], self.context)
        own = self.folder.read_views(objects, only_users=True)
        by_id = {v.id: v for v in own.views}
        self.state.views = replace(
            made,
            views=tuple(by_id.get(v.id, v) for v in made.views),
            background=made.background if own.background is None else own.background,
        )
        self.folder.write_views(self.state.views)

    def mesh(self) -> None:
        objects, own = self.objects(), self.folder.read_meshes(self.objects(), only_users=True)
        by_id = {e.id: e for e in own.entries}
        rest = objects.replaced(*(replace(o, keep=False) for o in objects.kept if o.id in by_id))
        inputs = MeshInputs(rest, self.views())
        made = make_meshes(inputs, self.settings.choices["mesh"], self.context)
        by_id |= {e.id: e for e in made.entries}
        entries = tuple(by_id[o.id] for o in objects.kept if o.id in by_id)
        self.state.meshes = replace(made, entries=entries)
        self.folder.write_meshes(self.state.meshes)

    def register(self) -> None:
        given = self.folder.read_given()
        inputs = RegisterInputs(self.masked_objects(), self.geometry(), self.meshes(), given)
        made = register(inputs, self.settings.choices["register"], self.context)
        if self.folder.is_users("placements.json"):
            by_id = {p.id: p for p in self.folder.read_placements().placements}
            made = replace(made, placements=tuple(by_id.get(p.id, p) for p in made.placements))
        self.state.placements = made
        self.folder.write_placements(made)
        self.folder.write_meshes(self.meshes(), made)

    def compose(self) -> None:
        inputs = ComposeInputs(
            self.masked_objects(),
            self.geometry(),
            self.views(),
            self.meshes(),
            self.placements(),
            self.folder.read_edits(),
        )
        scene = compose(inputs, self.settings.choices["compose"], self.context)
        self.state.scene = scene
        self.folder.write_scene(scene, render_report(scene, self.facts(self.outcome())))

    # What is told.

    def outcome(self) -> Outcome:
        state = self.state
        found = [
            _object_status(o.id, o.label, o.keep, o.reason, state)
            for o in (state.objects.objects if state.objects else ())
        ]
        return Outcome(
            folder=str(self.folder.path),
            photo=state.photo.name,
            objects=tuple(found),
            warnings=tuple(self.warnings),
            seconds=dict(self.seconds),
            reused=dict(self.reused),
            costs=tuple(costs_json(self.spendings)),
        )

    def facts(self, outcome: Outcome) -> dict[str, Any]:
        """The content of run.json. Options never hold a key: keys are no options."""
        photo = self.state.photo
        used = {s: c for s, c in self.settings.choices.items() if s in self.settings.only}
        before = self.folder.run.get("stages", {})
        stages = {s: before[s] for s in STAGES if isinstance(before, dict) and s in before}
        for stage, choice in used.items():
            stages[stage] = {
                "backend": choice.backend.info.name,
                "version": choice.backend.info.version,
                "options": dataclasses.asdict(choice.options),
                "seconds": self.seconds.get(stage),
                "reused": self.reused.get(stage, 0),
                "cost": choice.backend.info.cost,
            }
        return {
            "photo": photo.name,
            "photo_key": photo.key,
            "width": photo.width,
            "height": photo.height,
            "focal_px": photo.focal_px,
            "seed": self.context.seed,
            "stages": stages,
            "costs": costs_json(self.spendings, self.costs_before),
            "objects": [dataclasses.asdict(o) for o in outcome.objects],
            "warnings": list(outcome.warnings),
            "versions": versions(),
        }


def _object_status(
    object_id: int, label: str, keep: bool, reason: str, state: _State
) -> ObjectStatus:
    if not keep:
        return ObjectStatus(object_id, label, "dropped", reason)
    mesh = state.meshes.get(object_id) if state.meshes else None
    view = state.views.get(object_id) if state.views and mesh is None else None
    if view is not None and view.failure:
        return ObjectStatus(object_id, label, "failed", view.failure)
    if mesh is not None and not mesh.candidates:
        return ObjectStatus(object_id, label, "failed", mesh.failure)
    if state.placements is None:
        return ObjectStatus(object_id, label, "found")
    placement = state.placements.get(object_id)
    if placement is None or placement.camera_from_object is None:
        reason = placement.failure if placement else "it has no placement"
        return ObjectStatus(object_id, label, "failed", reason)
    return ObjectStatus(object_id, label, "placed", "", dict(placement.fit))


def run_folder(
    folder: RunFolder, settings: Settings, context: Context, photo: Photo | None = None
) -> Outcome:
    """Runs the asked stages over one folder.

    Args:
        photo: a new photo for the folder; None takes its ``image.png``.

    Raises:
        BadInput: the photo, a file or an option cannot be used.
        BackendNotReady: something is missing; told before the first stage runs.
        StorageError: a result cannot be written.
        Cancelled: the run was stopped; running again goes on.
    """
    if photo is None:
        photo = folder.read_photo()
    else:
        before = folder.run.get("photo_key")
        if folder.has("image.png") and before not in (None, photo.key):
            raise BadInput(
                f"{folder.path} holds the run of another photo of that name; "
                "choose another folder with -o, or --force to replace it"
            )
    run = _Run(folder, photo, settings, context)
    folder.write_photo(photo)
    if not folder.run:
        folder.write_run(run.facts(run.outcome()))
    return run.run()


def versions() -> dict[str, str]:
    """Versions of this pack, Python and the packages that decide results."""
    found = {"cast": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


PACKAGES: Sequence[str] = (
    "numpy",
    "scipy",
    "torch",
    "trimesh",
    "scikit-image",
    "ai-edge-litert",
    "patchmatch-cython",
    "replicate",
    "tripo3d",
    "dashscope",
    "google-genai",
    "openai",
)
