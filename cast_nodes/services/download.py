"""Files from a service: complete, of the kind asked for, and not larger than allowed.

No key is sent along: results lie at public or signed addresses. A file is taken as it is on the
wire; compressed transfers are unpacked piece by piece within the same limit, so that a small
answer cannot become a large one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import errno
import io
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, Literal
from urllib.parse import unquote_to_bytes, urlsplit

from ..context import Context
from ..errors import StorageError
from .policy import Service, retry_read
from .secrets import redact
from .transport import http_timeout, trusted
from .troubles import Expired, Garbled, ServiceFailure, StatusError

FileKind = Literal["glb", "picture", "json", "bytes"]

_IN_MEMORY = 16 << 20
_PIECE = 1 << 18
_TEXT_TYPES = ("text/html", "application/xml", "text/xml")


def download(
    url: str,
    service: Service,
    context: Context,
    kind: FileKind = "bytes",
    what: str = "",
) -> bytes:
    """The file at ``url`` (http, https or data).

    Reads are free, so a download that breaks off, is cut short or meets a fault is repeated.

    Raises:
        Expired: the address is no longer good (403, 404, 410): ask the service for a new one.
        ServiceFailure: too large, of the wrong kind, or still failing; the message says which.
        StorageError: the disk is full.
        Cancelled: at once.
    """
    service = service.now()
    at = f"{what}: " if what else ""
    if url.startswith("data:"):
        data = _data_uri(url, service, at)
    elif urlsplit(url).scheme in ("http", "https"):
        data = retry_read(lambda: _get(url, service, context, kind, at), service, context, what)
    else:
        raise ServiceFailure(f"{at}{service.title} gave {redact(url[:80])!r}, which is no address")
    _check_kind(data, kind, service, at)
    return data


def _get(url: str, service: Service, context: Context, kind: FileKind, at: str) -> bytes:
    import httpx

    limit = int(service.max_download_mb * 2**20)
    begin, received = time.monotonic(), 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "cast-nodes"}
    with (
        httpx.Client(timeout=http_timeout(service), verify=trusted()) as client,
        client.stream("GET", url, headers=headers, follow_redirects=True) as got,
    ):
        if got.status_code in (401, 403, 404, 410):
            raise Expired(f"{got.status_code}")
        if got.status_code >= 400:
            raise StatusError(
                got.status_code,
                f"{got.reason_phrase} while downloading",
                got.headers.get("retry-after"),
            )
        length = _length(got.headers.get("content-length"))
        if length is not None and length > limit:
            raise _too_large(service, at, length)
        _check_type(got.headers.get("content-type", ""), kind, service, at)
        with _buffer(context) as file:

            def wire() -> Iterator[bytes]:
                nonlocal received
                for piece in got.iter_raw():  # as it comes in, however slowly
                    context.cancel.check()
                    received += len(piece)
                    if time.monotonic() - begin > service.task_timeout_s:
                        raise ServiceFailure(
                            f"{at}the download from {service.title} takes over"
                            f" {service.task_timeout_s:g} s; run again (it is not paid for again),"
                            f" or set CAST_{service.name.upper()}_TASK_TIMEOUT higher"
                        )
                    yield piece

            size = 0
            for piece in _unpacked(wire(), got.headers.get("content-encoding", "")):
                size += len(piece)
                if size > limit:
                    raise _too_large(service, at, None)
                _write(file, piece, context)
            if length is not None and received < length:
                raise ConnectionError(f"only {received} of {length} bytes arrived")
            file.seek(0)
            return file.read()


def _buffer(context: Context) -> IO[bytes]:
    """A nameless file that stays in memory while it is small."""
    folder = context.folders.cache / "services"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(folder) if folder.is_dir() else None)


def _write(file: IO[bytes], piece: bytes, context: Context) -> None:
    try:
        file.write(piece)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        full = error
    else:
        return
    raise StorageError(
        f"the download does not fit into {context.folders.cache} ({full.strerror}); free some space"
        " or move it with CAST_CACHE, then run again: what was paid for is kept at the service"
    )


def _unpacked(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The content of gzip or deflate, never more than ``_PIECE`` bytes at a time."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Garbled(f"content-encoding {encoding}")
    unpack = zlib.decompressobj(47 if "gzip" in encoding else 15)
    try:
        for piece in pieces:
            while piece:
                yield unpack.decompress(piece, _PIECE)
                piece = unpack.unconsumed_tail
        while rest := unpack.flush(_PIECE):
            yield rest
    except zlib.error as error:
        raise Garbled(f"damaged {encoding}: {error}") from None
    if not unpack.eof:
        raise ConnectionError("the compressed download is cut short")


def _length(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _too_large(service: Service, at: str, size: int | None) -> ServiceFailure:
    has = "grows beyond" if size is None else f"has {size / 2**20:.0f} MB, more than"
    return ServiceFailure(
        f"{at}the file from {service.title} {has} the limit of {service.max_download_mb:g} MB; set"
        f" CAST_{service.name.upper()}_MAX_MB higher and run again (it is not paid for again), or"
        " ask for fewer faces or a smaller texture"
    )


def _check_type(content_type: str, kind: FileKind, service: Service, at: str) -> None:
    """Refuses what is surely something else; many stores call everything octet-stream."""
    name = content_type.split(";")[0].strip().lower()
    pictures = name.startswith("image/")
    wrong = {
        "glb": pictures or name in _TEXT_TYPES,
        "picture": name in (*_TEXT_TYPES, "application/json") or name.startswith("model/"),
        "json": name in _TEXT_TYPES or pictures,
        "bytes": False,
    }[kind]
    if wrong:
        raise ServiceFailure(
            f"{at}{service.title} sent {name} where a {_name(kind)} was due; run again (it is not"
            " paid for again), or raise this object's retry for a new one"
        )


def _check_kind(data: bytes, kind: FileKind, service: Service, at: str) -> None:
    good: Callable[[bytes], Any] = {
        "glb": lambda d: d[:4] == b"glTF",
        "picture": picture_format,
        "json": lambda d: d.lstrip()[:1] in (b"{", b"["),
        "bytes": lambda d: True,
    }[kind]
    if good(data):
        return
    found = looks_like(data)
    raise ServiceFailure(
        f"{at}{service.title} sent {found} where a {_name(kind)} was due; run again (it is not paid"
        " for again), or raise this object's retry for a new one"
    )


def _name(kind: FileKind) -> str:
    return {"glb": "GLB mesh", "picture": "picture", "json": "JSON document", "bytes": "file"}[kind]


def picture_format(data: bytes) -> str:
    """ "PNG", "JPEG" or "WebP" by its first bytes; "" for anything else."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    return "WebP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def looks_like(data: bytes) -> str:
    """What a file is by its first bytes, for messages."""
    start = data[:512].lstrip()
    if not data:
        return "an empty file"
    if picture_format(data):
        return f"a {picture_format(data)} picture"
    if data[:4] == b"PK\x03\x04":
        return "a zip archive"
    if data[:4] == b"glTF":
        return "a GLB file"
    if start[:1] == b"<":
        return "a web page"
    if start[:1] in (b"{", b"["):
        return "JSON"
    return "a file of another kind"


