"""The report's page: facts and pictures of a scene put into the template."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import CastError
from ..types import Scene
from .facts import (
    camera_facts,
    cost_facts,
    dropped_facts,
    fit_facts,
    grade,
    move_facts,
    physics_facts,
    relation_facts,
    stage_facts,
)
from .pictures import (
    crop_picture,
    depth_picture,
    fit_close_up,
    fit_overlay,
    fitted,
    mask_overlay,
    mesh_picture,
    object_colour,
    posed_in,
)
from .relation_tree import relation_tree

LARGE_PX = 1280
MEDIUM_PX = 960
SMALL_PX = 280


def data_uri(picture: np.ndarray) -> str:
    """A (H, W, 3) uint8 picture as a JPEG data URI."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def render_report(scene: Scene, run: Mapping[str, Any]) -> str:
    """The page as HTML.

    Args:
        scene: what was made.
        run: the content of run.json; all of its entries may be absent.
    """
    photo, objects = scene.objects.photo, scene.objects
    posed = posed_in(scene)
    entries = {e["id"]: e for e in scene.description.get("objects", ())}
    cards = [_card(scene, item, entries.get(item.id, {}), posed) for item in objects.kept]
    counts = {
        "placed": sum(card["placed"] for card in cards),
        "failed": sum(not card["placed"] for card in cards),
        "dropped": len(objects.objects) - len(cards),
    }
    notes = [*objects.notes, *scene.geometry.notes, *scene.views.notes, *scene.meshes.notes]
    notes += [*scene.placements.notes, *scene.notes]
    return _template().render(
        title=photo.name,
        counts=counts,
        photo=data_uri(fitted(photo.rgb, LARGE_PX)),
        scene=data_uri(fitted(scene.render, LARGE_PX)),
        width=photo.width,
        height=photo.height,
        masks=data_uri(mask_overlay(objects, MEDIUM_PX)),
        depth=data_uri(depth_picture(scene.geometry, MEDIUM_PX)),
        fits=data_uri(fit_overlay(photo, scene.geometry.intrinsics, posed, MEDIUM_PX)),
        plate=None
        if scene.views.background is None
        else data_uri(fitted(scene.views.background, MEDIUM_PX)),
        cards=cards,
        dropped=dropped_facts(objects),
        camera=camera_facts(scene),
        relations=relation_facts(scene.description),
        tree=relation_tree(scene.description),
        physics=physics_facts(scene.description),
        moves=move_facts(scene.description),
        stages=stage_facts(run),
        costs=cost_facts(run),
        versions=dict(run.get("versions") or {}),
        seed=run.get("seed"),
        notes=list(dict.fromkeys(notes)),
        warnings=[str(w) for w in run.get("warnings") or ()],
    )


def _card(scene: Scene, item: Any, entry: Mapping[str, Any], posed: Mapping) -> dict[str, Any]:
    """One object: what was seen, completed, made and placed."""
    photo, colour = scene.objects.photo, object_colour(item.id)
    view, candidates = scene.views.get(item.id), scene.meshes.get(item.id)
    placement = scene.placements.get(item.id)
    placed = item.id in posed
    pictures: dict[str, str | None] = dict.fromkeys(("crop", "view", "mesh", "fit"))
    if view is not None:
        pictures["crop"] = data_uri(crop_picture(view, False, SMALL_PX))
        pictures["view"] = data_uri(crop_picture(view, True, SMALL_PX))
    mesh = None
    if item.id in posed:
        mesh = posed[item.id][0]
    elif candidates is not None and candidates.candidates:
        mesh = candidates.candidates[0]
    if mesh is not None:
        try:
            pictures["mesh"] = data_uri(mesh_picture(mesh, SMALL_PX))
        except CastError:
            mesh = None  # the reason is in the object's failure
    pictures["fit"] = data_uri(
        fit_close_up(
            photo, scene.geometry.intrinsics, item.mask, item.bbox,
            posed.get(item.id), colour, SMALL_PX,
        )
    )  # fmt: skip
    reasons = []
    if not placed:
        reasons.append(entry.get("failure") or "not placed")
    if view is not None and view.failure:
        reasons.append(f"view: {view.failure}")
    fit = placement.fit if placement is not None and placed else {}
    ambiguous = bool(placement and placement.ambiguous and placed)
    return {
        "id": item.id,
        "label": item.label,
        "node": entry.get("node"),
        "colour": "rgb({}, {}, {})".format(*colour),
        "placed": placed,
        "score": item.score,
        "mask_confidence": item.mask_confidence,
        "occlusion": item.occlusion,
        "mesh": "" if mesh is None else mesh.name,
        "mesh_source": "" if mesh is None else mesh.source,
        "candidates": len(candidates.candidates) if candidates else 0,
        "alternatives": len(placement.alternatives) if placement else 0,
        "supported_by": entry.get("supported_by"),
        "size": entry.get("size"),
        "grade": grade(fit, ambiguous) if placed else "failed",
        "ambiguous": ambiguous,
        "fit": fit_facts(fit),
        "reasons": list(dict.fromkeys(reasons)),
        "pictures": pictures,
    }


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
