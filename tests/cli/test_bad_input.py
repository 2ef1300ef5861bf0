"""What cannot be used gives one clear sentence, the right exit status, and nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cast_nodes.cli import main

ROOT = Path(__file__).parents[2]


def refused(capsys, arguments, words, status=2):
    assert main([str(a) for a in arguments]) == status
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("cast: ")]
    assert lines, captured.err
    assert words in lines[-1]
    assert "Traceback" not in captured.err
    assert captured.out == ""


class TestPhotos:
    def test_no_photo(self, tmp_path, capsys):
        out = tmp_path / "out"
        refused(capsys, ["run", tmp_path / "none.jpg", "-o", out], "none.jpg")
        assert not out.exists()

    def test_text_named_jpg(self, tmp_path, capsys):
        (tmp_path / "x.jpg").write_text("hello")
        refused(capsys, ["run", tmp_path / "x.jpg", "-o", tmp_path / "out"], "not a picture")
        assert not (tmp_path / "out").exists()

    def test_one_pixel(self, tmp_path, capsys):
        Image.new("RGB", (1, 1)).save(tmp_path / "x.png")
        refused(capsys, ["run", tmp_path / "x.png", "-o", tmp_path / "out"], "1x1")

    @pytest.mark.parametrize("name", ["cmyk", "sixteen", "rotated", "rgba"])
    def test_unusual_pictures_are_fine(self, tmp_path, picture, name, capsys):
        path = tmp_path / f"{name}.{'jpg' if name in ('cmyk', 'rotated') else 'png'}"
        if name == "cmyk":
            picture.convert("CMYK").save(path)
        elif name == "sixteen":
            Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(path)
        elif name == "rotated":
            exif = Image.Exif()
            exif[0x0112] = 6
            picture.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
        else:
            seen_through = picture.copy()
            seen_through.putalpha(200)
            seen_through.save(path)
        status = main(["run", str(path), "-o", str(tmp_path / "out"), "--only", "detect"])
        assert status in (0, 1)
        assert Image.open(tmp_path / "out" / name / "image.png").size == (320, 240)


class TestScenes:
    def test_a_black_photo_gives_an_empty_room_and_says_so(self, tmp_path, capsys):
        Image.new("RGB", (160, 120)).save(tmp_path / "black.png")
        status = main(["run", str(tmp_path / "black.png"), "-o", str(tmp_path / "out")])
        captured = capsys.readouterr()
        assert status == 1
        assert "no object was found" in captured.err
        assert (tmp_path / "out/black/scene.glb").is_file()
        assert (tmp_path / "out/black/report.html").is_file()

    def test_one_object_covering_everything_is_dropped_with_its_reason(self, folder, capsys):
        entries = [{"id": 0, "label": "chair", "bbox": [0, 0, 320, 240]}]
        (folder / "objects.json").write_text(json.dumps(entries))
        Image.new("L", (320, 240), 255).save(folder.parent / "mask.png")
        (folder / "objects/0").mkdir(parents=True)
        (folder.parent / "mask.png").rename(folder / "objects/0/mask.png")
        status = main(["run", str(folder), "--detect", "masks", "--json"])
        (item,) = json.loads(capsys.readouterr().out)["runs"][0]["objects"]
        assert status == 1
        assert item["status"] == "dropped"
        assert "0.8" in item["reason"] or "80" in item["reason"]

    def test_a_box_outside_the_picture_fails_alone(self, folder, capsys):
        entries = json.loads((folder / "objects.json").read_text())
        entries.append({"id": 7, "label": "ghost", "bbox": [900, 900, 950, 950]})
        (folder / "objects.json").write_text(json.dumps(entries))
        main(["run", str(folder), "--only", "detect", "--detect", "boxes", "--json"])
        found = {o["id"]: o for o in json.loads(capsys.readouterr().out)["runs"][0]["objects"]}
        assert found[7]["status"] == "dropped"
        assert found[7]["reason"]
        assert found[0]["status"] == "found"


class TestFolders:
    def test_a_folder_without_a_photo(self, tmp_path, capsys):
        refused(capsys, ["run", tmp_path], "no image.png")

    def test_a_mask_of_another_size(self, folder, capsys):
        (folder / "objects/0").mkdir(parents=True)
        Image.new("L", (10, 10)).save(folder / "objects/0/mask.png")
        refused(capsys, ["run", folder, "--only", "filter"], "10x10")

    def test_broken_objects(self, folder, capsys):
        (folder / "objects.json").write_text("[{]")
        refused(capsys, ["run", folder, "--only", "detect", "--detect", "boxes"], "objects.json")

    def test_broken_geometry(self, folder, capsys):
        main(["run", str(folder), "--only", "detect,filter", "--detect", "boxes"])
        (folder / "geometry.npz").write_bytes(b"nothing")
        capsys.readouterr()
        refused(capsys, ["run", folder, "--only", "depth"], "geometry.npz")

    def test_an_out_that_is_a_file(self, tmp_path, picture, capsys):
        picture.save(tmp_path / "p.png")
        (tmp_path / "out").write_text("")
        refused(
            capsys, ["run", tmp_path / "p.png", "-o", tmp_path / "out", "--only", "detect"],
            "cannot be written",
        )  # fmt: skip

    def test_a_full_disk(self, tmp_path, picture, own_cache):
        """A real small limit on file sizes: the system refuses the write as a full disk does."""
        picture.save(tmp_path / "p.png")
        code = (
            "import resource, signal, sys;"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
            "from cast_nodes.cli import main;"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
            "sys.exit(main(sys.argv[1:]))"
        )
        if sys.platform == "win32":
            pytest.skip("Windows has no such limit")
        done = subprocess.run(
            [sys.executable, "-c", code, "run", str(tmp_path / "p.png"), "-o", str(tmp_path / "out")],
            capture_output=True, text=True, cwd=ROOT, check=False,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list((tmp_path / "out").rglob("*.part"))


class TestUsage:
    @pytest.mark.parametrize(
        ("flags", "words"),
        [
            (["--set", "mesh.nonsense=1"], "no option 'nonsense'"),
            (["--set", "depth"], "STAGE.OPTION=VALUE"),
            (["--set", "kitchen.x=1"], "STAGE"),
            (["--only", "cook"], "stages are"),
            (["--max-objects", "-3"], "max_objects"),
        ],
    )
    def test_options(self, tmp_path, flags, words, capsys):
        refused(capsys, ["run", tmp_path / "p.png", *flags], words)

    def test_an_unknown_backend(self, tmp_path, capsys):
        with pytest.raises(SystemExit) as caught:
            main(["run", "p.png", "--mesh", "nonsense"])
        assert caught.value.code == 2
        assert "library" in capsys.readouterr().err
