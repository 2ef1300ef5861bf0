"""Mesh backend ``library``: the user's own models and built-in shapes, by label and outline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..backends import Backend, BackendInfo, Options, option
from ..content import content_key
from ..context import Context
from ..errors import CastError
from ..mesh_data import MeshData, make_glb, read_mesh
from ..types import Mesh, MeshEntry
from . import MeshItem

if TYPE_CHECKING:
    from ._own import OwnModel
    from ._silhouettes import Match, Outline

MAX_OWN_COMPARED = 24
"""Own models of the best labels whose outlines are compared: more cost time, not quality."""
GOOD_MATCH = 0.85
"""Overlap from which a plain shape may stand for a thing without a known label."""


NAMED_ALIKE = 0.7
"""Label similarity from which an own model is the thing itself, not another kind of it."""
SUPPORTERS = frozenset(
    [
        "table",
        "dining table",
        "coffee table",
        "side table",
        "nightstand",
        "desk",
        "sideboard",
        "chest of drawers",
        "cabinet",
        "shelf",
        "wall shelf",
        "bench",
        "stool",
        "ottoman",
        "box",
        "basket",
        "tray",
    ]
)
"""Things whose masks often hold what stands on them."""


FACING = frozenset(
    [
        "armchair",
        "bed",
        "bookcase",
        "chest of drawers",
        "clock",
        "corner sofa",
        "laptop",
        "mirror",
        "monitor",
        "nightstand",
        "picture",
        "radio",
        "shelf",
        "sideboard",
        "sofa",
        "speaker",
        "teddy bear",
        "tv",
        "wall shelf",
        "wardrobe",
    ]
)
"""Built-in shapes whose back people rarely photograph."""


@dataclass(frozen=True)
class LibraryOptions(Options):
    """Where the models come from and what is done to them."""

    path: str = option(
        "", "Your own models: a folder of GLB, glTF, OBJ, PLY or STL files or a Sweet Home 3D "
        ".sh3f catalogue; several are separated as in PATH. Empty: built-in shapes only.",
    )  # fmt: skip
    candidates: int = option(
        3, "How many candidate meshes Register may choose from.", low=1, high=8
    )
    recolour: Literal["plain", "always", "never"] = option(
        "plain", "Take colours from the photo for: plain (built-in and untextured models), "
        "always (textured models too), or never.",
    )  # fmt: skip
    unknown: Literal["inflate", "shapes"] = option(
        "inflate", "For things without a known label: inflate the silhouette, or take the "
        "built-in shapes of the most similar outline.",
    )  # fmt: skip
    unit: Literal["m", "cm", "mm", "inch", "unknown"] = option(
        "m", "Unit of your own model files (.sh3f catalogues tell theirs)."
    )

    fallback: bool = option(
        True, "Behind the built-in shapes, offer the inflated silhouette too: Register takes it "
        "where no shape comes near the photo's outline.",
    )  # fmt: skip

    @property
    def key(self) -> str:
        """Content key: the options and the state of the files that ``path`` names."""
        from ._own import fingerprint

        return content_key([getattr(self, f.name) for f in fields(self)], fingerprint(self.path))


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A model and how well it suits: by its label alone, and with its outline."""

    label: float
    score: float
    family: str
    make: Callable[[], Mesh]
    own: bool = False


