"""`cast batch`, `render`, `backends`, `check`: the other verbs."""

import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

from cast_nodes.backends import STAGES
from cast_nodes.cli import main

ROOT = Path(__file__).parents[2]


def test_one_bad_photo_does_not_stop_the_rest(tmp_path, picture, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    picture.resize((160, 120)).save(photos / "a.png")
    (photos / "b.jpg").write_text("no picture")
    Image.new("RGB", (100, 80)).save(photos / "c.png")
    status = main(["batch", str(photos), "-o", str(tmp_path / "out"), "--json"])
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert status == 1
    assert [r["photo"] for r in document["runs"]] == ["a", "c"]
    assert list(document["failures"]) == [str(photos / "b.jpg")]
    assert "b.jpg" in captured.err
    assert (tmp_path / "out/c/scene.glb").is_file()


def test_two_photos_of_one_name_are_told_apart(tmp_path, capsys):
    for name in ("a/x.png", "b/x.png"):
        (tmp_path / name).parent.mkdir()
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    inputs = [str(tmp_path / "a/x.png"), str(tmp_path / "b/x.png")]
    assert main(["batch", *inputs, "-o", str(tmp_path / "out"), "--json"]) == 1
    assert "rename" in capsys.readouterr().err


def test_render_puts_the_scene_beside_the_photo_and_turns_it(tmp_path, folder, capsys):
    assert main(["run", str(folder), "--detect", "boxes"]) == 0
    capsys.readouterr()
    assert main(["render", str(folder), "--frames", "4", "--json"]) == 0
    files = [Path(f) for f in json.loads(capsys.readouterr().out)["files"]]
    pictures = [Image.open(f) for f in files if f.suffix != ".npy"]
    assert any(picture.width >= 2 * 320 for picture in pictures)
    assert any(getattr(picture, "n_frames", 1) == 4 for picture in pictures)


def test_render_of_a_folder_without_a_scene_says_what_to_do(tmp_path, capsys):
    assert main(["render", str(tmp_path)]) == 2
    assert "cast run" in capsys.readouterr().err


def test_backends_lists_every_stage_and_option(capsys):
    assert main(["backends", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert {row["stage"] for row in table} == set(STAGES)
    assert all(option["help"] for row in table for option in row["options"])


def test_check_names_what_is_missing_and_how_to_mend_it(capsys):
    status = main(["check"])
    out = capsys.readouterr().out
    assert status == 0
    assert "cast fetch" in out  # the detector's weights are absent in this test's cache


def test_listing_and_checking_import_nothing_heavy():
    code = (
        "import sys; from cast_nodes.cli import main; main(['backends']); main(['check']);"
        "heavy = {'torch', 'skimage', 'ai_edge_litert', 'open3d'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_holds_the_tables_of_the_registry(capsys):
    main(["backends", "--markdown"])
    assert capsys.readouterr().out.strip() in (ROOT / "README.md").read_text()


def test_comfyuis_requirements_are_the_packages_own():
    import re

    toml = (ROOT / "pyproject.toml").read_text()
    declared = re.search(r"^dependencies = \[(.*?)^\]", toml, re.S | re.M).group(1)
    lines = [
        line for line in (ROOT / "requirements.txt").read_text().splitlines() if line[:1] not in "#"
    ]
    assert re.findall(r'"([^"]+)"', declared) == [line for line in lines if line]
