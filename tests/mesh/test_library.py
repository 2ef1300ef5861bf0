"""``library``: models by label and outline, in the photo's colours."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh_fixtures import MTL, OBJ, cube, disc, item_of, table_mask, write_sh3f

from cast_nodes.backends import choose, get_backend
from cast_nodes.context import Context
from cast_nodes.errors import BadInput, CastError
from cast_nodes.mesh import _builtin, _own
from cast_nodes.mesh._builtin import SHAPES, built
from cast_nodes.mesh._labels import _SYNONYMS, canonical, is_unknown, similarity
from cast_nodes.mesh._recolour import dominant_colours, outline_corners, part_map, rectified
from cast_nodes.mesh._silhouettes import (
    Match,
    Outline,
    best_match,
    descriptor,
    grid,
    normalised,
    outlines,
)
from cast_nodes.mesh_data import linear_from_srgb, make_glb, read_mesh

CONTEXT = Context()


def run(item, **options):
    choice = choose("mesh", "library", **options)
    return choice.backend.run(item, choice.options, CONTEXT).candidates


def seen_from(data, yaw, pitch, size=(120, 120)):
    """(h, w) bool silhouette that fills the picture's height or width truly proportioned."""
    from cast_nodes.mesh._silhouettes import draw, surface_points

    mask = draw(surface_points(data, 9000), [(yaw, pitch)])[0]
    return np.kron(mask, np.ones((4, 4), bool))


def shape_index(name):
    return next(i for i, s in enumerate(SHAPES) if s.name == name)


# --- labels ---


@pytest.mark.parametrize(
    ("label", "known"),
    [
        ("Dining chairs", "chair"), ("couch", "sofa"), ("potted plant", "plant"), ("bookshelves", "bookcase"),
        ("wooden coffee table", "coffee table"), ("stack of books", "book stack"), ("books", "book stack"),
        ("a mug", "cup"), ("side table with books", "side table"), ("TV", "tv"), ("trash can", "bin"),
        ("Kitchen & dining room table", "dining table"), ("wine glasses", "wine glass"), ("guitar", ""),
    ],
)  # fmt: skip
def test_labels_come_to_one_name(label, known):
    assert canonical(label) == known


def test_object_is_unknown_and_a_cat_is_not():
    assert is_unknown("object") and is_unknown("") and is_unknown("Object 3")
    assert not is_unknown("cat")


def test_closer_names_are_more_similar():
    names = ["coffee table"], ["table"], ["tables of stone"], ["lamp"]
    scores = [similarity("coffee table", n) for n in names]
    assert scores == sorted(scores, reverse=True) and scores[0] == 1 and scores[-1] == 0


def test_every_synonym_leads_to_a_name_that_a_shape_answers_to():
    answered = {label for shape in SHAPES for label in shape.labels}
    for name, others in _SYNONYMS.items():
        assert canonical(name) == name
        assert any(similarity(name, [a]) >= 0.5 for a in answered), name
        assert all(canonical(o) for o in others.split(", "))


# --- built-in shapes ---


@pytest.mark.parametrize("index", range(len(SHAPES)), ids=[s.name for s in SHAPES])
def test_a_built_in_shape_fills_its_size_and_is_light(index):
    for size in SHAPES[index].sizes:
        data = built(index, size)
        low, high = data.bounds
        assert np.allclose(high - low, size) and low[1] == pytest.approx(0, abs=1e-9)
        assert np.allclose((low + high)[[0, 2]], 0, atol=1e-9)
        assert len(data.faces) < 8000 and min(size) > 0.003 and max(size) < 3.2
    assert data.normals is not None and np.allclose(np.linalg.norm(data.normals, axis=1), 1)
    area = np.linalg.norm(
        np.cross(*(data.triangles[:, i] - data.triangles[:, 0] for i in (1, 2))), axis=1
    )
    assert (area > 0).all()