def run(item: MeshItem, options: LibraryOptions, context: Context) -> MeshEntry:
    """Candidates in the order of their scores; a retry leaves out the best ones so far."""
    from ._labels import canonical, is_unknown
    from ._silhouettes import outlines

    known = canonical(item.label)
    wanted = outlines(item.rgba[..., 3] >= 128, item.pixel_aspect, known in SUPPORTERS)
    found = _own_candidates(item, wanted, options, context)
    if known and not any(c.label >= NAMED_ALIKE for c in found):
        # Only other kinds of the thing, or none: the built-in ones compete.
        found += _builtin_candidates(item, wanted, options)
    first: list[Mesh] = []
    if not found:
        # Not a household word: an outline alone says too little to put furniture there.
        if options.unknown == "inflate" or not is_unknown(item.label):
            first = [_inflated(item)]
        found = _lookalikes(item, wanted, options, only_good=bool(first))
    ordered = _diverse(sorted(found, key=lambda c: -c.score), options.candidates)
    if item.retry and len(ordered) > 1:
        skip = item.retry * options.candidates % len(ordered)
        ordered = ordered[skip:] + ordered[:skip]
    meshes = list(first)
    problems = []
    for candidate in ordered:
        if len(meshes) >= options.candidates:
            break
        context.cancel.check()
        try:
            meshes.append(candidate.make())
        except CastError as error:
            problems.append(str(error))
            context.warn(f"{item.name}: {error}")
    if options.fallback and not first and not any(c.own for c in found):
        meshes.append(_inflated(item))
    if not meshes:
        raise CastError(
            f"{item.name}: no model could be used ({'; '.join(problems) or 'none found'})"
        )
    return MeshEntry(item.id, tuple(meshes))


def _diverse(ordered: list[_Candidate], count: int) -> list[_Candidate]:
    """Best first, but one of each family before a second one of any that is not far better."""
    front: list[_Candidate] = []
    rest: list[_Candidate] = []
    for candidate in ordered:
        taken = sum(c.family == candidate.family for c in front)
        (rest if taken else front).append(candidate)
    return front + rest if len(front) >= count else front[:count] + rest


def _inflated(item: MeshItem) -> Mesh:
    from .inflate import InflateOptions, inflated_mesh

    usual = InflateOptions()
    return inflated_mesh(item, usual.thickness, usual.faces)


def _value(label: float, iou: float, occlusion: float) -> float:
    """A candidate's score: the outline decides among equal labels, less so when it is half hidden."""
    trust = 1.0 - 0.6 * min(1.0, occlusion)
    return label * (0.45 + trust * iou)


# --- built-in shapes -------------------------------------------------------------------------


def _builtin_candidates(
    item: MeshItem, wanted: tuple[Outline, ...], options: LibraryOptions
) -> list[_Candidate]:
    from ._builtin import SHAPES
    from ._labels import canonical, similarity, words

    label = canonical(item.label)
    said = set(words(item.label)) - set(words(label))
    suits = []
    for index, shape in enumerate(SHAPES):
        # What it is mainly called counts more than what it may also be called.
        match = max(
            similarity(label, [name]) * (1.0 if position == 0 else 0.88)
            for position, name in enumerate(shape.labels)
        )
        if match >= 0.5:
            # "round table", "tripod lamp": what else was said picks among the kinds.
            bonus = 0.06 * len(said & set(words(shape.name)))
            suits.append((index, match + bonus))
    exact = [s for s in suits if s[1] >= 0.85]
    return [
        _builtin(item, wanted, i, match, options)
        for i, match in (exact if len(exact) >= 3 else suits)
    ]


def _lookalikes(
    item: MeshItem, wanted: tuple[Outline, ...], options: LibraryOptions, only_good: bool
) -> list[_Candidate]:
    """Plain shapes of a similar outline; all shapes when the user asked for shapes."""
    from ._builtin import GENERIC, SHAPES

    out = []
    for index, shape in enumerate(SHAPES):
        if only_good and shape.labels[0] not in GENERIC:
            continue
        candidate = _builtin(item, wanted, index, 1.0, options)
        if not only_good or candidate.score >= _value(1.0, GOOD_MATCH, item.occlusion):
            out.append(candidate)
    return out


