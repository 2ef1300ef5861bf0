"""Shared by the tests of services: doubles on this machine, no key of the user, short times."""

import sys
from pathlib import Path

import pytest

# importlib mode does not put the tests' folder on the path; the doubles lie in it.
sys.path.insert(0, str(Path(__file__).parent))

KEYS = (
    "REPLICATE_API_TOKEN", "TRIPO_API_KEY", "DASHSCOPE_API_KEY", "GEMINI_API_KEY",
    "GOOGLE_API_KEY", "OPENAI_API_KEY",
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_of_the_user(monkeypatch, tmp_path):
    """No key, .env file, proxy or cache of whoever runs the tests is used."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("CAST_CACHE", str(tmp_path / "cache"))
    home = tmp_path / "current"
    home.mkdir()
    monkeypatch.chdir(home)


@pytest.fixture
def short_times(monkeypatch):
    """Waits of all services shrunk, so that tests of waiting do not wait."""

    def shrink(*names: str) -> None:
        for name in names:
            prefix = f"CAST_{name.upper()}_"
            for what, value in {
                "POLL": "0.02", "BACKOFF": "0.01", "BACKOFF_MAX": "0.05", "SETTLE": "0.1",
                "READ_TIMEOUT": "1", "CONNECT_TIMEOUT": "1", "TASK_TIMEOUT": "3", "ATTEMPTS": "6",
            }.items():  # fmt: skip
                monkeypatch.setenv(prefix + what, value)

    return shrink
