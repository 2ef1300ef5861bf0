"""What an error means, what is tried again, and how many requests go on at once."""

import json
import threading
from dataclasses import dataclass

import pytest
from doubles.server import Double, Drop, Hang, free_address
from hypothesis import given
from hypothesis import strategies as st
from mesh_rigs import Waits

from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context
from cast_nodes.errors import BadInput, Cancelled
from cast_nodes.services.policy import Service, backoff_s, retry_read, slot
from cast_nodes.services.troubles import (
    Garbled,
    ServiceFailure,
    StatusError,
    classify,
    iso_seconds,
    retry_after_s,
)

SERVICE = Service(
    "thing", "Thing", "THING_KEY", "https://thing.test/keys", default_url="https://thing.test",
    base_url_setting="THING_URL", backoff_s=0.01, backoff_max_s=0.02, attempts=4,
)  # fmt: skip


@dataclass
class Response:
    status_code: int
    headers: dict


class SdkError(Exception):
    """As SDKs raise: the answer hangs on the exception."""

    def __init__(self, status: int, headers: dict | None = None) -> None:
        super().__init__("no")
        self.response = Response(status, headers or {})


@pytest.mark.parametrize(
    ("status", "kind", "again", "not_done"),
    [
        (400, "refused", False, True),
        (401, "key", False, True),
        (402, "money", False, True),
        (403, "key", False, True),
        (404, "refused", False, True),
        (408, "server", True, False),
        (422, "refused", False, True),
        (429, "busy", True, True),
        (500, "server", True, False),
        (502, "server", True, False),
        (503, "server", True, False),
        (504, "server", True, False),
    ],
)
def test_what_a_status_means(status, kind, again, not_done):
    for error in (StatusError(status, "no"), SdkError(status)):
        trouble = classify(error)
        assert (trouble.kind, trouble.status) == (kind, status)
        assert (trouble.read_again, trouble.not_done) == (again, not_done)


def test_a_status_is_found_below_the_exception_of_an_sdk():
    try:
        try:
            raise SdkError(429, {"retry-after": "3"})
        except SdkError as inner:
            raise RuntimeError("the SDK's own words") from inner
    except RuntimeError as error:
        trouble = classify(error)
    assert trouble.kind == "busy" and trouble.retry_after_s == 3


def provoke(library: str, url: str, timeout: float) -> BaseException:
    """The exception that an HTTP library raises when it posts there."""
    if library == "httpx":
        httpx = pytest.importorskip("httpx")
        call = lambda: httpx.post(url, json={}, timeout=timeout)  # noqa: E731
    elif library == "requests":
        requests = pytest.importorskip("requests")
        call = lambda: requests.post(url, json={}, timeout=timeout)  # noqa: E731
    else:
        aiohttp, asyncio = pytest.importorskip("aiohttp"), __import__("asyncio")

        async def post() -> None:
            limit = aiohttp.ClientTimeout(total=timeout)
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(url, json={}) as response,
            ):
                await response.text()

        call = lambda: asyncio.run(post())  # noqa: E731
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("library", ["httpx", "requests", "aiohttp"])
def test_never_sent_is_told_from_sent_and_not_answered(library):
    """The first may be sent again, the second may have been paid for."""
    assert classify(provoke(library, free_address(), 1)).kind == "unsent"
    with Double() as double:
        double.fault(Drop())
        assert classify(provoke(library, double.url, 1)).kind == "lost"
        double.fault(Hang(1))
        assert classify(provoke(library, double.url, 0.1)).kind == "lost"


def test_an_answer_that_cannot_be_read_is_told_apart():
    assert classify(Garbled("x")).kind == "garbled"
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads("{")
    assert classify(caught.value).kind == "garbled"


def test_a_mistake_of_our_own_is_not_repeated():
    calls = []

    def call():
        calls.append(1)
        raise AttributeError("typo")

    with pytest.raises(ServiceFailure, match="chair 3: Thing: typo"):
        retry_read(call, SERVICE, Context(), "chair 3")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("soon", None), (None, None)]
)
def test_retry_after_in_seconds(text, seconds):
    assert retry_after_s(text) == seconds


