"""`cast export`: files beside the scene, plain answers, exit statuses."""

from __future__ import annotations

import builtins
import json

import pytest

from cast_nodes.cli import main
from tests.export.rooms import write_folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "living room")


def without(monkeypatch, package: str) -> None:
    real = builtins.__import__

    def importer(name, *rest, **more):
        if name.partition(".")[0] == package:
            raise ImportError(f"No module named {package!r}")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", importer)


def test_files_lie_in_the_run_folder_and_are_told(folder, capsys):
    assert main(["export", str(folder), "--objects", "--collision"]) == 0
    told = capsys.readouterr().out.split("\n")[:-1]
    assert str(folder / "export/posed/coffee_table_0.glb") in told
    assert sorted(told) == sorted(str(p) for p in (folder / "export").rglob("*") if p.is_file())


def test_usd_lies_beside_the_glb_with_its_textures(folder):
    pytest.importorskip("pxr")
    assert main(["export", str(folder), "--usd", "--usdz", "--zup"]) == 0
    assert (folder / "scene.usdc").is_file() and (folder / "scene.usdz").is_file()
    assert len(list((folder / "textures").iterdir())) == 2
    assert not (folder / "export/posed").exists()


def test_without_a_choice_all_that_can_be_made_is_made(folder, monkeypatch, capsys):
    without(monkeypatch, "pxr")
    assert main(["export", str(folder)]) == 0
    assert "pip install usd-core" in capsys.readouterr().err
    assert (folder / "export/collision.glb").is_file() and (folder / "export/room.glb").is_file()
    assert not (folder / "scene.usdc").exists()


@pytest.mark.parametrize(
    ("flag", "package", "install"),
    [
        ("--usd", "pxr", "usd-core"),
        ("--convex-parts", "coacd", "coacd"),
        ("--draco", "DracoPy", "DracoPy"),
    ],
)
def test_a_package_asked_for_and_missing_is_status_3_and_nothing_is_written(
    folder, monkeypatch, capsys, flag, package, install
):
    without(monkeypatch, package)
    assert main(["export", str(folder), flag]) == 3
    assert f"pip install {install}" in capsys.readouterr().err
    assert {p.name for p in folder.iterdir()} == {"scene.glb", "scene.json"}


def test_another_folder_takes_the_files(folder, tmp_path):
    assert main(["export", str(folder), "--objects", "-o", str(tmp_path / "there")]) == 0
    assert (tmp_path / "there/export/room.glb").is_file()
    assert {p.name for p in folder.iterdir()} == {"scene.glb", "scene.json"}


def test_a_bad_folder_among_several_does_not_stop_the_rest(folder, tmp_path, capsys):
    status = main(["export", str(tmp_path / "no"), str(folder), "--objects", "--json"])
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert status == document["status"] == 1
    assert [e["folder"] for e in document["exports"]] == [str(folder)]
    assert "scene.glb is missing" in document["failures"][str(tmp_path / "no")]


@pytest.mark.parametrize("arguments", [["no"], ["a", "b", "-o", "c"]])
def test_bad_input_is_status_2_and_one_sentence(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *arguments]) == 2
    assert len(capsys.readouterr().err.strip().split("\n")) == 1


def test_a_changed_export_is_kept_and_told(folder, capsys):
    main(["export", str(folder), "--objects"])
    mine = folder / "export/room.glb"
    mine.write_bytes(b"mine")
    assert main(["export", str(folder), "--objects"]) == 0
    assert f"{mine} is yours" in capsys.readouterr().err
    assert mine.read_bytes() == b"mine"
