"""What becomes of a request: the exceptions of all SDKs put into a few kinds.

SDKs raise each their own. What counts is whether a request was sent, whether it may have been
done, and whether the same again may help; that is told by the HTTP status where there is one and
otherwise by the names of the exceptions, so that no SDK needs to be imported here.
"""

from __future__ import annotations

import datetime
import email.utils
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..errors import ObjectFailure
from .secrets import redact

Kind = Literal["unsent", "lost", "busy", "server", "garbled", "key", "money", "refused", "unknown"]
"""What became of a request: never sent; sent, no answer; not now; fault over there; answer not
to be understood; key not accepted; no money left; not accepted; cannot be told."""


class StatusError(Exception):
    """An answer with an error status. Raise it for SDKs that return such answers instead."""

    def __init__(self, status: int, message: str = "", retry_after: str | None = None) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message
        self.retry_after = retry_after


class Expired(Exception):
    """The address of a result is no longer good; the service is to be asked for a new one."""


class Garbled(Exception):
    """An answer that came whole and cannot be understood."""


@dataclass(frozen=True)
class Trouble:
    """What an exception of an SDK means.

    Attributes:
        message: what the service or the system said, free of keys.
        retry_after_s: when the service asks to come back, or None.
    """

    kind: Kind
    message: str
    status: int | None = None
    retry_after_s: float | None = None

    @property
    def read_again(self) -> bool:
        """Whether the same read may go better the next time."""
        return self.kind in ("unsent", "lost", "busy", "server", "garbled")

    @property
    def not_done(self) -> bool:
        """Whether what was asked for was surely not done (so asking again cannot cost twice)."""
        return self.kind in ("unsent", "busy", "key", "money", "refused")


class ServiceFailure(ObjectFailure):
    """One object failed at a service; the message says what to do and holds no key."""

    def __init__(self, message: str, trouble: Trouble | None = None) -> None:
        super().__init__(redact(message))
        self.trouble = trouble


_UNSENT = {
    "ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError",  # httpx
    "NewConnectionError", "NameResolutionError", "ConnectTimeoutError",  # requests
    "ClientConnectorError", "ClientProxyConnectionError", "ConnectionTimeoutError",  # aiohttp
    "ClientConnectorDNSError", "ClientConnectorCertificateError", "InvalidURL", "gaierror",
}  # fmt: skip

_LOST = {
    "ReadTimeout", "WriteTimeout", "ReadError", "WriteError", "CloseError", "RemoteProtocolError",
    "TimeoutException", "APITimeoutError", "APIConnectionError", "ConnectionError", "Timeout",
    "ChunkedEncodingError", "ServerDisconnectedError", "ClientOSError", "ClientPayloadError",
    "ServerTimeoutError", "SocketTimeoutError", "IncompleteRead",
}  # fmt: skip

_GARBLED = {"JSONDecodeError", "ValidationError", "DecodingError", "ContentTypeError", "Garbled"}


def classify(error: BaseException) -> Trouble:
    """What an exception means, whichever SDK raised it (by status, then by its kind's name)."""
    chain = list(_chain(error))
    for link in chain:
        status, retry_after = _status(link)
        if status is not None:
            return Trouble(_kind_of(status), _said(link), status, retry_after)
    names = [{c.__name__ for c in type(link).__mro__} for link in chain]
    message = _said(chain[-1] if not str(error).strip() else error)
    if any(n & _UNSENT for n in names) or any(isinstance(e, ConnectionRefusedError) for e in chain):
        return Trouble("unsent", message)
    if any(n & _GARBLED for n in names):
        return Trouble("garbled", message)
    if any(n & _LOST for n in names) or any(isinstance(e, (TimeoutError, OSError)) for e in chain):
        return Trouble("lost", message)
    return Trouble("unknown", message)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _status(error: BaseException) -> tuple[int | None, float | None]:
    """The HTTP status and the Retry-After of an exception, as SDKs keep them."""
    response = getattr(error, "response", None)
    for holder, names in ((error, ("status_code", "status", "code")), (response, ("status_code",))):
        for name in names:
            value = getattr(holder, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
                headers = getattr(response, "headers", None) or getattr(error, "headers", None)
                text = getattr(error, "retry_after", None)
                if text is None and headers is not None and hasattr(headers, "get"):
                    text = headers.get("retry-after") or headers.get("Retry-After")
                return value, retry_after_s(text)
    return None, None


def _kind_of(status: int) -> Kind:
    if status in (401, 403):
        return "key"
    if status == 402:
        return "money"
    if status == 429:
        return "busy"
    return "server" if status >= 500 or status in (408, 425) else "refused"


def _said(error: BaseException) -> str:
    """What the exception says in one line, free of keys and not too long."""
    for name in ("detail", "message", "title"):
        text = getattr(error, name, None)
        if isinstance(text, str) and text.strip():
            break
    else:
        text = str(error)
    text = " ".join(redact(text).split())
    return (text[:300] + "…" if len(text) > 300 else text) or type(error).__name__


def retry_after_s(text: object) -> float | None:
    """Seconds from a Retry-After header (RFC 9110, 10.2.3): a number or an HTTP date."""
    if text is None:
        return None
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(str(text)).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def iso_seconds(text: str | None) -> float:
    """ISO 8601 to seconds since the epoch; 0 when it cannot be read."""
    # Python 3.10 reads fractions of three or six digits only.
    text = re.sub(r"\.(\d+)", lambda m: "." + m[1][:6].ljust(6, "0"), str(text))
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
