"""Tripo3D: image to mesh through the official SDK (apiv3). Interface: https://docs.tripo3d.ai

The SDK is asynchronous; each call runs in a loop of its own in the thread of its object.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from ..backends import Need
from ..context import Usage
from .key_need import key_need
from .policy import Service
from .secrets import secret
from .task_api import Lookup, TaskApi, TaskState
from .transport import message_in
from .troubles import Garbled, StatusError, iso_seconds

TRIPO = Service(
    name="tripo",
    title="Tripo",
    key_setting="TRIPO_API_KEY",
    key_page="https://platform.tripo3d.ai/api-keys",
    tasks_page="https://platform.tripo3d.ai/usage",
    default_url="https://openapi.tripo3d.ai",
    base_url_setting="TRIPO_BASE_URL",
    limit=10,
    poll_s=5.0,
    task_timeout_s=600.0,
)

NEEDS = (
    Need.package("tripo3d", "'cast-scene[services]'"),
    key_need(TRIPO.key_setting, TRIPO.key_page),
)

_BY_CODE = {1000: 500, 1001: 500, 1002: 401, 1005: 403, 2000: 429, 2010: 402}
"""HTTP status by Tripo's own code (https://docs.tripo3d.ai/get-started/errors-and-error-handling)."""
_CLOCK_SLACK_S = 3600.0
_LOOKED_AT = 20
_STATUS = {
    "success": "done",
    "failed": "failed",
    "banned": "failed",
    "expired": "failed",
    "cancelled": "cancelled",
}
_REASON = {
    "banned": "the picture was refused by the content filter",
    "expired": "its result has expired",
}


def image_to_model_api(
    png: bytes, model_version: str, usage: Callable[[TaskState], Usage | None], **options: Any
) -> TaskApi:
    """One image-to-model task.

    Args:
        options: passed to the SDK's ``image_to_model``.
    """

    def prepare() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "view.png"
            path.write_bytes(png)
            made = _ask(lambda client: client.upload_file(path))
        return {"file_token": made["file_token"]}

    def create(prepared: dict[str, Any]) -> str:
        token = prepared["file_token"]
        return _ask(lambda client: client.image_to_model(token, model_version, **options))

    def poll(task_id: str) -> TaskState:
        return state_of(_ask(lambda client: client.get_task(task_id)))

    return TaskApi(create, poll, prepare, None, _find, usage)


def state_of(task: Any) -> TaskState:
    """What the SDK's task says; the output is the mesh's address."""
    name = task.status.value
    status: Any = _STATUS.get(name, "waiting")
    message = str(task.error_msg or _REASON.get(name, ""))
    output = task.output.pbr_model or task.output.model_url or task.output.model
    if status == "done" and not output:
        status, message = "failed", "it holds no mesh"
    return TaskState(status, output, message, 0.0, float(task.credits_consumed or 0.0))


def _find(prepared: dict[str, Any], since: float) -> Lookup:
    """Looks for a task made from this upload among the account's latest.

    The list may leave out tasks that were not charged yet, so not being there proves nothing.
    """
    token = prepared.get("file_token", "")
    if not token:
        return Lookup()
    recent = [
        item.task_id
        for item in _ask(lambda client: client.get_usage(limit=50))
        if item.task_id and not 0 < iso_seconds(item.created_at) < since - _CLOCK_SLACK_S
    ]
    for task_id in recent[:_LOOKED_AT]:
        task = _ask(lambda client, i=task_id: client.get_task(i))
        if token in json.dumps(task.raw.get("input")):
            return Lookup(task_id)
    return Lookup()


def _ask(question: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
    """The answer of one call of the SDK, within the service's time limits."""
    service = TRIPO.now()

    async def ask() -> Any:
        async with _client(service) as client:
            limit = service.connect_timeout_s + service.read_timeout_s
            return await asyncio.wait_for(question(client), limit)

    from tripo3d.exceptions import TripoAPIError

    try:
        return asyncio.run(ask())
    except TripoAPIError as error:  # of uploads: these keep only Tripo's own code
        said = StatusError(_BY_CODE.get(int(error.code or 0), 400), str(error.message))
    raise said


def _client(service: Service) -> Any:
    """The SDK's client, kept from repeating requests and from losing Retry-After."""
    from tripo3d import TripoClient

    key = secret(service.key_setting)
    client = TripoClient(api_key=key.reveal() if key else None, v3_base_url=service.url())
    http, send = client._http, client._http._send

    async def send_once(method: str, url: str, params: Any, json_data: Any) -> Any:
        try:
            status, text, retry_after = await send(method, url, params, json_data)
        except Exception as error:
            raise (error.__cause__ or error) from None
        if status >= 400:
            raise _status_error(status, text, retry_after)
        if not text:
            raise Garbled("an empty answer")
        return status, text, retry_after

    http._send = send_once
    return client


def _status_error(status: int, text: str, retry_after: str | None) -> StatusError:
    try:
        value = json.loads(text)
    except ValueError:
        value = text[:300]
    code = value.get("code", 0) if isinstance(value, dict) else 0
    # Out of credit comes as 403, which would read as a bad key.
    return StatusError(_BY_CODE.get(code, status), message_in(value), retry_after)
