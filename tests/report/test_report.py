"""The report: one file, nothing from outside, nothing unescaped, all that happened in it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from cast_nodes.report import render_report
from cast_nodes.report.facts import fit_facts, grade, length, move_facts, physics_facts
from cast_nodes.report.pictures import (
    depth_picture,
    edge_of,
    fit_close_up,
    fit_overlay,
    fitted,
    mask_overlay,
    mesh_picture,
    object_colour,
    posed_by,
    posed_in,
    silhouettes,
    views_sheet,
)
from cast_nodes.types import SceneObject, Views

RUN = {
    "stages": {
        "detect": {
            "backend": "embedded", "version": 3, "options": {"threshold": 0.25},
            "seconds": 1.5, "reused": 0, "cost": "free",
        },
    },
    "versions": {"cast": "0.1.0"},
    "seed": 7,
    "warnings": ["mind <the> gap"],
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would load, and the text it would show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [v for k, v in attrs if k == "id" and v]
        self.sources += [v for k, v in attrs if k in ("src", "href", "srcset") and v]
        if tag not in ("img", "meta", "input", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data


@pytest.fixture(scope="module")
def page(scene):
    return Page(render_report(scene, RUN))


def test_it_is_one_well_formed_file(page, scene):
    assert page.open == []
    # Pictures are in the file; a link leads to another place of the same page.
    assert all(source.startswith(("data:image/", "#")) for source in page.sources)
    assert {s[1:] for s in page.sources if s.startswith("#")} <= set(page.ids)
    assert "link" not in page.tags and "iframe" not in page.tags
    html = render_report(scene, RUN)
    assert "http://" not in html and "https://" not in html


def test_photo_scene_masks_depth_and_objects_are_shown(page):
    assert page.tags.count("img") == 2 + 2 + 4 + 3 * 4  # pair, wipe, strip, three objects
    for text in ("coffee table", "crate_1", "bin", "98.0 %", "good"):
        assert text in page.text


def test_how_it_was_made_is_told(page):
    for text in ("embedded", "threshold = 0.25", "1.5 s", "free", "seed 7", "mind <the> gap"):
        assert text in page.text


def test_relations_are_told_by_name(page):
    assert "crate_1oncoffee_table_0" in page.text.replace(" ", "").replace("\n", "")


def test_nothing_of_the_user_becomes_markup(scene):
    evil = '<script>alert("x")</script>'
    objects = scene.objects
    first = replace(objects.objects[0], label=evil)
    dropped = SceneObject(9, "<b>rug</b>", 0.2, (0, 0, 9, 9), keep=False, reason="<i>too small")
    photo = replace(objects.photo, name="<img src=x onerror=1>")
    changed = replace(
        scene, objects=replace(objects, objects=(first, *objects.objects[1:], dropped), photo=photo)
    )
    page = Page(render_report(changed, {"warnings": [evil], "versions": {evil: evil}}))
    assert page.tags.count("script") == 1
    assert "b" not in page.tags[page.tags.index("main") :]
    assert evil in page.text and "<i>too small" in page.text and "<img src=x" in page.text


def test_failed_and_dropped_objects_keep_their_reasons(scene):
    description = dict(scene.description)
    entries = [dict(e) for e in description["objects"]]
    entries[1] = {"id": 1, "label": "crate", "score": 0.8, "node": None, "failure": "no mesh came"}
    description["objects"] = entries
    page = Page(render_report(replace(scene, description=description), RUN))
    assert "no mesh came" in page.text and "1 failed" in page.text


def test_a_scene_without_objects_views_or_run_facts_is_a_report(scene):
    bare = replace(
        scene,
        objects=replace(scene.objects, objects=()),
        views=Views(()),
        description={**scene.description, "objects": [], "relations": [], "room": []},
    )
    assert "No object was kept" in Page(render_report(bare, {})).text


@pytest.mark.parametrize(
    ("fit", "ambiguous", "said"),
    [
        ({"iou": 0.9, "depth_residual": 0.01}, False, "good"),
        ({"iou": 0.9, "depth_residual": 0.01}, True, "fair"),
        ({"iou": 0.9, "depth_residual": 0.08}, False, "fair"),
        ({"iou": 0.6}, False, "fair"),
        ({"iou": 0.3}, False, "poor"),
        ({"iou": 0.9, "depth_residual": 0.5}, False, "poor"),
        ({}, False, "not measured"),
        ({"iou": float("nan")}, False, "not measured"),
    ],
)
def test_traffic_lights(fit, ambiguous, said):
    assert grade(fit, ambiguous) == said


def test_lengths_have_units():
    assert [length(v, True) for v in (0.034, 2.5, None)] == ["3.4 cm", "2.50 m", "–"]
    assert length(0.5, False) == "0.5 units"


def test_numbers_are_named_for_people():
    assert fit_facts({"tries": 12, "iou": 0.5, "odd": float("inf")}) == [
        ("outline overlap (IoU)", "50.0 %"),
        ("tries", "12"),
    ]


def test_physics_is_told_in_sentences():
    description = {
        "metric": True,
        "objects": [{"id": 0, "label": "cup", "node": "cup_0"}],
        "physics": {
            "moves": [
                {
                    "id": 0,
                    "moved": 0.05,
                    "turned_deg": 1.0,
                    "scaled": 1.02,
                    "iou_before": 0.9,
                    "iou_after": None,
                }
            ],
            "before": {"penetrations": [{}, {}], "gaps": []},
            "gaps": [{"id": 0, "to": None, "gap": 0.5}],
            "penetrations": [{"objects": [0, "floor"], "depth": 0.02, "share": 0.1}],
        },
    }
    counts, hanging, deep = physics_facts(description)
    assert "2 before, 1 now" in counts
    assert "nothing holds" in hanging and "cup_0 and floor" in deep
    (move,) = move_facts(description)
    assert move == {
        "name": "cup_0", "moved": "5.0 cm", "turned": "1.0°", "scaled": "1.020",
        "before": "0.90", "after": "–",
    }  # fmt: skip


def test_mask_overlay_tints_masks_and_keeps_the_rest(room):
    picture = mask_overlay(room.inputs.objects)
    objects = room.inputs.objects
    assert picture.shape == objects.photo.rgb.shape
    rest = np.ones(picture.shape[:2], bool)
    for item in objects.objects:
        rest &= ~item.mask
    assert (picture[rest] == objects.photo.rgb[rest]).all(1).mean() > 0.9
    assert (picture[objects.objects[2].mask] != objects.photo.rgb[objects.objects[2].mask]).any()


def test_depth_picture_is_lighter_nearby_and_grey_where_unknown(room):
    geometry = room.inputs.geometry
    points = np.array(geometry.points)
    points[:10] = np.nan
    picture = depth_picture(replace(geometry, points=points)).astype(int)
    assert (picture[:10] == picture[0, 0]).all()
    assert picture[-1].sum() > picture[40].sum()
    nothing = replace(geometry, points=np.full_like(points, np.nan))
    assert depth_picture(nothing).shape == picture.shape


def test_views_sheet_holds_crop_and_view(room):
    sheet = views_sheet(room.inputs.views, tile=64)
    assert sheet.shape[0] > 2 * 64 and sheet.shape[1] > 3 * 64
    assert views_sheet(Views(())).ndim == 3


def test_outlines_of_true_poses_are_the_masks_edges(room):
    inputs = room.inputs
    posed = posed_by(inputs.meshes, inputs.placements)
    photo = inputs.objects.photo
    shapes = silhouettes(posed, inputs.geometry.intrinsics, photo.width, photo.height)
    assert (shapes[2] == inputs.objects.objects[2].mask).all()
    overlay = fit_overlay(photo, inputs.geometry.intrinsics, posed)
    assert (overlay[edge_of(shapes[2])] == object_colour(2)).all(1).mean() > 0.9


def test_poses_after_settling_are_drawn(scene):
    posed = posed_in(scene)
    assert sorted(posed) == [0, 1, 2]
    overlay = fit_close_up(
        scene.objects.photo, scene.geometry.intrinsics, None, (-5, -5, 30, 30), posed[0], (9, 9, 9)
    )
    assert max(overlay.shape) == 320


def test_a_mesh_fills_its_picture_whatever_its_unit(room):
    mesh = room.inputs.meshes.entries[2].candidates[0]
    from cast_nodes.mesh_data import read_mesh

    one = mesh_picture(read_mesh(mesh), 64)
    tiny = mesh_picture(read_mesh(mesh).moved(np.diag([1e-5, 1e-5, 1e-5, 1])), 64)
    assert np.abs(one.astype(int) - tiny).mean() < 1
    ink = (one != 244).any(2)
    assert max(np.ptp(np.flatnonzero(ink.any(0))), np.ptp(np.flatnonzero(ink.any(1)))) > 50


def test_edges_do_not_run_along_the_picture_border():
    mask = np.zeros((8, 8), bool)
    mask[:, :4] = True
    np.testing.assert_array_equal(np.argwhere(edge_of(mask))[:, 1], 3)


def test_pictures_are_never_enlarged():
    assert fitted(np.zeros((4, 6, 3), np.uint8), 100).shape == (4, 6, 3)
    assert fitted(np.zeros((40, 60, 3), np.uint8), 30).shape == (20, 30, 3)
