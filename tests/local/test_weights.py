"""Weights of local models: looked up, downloaded whole, and told about before anything runs."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import replace

import numpy as np
import pytest
from hub_double import COMMIT, Hub

from cast_nodes.backends import Need
from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context, Folders
from cast_nodes.errors import BackendNotReady, BadInput, Cancelled, StorageError
from cast_nodes.local import hub as hub_module
from cast_nodes.local.lookup import (
    MANIFEST,
    find_weights,
    folder_name,
    is_whole,
    matching,
)
from cast_nodes.local.weights import Weights, weights_folder

constants = pytest.importorskip("huggingface_hub.constants")

LARGE = np.random.default_rng(0).integers(0, 256, 3_000_000, np.uint8).tobytes()
FILES = {"config.json": b'{"a": 1}', "model.pt": LARGE, "readme.md": b"# model"}
NEEDED = ("config.json", "model.pt")
TOKEN = "hf_" + "abcdefghij0123456789"


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setattr(hub_module, "WAIT_S", 0.0)
    # The client hands over 10 MB at a time; these files are smaller than that.
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100_000)
    with Hub(dict(FILES)) as double:
        monkeypatch.setenv("HF_ENDPOINT", double.url)
        yield double


@pytest.fixture
def context(tmp_path):
    steps = []
    made = Context(folders=Folders(tmp_path / "cache", tmp_path), progress=steps.append)
    object.__setattr__(made, "steps", steps)
    return made


@pytest.fixture
def place(context):
    return context.folders.models[0] / "owner" / "model"


def put(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


# What lies here already


def test_a_folder_or_file_of_the_users_is_taken_as_it_is(context, tmp_path):
    folder = put(tmp_path / "mine", config__json=b"{}", model__pt=b"x")
    assert weights_folder(str(folder), NEEDED, context) == folder
    assert weights_folder(str(folder / "model.pt"), NEEDED, context) == folder / "model.pt"


def test_a_folder_that_lacks_a_file_is_named_with_it(context, tmp_path):
    folder = put(tmp_path / "mine", config__json=b"{}")
    with pytest.raises(BadInput, match=r"mine lacks model\.pt"):
        weights_folder(str(folder), NEEDED, context)


@pytest.mark.parametrize("reference", ["", "  ", "/no/such/place", "one", "a/b/c", "../x/y"])
def test_what_is_neither_path_nor_repository_is_refused(context, reference):
    with pytest.raises(BadInput, match="weights"):
        weights_folder(reference, NEEDED, context)


def test_all_models_folders_and_the_hubs_own_cache_are_looked_into(context, tmp_path):
    second = tmp_path / "second"
    folders = Folders(tmp_path / "c", tmp_path, (tmp_path / "first", second))
    context = replace(context, folders=folders)
    assert find_weights("owner/model", NEEDED, context) is None
    cache = tmp_path / "hf" / "hub" / "models--owner--model"
    put(cache / "refs", main=COMMIT.encode())
    snapshot = put(cache / "snapshots" / COMMIT, config__json=b"{}", model__pt=b"x")
    assert find_weights("owner/model", NEEDED, context) == snapshot
    own = put(second / "owner" / "model", config__json=b"{}", model__pt=b"x")
    assert find_weights("owner/model", NEEDED, context) == own


def test_each_revision_has_a_folder_of_its_own():
    names = {folder_name(r) for r in ("o/m", "o/m@v1", "o/m@refs/pr/1")}
    assert len(names) == 3
    assert all(len(name.parts) == 2 for name in names)


def test_a_needed_file_is_a_name_a_pattern_or_one_of_several():
    names = ["model-1.safetensors", "model-2.safetensors", "pytorch_model.bin"]
    assert matching("model*.safetensors|pytorch_model.bin", names) == names[:2]
    assert matching("flax.msgpack|pytorch_model.bin", names) == names[2:]
    assert matching("tokenizer.json", names) == []


def test_a_checkpoint_in_pieces_counts_with_all_its_pieces(tmp_path):
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    folder = put(tmp_path / "m", **{"model-1__safetensors": b"x"})
    (folder / "model.safetensors.index.json").write_text(index)
    assert not is_whole(folder, ("model*.safetensors",))
    put(folder, **{"model-2__safetensors": b"x"})
    assert is_whole(folder, ("model*.safetensors",))


# Downloads, by the hub's own client from a stand-in of the hub


def test_a_repository_is_downloaded_once_and_only_what_is_needed(hub, context, place):
    assert weights_folder("owner/model", NEEDED, context) == place
    assert (place / "model.pt").read_bytes() == LARGE
    assert {p.name for p in place.iterdir()} == {"config.json", "model.pt", MANIFEST}
    assert json.loads((place / MANIFEST).read_text())["revision"] == COMMIT
    asked = len(hub.requests)
    assert weights_folder("owner/model", NEEDED, context) == place
    assert len(hub.requests) == asked


def test_optional_files_are_taken_where_the_hub_has_them(hub, context, place):
    weights_folder("owner/model", NEEDED, context, ("readme.md", "licence.txt"))
    assert (place / "readme.md").is_file()


def test_a_revision_is_downloaded_beside_the_newest(hub, context, place):
    folder = weights_folder("owner/model@v1", NEEDED, context)
    assert folder == place.with_name("model@v1")
    assert any("/revision/v1" in path for _, path, _, _ in hub.requests)


def test_progress_counts_up_to_the_whole(hub, context):
    weights_folder("owner/model", NEEDED, context)
    assert [s.done for s in context.steps] == sorted(s.done for s in context.steps)
    assert (context.steps[-1].done, context.steps[-1].total) == (3, 3)
    assert "owner/model" in context.steps[-1].label


def test_a_cut_download_is_taken_up_where_it_broke_off(hub, context, place):
    hub.cut_after = 1_000_000
    with pytest.raises(BackendNotReady, match="503"):
        weights_folder("owner/model", NEEDED, context)
    assert not place.exists()
    assert find_weights("owner/model", NEEDED, context) is None
    hub.down = 0
    weights_folder("owner/model", NEEDED, context)
    assert (place / "model.pt").read_bytes() == LARGE
    assert hub.asked_for("model.pt")[-1] == "bytes=1000000-"


def test_a_cut_is_mended_within_one_call_when_the_hub_goes_on(hub, context, place, monkeypatch):
    monkeypatch.setattr(type(hub), "down", property(lambda self: 0, lambda self, v: None))
    hub.cut_after = 1_000_000
    weights_folder("owner/model", NEEDED, context)
    assert (place / "model.pt").read_bytes() == LARGE


def test_a_store_that_knows_no_ranges_starts_again(hub, context, place):
    hub.cut_after = 1_000_000
    with pytest.raises(BackendNotReady):
        weights_folder("owner/model", NEEDED, context)
    hub.down, hub.ranges = 0, False
    weights_folder("owner/model", NEEDED, context)
    assert (place / "model.pt").read_bytes() == LARGE


def test_what_arrived_of_another_commit_is_not_continued(hub, context, place):
    hub.cut_after = 1_000_000
    with pytest.raises(BackendNotReady):
        weights_folder("owner/model", NEEDED, context)
    hub.down, hub.commit = 0, COMMIT[::-1]
    hub.files = {"config.json": b"{}", "model.pt": LARGE[::-1]}
    weights_folder("owner/model", NEEDED, context)
    assert (place / "model.pt").read_bytes() == LARGE[::-1]
    assert (place / "config.json").read_bytes() == b"{}"


def test_a_start_that_was_damaged_meanwhile_is_thrown_away(hub, context, place):
    hub.cut_after = 1_000_000
    with pytest.raises(BackendNotReady):
        weights_folder("owner/model", NEEDED, context)
    (part,) = place.with_name("model.part").glob("model.pt.*")
    part.write_bytes(b"\0" * 500_000)
    hub.down = 0
    weights_folder("owner/model", NEEDED, context)
    assert (place / "model.pt").read_bytes() == LARGE


def test_a_file_of_the_wrong_size_is_not_kept(hub, context, place):
    hub.listed = {"model.pt": LARGE + b"more"}
    with pytest.raises(BackendNotReady, match="owner/model"):
        weights_folder("owner/model", NEEDED, context)
    assert not place.exists()


def test_a_file_with_the_wrong_content_is_not_kept(hub, context, place):
    hub.listed = {"model.pt": LARGE[::-1]}
    with pytest.raises(BackendNotReady, match="damaged"):
        weights_folder("owner/model", NEEDED, context)
    assert not place.exists()
    assert not list(place.with_name("model.part").glob("model.pt*"))


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("owner/other", "no such repository"),
        ("owner/model@v9", "no such revision"),
    ],
)
def test_what_the_hub_does_not_have_is_said(hub, context, reference, told):
    with pytest.raises(BackendNotReady, match=told) as caught:
        weights_folder(reference, NEEDED, context)
    assert f"cast fetch {reference}" in str(caught.value)


def test_a_repository_without_a_needed_file_is_named(hub, context):
    with pytest.raises(BackendNotReady, match=r"no file vae\.pt"):
        weights_folder("owner/model", ("vae.pt",), context)


@pytest.mark.parametrize(("status", "told"), [(401, "HF_TOKEN"), (500, "status 500")])
def test_a_hub_that_refuses_is_said(hub, context, status, told):
    hub.down = status
    with pytest.raises(BackendNotReady, match=told):
        weights_folder("owner/model", NEEDED, context)


def test_a_licence_to_be_accepted_is_said(hub, context):
    hub.gated = True
    with pytest.raises(BackendNotReady, match="accepted the licence"):
        weights_folder("owner/model", NEEDED, context)


def test_no_network_names_repository_folder_and_command(context, place, monkeypatch):
    monkeypatch.setattr(hub_module, "WAIT_S", 0.0)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(BackendNotReady) as caught:
        weights_folder("owner/model", NEEDED, context)
    for part in ("owner/model", str(place), "cast fetch owner/model", "cannot be reached"):
        assert part in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_told_to_stay_offline_nothing_is_asked(hub, context, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BackendNotReady, match="HF_HUB_OFFLINE is set"):
        weights_folder("owner/model", NEEDED, context)
    assert not hub.requests


def test_the_token_goes_to_the_hub_alone_and_into_no_text(hub, context, monkeypatch, caplog):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    hub.cut_after = 1_000_000
    with pytest.raises(BackendNotReady) as caught:
        weights_folder("owner/model", NEEDED, context)
    at_hub = [a for _, path, _, a in hub.requests if path.startswith(("/api", "/owner"))]
    at_store = [a for _, path, _, a in hub.requests if path.startswith("/store")]
    assert at_hub[0] == f"Bearer {TOKEN}"
    assert at_store and not any(at_store)
    told = f"{caught.value} {caught.getrepr(style='long', showlocals=False)} {caplog.text}"
    assert TOKEN not in told
    assert "secretsignature" not in caplog.text


def test_a_full_disk_is_seen_before_the_download(hub, context, monkeypatch):
    from cast_nodes.local import download

    usage = type("Usage", (), {"free": 1_000})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match=r"owner/model.*GB are free.*CAST_MODELS"):
        weights_folder("owner/model", NEEDED, context)
    assert not hub.asked_for("model.pt")


def test_a_disk_that_fills_up_meanwhile_is_said_and_what_arrived_is_kept(hub, context, place):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))  # the kernel refuses the rest
    try:
        with pytest.raises(StorageError, match="what arrived is kept"):
            weights_folder("owner/model", NEEDED, context)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not place.exists()
    weights_folder("owner/model", NEEDED, context)
    assert (place / "model.pt").read_bytes() == LARGE


def test_a_models_folder_that_cannot_be_written_is_said(hub, context, tmp_path):
    (tmp_path / "file").write_text("")
    folders = Folders(tmp_path / "c", tmp_path, (tmp_path / "file",))
    with pytest.raises(StorageError, match="CAST_MODELS"):
        weights_folder("owner/model", NEEDED, replace(context, folders=folders))


def test_a_stop_ends_a_download_that_hangs_and_the_next_one_goes_on(hub, context, place):
    hub.hang = threading.Event()
    cancel = CancelToken()
    stopped = replace(context, cancel=cancel, progress=lambda step: None)
    threading.Timer(0.3, cancel.cancel).start()
    with pytest.raises(Cancelled):
        weights_folder("owner/model", ("model.pt",), stopped)
    assert not place.exists()
    hub.hang.set()
    hub.hang = None
    weights_folder("owner/model", ("model.pt",), context)
    assert (place / "model.pt").read_bytes() == LARGE


def test_two_who_ask_at_once_download_once(hub, context, place):
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(weights_folder("owner/model", NEEDED, context)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [place] * 3
    assert len(hub.asked_for("model.pt")) == 1


def test_a_folder_half_filled_by_hand_is_completed_and_other_files_stay(hub, context, place):
    put(place, config__json=b"old", notes__txt=b"mine")
    weights_folder("owner/model", NEEDED, context)
    assert is_whole(place, NEEDED)
    assert (place / "notes.txt").read_bytes() == b"mine"


# What is told before anything runs

WEIGHTS = Weights("owner/model", NEEDED, 1.3)


def test_weights_tell_where_they_lie_or_that_they_will_be_downloaded(hub, context, monkeypatch):
    assert WEIGHTS.state(context) == "owner/model will be downloaded at first use (1.3 GB)"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert WEIGHTS.state(context) == "owner/model is not there"
    monkeypatch.delenv("HF_HUB_OFFLINE")
    folder = WEIGHTS.folder(None, context)
    assert WEIGHTS.state(context) == f"owner/model lies at {folder}"


def test_weights_are_missing_only_where_they_cannot_be_downloaded(context, monkeypatch):
    need = Need.local_weights(WEIGHTS, "thing")
    assert need.present(context)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not need.present(context)
    assert "cast fetch thing" in need.mend
