"""``cast check``, ``cast fetch`` and ``--device`` where local models are concerned."""

from __future__ import annotations

import json

import pytest

from cast_nodes.cli import main
from cast_nodes.local.fetch import weights_of_backends


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch, tmp_path):
    """No weights, no network, no settings of whoever runs the tests."""
    for name in ("CAST_MODELS", "CAST_DEVICE", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("CAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


def checked(capsys) -> dict:
    main(["check", "--json"])
    rows = json.loads(capsys.readouterr().out)["backends"]
    return {row["backend"]: row for row in rows}


def test_check_tells_that_weights_will_be_downloaded(capsys):
    pytest.importorskip("huggingface_hub")
    (state,) = checked(capsys)["moge"]["weights"]
    assert state == "Ruicheng/moge-2-vitl-normal will be downloaded at first use (1.3 GB)"


def test_check_tells_where_weights_lie(capsys, monkeypatch, tmp_path):
    place = tmp_path / "models" / "Ruicheng" / "moge-2-vitl-normal"
    place.mkdir(parents=True)
    (place / "model.pt").write_bytes(b"weights")
    monkeypatch.setenv("CAST_MODELS", str(tmp_path / "models"))
    (state,) = checked(capsys)["moge"]["weights"]
    assert state == f"Ruicheng/moge-2-vitl-normal lies at {place}"


def test_check_tells_what_is_missing_where_nothing_may_be_downloaded(capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    row = checked(capsys)["moge"]
    assert not row["ready"]
    assert any("cast fetch moge" in need["mend"] for need in row["missing"])


def test_fetch_by_name_of_backend_or_model_says_what_cannot_be_had(capsys, monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("cast_nodes.local.hub.WAIT_S", 0.0)
    for name in ("moge", "Ruicheng/moge-2-vitl-normal", "owner/model"):
        assert main(["fetch", name]) == 3
        told = capsys.readouterr().err
        assert "cannot be downloaded" in told and "127.0.0.1:9" in told


def test_fetch_of_what_has_no_weights_names_those_that_have(capsys):
    assert main(["fetch", "layout"]) == 2
    assert "moge" in capsys.readouterr().err


def test_every_backends_weights_can_be_fetched_by_its_name():
    known = weights_of_backends()
    assert known["moge"][0].files == ("model.pt",)
    for loads in known.values():
        for weights in loads:
            assert "/" in weights.reference and weights.files and weights.licence


def test_a_device_that_is_none_is_refused(capsys, tmp_path):
    from cast_nodes.errors import BadInput
    from cast_nodes.local.models import OwnModels

    with pytest.raises(BadInput, match="toaster"):
        _ = OwnModels("toaster").device
