"""`--dry-run`, and the other options by which users of the unofficial CAST ask for the same."""

import json

import pytest
from PIL import Image

from cast_nodes.backends import choose
from cast_nodes.cli import main
from cast_nodes.context import Context
from cast_nodes.errors import BackendNotReady
from cast_nodes.estimate import StageEstimate, estimate, require_all
from cast_nodes.pipeline import Settings
from cast_nodes.run_folder import RESULTS
from cast_nodes.services import secrets

KEYS = {
    "REPLICATE_API_TOKEN": "r8_nobodys_token",
    "DASHSCOPE_API_KEY": "sk-nobodys-key",
    "TRIPO_API_KEY": "tsk_nobodys_key",
}
SERVICES = (
    "--detect", "replicate_ram", "--filter", "qwen_vl", "--inpaint", "replicate_kontext",
    "--mesh", "tripo3d",
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    monkeypatch.setattr(secrets, "places", list)
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def keys(monkeypatch):
    """Keys of nobody: present, so that everything counts as ready."""
    pytest.importorskip("replicate")
    pytest.importorskip("dashscope")
    pytest.importorskip("tripo3d")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def photo(tmp_path, picture):
    path = tmp_path / "room.png"
    picture.save(path)
    return path


@pytest.fixture
def plain(tmp_path):
    """A photo of nothing: all stages are quick."""
    path = tmp_path / "room.png"
    Image.new("RGB", (96, 64), (200, 190, 180)).save(path)
    return path


def dry(capsys, *arguments):
    status = main(["run", *map(str, arguments), "--dry-run", "--json"])
    captured = capsys.readouterr()
    return status, json.loads(captured.out), captured.err


def by_stage(document):
    return {stage["stage"]: stage for stage in document["runs"][0]["stages"]}


class TestDryRun:
    def test_the_offline_chain_is_ready_and_free_and_nothing_is_written(
        self, photo, tmp_path, capsys
    ):
        status, document, _ = dry(capsys, photo, "-o", tmp_path / "out")
        assert (status, document["ready"], document["most_usd"]) == (0, True, 0)
        assert all(stage["words"] == "free" for stage in by_stage(document).values())
        assert document["runs"][0]["folder"] == str(tmp_path / "out/room")
        assert not (tmp_path / "out").exists()

    def test_every_missing_key_of_every_stage_is_named(self, photo, tmp_path, capsys):
        status, document, _ = dry(capsys, photo, *SERVICES)
        assert status == 3
        named = {
            stage: {n["what"] for n in row["missing"] if n["what"].startswith("key")}
            for stage, row in by_stage(document).items()
        }
        assert named["detect"] == named["inpaint"] == {"key REPLICATE_API_TOKEN"}
        assert named["filter"] == {"key DASHSCOPE_API_KEY"}
        assert named["mesh"] == {"key TRIPO_API_KEY"}
        assert named["register"] == set()

    def test_prices_are_bounded_by_the_most_objects(self, photo, keys, capsys):
        status, document, _ = dry(capsys, photo, *SERVICES, "--max-objects", 4)
        stages = by_stage(document)
        assert status == 0
        assert stages["mesh"]["high"] == 4
        assert stages["mesh"]["most_usd"] == pytest.approx(4 * stages["mesh"]["usd"])
        assert (stages["inpaint"]["low"], stages["inpaint"]["high"]) == (1, 5)  # and the room
        assert (stages["filter"]["low"], stages["filter"]["per"]) == (3, "request")
        assert document["most_usd"] == pytest.approx(sum(s["most_usd"] for s in stages.values()))

    def test_a_run_folder_tells_how_many_objects_there_are(self, folder, keys, capsys):
        _, document, _ = dry(capsys, folder, "--only", "mesh", "--mesh", "tripo3d")
        (mesh,) = document["runs"][0]["stages"]
        assert (mesh["low"], mesh["high"]) == (2, 2)

    def test_a_server_of_ones_own_is_free_and_needs_no_key(self, folder, capsys):
        pytest.importorskip("replicate")
        arguments = ["--only", "mesh", "--mesh", "replicate_trellis"]
        address = ["--set", "mesh.base_url=http://127.0.0.1:5000"]
        assert dry(capsys, folder, *arguments)[0] == 3
        status, document, _ = dry(capsys, folder, *arguments, *address)
        assert (status, document["most_usd"]) == (0, 0)

    def test_people_get_a_table(self, photo, keys, capsys):
        assert main(["run", str(photo), *SERVICES, "--validate-only"]) == 0
        out = capsys.readouterr().out
        assert "0 to 20 meshes, about $0.30 a mesh" in out
        assert "at most about $" in out
        assert not any(key in out for key in KEYS.values())

    def test_what_cannot_be_used_is_told_for_all_photos(self, photo, tmp_path, capsys):
        (tmp_path / "text.jpg").write_text("no picture")
        status, document, error = dry(capsys, photo, tmp_path / "text.jpg", tmp_path / "none.png")
        assert status == 2
        assert len(document["runs"]) == 1
        assert len(document["failures"]) == 2
        assert "text.jpg" in error

    def test_a_wrong_option_is_told(self, photo, capsys):
        assert main(["run", str(photo), "--dry-run", "--set", "filter.samples=0"]) == 2
        assert "samples" in capsys.readouterr().err

    def test_batch_plans_every_photo(self, tmp_path, capsys):
        for name in ("a", "b"):
            Image.new("RGB", (64, 64)).save(tmp_path / f"{name}.png")
        assert main(["batch", str(tmp_path), "--dry-run", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["runs"]) == 2


class TestEstimate:
    def plan(self, stage, backend, **options):
        choices = dict(Settings().choices) | {stage: choose(stage, backend, **options)}
        (made,) = estimate(choices, (stage,), Context())
        return made

    def test_each_sample_is_one_request(self):
        assert self.plan("filter", "qwen_vl", samples=5).high == 5

    def test_a_filter_on_ones_own_server_is_free(self):
        assert self.plan("filter", "openai_compatible").most_usd == 0

    def test_paid_pictures_are_for_hidden_parts_unless_all_are_asked_for(self):
        plain = self.plan("inpaint", "replicate_kontext", empty_room=False)
        everything = self.plan("inpaint", "replicate_kontext", every_object=True)
        assert (plain.low, plain.high) == (0, 20)
        assert everything.high == 21
        assert self.plan("inpaint", "replicate_kontext", complete=False).high == 1

    def test_lines_are_for_people(self):
        made = StageEstimate("mesh", "x", (), 1, 2, "mesh", 0.5, "about $0.50 a mesh")
        assert made.line() == "1 to 2 meshes, about $0.50 a mesh: at most $1.00"
        assert StageEstimate("mesh", "x", (), 0, 0, "mesh", 0.5).line() == "nothing to pay for"


class TestBeforeAnythingIsSpent:
    def test_a_run_names_what_is_missing_for_all_stages_at_once(self, photo, tmp_path, capsys):
        status = main(["run", str(photo), *SERVICES, "-o", str(tmp_path / "out")])
        error = capsys.readouterr().err
        assert status == 3
        assert all(name in error for name in KEYS)
        assert not (tmp_path / "out/room/objects.json").exists()

    def test_check_names_the_keys_of_the_services(self, capsys):
        main(["check", "--json"])
        rows = {
            (r["stage"], r["backend"]): {n["what"] for n in r["missing"]}
            for r in json.loads(capsys.readouterr().out)["backends"]
        }
        assert "key REPLICATE_API_TOKEN" in rows["detect", "replicate_ram"]
        assert "key DASHSCOPE_API_KEY" in rows["filter", "qwen_vl"]

    def test_nothing_missing_raises_nothing(self):
        require_all(list(Settings().choices.values()), Context())

    def test_one_error_names_them_all(self):
        chosen = [choose("detect", "replicate_ram"), choose("filter", "qwen_vl")]
        with pytest.raises(BackendNotReady) as caught:
            require_all(chosen, Context())
        assert "REPLICATE_API_TOKEN" in str(caught.value)
        assert "DASHSCOPE_API_KEY" in str(caught.value)


class TestRunId:
    def test_it_names_the_folder(self, plain, tmp_path, capsys):
        arguments = ["run", str(plain), "-o", str(tmp_path / "out"), "--run-id", "first try"]
        assert main([*arguments, "--only", "detect"]) in (0, 1)
        assert (tmp_path / "out/first try/objects.json").is_file()

    @pytest.mark.parametrize("name", ["../x", "a/b", "..", ".", "a\\b"])
    def test_a_path_is_no_name(self, photo, tmp_path, name, capsys):
        assert main(["run", str(photo), "-o", str(tmp_path / "out"), "--run-id", name]) == 2
        assert "--run-id" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_it_fits_one_photo_alone(self, photo, folder, capsys):
        assert main(["run", str(photo), str(photo), "--run-id", "x"]) == 2
        assert "2 photos" in capsys.readouterr().err
        assert main(["run", str(folder), "--run-id", "x"]) == 2
        assert "is a folder" in capsys.readouterr().err


class TestNoResume:
    def run(self, folder, capsys, *more):
        arguments = ["run", str(folder), "--only", "detect,inpaint", "--json"]
        arguments += ["--set", "inpaint.background=false"]
        assert main([*arguments, *more]) in (0, 1)
        return json.loads(capsys.readouterr().out)["runs"][0]["reused"]

    def test_nothing_is_reused_and_hand_edits_stay(self, folder, capsys):
        before = (folder / "objects.json").read_bytes()
        self.run(folder, capsys)
        assert self.run(folder, capsys)
        assert self.run(folder, capsys, "--no-resume") == {}
        assert (folder / "objects.json").read_bytes() == before


class TestNoIntermediates:
    def test_only_the_results_remain_and_it_can_be_run_again(self, plain, tmp_path, capsys):
        out = tmp_path / "out"
        assert main(["run", str(plain), "-o", str(out), "--no-intermediates"]) == 1  # no object
        names = {p.name for p in (out / "room").iterdir()}
        assert names == {*RESULTS, ".written"}
        assert main(["run", str(plain), "-o", str(out)]) == 1
        assert (out / "room/geometry.npz").is_file()

    def test_the_users_own_files_stay(self, plain, tmp_path, capsys):
        made = tmp_path / "own"
        (made / "objects/0").mkdir(parents=True)
        plain.rename(made / "image.png")
        (made / "objects/0/notes.txt").write_text("mine")
        assert main(["run", str(made), "--no-intermediates"]) == 1
        names = {p.relative_to(made).as_posix() for p in made.rglob("*") if p.is_file()}
        assert names == {*RESULTS, ".written", "image.png", "objects/0/notes.txt"}