@given(st.integers(0, len(SHAPES) - 1), st.floats(0.85, 1.18), st.floats(0.85, 1.18))
@settings(max_examples=25, deadline=None)
def test_proportions_may_vary(index, wide, deep):
    w, h, d = SHAPES[index].sizes[0]
    size = (round(w * wide, 4), h, round(d * deep, 4))
    assert np.allclose(np.ptp(built(index, size).bounds, axis=0), size)


# --- outlines ---


@pytest.mark.parametrize("name", ["wooden chair", "sofa", "table lamp", "mug"])
def test_a_models_own_silhouette_is_recognised(name):
    index = shape_index(name)
    data = built(index, SHAPES[index].sizes[0])
    mask = seen_from(data, 30.0, 14.0)
    match, _ = best_match([Outline(normalised(mask), mask)], descriptor(data))
    assert match.iou > 0.95
    others = [shape_index(n) for n in ("wooden chair", "sofa", "table lamp", "mug") if n != name]
    for other in others:
        wrong, _ = best_match(
            [Outline(normalised(mask), mask)], descriptor(built(other, SHAPES[other].sizes[0]))
        )
        assert wrong.iou < match.iou - 0.1


def test_directions_cover_all_sides_from_level_to_steep():
    yaws, pitches = zip(*grid(), strict=True)
    assert {0.0, 90.0, 180.0, 270.0} <= set(yaws) and min(pitches) < 5 and max(pitches) > 55


def test_what_stands_on_a_table_can_be_left_out():
    mask = table_mask()
    mask[0:15, 50:60] = True
    assert len(outlines(mask, 1.0, supports=False)) == 1
    readings = outlines(mask, 1.0, supports=True)
    clean = normalised(table_mask())
    overlaps = [(r.cells & clean).sum() / (r.cells | clean).sum() for r in readings]
    assert max(overlaps[1:]) > overlaps[0] + 0.1


def test_scraps_do_not_count():
    mask = disc()
    mask[0, 0] = True
    assert not outlines(mask, 1.0, supports=False)[0].mask[0, 0]


# --- the backend ---


def test_it_is_the_default():
    assert get_backend("mesh").info.name == "library"


@pytest.mark.parametrize(
    "label", ["chair", "Tables", "potted plant", "couch", "lamp", "books", "vase"]
)
def test_a_known_label_gives_several_upright_metric_candidates(label):
    *meshes, fallback = run(item_of(disc(), label=label))
    assert fallback.source == "inflate" and fallback.view_aligned
    assert 2 <= len(meshes) <= 3
    assert all(m.metric and m.upright and not m.view_aligned for m in meshes)
    assert len({m.key for m in meshes}) == len(meshes)


def test_the_inflated_fallback_can_be_switched_off():
    meshes = run(item_of(disc(), label="chair"), fallback=False)
    assert not any(m.view_aligned for m in meshes)


def test_only_what_is_rarely_seen_from_behind_faces_the_viewer():
    assert any(m.faces_viewer for m in run(item_of(disc(), label="sofa")))
    assert not any(m.faces_viewer for m in run(item_of(disc(), label="stool")))


def test_the_outline_chooses_among_the_kinds():
    index = shape_index("round pedestal table")
    mask = seen_from(built(index, SHAPES[index].sizes[0]), 0.0, 14.0)
    assert "pedestal" in run(item_of(mask, label="table"))[0].name


@pytest.mark.parametrize("label", ["object", "guitar"])
def test_what_has_no_known_name_is_inflated(label):
    meshes = run(item_of(table_mask(), label=label))
    assert meshes[0].view_aligned and meshes[0].source == "inflate"
    assert len(meshes) == 1  # no plain shape looks like that


def test_an_unnamed_ball_may_also_be_a_ball():
    meshes = run(item_of(disc(), label="object"))
    assert meshes[0].source == "inflate" and any(m.name == "ball" for m in meshes[1:])


def test_shapes_on_request(monkeypatch):
    monkeypatch.setattr(_builtin, "SHAPES", SHAPES[:6])  # all of them take seconds
    meshes = run(item_of(table_mask(), label="object"), unknown="shapes", fallback=False)
    assert all(m.source == "built-in" for m in meshes)


