"""Replicate: predictions through the official SDK. Interface: https://replicate.com/docs/reference/http

Pictures are uploaded first (free); the address of the upload, unlike any other, recognises the
prediction in the account's list when its creation was not answered.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..backends import Need
from ..context import Usage
from .key_need import key_need
from .policy import Service
from .secrets import secret
from .task_api import Lookup, TaskApi, TaskState
from .transport import http_timeout, status_transport
from .troubles import Garbled, iso_seconds

REPLICATE = Service(
    name="replicate",
    title="Replicate",
    key_setting="REPLICATE_API_TOKEN",
    key_page="https://replicate.com/account/api-tokens",
    tasks_page="https://replicate.com/predictions",
    default_url="https://api.replicate.com",
    base_url_setting="REPLICATE_BASE_URL",
    limit=10,
    poll_s=1.0,
)

NEEDS = (
    Need.package("replicate", "'cast-scene[services]'"),
    key_need(REPLICATE.key_setting, REPLICATE.key_page),
)

_CLOCK_SLACK_S = 3600.0
_PAGES = 5
_UPLOAD = re.compile(r"https?://[^\s\"]+/files/[^\s\"]+")
_STATUS = {
    "starting": "waiting",
    "processing": "waiting",
    "succeeded": "done",
    "failed": "failed",
    "canceled": "cancelled",
    "aborted": "cancelled",
}


def replicate_client(service: Service) -> Any:
    """The SDK's client; it neither retries nor waits by itself."""
    from replicate.client import Client

    service = service.now()
    key = secret(service.key_setting) if service.key_setting else None
    return Client(
        api_token=key.reveal() if key else "none",
        base_url=service.url(),
        timeout=http_timeout(service),
        transport=status_transport(service),
    )


def prediction_api(
    reference: str,
    inputs: Mapping[str, Any],
    files: Mapping[str, bytes | Sequence[bytes]],
    usage: Callable[[TaskState], Usage | None] | None = None,
    service: Service = REPLICATE,
) -> TaskApi:
    """One prediction as a task.

    Args:
        reference: ``owner/name:version`` (pinned), or ``owner/name`` for an official model.
        inputs: the model's plain inputs, JSON-ready.
        files: its picture inputs: PNG bytes, or a list of them, by name of the input.
    """

    def prepare() -> dict[str, Any]:
        client, times = replicate_client(service), []

        def upload(data: bytes, name: str) -> str:
            made = client.files.create(io.BytesIO(data), filename=name, content_type="image/png")
            url = (made.urls or {}).get("get", "")
            if not url:
                raise Garbled("the upload has no address")
            times.append(made.created_at)
            return url

        addresses = {
            name: upload(value, f"{name}.png")
            if isinstance(value, bytes)
            else [upload(item, f"{name}_{i}.png") for i, item in enumerate(value)]
            for name, value in files.items()
        }
        return {"inputs": addresses, "uploaded_at": times[0] if times else None}

    def create(prepared: dict[str, Any]) -> str:
        given = {**inputs, **prepared["inputs"]}
        return create_prediction(replicate_client(service), reference, given)

    def poll(task_id: str) -> TaskState:
        return state_of(replicate_client(service).predictions.get(task_id))

    def cancel(task_id: str) -> None:
        replicate_client(service).predictions.cancel(task_id)

    def find(prepared: dict[str, Any], since: float) -> Lookup:
        return find_prediction(replicate_client(service), prepared, since)

    return TaskApi(create, poll, prepare, cancel, find, usage)


def create_prediction(client: Any, reference: str, inputs: dict[str, Any]) -> str:
    """Starts a prediction; returns its id."""
    model, _, version = reference.partition(":")
    if version:
        made = client.predictions.create(version=version, input=inputs)
    else:
        made = client.predictions.create(model=model, input=inputs)
    if not made.id:
        raise Garbled("the prediction has no id")
    return made.id


def state_of(prediction: Any) -> TaskState:
    """What the SDK's prediction says. An unknown status counts as still at work."""
    status: Any = _STATUS.get(prediction.status, "waiting")
    seconds = float((prediction.metrics or {}).get("predict_time") or 0.0)
    message = str(prediction.error or "")
    output = prediction.output
    if status == "done" and output is None:
        status, message = "failed", "its result was removed (Replicate keeps results for an hour)"
    return TaskState(status, output, message, seconds)


def find_prediction(client: Any, prepared: dict[str, Any], since: float) -> Lookup:
    """Looks for the prediction that was made from these uploads.

    Not being there is conclusive only when every prediction of that time shows which uploads it
    was made from (Replicate removes inputs after an hour). Times are compared by the service's own
    clock, that of the upload; this machine's may be wrong.
    """
    since = iso_seconds(prepared.get("uploaded_at")) or since - _CLOCK_SLACK_S
    ours = _uploads(prepared)
    if not ours:
        return Lookup()
    conclusive, page = True, client.predictions.list()
    for _ in range(_PAGES):
        for item in page.results:
            if 0 < iso_seconds(item.created_at) < since:
                return Lookup(conclusive=conclusive)
            shown = _uploads(item.input)
            if shown & ours:
                return Lookup(item.id)
            conclusive &= bool(shown)
        if not page.next:
            return Lookup(conclusive=conclusive)
        page = client.predictions.list(page.next)
    return Lookup()


def _uploads(value: Any) -> set[str]:
    return set(_UPLOAD.findall(json.dumps(value)))
