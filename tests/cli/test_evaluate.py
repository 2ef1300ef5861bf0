"""`cast evaluate`: tables, JSON, several scenes, the report, clear refusals."""

import json

import pytest

from cast_nodes.cli import main
from cast_nodes.evaluate import PROTOCOLS
from tests.evaluate.rooms import write_export, write_folder
from tests.evaluate.shapes import box, glb_of, turn

QUICK = ["--points", "1000", "--protocol", "midi-cast"]


@pytest.fixture
def truth(tmp_path):
    return write_folder(tmp_path / "truth" / "room", truth=True)


def test_one_scene_is_a_table_of_the_whole_and_each_object(tmp_path, truth, capsys):
    made = write_folder(tmp_path / "room", {1: None})
    assert main(["evaluate", str(made), str(truth), *QUICK]) == 0
    out = capsys.readouterr().out
    assert "2 of 3 objects matched by id, 1 missing" in out
    assert "missing: box_1 (no pose fits)" in out
    assert "CD-S" in out and "mask IoU" in out and "penetrating pairs" in out


def test_json_is_one_document_with_every_number(tmp_path, truth, capsys):
    made = write_folder(tmp_path / "room", {2: turn((0, 1, 0), 0, (0.1, 0, 0))})
    assert main(["evaluate", str(made), str(truth), *QUICK, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (found,) = document["evaluations"]
    assert document["status"] == 0 and document["failures"] == {}
    assert found["protocol"]["name"] == "midi-cast"
    assert found["counts"] == {"true": 3, "matched": 3, "missing": [], "extra": []}
    assert [o["name"] for o in found["objects"]] == ["table_0", "box_1", "chair_2"]
    assert found["means"]["iou_b"]["mean"] < 1


def test_several_scenes_are_a_row_each_and_the_mean(tmp_path, capsys):
    made, errors = [], (0.0, 0.2)
    for name, error in zip("ab", errors, strict=True):
        write_folder(tmp_path / "truths" / name, truth=True)
        motion = turn((0, 1, 0), 0, (error, 0, 0))
        made.append(str(write_folder(tmp_path / "made" / name, {2: motion})))
    arguments = ["evaluate", *made, str(tmp_path / "truths"), *QUICK]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    ious = [e["means"]["iou_b"]["mean"] for e in document["evaluations"]]
    assert ious[0] == pytest.approx(1) and ious[1] < 0.95
    assert document["mean"]["iou_b"] == pytest.approx(sum(ious) / 2)
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(("a ", "b ", "mean ")) for line in lines) % 3 == 0


def test_one_bad_scene_does_not_stop_the_rest(tmp_path, truth, capsys):
    made = write_folder(tmp_path / "room")
    (tmp_path / "empty").mkdir()
    scenes = [str(made), str(tmp_path / "empty"), str(truth)]
    assert main(["evaluate", *scenes, *QUICK, "--no-pictures", "--json"]) == 1
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert len(document["evaluations"]) == 1
    assert list(document["failures"]) == [str(tmp_path / "empty")]
    assert "cast run" in captured.err


def test_plain_models_are_compared_by_their_named_nodes(tmp_path, capsys):
    parts = {
        "desk": (box((2, 1, 1)), turn((0, 1, 0), 0)),
        "pot": (box(), turn((0, 1, 0), 9, (3, 0, 0))),
    }
    one, other = tmp_path / "made.glb", tmp_path / "true.glb"
    one.write_bytes(glb_of(parts))
    other.write_bytes(glb_of(parts, wrapper="world"))
    assert main(["evaluate", str(one), str(other), "--points", "1000"]) == 0
    out = capsys.readouterr().out
    assert "2 of 2 objects matched by name" in out
    assert "no camera in either scene" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["{made}"], "PREDICTED and then TRUTH"),
        (["{made}", "{tmp}/nowhere"], "does not exist"),
        (["{made}", "{truth}", "--protocol", "best-ever"], "the protocols are plain, 3d-re-gen"),
        (["{made}", "{truth}", "--points", "-3"], "--points"),
        (["{unknown}", "{truth}"], "--fit-scale"),
    ],
)
def test_what_cannot_be_compared_is_bad_input(tmp_path, truth, arguments, complaint, capsys):
    names = {
        "made": write_folder(tmp_path / "made"),
        "truth": truth,
        "tmp": tmp_path,
        "unknown": write_folder(tmp_path / "unknown", metric=False, unit=0.4),
    }
    assert main(["evaluate", *(a.format(**names) for a in arguments)]) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err
    assert captured.err.startswith("cast: ") and captured.err.count("\n") == 1
    assert captured.out == ""


def test_help_names_every_protocol(capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    out = "".join(capsys.readouterr().out.split())
    assert all(name in out for name in PROTOCOLS)


def test_a_finished_run_gets_its_section_in_the_report_once(tmp_path, capsys):
    made = write_export(tmp_path / "room")
    scenes = ["evaluate", str(made), str(made), "--points", "500", "--protocol"]
    for protocol in ("midi-cast", "midi-cast", "sam3d"):
        assert main([*scenes, protocol]) == 0
    page = (made / "report.html").read_text()
    assert page.count("Against the truth: midi-cast") == 1
    assert page.count("Against the truth: sam3d") == 1
    assert page.startswith("<!doctype html><main><p>the run</p>")
    assert page.endswith("<footer>versions</footer></main>")
    out = capsys.readouterr().out
    assert "PSNR" in out and "SSIM" in out


def test_a_report_that_is_not_wanted_or_the_users_own_stays_as_it_is(tmp_path):
    made = write_export(tmp_path / "room")
    before = (made / "report.html").read_bytes()
    assert main(["evaluate", str(made), str(made), *QUICK, "--no-report"]) == 0
    assert (made / "report.html").read_bytes() == before
    (made / "report.html").write_text("<footer>my own</footer>")
    assert main(["evaluate", str(made), str(made), *QUICK]) == 0
    assert (made / "report.html").read_text() == "<footer>my own</footer>"