def test_retry_gives_other_candidates():
    first = run(item_of(disc(), label="chair"))
    again = run(item_of(disc(), label="chair", retry=1))
    assert first[0].name != again[0].name
    assert [m.key for m in run(item_of(disc(), label="chair"))] == [m.key for m in first]


# --- colours ---


def test_parts_take_the_photos_colours():
    index = shape_index("footstool")
    size = SHAPES[index].sizes[0]
    data = built(index, size)
    match = Match(1.0, 30.0, 14.0)
    parts = part_map(data, match, (100, 140))
    picture = np.zeros((100, 140, 3), np.uint8)
    seat = next(i for i, m in enumerate(data.materials) if m.name == "seat")
    picture[parts == seat] = [40, 60, 200]
    picture[(parts >= 0) & (parts != seat)] = [210, 200, 190]
    mesh = run(item_of(parts >= 0, colour=picture, label="ottoman"))[0]
    painted = {m.name: np.array(m.base_colour[:3]) for m in read_mesh(mesh).materials}
    assert painted["seat"].argmax() == 2 and painted["seat"][2] > 3 * painted["seat"][0]
    assert np.ptp(painted["legs"]) < 0.25 and painted["legs"].min() > 0.4
    plain = run(item_of(parts >= 0, colour=picture, label="ottoman"), recolour="never")[0]
    assert {m.name: m.base_colour for m in read_mesh(plain).materials} == {
        m.name: m.base_colour for m in data.materials
    }


def test_dominant_colours_ignore_outliers_and_join_light_and_shade():
    random = np.random.default_rng(0)
    lit = random.normal([60, 20, 20], 1, (400, 3))
    shaded = random.normal([48, 20, 20], 1, (300, 3))
    other = random.normal([50, -40, 10], 1, (60, 3))
    (colour, share), (second, _) = dominant_colours(np.concatenate([lit, shaded, other]))[:2]
    assert share > 0.85 and np.linalg.norm(colour - [56, 20, 20]) < 7
    assert np.linalg.norm(second - [50, -40, 10]) < 3


def test_a_painting_shows_what_hangs_there_rectified():
    quad = np.array([[20, 10], [100, 25], [100, 75], [20, 90]], float)
    y, x = np.mgrid[:100, :120] + 0.5
    inside = (x > 20) & (x < 100) & (y > 10 + (x - 20) * 15 / 80) & (y < 90 - (x - 20) * 15 / 80)
    corners = outline_corners(inside)
    assert corners is not None and np.abs(corners - quad).max() < 3
    picture = np.zeros((100, 120, 3), np.uint8)
    picture[:, :60] = [250, 0, 0]
    picture[:, 60:] = [0, 0, 250]
    flat = rectified(np.dstack([picture, inside * np.uint8(255)]), corners, 40, 40)
    assert flat[20, 2, 0] > 200 and flat[20, 37, 2] > 200
    mesh = run(item_of(inside, colour=picture, label="painting"))[0]
    canvas = next(m for m in read_mesh(mesh).materials if m.name == "canvas")
    assert canvas.texture is not None


def test_a_round_thing_has_no_corners():
    assert outline_corners(disc(120, 50)) is None or not outline_corners(disc(120, 50)).any()


# --- own models ---


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "guitar_01.glb").write_bytes(make_glb(cube((0.4, 1.0, 0.1))))
    (tmp_path / "x17.glb").write_bytes(make_glb(cube((0.5, 0.9, 0.5))))
    (tmp_path / "manifest.json").write_text(json.dumps([{"file": "x17.glb", "label": "throne"}]))
    return tmp_path


def test_own_models_are_found_by_file_name_and_manifest(folder):
    assert [m.name for m in run(item_of(disc(), label="guitar"), path=str(folder))] == ["guitar_01"]
    assert [m.name for m in run(item_of(disc(), label="throne"), path=str(folder))] == ["x17"]


def test_nothing_of_that_name_falls_back_to_the_built_in(folder):
    *meshes, _ = run(item_of(disc(), label="vase"), path=str(folder))
    assert all(m.source == "built-in" for m in meshes)


