"""Fetching model files: checked, whole or not at all."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace

import pytest

from cast_nodes import assets
from cast_nodes.context import Folders
from cast_nodes.errors import StorageError

CONTENT = b"weights" * 100
FILE = assets.NpmFile(
    name="model.bin",
    package="@group/model",
    version="1.2.3",
    member="package/model.bin",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="MIT",
    used_for="a test",
)


def tarball(member="package/model.bin", content=CONTENT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path / "cache", tmp_path / "assets")


def serve(monkeypatch, data):
    calls = []

    def download(address):
        calls.append(address)
        return data

    monkeypatch.setattr(assets.shutil, "which", lambda name: None)
    monkeypatch.setattr(assets, "_download", download)
    monkeypatch.setattr(assets, "FILES", (FILE,))
    return calls


def test_a_file_is_fetched_once(monkeypatch, folders):
    calls = serve(monkeypatch, tarball())
    assert "fetched" in next(assets.fetch_all(folders))
    assert (folders.assets / "model.bin").read_bytes() == CONTENT
    assert "is there" in next(assets.fetch_all(folders))
    assert len(calls) == 1


def test_a_damaged_file_is_fetched_again(monkeypatch, folders):
    serve(monkeypatch, tarball())
    folders.assets.mkdir(parents=True)
    (folders.assets / "model.bin").write_bytes(b"half")
    list(assets.fetch_all(folders))
    assert (folders.assets / "model.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (tarball(content=b"replaced"), "SHA-256"),
        (tarball(member="package/other"), "has no package/model.bin"),
        (b"no archive", "damaged"),
    ],
)
def test_what_is_not_the_expected_file_leaves_nothing(monkeypatch, folders, data, word):
    serve(monkeypatch, data)
    with pytest.raises(assets.FetchError, match=word):
        list(assets.fetch_all(folders))
    assert not any(folders.assets.iterdir())


def test_the_registry_is_npms_own_setting(monkeypatch):
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    monkeypatch.delenv("npm_config_registry", raising=False)
    assert assets.registry() == assets.PUBLIC_REGISTRY
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://mirror.example/npm")
    assert assets.registry() == "https://mirror.example/npm/"
    address = assets.tarball_address(FILE, assets.registry())
    assert address == "https://mirror.example/npm/@group/model/-/model-1.2.3.tgz"


def test_an_unreachable_registry_is_named_without_its_password():
    with pytest.raises(assets.FetchError) as caught:
        assets._download("http://user:secret@127.0.0.1:9/@group/model.tgz")
    assert "127.0.0.1:9" in str(caught.value) and "secret" not in str(caught.value)


def test_an_unwritable_folder_is_a_storage_error(monkeypatch, folders):
    serve(monkeypatch, tarball())
    folders.assets.parent.mkdir(parents=True, exist_ok=True)
    folders.assets.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="CAST_ASSETS"):
        assets.fetch(replace(FILE), folders)
