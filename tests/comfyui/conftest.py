"""A real ComfyUI with the pack in it, and a real browser in front of it.

Settings (environment):
    COMFYUI_DIR           a ComfyUI checkout; also found when the pack lies in its custom_nodes
    COMFYUI_PYTHON        its Python; otherwise the checkout's .venv or venv, or this one
    CHROMIUM              the browser's program; otherwise looked for on the path
    CAST_ARTEFACTS        folder for screenshots and logs; otherwise a temporary one
    CAST_REQUIRE_COMFYUI  set to 1, nothing is skipped: what is missing fails
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .browser import Browser
from .server import PACK, Server

HERE = Path(__file__).parent


def absent(reason: str) -> None:
    """Skips, or fails where nothing may be skipped."""
    if os.environ.get("CAST_REQUIRE_COMFYUI") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def comfyui_dir() -> Path:
    """The checkout that the tests run."""
    named = os.environ.get("COMFYUI_DIR")
    if named:
        if not (Path(named) / "main.py").is_file():
            absent(f"COMFYUI_DIR={named} holds no main.py of ComfyUI")
        return Path(named).resolve()
    if PACK.parent.name == "custom_nodes" and (PACK.parent.parent / "main.py").is_file():
        return PACK.parent.parent
    absent("COMFYUI_DIR is not set: name a ComfyUI checkout (version 0.33.0 or later)")
    raise AssertionError


def comfyui_python(folder: Path) -> str:
    """The program that runs it."""
    if os.environ.get("COMFYUI_PYTHON"):
        return os.environ["COMFYUI_PYTHON"]
    for venv in (".venv", "venv"):
        for program in ("bin/python", "Scripts/python.exe"):
            if (folder / venv / program).is_file():
                return str(folder / venv / program)
    import sys

    return sys.executable


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots and the server's log are left for people to look at."""
    named = os.environ.get("CAST_ARTEFACTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, artefacts: Path) -> Iterator[Server]:
    """The server, started once on a free port with a base directory of its own."""
    folder = comfyui_dir()
    base, log = tmp_path_factory.mktemp("comfyui"), artefacts / "comfyui.log"
    log.unlink(missing_ok=True)
    server = Server(folder, comfyui_python(folder), base, log)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser(server: Server) -> Iterator[Browser]:
    """Headless Chromium on the server's page."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not program:
        absent("no Chromium on the path: install it or name it in CHROMIUM")
    if not shutil.which("node"):
        absent("no node on the path: it drives the browser")
    folder = HERE / "driver"
    if not (folder / "node_modules" / "playwright-core").is_dir():
        npm = shutil.which("npm")
        if not npm:
            absent("no npm on the path: it installs playwright-core, which drives the browser")
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            absent(f"npm install in {folder} failed: {done.stderr.strip()[-300:]}")
    browser = Browser(folder / "drive.mjs", str(program))
    browser.open_comfyui(server.url)
    yield browser
    browser.close()


PAGE = {"width": 2400, "height": 1350}
"""Size of the page at the start (driver/drive.mjs)."""


@pytest.fixture
def setting(browser: Browser) -> Iterator[Callable[[str, Any], None]]:
    """Sets a setting of the front end; it and the size of the page are set back afterwards."""
    before: dict[str, Any] = {}
    get = "return app.extensionManager.setting.get(argument) ?? null;"
    change = """
        await app.extensionManager.setting.set(argument.name, argument.value);
        await new Promise((done) => setTimeout(done, 1500));
    """

    def put(name: str, value: Any) -> None:
        before.setdefault(name, browser.run(get, name))
        browser.run(change, {"name": name, "value": value})

    yield put
    for name, value in before.items():
        browser.run(change, {"name": name, "value": value})
    browser.viewport(**PAGE)
