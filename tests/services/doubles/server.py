"""The base of all doubles: an HTTP server in a thread, with scripted faults and a counter.

class MyDouble(Double):
    def __init__(self):
        super().__init__()
        self.route("POST", r"/v1/things", self.create)
        self.route("GET", r"/v1/things/(\\w+)", self.show)

    def create(self, request):
        self.paid.append(request.json())       # what the real service would charge for
        return Answer.json({"id": "a"}, 201)

    def show(self, request, thing):
        return Answer.json({"id": thing})

with MyDouble() as double:
    double.fault(Answer.json({}, 500), path="/v1/things", times=2)   # then as usual
    double.fault(Drop(after=True), method="POST")   # done, but the answer is lost
    ... double.url ...
    assert len(double.paid) == 1
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What came in. Header names are in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        """The key that was sent, without its scheme."""
        return self.headers.get("authorization", "").removeprefix("Bearer ").strip()


@dataclass(frozen=True)
class Answer:
    """What goes out.

    Attributes:
        body: bytes, or pieces that are made while they are sent (with ``length``).
        length: the Content-Length to tell; None takes the body's. A larger one than the body
            makes a truncated answer.
        delay_s: waits before the answer (a slow start).
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    delay_s: float = 0.0

    @staticmethod
    def json(value: Any, status: int = 200, **headers: str) -> Answer:
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return Answer(status, json.dumps(value).encode(), headers=names)

    @staticmethod
    def file(data: bytes, type: str = "application/octet-stream", **more: Any) -> Answer:
        return Answer(200, data, type, **more)


@dataclass(frozen=True)
class Drop:
    """The connection breaks. ``after``: the request was served, only its answer is lost."""

    after: bool = False


@dataclass(frozen=True)
class Hang:
    """No answer for so long. ``after``: the request was served, only its answer is late."""

    seconds: float
    after: bool = False


@dataclass(frozen=True)
class Instead:
    """The request was served, but this answer goes out in place of its own."""

    answer: Answer


@dataclass(frozen=True)
class Late:
    """The usual answer, so much later."""

    seconds: float


Fault = Answer | Drop | Hang | Instead | Late


@dataclass
class _Script:
    fault: Fault
    method: str
    path: str
    left: int


class Double:
    """A web service on this machine. Use it as a context manager.

    Attributes:
        paid: one entry per thing the real service would charge for; handlers append.
        seen: every request, in order.
        keys: accepted keys; empty accepts all. Change it to revoke one.
    """

    def __init__(self) -> None:
        self.paid: list[Any] = []
        self.seen: list[Request] = []
        self.keys: set[str] = set()
        self.open_paths: tuple[str, ...] = ("/files/",)
        self.lock = threading.RLock()
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = []
        self._scripts: list[_Script] = []
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self._stopping = threading.Event()

    # What a double is made of.

    def route(self, method: str, path: str, handler: Callable[..., Answer]) -> None:
        """``handler(request, *groups)`` answers what matches the whole path."""
        self._routes.append((method, re.compile(path), handler))

    def refuse_key(self) -> Answer:
        """How this service answers a key it does not know. Override it to fit."""
        return Answer.json({"detail": "You did not pass a valid authentication token"}, 401)

    def not_there(self) -> Answer:
        return Answer.json({"detail": "Not found."}, 404)

    # What tests ask for.

    def fault(self, fault: Fault, path: str = "", method: str = "", times: int = 1) -> None:
        """The next ``times`` requests whose path contains ``path`` meet the fault."""
        with self.lock:
            self._scripts.append(_Script(fault, method, path, times))

    def heal(self) -> None:
        """Forgets the faults that are still to come."""
        with self.lock:
            self._scripts.clear()

    def count(self, path: str, method: str = "") -> int:
        """How many requests matched."""
        return sum(path in r.path and method in ("", r.method) for r in list(self.seen))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begins to listen; after :meth:`stop`, at the same address as before."""
        double = self
        self._stopping.clear()

        class Handler(_Handler):
            owner = double

        ThreadingHTTPServer.daemon_threads = True
        ThreadingHTTPServer.request_queue_size = 128
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Connections are refused from now on."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    # How a request is served.

    def wait(self, seconds: float) -> None:
        """Sleeps, but not longer than the double lives."""
        self._stopping.wait(seconds)

    def serve(self, request: Request) -> Answer | None:
        """The answer, or None when the connection shall break."""
        with self.lock:
            self.seen.append(request)
            fault = self._next_fault(request)
        if isinstance(fault, Answer):
            return fault
        if isinstance(fault, Instead):
            self._usual(request)
            return fault.answer
        if isinstance(fault, Late):
            self.wait(fault.seconds)
        if isinstance(fault, (Drop, Hang)):
            if fault.after:
                self._usual(request)
            if isinstance(fault, Hang):
                self.wait(fault.seconds)
            return None
        return self._usual(request)

    def _next_fault(self, request: Request) -> Fault | None:
        for script in self._scripts:
            if (
                script.left
                and script.path in request.path
                and script.method in ("", request.method)
            ):
                script.left -= 1
                return script.fault
        return None

    def _usual(self, request: Request) -> Answer:
        is_open = any(request.path.startswith(p) for p in self.open_paths)
        if self.keys and not is_open and request.key not in self.keys:
            return self.refuse_key()
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return handler(request, *match.groups())
        return self.not_there()


class _Handler(BaseHTTPRequestHandler):
    owner: Double
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(
            self.command, parts.path, parse_qs(parts.query), headers, self._body(headers)
        )
        answer = self.owner.serve(request)
        if answer is None:
            self._break()
            return
        if answer.delay_s:
            self.owner.wait(answer.delay_s)
        try:
            self._send(answer)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _any

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(headers.get("content-length", 0)))

    def _send(self, answer: Answer) -> None:
        whole = answer.body if isinstance(answer.body, bytes) else None
        length = answer.length if answer.length is not None else len(whole or b"")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        sent = 0
        for piece in (whole,) if whole is not None else answer.body:
            self.wfile.write(piece)
            sent += len(piece)
        if sent < length:
            self._break()

    def _break(self) -> None:
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def log_message(self, format: str, *args: Any) -> None:
        pass


def wait_until(true: Callable[[], Any], seconds: float = 10.0) -> None:
    """Waits until ``true()``; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def free_address() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
