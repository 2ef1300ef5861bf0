"""No key gets out of a run of the command line, whether it goes well or not.

Keys are planted in the environment and in a ``.env`` file, the real SDKs talk to doubles of the
services, and every file and every line that the runs leave behind is searched. The same is done
for ComfyUI in ``tests/comfyui/test_services.py``.
"""

import os
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("replicate")
pytest.importorskip("dashscope")
pytest.importorskip("tripo3d")

from doubles.server import Answer
from planted import KEYS, Doubles, draw_corner, places_with
from service_scenes import context, photo

from cast_nodes.backends import choose
from cast_nodes.detect import DetectInputs, detect
from cast_nodes.services.troubles import ServiceFailure

ROOT = Path(__file__).resolve().parents[2]
IN_ENVIRONMENT, *IN_FILE = KEYS
BACKENDS = (
    "--detect", "replicate_ram", "--filter", "qwen_vl", "--inpaint", "replicate_kontext",
    "--mesh", "tripo3d", "--set", "filter.samples=1",
)  # fmt: skip


@dataclass
class Bench:
    """A folder to run in, and the services."""

    folder: Path
    doubles: Doubles
    printed: str = ""

    def cast(self, *arguments: str) -> int:
        """Runs the command line as users do; what it prints is kept."""
        env = {k: v for k, v in os.environ.items() if k not in KEYS} | self.doubles.settings()
        env |= {
            IN_ENVIRONMENT: KEYS[IN_ENVIRONMENT],
            "PYTHONPATH": str(ROOT),
            "CAST_CACHE": str(self.folder / "cache"),
            "TMPDIR": str(self.folder / "temporary"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "cast_nodes", "run", *arguments],
            cwd=self.folder, env=env, capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        self.printed += done.stdout + done.stderr
        return done.returncode

    def leaks(self) -> list[str]:
        """Where a key is, but for the file that it was put into."""
        printed = {"printed": self.printed.encode()}
        found = [p for key in KEYS.values() for p in places_with(key, [self.folder], printed)]
        return [place for place in found if Path(place) != self.folder / ".env"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "temporary").mkdir()
    (folder / ".env").write_text("".join(f"{name}={KEYS[name]}\n" for name in IN_FILE))
    draw_corner(folder / "corner.png")
    with Doubles() as doubles:
        yield Bench(folder, doubles)


@pytest.fixture(scope="module")
def made(bench):
    """After one good run into ``out/corner``."""
    assert bench.cast("corner.png", "-o", "out", *BACKENDS) == 0, bench.printed
    assert bench.doubles.paid == [3, 1, 3]
    return bench


@pytest.fixture
def healed(made):
    yield made
    made.doubles.heal()


def test_the_search_finds_keys_where_they_lie(bench):
    for name in IN_FILE:
        assert places_with(KEYS[name], [bench.folder], {}) == [str(bench.folder / ".env")]
    assert places_with("secret-9", [], {"a": b"Basic c2VjcmV0LTk=", "b": b"none"}) == ["a"]


def test_a_good_run_leaves_no_key(made):
    names = {path.name for path in (made.folder / "out" / "corner").iterdir()}
    assert {"scene.glb", "scene.json", "report.html", "run.json"} <= names
    assert list((made.folder / "cache" / "services").rglob("*.json"))
    assert made.leaks() == []


@pytest.mark.parametrize("stage", ["detect", "filter", "inpaint", "mesh"])
def test_services_that_repeat_the_key_they_refuse_do_not_spread_it(healed, stage):
    healed.doubles.refuse_aloud(KEYS)
    before, told = healed.doubles.paid, len(healed.printed)
    target = "corner.png" if stage == "detect" else "out/corner"
    options = {
        "detect": ("-o", "other", "--set", "detect.retry=1"),
        "filter": ("--only", "filter", "--set", "filter.retry=1"),
        "inpaint": ("--only", "inpaint", "--set", "inpaint.every_object=true"),
        "mesh": ("--only", "mesh", "--set", "mesh.face_limit=999"),
    }[stage]
    status = healed.cast(target, *BACKENDS, *options)
    assert (status == 0) is (stage == "filter")  # whose rules then decide
    assert "does not accept the key (401)" in healed.printed[told:]
    assert healed.doubles.paid == before
    assert healed.leaks() == []


def test_answers_that_cannot_be_read_and_hold_the_key_do_not_spread_it(healed):
    echo = [f"Bearer {key} and {key}" for key in KEYS.values()]
    for double in healed.doubles.all:
        double.fault(Answer.json({"id": echo, "code": echo, "status": echo}), times=1000)
    told = len(healed.printed)
    healed.cast("corner.png", "-o", "garbled", *BACKENDS, "--set", "detect.retry=2")
    healed.cast("out/corner", "--only", "mesh", *BACKENDS, "--set", "mesh.face_limit=998")
    assert "cannot be read" in healed.printed[told:]
    assert healed.leaks() == []


@pytest.fixture
def in_process(healed, monkeypatch):
    """The same keys and services for code that runs here."""
    for name, value in (healed.doubles.settings() | KEYS).items():
        monkeypatch.setenv(name, value)
    return healed


def test_a_traceback_shows_no_key_not_even_with_its_variables(in_process, tmp_path):
    in_process.doubles.refuse_aloud(KEYS)
    ready, _, _ = context(tmp_path)
    with pytest.raises(ServiceFailure) as raised:
        detect(DetectInputs(photo()), choose("detect", "replicate_ram"), ready)
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    text = "".join(shown.format())
    assert "does not accept the key" in text and "options = RamOptions(" in text
    assert not [name for name, key in KEYS.items() if key in text]