def _builtin(
    item: MeshItem, wanted: tuple[Outline, ...], index: int, label: float, options: LibraryOptions
) -> _Candidate:
    """A shape in the best of its usual sizes."""
    from ._builtin import SHAPES, built, silhouettes
    from ._silhouettes import best_match, refined

    shape = SHAPES[index]
    # The most usual size wins unless another's outline is clearly closer.
    tried = []
    for position, usual in enumerate(shape.sizes):
        match, outline = best_match(wanted, silhouettes(index, usual))
        tried.append((match.iou - outline.price - 0.01 * position, match, outline, usual))
    _, match, outline, size = max(tried, key=lambda t: t[0])

    def make() -> Mesh:
        grown, seen = (1.0, 1.0), match
        if item.occlusion < 0.4:
            steps = (0.85, 1.0, 1.18)
            stretches = [(w, d) for w in steps for d in steps]
            grown, seen = refined(outline.cells, built(index, size), match, stretches)
        fitted = (round(size[0] * grown[0], 4), size[1], round(size[2] * grown[1], 4))
        data = built(index, fitted)
        if options.recolour != "never":
            data = _coloured(item, outline, data, seen)
        facing = shape.labels[0] in FACING
        glb = make_glb(data, shape.name)
        return Mesh(glb, shape.name, "built-in", metric=True, faces_viewer=facing)

    value = _value(label, match.iou - outline.price, item.occlusion)
    return _Candidate(label, value, shape.name, make)


def _coloured(item: MeshItem, outline: Outline, data: MeshData, match: Match) -> MeshData:
    from ._labels import canonical
    from ._recolour import outline_corners, prepare, recoloured, with_picture
    from ._silhouettes import first_wide_row

    crop = item.crop
    if canonical(item.label) in SUPPORTERS:
        crop = crop.copy()  # colours of what stands on it are not its own
        crop[: first_wide_row(outline.mask), :, 3] = 0
    photo = prepare(outline.mask, item.rgba, crop, item.pixel_aspect)
    if photo is None:
        return data
    data = recoloured(data, match, photo)
    if any(m.name == "canvas" for m in data.materials):
        corners = outline_corners(outline.mask)
        if corners is not None:
            data = with_picture(data, item.rgba, corners)
    return data


# --- the user's own --------------------------------------------------------------------------


def _own_candidates(
    item: MeshItem, wanted: tuple[Outline, ...], options: LibraryOptions, context: Context
) -> list[_Candidate]:
    from ._labels import is_unknown, similarity
    from ._own import own_models

    if not options.path.strip() or is_unknown(item.label):
        return []
    suits: list[tuple[float, OwnModel]] = []
    for model in own_models(options.path, options.unit):
        match = max(
            similarity(item.label, [name]) * (1.0 if position == 0 else 0.9)
            for position, name in enumerate(model.names)
        )
        if match >= 0.4:
            suits.append((match, model))
    suits.sort(key=lambda s: -s[0])
    out = []
    for match, model in suits[:MAX_OWN_COMPARED]:
        context.cancel.check()
        try:
            out.append(_own(item, wanted, model, match, options, context))
        except CastError as error:
            context.warn(f"{item.name}: {error}")
    return out


def _own(item, wanted, model, label, options, context) -> _Candidate:
    from ._silhouettes import best_match, descriptor

    key = content_key("silhouettes of a model", 1, model.key)
    packed = context.store.get(key)
    if not isinstance(packed, np.ndarray):
        packed = descriptor(read_mesh(model.load()))
        context.store.put(key, packed)
    match, outline = best_match(wanted, packed)

    def make() -> Mesh:
        mesh = model.load()
        if options.recolour == "never":
            return mesh
        data = read_mesh(mesh)
        textured = any(m.texture is not None for m in data.materials) or data.colours is not None
        if textured and options.recolour == "plain":
            return mesh
        painted = _coloured(item, outline, _plain(data), match)
        return Mesh(make_glb(painted, mesh.name), mesh.name, mesh.source, mesh.metric)

    value = _value(label, match.iou - outline.price, item.occlusion)
    return _Candidate(label, value, model.key, make, own=True)


def _plain(data: MeshData) -> MeshData:
    """Without textures and vertex colours, so that every material can take the photo's."""
    bare = tuple(
        replace(m, image=None, base_colour=(0.5, 0.5, 0.5, 1.0)) if m.image else m
        for m in data.materials
    )
    return replace(data, materials=bare, colours=None)


BACKEND = Backend(
    BackendInfo(
        "library",
        "Model library",
        "embedded",
        "Your own models or built-in shapes, chosen by label and outline, in the photo's colours.",
        version=2,
    ),
    LibraryOptions,
    run,
    default=True,
)
