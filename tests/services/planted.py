"""Doubles of the services of a whole run, planted keys, and the search for those keys."""

from __future__ import annotations

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from doubles.dashscope import DashScopeDouble
from doubles.replicate import Prediction, ReplicateDouble, mesh_outcome
from doubles.server import Answer
from doubles.tripo import TripoDouble
from PIL import Image
from service_scenes import labels, photo, saved

PACKAGES = ("replicate", "dashscope", "tripo3d")

KEYS = {
    "REPLICATE_API_TOKEN": "Zq7-planted-replicate-Xw93",
    "DASHSCOPE_API_KEY": "Zq7-planted-dashscope-Xw93",
    "TRIPO_API_KEY": "tsk_Zq7-planted-tripo-Xw93",
}
"""Shaped like no service's keys, so that nothing but knowing them can hide them (Tripo's SDK insists)."""

VERDICTS = json.dumps(
    {
        "keep": [
            {"id": 0, "occlusion_level": "some"},
            {"id": 1, "occlusion_level": "none"},
            {"id": 2, "occlusion_level": "none"},
        ],
        "remove": [],
        "reasoning": "a cabinet behind a box, and a lamp",
    }
)


class Doubles:
    """The three services that a graph of service backends asks."""

    def __init__(self) -> None:
        self.replicate, self.tripo, self.dashscope = (
            ReplicateDouble(), TripoDouble(), DashScopeDouble(),
        )  # fmt: skip
        self.replicate.outcome = self._outcome
        self.dashscope.answer = lambda asked: VERDICTS
        for double, name in zip(self.all, KEYS, strict=True):
            double.keys = {KEYS[name]}

    @property
    def all(self) -> tuple:
        return self.replicate, self.dashscope, self.tripo

    def _outcome(self, item: Prediction, add):
        """Each model's output, by the inputs that it alone has."""
        if "use_sam_hq" in item.input:
            return {
                "json_data": add("label.json", Answer.file(json.dumps(_found()).encode())),
                "masked_img": add("mask.png", Answer.file(saved(labels()), "image/png")),
            }
        if "input_image" in item.input:  # an editor that finds nothing to change
            upload = self.replicate.uploads[item.input["input_image"].rsplit("/", 1)[-1]]
            return add("out.png", Answer.file(upload, "image/png"))
        return mesh_outcome(item, add)

    def __enter__(self) -> Doubles:
        for double in self.all:
            double.start()
        return self

    def __exit__(self, *error: object) -> None:
        for double in self.all:
            double.stop()

    def refuse_aloud(self, keys: Mapping[str, str]) -> None:
        """From now on each service refuses its key, and repeats it in the answer."""
        said = [
            f"Incorrect API key provided: {key}. Authorization: Bearer {key}"
            for key in keys.values()
        ]
        bodies = (
            {"title": "Unauthenticated", "detail": said[0], "status": 401},
            {"code": "InvalidApiKey", "message": said[1], "request_id": "r-e"},
            {"code": 1002, "message": said[2]},
        )
        for double, body in zip(self.all, bodies, strict=True):
            double.fault(Answer.json(body, 401), times=1000)

    def heal(self) -> None:
        """They serve again."""
        for double in self.all:
            double.heal()

    @property
    def paid(self) -> list[int]:
        """How much was paid for at Replicate, DashScope, Tripo."""
        return [len(double.paid) for double in self.all]

    def settings(self) -> dict[str, str]:
        """What leads the pack to them, without keys."""
        found = {
            "REPLICATE_BASE_URL": self.replicate.url,
            "TRIPO_BASE_URL": self.tripo.url,
            "DASHSCOPE_HTTP_BASE_URL": self.dashscope.api,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        for name in ("REPLICATE", "TRIPO", "DASHSCOPE"):
            found |= {f"CAST_{name}_POLL": "0.1", f"CAST_{name}_BACKOFF": "0.05"}
        return found


def _found() -> dict:
    boxes = {"cabinet": [30, 40, 111, 131], "box": [80, 100, 151, 159], "lamp": [180, 36, 219, 151]}
    entries = [
        {"value": value, "label": name, "logit": 0.61, "box": box}
        for value, (name, box) in enumerate(boxes.items(), 1)
    ]
    return {"tags": ", ".join(boxes), "mask": [{"value": 0, "label": "background"}, *entries]}


def draw_corner(path: Path) -> None:
    """The photo of the three things that the double of RAM-Grounded-SAM finds."""
    Image.fromarray(photo().rgb).save(path)


def places_with(secret: str, roots: list[Path], answers: dict[str, bytes]) -> list[str]:
    """Where a key is found: in files below the folders, also packed ones, and in answers.

    Looked for as it is, quoted, in UTF-16 and in Base64 at any offset.
    """
    forms = list(_forms(secret))
    found = [name for name, data in answers.items() if _holds(data, forms)]
    for path in (p for root in roots for p in root.rglob("*")):
        if path.is_file():
            for part, data in _contents(path):
                if _holds(data, forms):
                    found.append(f"{path}{part}")
    return found


def _forms(secret: str) -> Iterator[bytes]:
    data = secret.encode()
    yield from (data, quote(secret, safe="").encode(), secret.encode("utf-16-le"))
    for offset in range(3):  # Base64 works on three bytes at a time: drop what neighbours change
        packed = base64.b64encode(b"\0" * offset + data)
        yield packed[4 if offset else 0 : len(packed) - 4]


def _holds(data: bytes, forms: list[bytes]) -> bool:
    return any(form in data for form in forms)


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """The file's bytes and what is packed in it: (name of the part, bytes)."""
    data = path.read_bytes()
    yield "", data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield f"!{name}", archive.read(name)
    elif data[:4] == b"\x89PNG":
        with Image.open(io.BytesIO(data)) as picture:
            yield "!text", repr(picture.info).encode()
    elif data[:1] == b"\x78":
        try:
            yield "!zlib", zlib.decompress(data)
        except zlib.error:
            return
