"""Drift in a simulator as a measure: what falls is told, what cannot be measured is said."""

import json
import sys
from dataclasses import replace

import pytest

from cast_nodes.cli import main
from cast_nodes.errors import BackendNotReady
from cast_nodes.evaluate import Choices, evaluate, read_predicted, read_truth
from cast_nodes.evaluate.drift import drift_scores
from cast_nodes.evaluate.scenes import EvalScene, Item
from cast_nodes.evaluate.table import table
from cast_nodes.frames import Sim3

from .rooms import LIGHT, true_scene, write_export, write_folder
from .shapes import box, turn

NO_PICTURES = Choices(points=2000, pictures=False)


def up(height, across=0.0):
    return turn((0, 1, 0), 0, (across, height, 0))


def scene(*items, **known):
    return EvalScene("s", "s", items, **{"floor": 0.0, "metric": True, **known})


def item(i, pose, carrier=None, size=(1.0, 1.0, 1.0)):
    return Item(i, f"thing_{i}", "thing", box(size), pose, "", carrier)


@pytest.fixture
def mujoco():
    return pytest.importorskip("mujoco")


def test_what_stands_stays_and_a_chair_of_three_legs_tips(mujoco):
    room = true_scene()
    standing = drift_scores(replace(room, items=room.items[:2]), "on")
    assert standing.whole["stay_in_simulation"] == 1
    assert standing.whole["fallen"] == 0
    assert standing.whole["median_drift"] < 0.005
    assert standing.moved == ()
    # The chair of these tests lacks a leg on the side of its arm rest.
    assert [m.object for m in drift_scores(room, "on").moved] == ["chair_2"]


def test_what_floats_falls_and_what_hangs_is_held(mujoco):
    stands, floats = item(0, up(0.5)), item(1, up(3.0, 3))
    hangs = item(2, up(3.0, 6), "wall")
    found = drift_scores(scene(stands, floats, hangs), "on")
    assert found.whole["stay_in_simulation"] == pytest.approx(1 / 2)
    assert found.whole["fallen"] == 1
    assert [m.object for m in found.moved] == ["thing_1"]
    assert found.moved[0].share == pytest.approx(2.5 / 3**0.5, abs=0.02)
    assert any("1 objects fixed" in note for note in found.notes)


def test_a_relation_that_hangs_holds_as_a_carrier_does(mujoco):
    lamp = item(0, up(5.0))
    assert drift_scores(scene(lamp), "on").whole["fallen"] == 1
    hung = scene(lamp, relations=((0, "hanging", "ceiling"),))
    assert drift_scores(hung, "on").whole == {}


def test_the_drift_of_each_object_stands_in_table_and_json(mujoco):
    truth = true_scene()
    lifted = replace(truth.items[2], pose=up(0.5) @ truth.items[2].pose)
    made = replace(truth, items=(*truth.items[:2], lifted), source="made")
    found = evaluate(made, truth, LIGHT, NO_PICTURES)
    table_, box_, chair = (o.values["drift"] for o in found.objects)
    assert table_ < 0.01 and box_ < 0.01 and chair > 0.2
    text = table(found)
    assert "stay in simulation" in text and "chair_2: falls in simulation" in text
    told = json.loads(json.dumps(found.as_json()))
    assert told["physics"]["moved_in_simulation"][0]["object"] == "chair_2"
    assert told["means"]["drift"]["objects"] == 3


def test_walls_of_scene_json_hold_what_leans_on_them(tmp_path, mujoco):
    folder = write_export(tmp_path / "room")
    path = folder / "scene.json"
    description = json.loads(path.read_text())
    description["planes"] = [
        {"name": "wall_0", "world": [0, 0, 1, 4.0]},
        {"name": "backdrop", "world": [0, 0, 1, 9.0]},
    ]
    path.write_text(json.dumps(description))
    (wall,) = read_predicted(folder).planes
    assert (wall.name, wall.offset) == ("wall_0", 4.0)
    turned = read_predicted(folder).moved(Sim3(up(1).rotation, up(1).translation, 2.0)).planes[0]
    assert turned.offset == pytest.approx(8.0)


def test_without_the_package_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    found = evaluate(true_scene(), true_scene(), LIGHT, NO_PICTURES)
    assert any("pip install mujoco" in note for note in found.notes)
    assert "stay_in_simulation" not in found.physics.whole
    assert "drift" not in found.means
    with pytest.raises(BackendNotReady, match="pip install mujoco"):
        evaluate(true_scene(), true_scene(), LIGHT, replace(NO_PICTURES, simulate="on"))
    quiet = drift_scores(true_scene(), "off")
    assert quiet.whole == {} and "not asked for" in quiet.notes[0]


def test_the_command_line_asks_for_it_or_leaves_it(tmp_path, capsys, mujoco):
    truth = write_folder(tmp_path / "truth", truth=True)
    made = write_folder(tmp_path / "made")
    arguments = ["evaluate", str(made), str(truth), "--json", "--no-pictures", "--points", "500"]
    assert main([*arguments, "--simulate"]) == 0
    assert "stay_in_simulation" in json.loads(capsys.readouterr().out)["evaluations"][0]["physics"]
    assert main([*arguments, "--no-simulate"]) == 0
    told = json.loads(capsys.readouterr().out)["evaluations"][0]
    assert "stay_in_simulation" not in told["physics"]


def test_a_scene_whose_up_is_unknown_is_not_simulated(mujoco):
    found = drift_scores(scene(item(0, up(0.5)), up_known=False), "auto")
    assert found.whole == {} and "up is unknown" in found.notes[0]


def test_truth_and_prediction_stay_apart(tmp_path, mujoco):
    """The prediction is what is simulated, not the truth."""
    truth = read_truth(write_folder(tmp_path / "truth", truth=True))
    high = {i: turn((0, 1, 0), 0, (0, 0.8, 0)) for i in (0, 1, 2)}
    made = read_predicted(write_folder(tmp_path / "made", high))
    assert evaluate(made, truth, LIGHT, NO_PICTURES).physics.whole["fallen"] >= 2