def test_untextured_own_models_are_painted_unless_forbidden(folder):
    grey = run(item_of(disc(), label="guitar"), path=str(folder), recolour="never")[0]
    assert grey.glb == (folder / "guitar_01.glb").read_bytes()
    painted = run(item_of(disc(), colour=(200, 30, 30), label="guitar"), path=str(folder))[0]
    red = linear_from_srgb(np.array([200, 30, 30]) / 255)
    assert read_mesh(painted).materials[0].base_colour[0] > 0.9 * red[0]
    assert read_mesh(painted).materials[0].base_colour[1] < 0.1


def test_a_changed_folder_changes_the_options_key(folder):
    before = choose("mesh", "library", path=str(folder)).options.key
    (folder / "new.glb").write_bytes(b"x")
    assert choose("mesh", "library", path=str(folder)).options.key != before


@pytest.mark.parametrize("make", ["missing", "empty", "text"])
def test_a_bad_path_is_said(tmp_path, make):
    path = tmp_path / make
    if make == "empty":
        path.mkdir()
    if make == "text":
        path = tmp_path / "list.txt"
        path.write_text("x")
    with pytest.raises(BadInput, match="path"):
        run(item_of(disc(), label="chair"), path=str(path))


def test_a_broken_model_is_told_and_the_others_are_used(folder):
    (folder / "guitar_02.glb").write_bytes(b"not a model")
    told = []
    choice = choose("mesh", "library", path=str(folder))
    entry = choice.backend.run(
        item_of(disc(), label="guitar"), choice.options, Context(warn=told.append)
    )
    assert [m.name for m in entry.candidates] == ["guitar_01"]
    assert any("guitar_02" in sentence for sentence in told)


def harp(**changes):
    return {
        "name": "Harp", "model": "/models/harp/harp.obj", "width": "60", "depth": "40", "height": "150",
        "doorOrWindow": "false",
    } | changes  # fmt: skip


def test_a_sweet_home_catalogue(tmp_path):
    members = {"models/harp/harp.obj": OBJ.encode(), "models/harp/box.mtl": MTL.encode()}
    turned = harp(name="Grand\\u0020Harp", modelRotation="0 0 1 0 1 0 -1 0 0")
    path = write_sh3f(
        tmp_path / "music.sh3f",
        [harp(), turned, harp(name="Harp door", doorOrWindow="true")],
        members,
    )
    meshes = run(item_of(disc(), label="harp"), path=str(path), recolour="never")
    assert {m.name for m in meshes} == {"Harp", "Grand Harp"}
    for mesh in meshes:
        data = read_mesh(mesh)
        assert mesh.metric and np.allclose(np.ptp(data.bounds, axis=0), [0.6, 1.5, 0.4])
        assert data.bounds[0, 1] == pytest.approx(0, abs=1e-6)


def test_a_catalogue_cannot_reach_outside_or_fill_the_memory(tmp_path, monkeypatch):
    outside = write_sh3f(tmp_path / "a.sh3f", [harp(model="/../../etc/passwd.obj")], {"x": b""})
    with pytest.raises(BadInput, match="holds no model"):
        _own.own_models(str(outside), "m")
    monkeypatch.setattr(_own, "MAX_MEMBER_BYTES", 1000)
    large = write_sh3f(tmp_path / "b.sh3f", [harp()], {"models/harp/harp.obj": b"v 0 0 0\n" * 500})
    (model,) = _own.own_models(str(large), "m")
    with pytest.raises(CastError, match="larger than"):
        model.load()
    (tmp_path / "c.sh3f").write_bytes(b"this is no zip")
    with pytest.raises(BadInput, match=r"c\.sh3f is not a Sweet Home 3D catalogue"):
        _own.own_models(str(tmp_path / "c.sh3f"), "m")


def test_java_properties():
    text = "# comment\na#1 = one\nb#1:two \\\n   three\nc#1=caf\\u00e9\n! other\n"
    assert _own.read_properties(text) == {"a#1": "one", "b#1": "two three", "c#1": "café"}
