"""Double of Replicate's HTTP API (https://replicate.com/docs/reference/http) and file store.

Files: ``POST /v1/files`` (multipart). Predictions: ``POST /v1/predictions``,
``POST /v1/models/<owner>/<name>/predictions``, ``GET /v1/predictions[/<id>]``,
``POST /v1/predictions/<id>/cancel``. Results lie at ``/files/out/<id>/…`` and need no key.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .glb import small_glb
from .server import Answer, Double, Request


@dataclass
class Prediction:
    """One prediction of the double. ``status`` is fixed when a test sets it."""

    id: str
    version: str
    model: str
    input: dict[str, Any]
    begun: float
    seconds: float
    status: str = ""
    error: str | None = None
    files: dict[str, Any] = field(default_factory=dict)


class ReplicateDouble(Double):
    """Replicate on this machine.

    Attributes:
        seconds: how long a prediction works.
        outcome: makes the output of a prediction; gets it and ``add(name, answer) -> address``.
        end: "succeeded" or "failed"; "" never ends.
        removed: ids whose output was removed.
        mesh: the answer that holds the mesh, or what makes one; None gives a small good mesh.
        clock_s: how far its clock is ahead of ours.
        good_until: results at addresses given at this look at a prediction or before are gone.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.end = "succeeded"
        self.outcome: Callable[[Prediction, Callable[[str, Answer], str]], Any] = mesh_outcome
        self.uploads: dict[str, bytes] = {}
        self.predictions: dict[str, Prediction] = {}
        self.removed: set[str] = set()
        self.mesh: Any = None
        self.good_until = 0
        self.clock_s = 0.0
        self._looks = 0
        self.route("POST", r"/v1/files", self._upload)
        self.route("POST", r"/v1/predictions", self._create)
        self.route("POST", r"/v1/models/([\w.-]+/[\w.-]+)/predictions", self._create_official)
        self.route("GET", r"/v1/predictions", self._list)
        self.route("GET", r"/v1/predictions/(\w+)", self._get)
        self.route("POST", r"/v1/predictions/(\w+)/cancel", self._cancel)
        self.route("GET", r"/files/out/(\w+)/(\d+)/(.+)", self._file)

    def refuse_key(self) -> Answer:
        return Answer.json(
            {"title": "Unauthenticated", "detail": "You did not pass a valid API token", "status": 401},
            401,
        )  # fmt: skip

    def _upload(self, request: Request) -> Answer:
        with self.lock:
            name = f"up{len(self.uploads)}x{int(time.time() * 1e6)}"
            self.uploads[name] = _multipart_file(request)
        url = f"{self.url}/v1/files/{name}"
        return Answer.json(
            {
                "id": name, "name": "view.png", "content_type": "image/png",
                "size": len(self.uploads[name]), "etag": "e", "checksums": {}, "metadata": {},
                "created_at": _time(time.time() + self.clock_s), "expires_at": None, "urls": {"get": url},
            },
            201,
        )  # fmt: skip

    def _create(self, request: Request) -> Answer:
        body = request.json()
        return self._begin(body.get("version", ""), "", body["input"])

    def _create_official(self, request: Request, model: str) -> Answer:
        return self._begin("hidden", model, request.json()["input"])

    def _begin(self, version: str, model: str, given: dict[str, Any]) -> Answer:
        owner, _, pinned = version.partition(":")
        with self.lock:
            item = Prediction(
                f"p{len(self.predictions)}q{int(time.time() * 1e6)}",
                pinned or version,
                model or owner or "owner/name",
                given,
                time.time() + self.clock_s,
                self.seconds,
            )
            self.predictions[item.id] = item
            self.paid.append(item)
        return Answer.json(self._show(item), 201)

    def _get(self, request: Request, name: str) -> Answer:
        item = self.predictions.get(name)
        return self.not_there() if item is None else Answer.json(self._show(item))

    def _list(self, request: Request) -> Answer:
        newest = sorted(self.predictions.values(), key=lambda p: -p.begun)
        shown = [self._show(item) for item in newest[:100]]
        return Answer.json({"previous": None, "next": None, "results": shown})

    def _cancel(self, request: Request, name: str) -> Answer:
        item = self.predictions[name]
        if not self._status(item)[1]:
            item.status = "canceled"
        return Answer.json(self._show(item))

    def _status(self, item: Prediction) -> tuple[str, bool]:
        """(status, ended)."""
        if item.status:
            return item.status, item.status in ("succeeded", "failed", "canceled")
        passed = time.time() + self.clock_s - item.begun
        if passed < item.seconds or not self.end:
            return ("starting" if passed < item.seconds / 4 else "processing"), False
        return self.end, True

    def _show(self, item: Prediction) -> dict[str, Any]:
        status, ended = self._status(item)
        gone = item.id in self.removed
        output = None
        if status == "succeeded" and not gone:
            with self.lock:
                self._looks += 1
                look = self._looks

            def add(name: str, answer: Answer) -> str:
                item.files[name] = answer
                return f"{self.url}/files/out/{item.id}/{look}/{name}"

            output = self.outcome(item, add)
        return {
            "id": item.id,
            "model": item.model,
            "version": item.version,
            "input": {} if gone else item.input,
            "data_removed": gone,
            "logs": "",
            "output": output,
            "error": (item.error or "CUDA out of memory") if status == "failed" else None,
            "status": status,
            "source": "api",
            "created_at": _time(item.begun),
            "started_at": _time(item.begun),
            "completed_at": _time(item.begun + item.seconds) if ended else None,
            "metrics": {"predict_time": item.seconds or 0.01} if ended else {},
            "urls": {
                "get": f"{self.url}/v1/predictions/{item.id}",
                "cancel": f"{self.url}/v1/predictions/{item.id}/cancel",
            },
        }

    def _file(self, request: Request, name: str, look: str, file: str) -> Answer:
        if int(look) <= self.good_until:
            return Answer(404, b"gone", "text/plain")
        answer = self.mesh or self.predictions[name].files[file]
        return answer() if callable(answer) else answer


def mesh_outcome(item: Prediction, add: Callable[[str, Answer], str]) -> dict[str, Any]:
    """What firtoz/trellis gives: the mesh, and nothing for what was not asked for."""
    mesh = Answer.file(small_glb(int(item.input.get("seed", 0))), "model/gltf-binary")
    return {
        "model_file": add("model.glb", mesh),
        "color_video": None,
        "gaussian_ply": None,
        "normal_video": None,
        "combined_video": None,
        "no_background_images": None,
    }


def _multipart_file(request: Request) -> bytes:
    """The first file of a multipart/form-data body (RFC 7578)."""
    boundary = request.headers["content-type"].split("boundary=")[1].strip('"').encode()
    for part in request.body.split(b"--" + boundary):
        head, _, body = part.partition(b"\r\n\r\n")
        if b"filename=" in head:
            return body.removesuffix(b"\r\n")
    return b""


def _time(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.isoformat().replace("+00:00", "Z")
