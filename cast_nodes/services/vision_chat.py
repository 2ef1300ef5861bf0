"""Asking a model that looks at pictures: one question, several samples, each answer checked.

A sample that cannot be had or read is one failed sample; what the others say still counts. Which
server is asked is a :class:`Vision`; the files of the services make them.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from ..content import content_key
from ..context import Context, Usage
from ..per_object import Task, run_tasks
from ..pictures_marks import MOST_SIDE_PX
from .answers import read_answer
from .calls import paid_call
from .policy import Service, retry_read

T = TypeVar("T")

JPEG_QUALITY = 90
SEEDS_A_RETRY = 100


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        text: the whole prompt.
        pictures: makes the (H, W, 3) uint8 pictures that go before the text, none with a longer
            side than the given one; called only when something is really sent.
        key: content key of what the pictures are made from.
        what: what is asked for, for messages ("which objects to keep").
        retry: how often the user asked for another answer; changes the model's dice.
    """

    text: str
    pictures: Callable[[int], Sequence[np.ndarray]]
    key: str
    what: str
    retry: int = 0


@dataclass(frozen=True)
class Reply:
    """What a model wrote, and how many tokens it counted (0 when it does not tell)."""

    text: str
    tokens: int = 0


@dataclass(frozen=True)
class Vision:
    """A model at a server.

    Attributes:
        send: (text, pictures as JPEG, seed, temperature) to the model's words. Sends one request
            and does not repeat it; raises whatever its SDK raises.
        paid: a request may cost money: it is then never repeated blindly, and its answer is kept
            on disk for good. What is free may be asked again.
        usd: list price of one request, for the record; 0 where there is none.
        side_px: longer side of the pictures at most.
    """

    service: Service
    model: str
    send: Callable[[str, Sequence[bytes], int, float], Reply]
    paid: bool = True
    usd: float = 0.0
    side_px: int = MOST_SIDE_PX


@dataclass(frozen=True)
class Samples(Generic[T]):
    """What came of a question: the answers that could be read, and why the others could not."""

    answers: tuple[T, ...]
    failures: tuple[str, ...]


def ask(
    vision: Vision,
    question: Question,
    check: Callable[[Any], T],
    samples: int,
    stage: str,
    context: Context,
) -> Samples[T]:
    """Asks ``samples`` times, at once as far as the service's limit allows.

    Args:
        check: JSON value to what was meant; raises ValueError with the reason when it is not
            what was asked for. An answer that does not pass is not kept.
        stage: for the progress.

    Raises:
        Cancelled, BackendNotReady.
    """
    temperature = 0.0 if samples == 1 else 0.7
    made: list[tuple[bytes, ...]] = []

    def pictures() -> tuple[bytes, ...]:
        if not made:
            made.append(tuple(jpeg_bytes(p) for p in question.pictures(vision.side_px)))
        return made[0]

    def task(number: int) -> Task[dict[str, str]]:
        key = content_key(
            "vision", vision.model, vision.service.url(), question.text, question.key,
            question.retry, vision.side_px, temperature, number,
        )  # fmt: skip
        seed = 1 + number + SEEDS_A_RETRY * question.retry
        label = f"answer {number + 1} of {samples}" if samples > 1 else "answer"

        def send() -> str:
            reply = vision.send(question.text, pictures(), seed, temperature)
            # Counted here: an answer that cannot be read is paid for as well.
            if vision.paid:
                context.spent(_usage(vision, reply, question.what))
            read_answer(reply.text, check, question.what)
            return reply.text

        def compute() -> dict[str, str]:
            if vision.paid:
                data = paid_call(vision.service, key, lambda: send().encode(), context, label)
                return {"text": data.decode()}
            return {"text": retry_read(send, vision.service, context, label)}

        return Task(label, key, compute, lambda reason: {"failure": reason})

    tasks = [task(number) for number in range(samples)]
    found = run_tasks(stage, tasks, context, vision.service.concurrency())
    answers, failures = [], []
    for one in found:
        if "text" in one:
            answers.append(read_answer(one["text"], check, question.what))
        else:
            failures.append(one["failure"])
    return Samples(tuple(answers), tuple(failures))


def jpeg_bytes(rgb: np.ndarray) -> bytes:
    """JPEG of an (H, W, 3) uint8 picture, colours at full resolution (lines stay sharp)."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return out.getvalue()


def data_uri(jpeg: bytes) -> str:
    """A JPEG as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def example(value: Any) -> str:
    """A JSON value as it is shown in a prompt."""
    return json.dumps(value, ensure_ascii=False)


def _usage(vision: Vision, reply: Reply, what: str) -> Usage:
    return Usage(
        service=vision.service.title,
        model=vision.model,
        units=float(reply.tokens),
        unit="tokens",
        estimate_usd=vision.usd,
        what=what,
    )
