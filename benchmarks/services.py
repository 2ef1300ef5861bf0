"""How long paid meshes take, for 1, 10 and 40 objects at once.

    python -m benchmarks.services [--seconds 5] [--objects 1,10,40] [--service replicate_trellis]

The stage, the backend and its real SDK run against a double of the service on this machine (see
``tests/services/doubles``) that takes ``--seconds`` for each mesh and, like the real one, works
on all of them at the same time. What is measured is therefore our own overhead and whether
objects wait for each other: with a limit of L tasks at once, N objects should take
``ceil(N / L) × seconds``, and must not take more than 1.3 times that. The network and the
service's own queue are not in it.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cast_nodes.backends import choose, get_backend
from cast_nodes.context import Context, Folders
from cast_nodes.mesh import MeshInputs, make_meshes
from cast_nodes.store import Store
from cast_nodes.types import Objects, Photo, SceneObject, View, Views

SERVICES = {
    "replicate_trellis": ("REPLICATE_BASE_URL", "REPLICATE_API_TOKEN", "r8_double"),
    "tripo3d": ("TRIPO_BASE_URL", "TRIPO_API_KEY", "tsk_double"),
}
BOUND = 1.3


@dataclass(frozen=True)
class Timing:
    """One measurement.

    Attributes:
        ideal_s: rounds × seconds of a mesh.
        paid: creations that the double counted.
    """

    service: str
    objects: int
    limit: int
    seconds: float
    ideal_s: float
    paid: int

    @property
    def ratio(self) -> float:
        return self.seconds / self.ideal_s


def measure(service: str, objects: int, mesh_s: float) -> Timing:
    """The time of the mesh stage for so many different objects, all of them paid for."""
    limit = get_backend("mesh", service).workers() or 1
    with tempfile.TemporaryDirectory() as folder, _led_to_a_double(service, mesh_s) as double:
        context = Context(store=Store(), folders=Folders(Path(folder), Path(folder)))
        inputs, choice = _inputs(objects), choose("mesh", service)
        begin = time.perf_counter()
        meshes = make_meshes(inputs, choice, context)
        seconds = time.perf_counter() - begin
    failed = [e.failure for e in meshes.entries if e.failure]
    if failed:
        raise RuntimeError(failed[0])
    ideal = math.ceil(objects / limit) * mesh_s
    return Timing(service, objects, limit, seconds, ideal, len(double.paid))


@contextmanager
def _led_to_a_double(service: str, mesh_s: float):
    """A double of the service, and the settings that lead the backend there."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "services"))
    from doubles.replicate import ReplicateDouble
    from doubles.tripo import TripoDouble

    url, key_name, key = SERVICES[service]
    kind = ReplicateDouble if service == "replicate_trellis" else TripoDouble
    before = {name: os.environ.get(name) for name in (url, key_name)}
    with kind(mesh_s) as double:
        os.environ |= {url: double.url, key_name: key}
        try:
            yield double
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def _inputs(count: int) -> MeshInputs:
    """Chairs of different colours."""
    objects, views = [], []
    for i in range(count):
        rgba = np.zeros((512, 512, 4), np.uint8)
        rgba[60:450, 100:400] = (40 + 5 * i % 200, 90, 160, 255)
        objects.append(SceneObject(i, "chair", 0.9, (0, 0, 512, 512)))
        views.append(View(i, rgba, rgba, (0, 0, 512, 512)))
    photo = Photo(np.zeros((512, 512, 3), np.uint8))
    return MeshInputs(Objects(photo, tuple(objects)), Views(tuple(views)))


def table(timings: list[Timing]) -> str:
    """Markdown."""
    lines = ["| service | objects | at once | s | ideal s | ratio | paid |", "| --- " * 7 + "|"]
    for t in timings:
        lines.append(
            f"| {t.service} | {t.objects} | {t.limit} | {t.seconds:.1f} | {t.ideal_s:.1f}"
            f" | {t.ratio:.2f} | {t.paid} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Prints the table; 1 when a bound is not kept."""
    parser = argparse.ArgumentParser(description="Wall time of paid meshes.")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--objects", default="1,10,40")
    parser.add_argument("--service", choices=list(SERVICES), action="append")
    parsed = parser.parse_args()
    measure((parsed.service or list(SERVICES))[0], 1, 0.1)  # imports are not measured
    timings = [
        measure(service, int(count), parsed.seconds)
        for service in parsed.service or SERVICES
        for count in parsed.objects.split(",")
    ]
    print(table(timings))
    return int(any(t.ratio > BOUND or t.paid != t.objects for t in timings))


if __name__ == "__main__":
    raise SystemExit(main())