def test_retry_after_as_a_date():
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after_s("Wed, 21 Oct 2955 07:28:00 GMT") > 1e9


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-11-21T07:00:00Z", 1763708400.0),
        ("2025-11-21T07:00:00.5+00:00", 1763708400.5),
        ("2025-11-21T07:00:00.123456789Z", 1763708400.123456),
        ("2025-11-21T08:00:00+01:00", 1763708400.0),
        ("yesterday", 0.0),
        (None, 0.0),
    ],
)
def test_times_that_services_tell(text, seconds):
    assert iso_seconds(text) == pytest.approx(seconds, abs=1e-6)


@given(st.integers(0, 40), st.none() | st.floats(0, 100))
def test_backoff_is_bounded_and_never_less_than_asked(attempt, asked):
    wait = backoff_s(SERVICE, attempt, asked)
    assert (asked or 0) <= wait <= (asked or 0) + SERVICE.backoff_max_s


def test_backoff_grows_and_is_jittered():
    service = Service("s", "S", backoff_s=1, backoff_max_s=1000)
    early = [backoff_s(service, 0) for _ in range(200)]
    late = [backoff_s(service, 6) for _ in range(200)]
    assert max(early) <= 1 < sum(late) / 200 and len(set(late)) > 100


def fails(times: int, error: Exception):
    left = [times]

    def call() -> str:
        if left[0]:
            left[0] -= 1
            raise error
        return "done"

    return call


def test_reads_are_repeated_and_retry_after_is_honoured():
    cancel = Waits()
    error = StatusError(503, "later", "0.03")
    assert retry_read(fails(3, error), SERVICE, Context(cancel=cancel)) == "done"
    assert len(cancel.waits) == 3 and min(cancel.waits) >= 0.03


def test_reads_are_given_up_after_the_services_attempts():
    with pytest.raises(ServiceFailure, match="fault of its own") as caught:
        retry_read(fails(4, StatusError(500, "oops")), SERVICE, Context())
    assert caught.value.trouble is not None and caught.value.trouble.status == 500


def test_a_service_that_asks_to_come_back_tomorrow_is_not_waited_for():
    cancel = Waits()
    with pytest.raises(ServiceFailure):
        retry_read(fails(1, StatusError(429, "", "86400")), SERVICE, Context(cancel=cancel))
    assert cancel.waits == []


def test_errors_for_users_go_through_untouched():
    with pytest.raises(BadInput, match="as it is"):
        retry_read(fails(1, BadInput("as it is")), SERVICE, Context())


def test_a_stop_ends_a_long_wait_at_once():
    cancel = CancelToken()
    threading.Timer(0.05, cancel.cancel).start()
    with pytest.raises(Cancelled):
        retry_read(fails(1, StatusError(429, "", "500")), SERVICE, Context(cancel=cancel))


def test_settings_change_the_numbers_and_the_address(monkeypatch):
    assert SERVICE.url() == "https://thing.test" and SERVICE.now().limit == SERVICE.limit
    monkeypatch.setenv("CAST_THING_LIMIT", "3")
    monkeypatch.setenv("CAST_THING_POLL", "0.25")
    monkeypatch.setenv("THING_URL", "http://127.0.0.1:9/")
    assert SERVICE.now().limit == 3 == SERVICE.concurrency() and SERVICE.now().poll_s == 0.25
    assert SERVICE.url() == "http://127.0.0.1:9"


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_at_once_than_the_limit(limit, monkeypatch):
    monkeypatch.setenv("CAST_THING_LIMIT", str(limit))
    inside, most, lock = [0], [0], threading.Lock()
    full = threading.Barrier(limit, timeout=5)

    def work() -> None:
        with slot(SERVICE, Context()):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            full.wait()  # passes only when so many are inside together
            with lock:
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(limit * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most[0] == limit


def test_a_stop_ends_the_wait_for_a_place(monkeypatch):
    monkeypatch.setenv("CAST_THING_LIMIT", "1")
    cancel = CancelToken()
    with slot(SERVICE, Context()):
        threading.Timer(0.05, cancel.cancel).start()
        with pytest.raises(Cancelled), slot(SERVICE, Context(cancel=cancel)):
            pass


def test_places_are_given_back_after_an_error(monkeypatch):
    monkeypatch.setenv("CAST_THING_LIMIT", "1")
    for _ in range(3):
        with pytest.raises(ValueError), slot(SERVICE, Context()):
            raise ValueError
