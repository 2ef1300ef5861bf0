"""Starts the real ComfyUI and speaks its HTTP interface."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACK = Path(__file__).resolve().parents[2]

KEYS = (
    "REPLICATE_API_TOKEN", "TRIPO_API_KEY", "DASHSCOPE_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY",
)  # fmt: skip
"""The user's own keys are not for tests."""

NOWHERE = dict.fromkeys(
    (
        "REPLICATE_BASE_URL", "TRIPO_BASE_URL", "DASHSCOPE_HTTP_BASE_URL", "GOOGLE_GEMINI_BASE_URL",
        "HF_ENDPOINT",
    ),
    "http://127.0.0.1:9",
)  # fmt: skip
"""No test pays, also where a .env file of the user holds keys: services are asked here only; and none
fetches weights, also where there is a network."""

TORCHVISION_SHIM = """
import torch
torch._tv_schema_lib = torch.library.Library("torchvision", "DEF")
for n in ("nms", "qnms"):
    torch._tv_schema_lib.define(n + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
"""Beside a CPU build of torch the compiled half of torchvision may not load; ComfyUI imports it."""

START_S = 400
"""ComfyUI is ready after some 15 s, and after minutes on a machine that has too much to do."""

FRONT_END_SETTINGS = {"Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False}
"""No welcome dialog over the graph, and nothing that hides nodes on the screenshots."""

TEST_NODES = '''
"""Sources that core does not have: what the tests feed to the pack's nodes."""
import torch
from comfy_api.latest import ComfyExtension, io


class EmptyMasks(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="TestEmptyMasks", inputs=[], outputs=[io.Mask.Output()])

    @classmethod
    def execute(cls):
        return io.NodeOutput(torch.zeros(0, 64, 64))


class BoxMasks(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestBoxMasks",
            inputs=[io.Image.Input("image"), io.String.Input("boxes")],
            outputs=[io.Mask.Output()],
        )

    @classmethod
    def execute(cls, image, boxes):
        masks = []
        for line in boxes.splitlines():
            x0, y0, x1, y1 = (int(v) for v in line.split())
            mask = torch.zeros(image.shape[1:3])
            mask[y0:y1, x0:x1] = 1
            masks.append(mask)
        return io.NodeOutput(torch.stack(masks))


class Tests(ComfyExtension):
    async def get_node_list(self):
        return [EmptyMasks, BoxMasks]


async def comfy_entrypoint():
    return Tests()
'''


@dataclass(frozen=True)
class Run:
    """What became of one queued prompt.

    Attributes:
        status: "success" or "error" (also when stopped).
        outputs: what each node showed, by node id.
        cached: ids of the nodes that ComfyUI did not run again.
        error: the failed node's message, "" when there was none.
        messages: (event, data) as the server kept them.
    """

    status: str
    outputs: dict[str, Any]
    cached: frozenset[str]
    error: str
    messages: tuple[tuple[str, Any], ...]

    def report(self, node_id: str) -> dict[str, Any]:
        """What the stage on this node said it did: made, reused, failures, warnings, notes."""
        return self.outputs[node_id]["cast_report"][0]


class PromptRefused(Exception):
    """The server did not accept a prompt; holds its answer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(json.dumps(answer)[:2000])
        self.answer = answer

    def details(self, node_id: str) -> list[str]:
        return [e["details"] for e in self.answer["node_errors"][node_id]["errors"]]


class Server:
    """One ComfyUI process with a base directory of its own and the pack linked into it."""

    def __init__(
        self,
        comfyui: Path,
        python: str,
        base: Path,
        log: Path,
        settings: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """
        Args:
            log: the file that takes what it prints.
            settings: environment of its own, beside the tests'.
            arguments: more for ComfyUI's command line.
        """
        self.comfyui, self.python, self.base, self.log = comfyui, python, base, log
        self.settings, self.arguments = dict(settings or {}), arguments
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begins to run, with what an earlier start has left in the base directory."""
        if not (self.base / "custom_nodes").exists():
            self.furnish()
        command = [
            self.python, "main.py", "--cpu", "--port", str(self.port),
            "--base-directory", str(self.base),
            "--database-url", f"sqlite:///{self.base}/user/tests.db", *self.arguments,
        ]  # fmt: skip
        kept = {k: v for k, v in os.environ.items() if k not in KEYS}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.comfyui, stdout=log, stderr=subprocess.STDOUT,
                env=kept | NOWHERE | {"PYTHONUNBUFFERED": "1"} | self.settings,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                self.get("/system_stats")
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        self.stop()
        raise RuntimeError(f"ComfyUI did not start:\n{self.log.read_text()[-3000:]}")

    def furnish(self) -> None:
        """The base directory, with the pack in it; :meth:`start` does it when it is not done."""
        custom = self.base / "custom_nodes"
        for name in ("custom_nodes", "input", "output", "temp", "user", "models"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        (custom / "cast").symlink_to(PACK, target_is_directory=True)
        (custom / "cast_tests.py").write_text(TEST_NODES)
        settings = self.base / "user" / "default" / "comfy.settings.json"
        settings.parent.mkdir()
        settings.write_text(json.dumps(FRONT_END_SETTINGS))
        if subprocess.run(
            [self.python, "-c", "import torchvision"], capture_output=True
        ).returncode:
            self.before_start("aa_torchvision", TORCHVISION_SHIM)

    def before_start(self, name: str, code: str) -> None:
        """Has ComfyUI run ``code`` before anything is imported."""
        folder = self.base / "custom_nodes" / name
        folder.mkdir()
        (folder / "__init__.py").write_text("NODE_CLASS_MAPPINGS = {}\n")
        (folder / "prestartup_script.py").write_text(code)

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def kill(self) -> None:
        """Ends it without a word (SIGKILL, where there is such a thing)."""
        assert self._process
        self._process.kill()
        self._process.wait(20)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def get_bytes(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return answer.read()

    def post(self, path: str, body: Any = None) -> Any:
        data = json.dumps(body or {}).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def queue(self, prompt: dict[str, Any]) -> str:
        """Queues an API prompt and gives its id.

        Raises:
            PromptRefused: the server's validation did not accept it.
        """
        try:
            return self.post("/prompt", {"prompt": prompt, "client_id": "tests"})["prompt_id"]
        except urllib.error.HTTPError as error:
            raise PromptRefused(json.load(error)) from None

    def wait(self, prompt_id: str, seconds: float = 600) -> Run:
        """What became of a queued prompt."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            entry = self.get(f"/history/{prompt_id}").get(prompt_id)
            if entry:
                return _run(entry)
            time.sleep(0.2)
        raise TimeoutError(f"not done after {seconds} s; the log ends:\n{self.log_end()}")

    def run(self, prompt: dict[str, Any]) -> Run:
        return self.wait(self.queue(prompt))

    def picture(self, run: Run, node_id: str) -> bytes:
        """The first picture that a node shows, as PNG bytes."""
        shown = run.outputs[node_id]["images"][0]
        query = f"filename={shown['filename']}&subfolder={shown['subfolder']}&type={shown['type']}"
        return self.get_bytes(f"/view?{query}")

    def log_end(self) -> str:
        return self.log.read_text()[-3000:]


def _run(entry: dict[str, Any]) -> Run:
    status = entry["status"]
    messages = tuple((name, data) for name, data in status["messages"])
    cached = next((d["nodes"] for n, d in messages if n == "execution_cached"), [])
    error = next((d["exception_message"] for n, d in messages if n == "execution_error"), "")
    return Run(status["status_str"], entry["outputs"], frozenset(cached), error.strip(), messages)
