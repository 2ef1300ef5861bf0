"""Double of Tripo's HTTP API, version 3 (https://docs.tripo3d.ai), and its file store.

``POST /v3/files`` (multipart), ``POST /v3/generation/image-to-model``, ``GET /v3/tasks/<id>``,
``GET /v3/account/usage``. Answers come in the envelope ``{"code": 0, "data": …}``; errors as
``{"code", "message", "suggestion"}``. Results lie at ``/files/out/…`` and need no key.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from .glb import small_glb
from .replicate import _multipart_file, _time
from .server import Answer, Double, Request

CREDITS = 30


class TripoDouble(Double):
    """Tripo on this machine.

    Attributes:
        seconds: how long a task works.
        end: "success", "failed", "banned", "expired"; "" never ends.
        mesh: the answer that holds the mesh, or what makes one.
        good_until: addresses given at this look at a task or before answer 403.
        tasks: by id; a "status" in one of them fixes how it stands.
        shows_input: whether a task tells what it was made from.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.end = "success"
        self.mesh: Any = Answer.file(small_glb(), "model/gltf-binary")
        self.good_until = 0
        self.shows_input = True
        self.uploads: dict[str, bytes] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self._looks = 0
        self.route("POST", r"/v3/files", self._upload)
        self.route("POST", r"/v3/generation/image-to-model", self._create)
        self.route("GET", r"/v3/tasks/([\w-]+)", self._get)
        self.route("GET", r"/v3/account/usage", self._usage)
        self.route("GET", r"/files/out/([\w-]+)/(\d+)\.glb", self._file)

    def refuse_key(self) -> Answer:
        return Answer.json({"code": 1002, "message": "Authentication failed"}, 401)

    def not_there(self) -> Answer:
        return Answer.json({"code": 2001, "message": "Task not found"}, 404)

    def _upload(self, request: Request) -> Answer:
        token = f"file_{uuid.uuid4().hex}"
        self.uploads[token] = _multipart_file(request)
        return _good({"file_token": token})

    def _create(self, request: Request) -> Answer:
        body = request.json()
        if body.get("input") not in self.uploads:
            return Answer.json({"code": 1004, "message": "One of your parameters is invalid"}, 400)
        task_id = str(uuid.uuid4())
        with self.lock:
            self.tasks[task_id] = {"input": body, "begun": time.time()}
            self.paid.append(body)
        return _good({"task_id": task_id})

    def _status(self, task: dict[str, Any]) -> str:
        if "status" in task:
            return task["status"]
        passed = time.time() - task["begun"]
        if passed < self.seconds or not self.end:
            return "queued" if passed < self.seconds / 4 else "running"
        return self.end

    def _get(self, request: Request, name: str) -> Answer:
        task = self.tasks.get(name)
        if task is None:
            return self.not_there()
        status, output = self._status(task), {}
        if status == "success":
            with self.lock:
                self._looks += 1
                output = {"model_url": f"{self.url}/files/out/{name}/{self._looks}.glb?Signature=x"}
        return _good(
            {
                "task_id": name,
                "type": "image_to_model",
                "status": status,
                "input": task["input"] if self.shows_input else {},
                "output": output,
                "progress": 100 if status == "success" else 40,
                "created_at": _time(task["begun"]),
                "credits_consumed": CREDITS if status == "success" else 0,
                **({"error_code": 1001, "error_msg": "Fatal error"} if status == "failed" else {}),
            }
        )

    def _usage(self, request: Request) -> Answer:
        items = [
            {
                "task_id": name, "type": "image_to_model", "status": self._status(task),
                "created_at": _time(task["begun"]), "credits_consumed": CREDITS,
            }
            for name, task in reversed(self.tasks.items())
        ]  # fmt: skip
        return _good({"items": items})

    def _file(self, request: Request, name: str, look: str) -> Answer:
        if int(look) <= self.good_until:
            return Answer(403, b"<Error>Request has expired</Error>", "application/xml")
        return self.mesh() if callable(self.mesh) else self.mesh


def _good(data: Any) -> Answer:
    return Answer.json({"code": 0, "data": data})