def _data_uri(url: str, service: Service, at: str) -> bytes:
    head, comma, body = url.partition(",")
    limit = service.max_download_mb * 2**20
    if len(body) * 3 / 4 > limit:
        raise _too_large(service, at, int(len(body) * 3 / 4))
    try:
        if not comma:
            raise ValueError("no comma")
        return base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
    except (ValueError, binascii.Error):
        raise ServiceFailure(f"{at}{service.title} sent a damaged data URI; run again") from None


def checked_glb(data: bytes, name: str, warn: Callable[[str], None] = lambda s: None) -> bytes:
    """``data`` when our own reader finds a mesh in it.

    Args:
        name: for messages ("chair 3").
        warn: told one sentence when the file has faults that do not prevent its use.

    Raises:
        ServiceFailure: it cannot be read, holds no face, or more than a scene can bear.
    """
    from ..errors import CastError
    from ..gltf_check import faults
    from ..mesh_data import read_glb
    from ..mesh_files import check_size

    try:
        check_size(read_glb(data, f"the mesh of {name}"), f"the mesh of {name}")
    except CastError as error:
        reason = str(error)
    except (RecursionError, MemoryError):
        reason = f"the mesh of {name} is damaged: its structure is without end"
    else:
        found = faults(data)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            warn(f"{name}: the mesh has a small fault: {found[0]}{more}")
        return data
    raise ServiceFailure(
        f"{reason.split('; ')[0]}: what the service made cannot be used; raise this object's retry"
        " for a new one"
    )


def checked_picture(data: bytes, name: str, max_pixels: int = 64 << 20) -> Any:
    """``data`` as a loaded Pillow image.

    Raises:
        ServiceFailure: damaged, or so many pixels that it must be a mistake or a bomb.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
        if image.width * image.height <= max_pixels:
            image.load()
            return image
        reason = f"has {image.width}x{image.height} pixels"
    except Exception as error:  # Pillow's decoders fail in many ways
        reason = f"cannot be read ({redact(error)})"
    raise ServiceFailure(
        f"{name}: the picture that came back {reason}; raise this object's retry for a new one"
    )
