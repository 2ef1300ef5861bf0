"""What each backend lacks on this machine, told to the front end before anything is run.

``GET /cast/needs`` -> ``{"CASTMesh": {"tripo3d": "tripo3d is not ready: key TRIPO_API_KEY is …"}}``;
backends that are ready are left out. It names keys and files, never what is in them.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from server import PromptServer

from ..cast_nodes.backends import backends
from ..cast_nodes.context import Context
from .readiness import STAGE_OF_NODE
from .run_stage import context_for_checks
from .widgets import BACKEND, missing_needs

ROUTE = "/cast/needs"


def add_route() -> None:
    """Has the server answer :data:`ROUTE`; called once, while the pack is loaded."""

    @PromptServer.instance.routes.get(ROUTE)
    async def needs(request: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(all_needs, context_for_checks()))


def all_needs(context: Context) -> dict[str, dict[str, str]]:
    """Sentences by node and backend, as validation would refuse them."""
    found: dict[str, dict[str, str]] = {}
    for node, stage in STAGE_OF_NODE.items():
        for name in backends(stage):
            told = missing_needs(stage, {BACKEND: name}, context)
            if told:
                found.setdefault(node, {})[name] = told
    return found
