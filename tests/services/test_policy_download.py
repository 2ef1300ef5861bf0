"""Files from a service: complete, of the right kind, and never larger than allowed."""

import base64
import gzip
import io
import json
import struct
import threading
import zlib

import numpy as np
import pytest
from doubles.glb import small_glb
from doubles.server import Answer, Double, Hang, free_address
from PIL import Image

from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context, Folders
from cast_nodes.errors import Cancelled
from cast_nodes.services.download import (
    checked_glb,
    checked_picture,
    download,
    looks_like,
    picture_format,
)
from cast_nodes.services.policy import Service
from cast_nodes.services.troubles import Expired, ServiceFailure

SERVICE = Service("thing", "Thing", attempts=2, backoff_s=0.01, max_download_mb=1)


@pytest.fixture
def store():
    """A file store whose only file is ``store.file``."""

    class Store(Double):
        file = Answer()

    with Store() as double:
        double.route("GET", "/file", lambda request: double.file)
        double.address = double.url + "/file?Signature=abcdef0123456789"
        yield double


@pytest.fixture
def context(tmp_path):
    return Context(folders=Folders(tmp_path, tmp_path))


def png(width: int = 4, height: int = 3, mode: str = "RGB", kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height)).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_transfers_are_unpacked(store, context, encoding):
    data = np.random.default_rng(0).integers(0, 9, 700_000, np.uint8).tobytes()
    packed = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}[encoding](data)
    store.file = Answer.file(packed, headers={"Content-Encoding": encoding})
    assert download(store.address, SERVICE, context) == data


def test_nothing_compressed_is_asked_for(store, context):
    store.file = Answer.file(b"x")
    download(store.address, SERVICE, context)
    assert store.seen[0].headers["accept-encoding"] == "identity"


def test_a_compressed_transfer_that_is_cut_short_is_noticed(store, context):
    packed = gzip.compress(bytes(range(256)) * 99)[:-20]
    store.file = Answer.file(packed, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ServiceFailure, match="cut short"):
        download(store.address, SERVICE, context)


def test_a_file_larger_than_it_seems_is_stopped_at_the_limit(store, context):
    packed = gzip.compress(bytes(3 << 20))
    store.file = Answer.file(packed, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ServiceFailure, match="grows beyond the limit of 1 MB"):
        download(store.address, SERVICE, context)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_address_that_is_no_longer_good_is_told_apart(store, context, status):
    store.file = Answer(status, b"<Error/>", "application/xml")
    with pytest.raises(Expired):
        download(store.address, SERVICE, context)
    assert len(store.seen) == 1


def test_redirects_are_followed(store, context):
    store.route("GET", "/moved", lambda r: Answer(302, headers={"Location": "/file"}))
    store.file = Answer.file(b"here")
    assert download(store.url + "/moved", SERVICE, context) == b"here"


def test_signatures_are_in_no_message(store, context):
    store.file = Answer.json({}, 500)
    with pytest.raises(ServiceFailure) as caught:
        download(store.address, SERVICE, context)
    assert "abcdef" not in str(caught.value)
    dead = free_address() + "/file?Signature=abcdef0123456789"
    with pytest.raises(ServiceFailure) as caught:
        download(dead, SERVICE, context)
    assert "abcdef" not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "mesh.glb", ""])
def test_only_the_web_is_read(context, url):
    with pytest.raises(ServiceFailure, match="no address"):
        download(url, SERVICE, context)


def test_data_uris(context):
    data = small_glb()
    uri = "data:model/gltf-binary;base64," + base64.b64encode(data).decode()
    assert download(uri, SERVICE, context, "glb") == data
    assert download("data:,a%20b", SERVICE, context) == b"a b"
    with pytest.raises(ServiceFailure, match="damaged"):
        download("data:;base64,abc", SERVICE, context)
    with pytest.raises(ServiceFailure, match="limit of 1 MB"):
        download("data:;base64," + "A" * (2 << 20), SERVICE, context)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("glb", small_glb(), png()),
        ("picture", png(), small_glb()),
        ("picture", png(kind="JPEG"), b"<html>"),
        ("picture", png(kind="WEBP"), b"{}"),
        ("json", b' {"a": 1}', b"<html>"),
        ("bytes", b"anything", None),
    ],
)
def test_kinds_are_told_by_their_first_bytes(store, context, kind, good, bad):
    store.file = Answer.file(good)
    assert download(store.address, SERVICE, context, kind) == good
    if bad is not None:
        store.file = Answer.file(bad)
        with pytest.raises(ServiceFailure, match=looks_like(bad)):
            download(store.address, SERVICE, context, kind)


