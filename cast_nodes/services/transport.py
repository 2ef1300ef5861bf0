"""How the SDKs that use httpx are kept from retrying and waiting by themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

from .policy import Service
from .troubles import StatusError


def http_timeout(service: Service) -> Any:
    """The service's time limits for httpx."""
    import httpx

    return httpx.Timeout(service.read_timeout_s, connect=service.connect_timeout_s)


@cache
def trusted() -> Any:
    """The certificates that are trusted; reading them takes longer than most requests."""
    import httpx

    return httpx.create_ssl_context()


def status_transport(service: Service) -> Any:
    """An httpx transport that raises :class:`~.policy.StatusError` for every error status.

    SDKs repeat requests and sleep on such answers on their own, without asking whether the run
    was stopped or whether it may cost twice. An exception goes straight through them, and it
    keeps Retry-After, which most of their own exceptions lose. Requests for which an SDK lifts
    the time limits (uploads) get the service's.
    """
    import httpx

    limits = http_timeout(service).as_dict()

    class Transport(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asked = request.extensions.get("timeout") or {}
            kept = {name: asked.get(name) or limit for name, limit in limits.items()}
            request.extensions["timeout"] = kept
            response = super().handle_request(request)
            if response.status_code < 400:
                return response
            try:
                response.read()
                message = said_in(response)
            finally:
                response.close()
            raise StatusError(response.status_code, message, response.headers.get("retry-after"))

    # A kept connection that the other side closes meanwhile looks like a lost answer.
    return Transport(verify=trusted(), limits=httpx.Limits(max_keepalive_connections=0))


def said_in(response: Any) -> str:
    """The message in an error answer: JSON's usual places, else the beginning of its text."""
    try:
        value = response.json()
    except ValueError:
        return response.text[:300] or response.reason_phrase
    return message_in(value) or response.reason_phrase


def message_in(value: Any) -> str:
    """The message in a JSON error document (problem details, OpenAI, Google, DashScope, Tripo)."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        for name in ("detail", "message", "error", "title"):
            found = message_in(value.get(name))
            if found:
                return found
    if isinstance(value, list):
        return "; ".join(filter(None, map(message_in, value)))
    return ""
