"""A stand-in for the model hub on this machine, spoken to by the hub's own client.

It answers what the client asks for a download: the list of a repository's files with sizes and
hashes, and the files themselves, by byte ranges, from another address than the hub's own.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository, ``owner/model``, and the faults it is told to have.

    Attributes:
        files: by name.
        listed: what the list says instead of a file's true content.
        cut_after: the connection breaks after so many bytes of a file.
        down: every request is answered with this status; 0 for none.
        gated: files are refused with 403.
        hang: set to let the sending of files go on.
        requests: (method, path, Range, Authorization) of everything that was asked.
    """

    files: dict[str, bytes]
    listed: dict[str, bytes] = field(default_factory=dict)
    commit: str = COMMIT
    cut_after: int | None = None
    down: int = 0
    gated: bool = False
    ranges: bool = True
    hang: threading.Event | None = None
    requests: list[tuple[str, str, str, str]] = field(default_factory=list)

    def __enter__(self) -> Hub:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments) -> None:
                pass

            def do_GET(self) -> None:
                hub.answer(self)

            do_HEAD = do_GET

        # Files come from an address of their own, as at the real hub.
        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error) -> None:
        if self.hang is not None:
            self.hang.set()
        for server in self.servers:
            server.shutdown()
            server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.servers[0].server_port}"

    @property
    def store(self) -> str:
        return f"http://127.0.0.1:{self.servers[1].server_port}"

    def asked_for(self, name: str) -> list[str]:
        """The byte ranges that were asked of a file's store, "" for the whole."""
        return [r for method, path, r, _ in self.requests if path == f"/store/{name}"]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path)
        header = handler.headers
        self.requests.append(
            (handler.command, path, header.get("Range", ""), header.get("Authorization", ""))
        )
        if self.down:
            return self._send(handler, self.down, b"down")
        if path.startswith("/api/models/"):
            return self._list(handler, path.removeprefix("/api/models/"))
        if path.startswith("/store/"):
            return self._file(handler, self.files[path.removeprefix("/store/")])
        found = re.fullmatch(rf"/owner/model/resolve/{self.commit}/(.+)", path)
        if not found:
            return self._send(handler, 404, b"", {"X-Error-Code": "RepoNotFound"})
        if self.gated:
            return self._send(handler, 403, b"", {"X-Error-Code": "GatedRepo"})
        place = f"{self.store}/store/{found[1]}?Signature=secretsignature"
        return self._send(handler, 302, b"", {"Location": place})

    def _list(self, handler: BaseHTTPRequestHandler, asked: str) -> None:
        repository, _, revision = asked.partition("/revision/")
        if repository != "owner/model":
            return self._send(handler, 404, b"", {"X-Error-Code": "RepoNotFound"})
        if revision not in ("", "main", "v1", self.commit):
            return self._send(handler, 404, b"", {"X-Error-Code": "RevisionNotFound"})
        siblings = [
            _listed(name, self.listed.get(name, content)) for name, content in self.files.items()
        ]
        document = {"id": "owner/model", "sha": self.commit, "siblings": siblings}
        return self._send(handler, 200, json.dumps(document).encode())

    def _file(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(found[1]) if found and self.ranges else 0
        rest = content[start:]
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(rest)))
        if start:
            total = len(content)
            handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        handler.end_headers()
        if handler.command == "HEAD":
            return
        if self.hang is not None:
            handler.wfile.write(rest[:1000])
            handler.wfile.flush()
            self.hang.wait(20)
            rest = rest[1000:]
        if self.cut_after is not None and len(rest) > self.cut_after:
            handler.wfile.write(rest[: self.cut_after])
            handler.close_connection = True
            self.cut_after, self.down = None, 503
            return
        handler.wfile.write(rest)

    def _send(
        self, handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict | None = None
    ) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)


def _listed(name: str, content: bytes) -> dict:
    entry = {"rfilename": name, "size": len(content), "blobId": hashlib.sha1(content).hexdigest()}
    if len(content) > 10_000:
        sha256 = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 130}
    return entry
