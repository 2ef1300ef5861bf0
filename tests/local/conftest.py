import sys
from pathlib import Path

import pytest

# importlib mode does not put the tests' folder on the path; the hub's double lies in it.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch, tmp_path):
    """Neither a token nor a cache of whoever runs the tests takes part in them."""
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CAST_DEVICE", "CAST_MODELS", "CAST_MODELS_GB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
