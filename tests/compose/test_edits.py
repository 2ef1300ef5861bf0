"""The user's edits: read from JSON, made locked placements, put into the graph."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cast_nodes.backends import choose
from cast_nodes.compose import compose
from cast_nodes.compose.edits import (
    Edits,
    ObjectEdit,
    edited_placements,
    edited_relations,
    edits_text,
    parse_edits,
    pose_json,
)
from cast_nodes.context import Context
from cast_nodes.errors import BadInput
from cast_nodes.frames import Sim3
from cast_nodes.relations.graph import Relation, relations_of
from cast_nodes.run_folder import RunFolder
from cast_nodes.types import Placement, Placements

CAMERA = Sim3(np.diag([1.0, -1.0, -1.0]), np.array([0, 1.5, 0]))
"""World from camera: 1.5 over the floor, level."""


def placed(**changes) -> Placements:
    here = Placement(
        3, Sim3(np.eye(3), np.array([0.2, 0.5, 4.0]), 2.0), fit={"iou": 0.9},
        alternatives=(Sim3.identity(),), covariance=np.eye(7), stretch=(2.0, 1.0, 0.5),
    )  # fmt: skip
    return Placements((replace(here, **changes), Placement(5, None, failure="no mesh")))


class TestReading:
    @pytest.mark.parametrize("empty", ["", "  \n", "{}"])
    def test_empty_is_nothing(self, empty):
        assert not parse_edits(empty)
        assert edits_text(parse_edits(empty)) == ""

    def test_every_key_is_optional(self):
        text = """{"3": {"position": [1, 2.5, -3], "rotation_deg": [0, 90, 0], "scale": 1.2,
                         "on": 1, "against": "wall"},
                   "5": {"locked": true}, "7": {"on": null}, "8": {"on": [1, "floor"]}, "9": {}}"""
        found = parse_edits(text).objects
        assert found[3] == ObjectEdit(
            (1, 2.5, -3), (0, 90, 0), 1.2, None, {"on": (1,), "against": ("wall",)}
        )
        assert found[5] == ObjectEdit(locked=True)
        assert found[7].relations == {"on": ()}
        assert found[8].relations == {"on": (1, "floor")}
        assert found[9] == ObjectEdit()

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{", "no usable JSON"),
            ("[1]", "object's number"),
            ('{"chair": {}}', "'chair' is no object's number"),
            ('{"-1": {}}', "'-1' is no object's number"),
            ('{"3": {}, "3": {}}', "there twice"),
            ('{"3": 1}', "object 3: write"),
            ('{"3": {"positon": [0, 0, 0]}}', "object 3: 'positon' is none of position"),
            ('{"3": {"position": [0, 0]}}', r"object 3, position: must be three numbers"),
            ('{"3": {"position": [0, 0, NaN]}}', "object 3, position"),
            ('{"3": {"position": [0, 0, 1e999]}}', "object 3, position"),
            ('{"3": {"rotation_deg": 90}}', "object 3, rotation_deg"),
            ('{"3": {"scale": 0}}', "object 3, scale: must be a number above 0"),
            ('{"3": {"scale": true}}', "object 3, scale"),
            ('{"3": {"locked": 1}}', "object 3, locked: must be true or false"),
            (
                '{"3": {"on": "wall"}}',
                "object 3, on: .* with 'wall' use hanging, leaning or against",
            ),
            ('{"3": {"in": "floor"}}', "object 3, in: .* with 'floor' use on"),
            ('{"3": {"on": 3}}', "object 3, on: must be another object's number"),
            ('{"3": {"on": "table"}}', "object 3, on"),
            ('{"3": {"on": -2}}', "numbered from 0"),
            ('{"3": {"on": 1.5}}', "object 3, on"),
        ],
    )
    def test_errors_name_object_and_field(self, text, words):
        with pytest.raises(BadInput, match=words) as error:
            parse_edits(text, "edits.json")
        assert str(error.value).startswith("edits.json")

    triples = st.tuples(*[st.floats(-1e6, 1e6)] * 3)
    partners = st.lists(st.integers(0, 5) | st.just("floor"), max_size=3, unique=True)
    edits = st.builds(
        ObjectEdit,
        st.none() | triples,
        st.none() | triples,
        st.none() | st.floats(1e-6, 1e6),
        st.none() | st.booleans(),
        st.dictionaries(st.just("on"), partners.map(tuple), max_size=1),
    )

    @given(st.dictionaries(st.integers(6, 99), edits, max_size=4))
    def test_what_is_written_is_read_back(self, objects):
        assert parse_edits(edits_text(Edits(objects))) == Edits(objects)


class TestPoses:
    def test_a_pose_is_absolute_in_the_world_and_locked(self):
        text = '{"3": {"position": [1, 0.5, -2], "rotation_deg": [0, 90, 0], "scale": 3}}'
        made, notes = edited_placements(placed(), parse_edits(text), CAMERA)
        placement = made.get(3)
        assert notes == () and placement is not None and placement.locked
        pose = CAMERA @ placement.camera_from_object
        # A quarter turn about y takes the object's x axis to -z.
        np.testing.assert_allclose(pose.apply(np.array([1.0, 0, 0])), [1, 0.5, -5], atol=1e-12)
        assert placement.stretch == (2.0, 1.0, 0.5)

    def test_angles_turn_about_x_then_the_turned_y_and_z_as_in_three_js(self):
        text = '{"3": {"rotation_deg": [90, 0, 90]}}'
        made, _ = edited_placements(placed(), parse_edits(text), CAMERA)
        rotation = (CAMERA @ made.get(3).camera_from_object).rotation
        np.testing.assert_allclose(rotation @ [1, 0, 0], [0, 0, 1], atol=1e-12)

    def test_what_is_not_named_stays(self):
        before = CAMERA @ placed().get(3).camera_from_object
        made, _ = edited_placements(placed(), parse_edits('{"3": {"position": [9, 9, 9]}}'), CAMERA)
        after = CAMERA @ made.get(3).camera_from_object
        np.testing.assert_allclose(after.rotation, before.rotation, atol=1e-12)
        assert after.scale == pytest.approx(before.scale)
        np.testing.assert_allclose(after.translation, [9, 9, 9])

    def test_another_pose_has_no_fit_and_no_covariance_of_the_old_one(self):
        made, _ = edited_placements(placed(), parse_edits('{"3": {"scale": 9}}'), CAMERA)
        placement = made.get(3)
        assert (dict(placement.fit), placement.alternatives) == ({}, ())
        assert placement.covariance is None

    def test_a_lock_keeps_pose_and_fit(self):
        made, _ = edited_placements(placed(), parse_edits('{"3": {"locked": true}}'), CAMERA)
        assert made.get(3).locked
        kept = made.get(3).camera_from_object.matrix()
        np.testing.assert_array_equal(kept, placed().get(3).camera_from_object.matrix())
        assert made.get(3).fit == {"iou": 0.9}

    def test_a_pose_that_is_not_locked_is_a_start(self):
        text = '{"3": {"scale": 9, "locked": false}}'
        assert not edited_placements(placed(), parse_edits(text), CAMERA)[0].get(3).locked

    def test_an_object_that_was_not_placed_needs_a_whole_pose(self):
        part = parse_edits('{"5": {"position": [0, 0, -2]}}')
        made, notes = edited_placements(placed(), part, CAMERA)
        assert made.get(5).camera_from_object is None
        assert "object 5" in notes[0] and "rotation_deg and scale" in notes[0]
        text = '{"5": {"position": [0, 0, -2], "rotation_deg": [0, 0, 0], "scale": 1}}'
        made, notes = edited_placements(placed(), parse_edits(text), CAMERA)
        assert made.get(5).camera_from_object is not None and made.get(5).failure == ""
        assert notes == ()

    def test_no_pose_cannot_be_locked(self):
        made, notes = edited_placements(placed(), parse_edits('{"5": {"locked": true}}'), CAMERA)
        assert not made.get(5).locked and "no pose" in notes[0]

    angles = st.tuples(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))

    @settings(max_examples=40)
    @given(angles, st.tuples(*[st.floats(-5, 5)] * 3), st.floats(0.1, 9))
    def test_the_scenes_own_account_of_a_pose_is_an_edit(self, angles, position, scale):
        edit = {"position": position, "rotation_deg": angles, "scale": scale}
        made, _ = edited_placements(placed(), parse_edits(json.dumps({"3": edit})), CAMERA)
        told = pose_json(CAMERA @ made.get(3).camera_from_object)
        np.testing.assert_allclose(told["position"], position, atol=1e-9)
        np.testing.assert_allclose(told["rotation_deg"], angles, atol=1e-6)
        assert told["scale"] == pytest.approx(scale)


class TestRelations:
    FOUND = relations_of(
        [
            Relation(1, "floor", "on", 0.9, "geometry"),
            Relation(2, 1, "on", 0.8, "geometry"),
            Relation(2, "wall", "against", 0.6, "geometry"),
            Relation(3, 2, "on", 0.7, "geometry"),
        ]
    )
    IDS = frozenset({1, 2, 3})

    def after(self, text):
        made = edited_relations(self.FOUND, parse_edits(text), self.IDS)
        return {(e.subject, e.object, e.type) for e in made.edges}, made

    def test_a_carrier_replaces_those_found(self):
        edges, made = self.after('{"2": {"on": "floor"}}')
        assert edges == {
            (1, "floor", "on"), (2, "floor", "on"), (2, "wall", "against"), (3, 2, "on"),
        }  # fmt: skip
        assert made.carriers(2) == (Relation(2, "floor", "on", 1.0, "edit"),)

    def test_any_word_of_carrying_speaks_for_all(self):
        edges, _ = self.after('{"2": {"hanging": "wall"}}')
        assert {e for e in edges if e[0] == 2} == {(2, "wall", "hanging")}

    def test_null_is_nothing(self):
        edges, _ = self.after('{"2": {"on": null}}')
        assert {e for e in edges if e[0] == 2} == {(2, "wall", "against")}
        edges, _ = self.after('{"2": {"against": null}}')
        assert {e for e in edges if e[0] == 2} == {(2, 1, "on")}

    def test_the_users_word_breaks_a_circle(self):
        _, made = self.after('{"1": {"on": 3}}')
        assert made.carrier(1) == 3
        assert made.order([1, 2, 3]) != [1, 2, 3]
        assert len(made.supports) == 2  # of 1 on 3, 3 on 2, 2 on 1 the weakest went

    def test_two_edits_that_contradict_are_told(self):
        _, made = self.after('{"1": {"on": 2}, "2": {"on": 1}}')
        assert any("contradicts" in note for note in made.notes)

    def test_another_id_is_a_note(self):
        edges, made = self.after('{"2": {"on": 44}}')
        assert {e for e in edges if e[0] == 2} == {(2, "wall", "against")}
        assert any("44" in note for note in made.notes)

    def test_no_edits_change_nothing(self):
        assert edited_relations(self.FOUND, Edits(), self.IDS) is self.FOUND


class TestInTheScene:
    def test_an_edited_object_stands_where_it_was_put(self, room):
        text = '{"1": {"position": [0.31, 0.7, -2.9], "rotation_deg": [0, 30, 0], "scale": 1.0}}'
        scene = compose(replace(room.inputs, edits=parse_edits(text)), choose("compose"), Context())
        entry = next(e for e in scene.description["objects"] if e["id"] == 1)
        assert entry["locked"]
        np.testing.assert_allclose(entry["pose"]["position"], [0.31, 0.7, -2.9], atol=1e-9)
        np.testing.assert_allclose(entry["pose"]["rotation_deg"], [0, 30, 0], atol=1e-6)
        assert scene.placements.get(1).locked
        assert parse_edits(scene.edits) == parse_edits(text)

    def test_edits_of_objects_that_are_not_there_are_notes(self, room):
        warned = []
        edits = parse_edits('{"77": {"locked": true}}')
        scene = compose(
            replace(room.inputs, edits=edits), choose("compose"), Context(warn=warned.append)
        )
        assert any("no object 77" in w for w in warned)
        assert any("no object 77" in n for n in scene.placements.notes)


class TestInTheRunFolder:
    def test_a_file_placed_by_hand_is_read(self, tmp_path):
        assert not RunFolder(tmp_path).read_edits()
        (tmp_path / "edits.json").write_text('{"5": {"locked": true}}', encoding="utf-8-sig")
        assert RunFolder(tmp_path).read_edits() == Edits({5: ObjectEdit(locked=True)})

    def test_a_broken_file_is_named(self, tmp_path):
        (tmp_path / "edits.json").write_text('{"5": {"lock": true}}')
        with pytest.raises(BadInput, match=r"edits\.json, object 5: 'lock' is none of"):
            RunFolder(tmp_path).read_edits()
        (tmp_path / "edits.json").write_bytes(b"\xff\xfe{")
        with pytest.raises(BadInput, match=r"edits\.json is not UTF-8"):
            RunFolder(tmp_path).read_edits()

    def test_a_saved_scene_keeps_its_edits(self, tmp_path, scene):
        folder = RunFolder(tmp_path)
        folder.write_edits(replace(scene, edits='{"1": {"locked": true}}'))
        assert folder.read_edits() == Edits({1: ObjectEdit(locked=True)})
        folder.write_edits(scene)
        assert not folder.has("edits.json")
