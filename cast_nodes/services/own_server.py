"""A server of one's own that runs a Cog model: nothing is paid, nothing is uploaded elsewhere.

It is asked through Replicate's interface (``/v1/predictions``) where it has that, as gateways
do, and otherwise through Cog's own (https://cog.run/http), as the model's container does: there
``PUT /predictions/<id>`` answers when it is done, and asking again with the same id is safe.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..errors import BadInput
from .policy import Service
from .replicate import create_prediction, replicate_client, state_of
from .secrets import setting
from .task_api import Lookup, TaskApi, TaskState
from .transport import said_in
from .troubles import StatusError

_COG = "cog-"


def own_server(url: str, name: str, title: str) -> Service:
    """A server at ``url``. It gets no key: the user's belongs to another service.

    Raises:
        BadInput: no http or https address.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise BadInput(f"base_url {url!r} is no address; write it like http://127.0.0.1:5000")
    return Service(name=name, title=title, default_url=url, limit=1, poll_s=1.0)


def own_url(option: str, name: str) -> str:
    """The server that the option or the setting ``name`` tells of; "" for none."""
    return (option.strip() or setting(name) or "").rstrip("/")


def own_prediction_api(
    service: Service,
    reference: str,
    inputs: Mapping[str, Any],
    files: Mapping[str, bytes | Sequence[bytes]],
) -> TaskApi:
    """One prediction there; arguments as in :func:`~.replicate.prediction_api`."""
    given = dict(inputs) | {
        name: _data_uri(value) if isinstance(value, bytes) else [_data_uri(v) for v in value]
        for name, value in files.items()
    }

    def create(prepared: dict[str, Any]) -> str:
        try:
            return create_prediction(replicate_client(service), reference, given)
        except StatusError as error:
            if error.status not in (404, 405):
                raise
        return _COG + uuid.uuid4().hex

    def poll(task_id: str) -> TaskState:
        if task_id.startswith(_COG):
            return _ask_cog(service, task_id, given)
        return state_of(replicate_client(service).predictions.get(task_id))

    def cancel(task_id: str) -> None:
        if task_id.startswith(_COG):
            _post(service, f"/predictions/{task_id}/cancel")
        else:
            replicate_client(service).predictions.cancel(task_id)

    def find(prepared: dict[str, Any], since: float) -> Lookup:
        return Lookup(conclusive=True)  # asking twice costs nothing here

    return TaskApi(create, poll, dict, cancel, find, None)


def _ask_cog(service: Service, task_id: str, given: Mapping[str, Any]) -> TaskState:
    """Begins the prediction, or joins it where it is at work, and waits for its end."""
    import httpx

    service = service.now()
    response = httpx.put(
        f"{service.url()}/predictions/{task_id}",
        json={"input": given},
        timeout=httpx.Timeout(service.task_timeout_s, connect=service.connect_timeout_s),
    )
    if response.status_code == 409:  # at work for somebody else
        return TaskState("waiting")
    if response.status_code >= 400:
        raise StatusError(
            response.status_code, said_in(response), response.headers.get("retry-after")
        )
    value = response.json()
    status: Any = {"succeeded": "done", "failed": "failed", "canceled": "cancelled"}.get(
        value.get("status"), "waiting"
    )
    return TaskState(status, value.get("output"), str(value.get("error") or ""))


def _post(service: Service, path: str) -> None:
    import httpx

    httpx.post(service.url() + path, timeout=service.now().read_timeout_s)


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