def test_a_stop_ends_a_slow_download(store, context):
    cancel = CancelToken()

    def drops():
        for _ in range(1000):
            yield b"x"
            threading.Event().wait(0.02)

    store.file = Answer(200, drops(), length=1000)
    threading.Timer(0.1, cancel.cancel).start()
    with pytest.raises(Cancelled):
        download(store.address, SERVICE, Context(cancel=cancel, folders=context.folders))


def test_a_download_that_drips_for_too_long_is_given_up(store, context, monkeypatch):
    monkeypatch.setenv("CAST_THING_TASK_TIMEOUT", "0.1")

    def drops():
        for _ in range(1000):
            yield b"x"
            threading.Event().wait(0.02)

    store.file = Answer(200, drops(), length=1000)
    with pytest.raises(ServiceFailure, match=r"takes over 0\.1 s"):
        download(store.address, SERVICE, context)


def test_no_answer_within_the_time_limit(store, context, monkeypatch):
    monkeypatch.setenv("CAST_THING_READ_TIMEOUT", "0.1")
    store.fault(Hang(1), times=2)
    with pytest.raises(ServiceFailure, match="did not answer in time"):
        download(store.address, SERVICE, context)


# Meshes and pictures that attack whoever reads them.


def glb_of(document: dict, binary: bytes = b"") -> bytes:
    text = json.dumps({"asset": {"version": "2.0"}, **document}).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        body += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def scene_with(primitive: dict, **more) -> dict:
    return {
        "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}], **more,
    }  # fmt: skip


ENORMOUS = {"componentType": 5126, "count": 1 << 40, "type": "VEC3"}


@pytest.mark.parametrize(
    "data",
    [
        glb_of(scene_with({"attributes": {"POSITION": 0}}, accessors=[ENORMOUS])),
        glb_of(scene_with({"attributes": {"POSITION": 0}}, accessors=[ENORMOUS | {"count": -5}])),
        glb_of(scene_with({"attributes": {"POSITION": 7}}, accessors=[])),
        glb_of({"scenes": [{"nodes": [0]}], "nodes": [{"children": [0]}]}),
        glb_of({"scenes": []}),
        b"glTF" + struct.pack("<II", 2, 1 << 31),
        struct.pack("<4sIII4s", b"glTF", 2, 24, 1 << 30, b"JSON") + bytes(4),
        small_glb()[:-200],
    ],
    ids=["count", "negative", "missing", "circle", "empty", "length", "chunk", "cut"],
)
def test_a_mesh_that_lies_is_refused(data):
    with pytest.raises(ServiceFailure, match=r"chair 3.*raise this object's retry"):
        checked_glb(data, "chair 3")


def test_a_deeply_nested_document_is_refused():
    text = b'{"asset": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text
    with pytest.raises(ServiceFailure):
        checked_glb(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body, "chair 3")


def test_a_good_mesh_passes_unchanged():
    assert checked_glb(small_glb(), "chair 3", pytest.fail) == small_glb()


def test_a_good_picture_passes():
    assert checked_picture(png(5, 4), "chair 3").size == (5, 4)


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", png(kind="JPEG")[:99], png(9000, 8000, "1")],
    ids=["none", "gif", "cut", "bomb"],
)
def test_a_picture_that_is_none_or_enormous_is_refused(data):
    with pytest.raises(ServiceFailure, match="chair 3: the picture that came back"):
        checked_picture(data, "chair 3")


def test_first_bytes():
    assert [picture_format(d) for d in (png(), png(kind="JPEG"), png(kind="WEBP"), b"RIFF")] == [
        "PNG", "JPEG", "WebP", "",
    ]  # fmt: skip
