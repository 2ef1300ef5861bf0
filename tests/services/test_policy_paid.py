"""Paid requests without a task, and the notes on disk that keep anything from being paid twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from doubles.server import Answer, Double, Drop, Hang, Request, wait_until

from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context, Folders, Usage
from cast_nodes.errors import Cancelled, ObjectFailure, StorageError
from cast_nodes.services import journal
from cast_nodes.services.calls import paid_call, paid_json
from cast_nodes.services.journal import Journal, Record
from cast_nodes.services.policy import Service
from cast_nodes.services.task_api import Lookup, TaskApi, TaskState
from cast_nodes.services.tasks import run_task
from cast_nodes.services.troubles import ServiceFailure, StatusError

ROOT = Path(__file__).resolve().parents[2]
SERVICE = Service(
    "painter", "Painter", "PAINTER_KEY", "https://painter.test/keys", "https://painter.test/bills",
    backoff_s=0.01, backoff_max_s=0.02, attempts=3, poll_s=0.01, settle_s=0.05,
)  # fmt: skip


class Painter(Double):
    """A made-up service that paints for money and answers at once."""

    def __init__(self) -> None:
        super().__init__()
        self.route("POST", "/paint", self.paint)

    def paint(self, request: Request) -> Answer:
        self.paid.append(request.body)
        return Answer.file(b"picture of " + request.body)


@pytest.fixture
def painter():
    with Painter() as double:
        yield double


@pytest.fixture
def warnings():
    """Sentences that the user was told."""
    return []


@pytest.fixture
def context(tmp_path, warnings):
    return Context(folders=Folders(tmp_path, tmp_path), warn=warnings.append)


def paint(double: Double, what: bytes = b"chair", timeout: float = 5):
    def call() -> bytes:
        request = urllib.request.Request(double.url + "/paint", what, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            raise StatusError(error.code, "no", error.headers.get("retry-after")) from None

    return call


def test_an_answer_is_kept_and_never_asked_for_again(painter, context):
    for _ in range(3):
        assert paid_call(SERVICE, "k", paint(painter), context) == b"picture of chair"
    assert len(painter.paid) == 1
    paid_call(SERVICE, "another", paint(painter), context)
    assert len(painter.paid) == 2


def test_it_is_kept_per_address(painter, context, monkeypatch):
    service = Service("painter", "Painter", base_url_setting="PAINTER_URL", default_url="http://a")
    paid_call(service, "k", paint(painter), context)
    monkeypatch.setenv("PAINTER_URL", "http://b")
    paid_call(service, "k", paint(painter), context)
    assert len(painter.paid) == 2


def test_json_answers(painter, context):
    ask = lambda: {"keep": [1], "said": paint(painter)().decode()}  # noqa: E731
    first = paid_json(SERVICE, "k", ask, context)
    assert first == paid_json(SERVICE, "k", ask, context)
    assert first == {"keep": [1], "said": "picture of chair"} and len(painter.paid) == 1


@pytest.mark.parametrize("fault", [Drop(after=True), Hang(1, after=True), Drop()])
def test_no_answer_is_never_followed_by_a_second_request(painter, context, fault):
    painter.fault(fault)
    for _ in range(2):
        with pytest.raises(ServiceFailure, match="may have been paid for") as caught:
            paid_call(SERVICE, "k", paint(painter, timeout=0.2), context, "chair 3")
        text = str(caught.value)
        assert text.startswith("chair 3: ") and "painter.test/bills" in text and "retry" in text
    assert painter.count("/paint") == 1
    assert paid_call(SERVICE, "k with retry 1", paint(painter), context)


def test_a_server_fault_may_have_been_paid_for(painter, context):
    painter.fault(Answer.json({}, 500))
    with pytest.raises(ServiceFailure, match="may have been paid for"):
        paid_call(SERVICE, "k", paint(painter), context)


def test_what_was_surely_refused_is_sent_again(painter, context):
    painter.fault(Answer.json({}, 429, Retry_After="0.01"), times=2)
    assert paid_call(SERVICE, "k", paint(painter), context)
    assert painter.count("/paint") == 3 and len(painter.paid) == 1


def test_what_was_never_sent_is_sent_again(painter, context):
    painter.stop()
    with pytest.raises(ServiceFailure, match="cannot be reached"):
        paid_call(SERVICE, "k", paint(painter), context)
    painter.start()
    assert paid_call(SERVICE, "k", paint(painter), context)
    assert len(painter.paid) == 1


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404])
def test_a_refusal_says_why_and_stands_in_nobodys_way(painter, context, status):
    painter.fault(Answer.json({}, status))
    with pytest.raises(ServiceFailure, match=str(status)):
        paid_call(SERVICE, "k", paint(painter), context)
    assert paid_call(SERVICE, "k", paint(painter), context)


def test_an_answer_that_is_no_good_is_not_kept(painter, context):
    def call() -> bytes:
        paint(painter)()
        raise ObjectFailure("chair 3: no picture in the answer")

    for _ in range(2):
        with pytest.raises(ObjectFailure, match="no picture"):
            paid_call(SERVICE, "k", call, context)
    assert len(painter.paid) == 2  # both were answered; asking again is the user's word


def test_what_it_cost_is_told_once(painter, context):
    spent: list[Usage] = []
    context = replace(context, spent=spent.append)
    for _ in range(2):
        paid_call(SERVICE, "k", paint(painter), context, usage=lambda data: Usage("Painter", "m1"))
    assert spent == [Usage("Painter", "m1")]


def test_a_stopped_run_does_not_lose_the_answer_on_its_way(painter, context):
    gate, cancel = threading.Event(), CancelToken()

    def call() -> bytes:
        data = paint(painter)()
        gate.wait(5)
        return data

    threading.Thread(target=lambda: wait_until(lambda: painter.paid) or cancel.cancel()).start()
    with pytest.raises(Cancelled):
        paid_call(SERVICE, "k", call, replace(context, cancel=cancel))
    gate.set()
    assert paid_call(SERVICE, "k", call, context) == b"picture of chair"
    assert len(painter.paid) == 1


def test_the_same_request_at_the_same_time_is_sent_once(painter, context):
    answers: list[bytes] = []
    ask = lambda: answers.append(paid_call(SERVICE, "k", paint(painter), context))  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == [b"picture of chair"] * 6 and len(painter.paid) == 1


CHILD = """
import sys; sys.path[:0] = [{tests!r}, {root!r}]
from pathlib import Path
from test_policy_paid import SERVICE, paint, paid_call
from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context, Folders
class There: url = {url!r}
context = Context(folders=Folders(Path({cache!r}), Path({cache!r})))
"""


def child(painter, context, code: str) -> subprocess.Popen:
    start = CHILD.format(
        tests=str(Path(__file__).parent), root=str(ROOT), url=painter.url,
        cache=str(context.folders.cache),
    )  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", start + code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_killed_while_waiting_for_the_answer(painter, context):
    painter.fault(Hang(20, after=True))
    process = child(painter, context, "paid_call(SERVICE, 'k', paint(There, timeout=20), context)")
    wait_until(lambda: painter.paid, 30)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with pytest.raises(ServiceFailure, match="may have been paid for"):
        paid_call(SERVICE, "k", paint(painter), context)
    assert len(painter.paid) == 1


def test_a_process_that_ends_waits_for_an_answer_on_its_way(painter, context):
    code = """
import threading, time
from cast_nodes.errors import Cancelled
threading.Timer(0.3, context.cancel.cancel).start()
def slow():
    data = paint(There)()
    time.sleep(1)
    return data
try:
    paid_call(SERVICE, 'k', slow, context)
except Cancelled:
    print('stopped')
"""
    process = child(painter, context, code)
    out, err = process.communicate(timeout=30)
    assert out.strip() == "stopped" and "waiting for 1 answers" in err
    assert paid_call(SERVICE, "k", paint(painter), context) == b"picture of chair"
    assert len(painter.paid) == 1


def test_without_room_for_a_note_nothing_is_sent(painter, context, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "write_atomically", full)
    with pytest.raises(StorageError, match="CAST_CACHE"):
        paid_call(SERVICE, "k", paint(painter), context)
    assert painter.seen == []


def test_without_room_for_the_answer_it_is_given_all_the_same(
    painter, context, warnings, monkeypatch
):
    write = journal.write_atomically

    def full(path: Path, data: bytes) -> None:
        if path.suffix == ".bin":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(journal, "write_atomically", full)
    assert paid_call(SERVICE, "k", paint(painter), context) == b"picture of chair"
    assert "No space left" in warnings[0]


# The notes themselves.


def test_a_damaged_note_counts_as_a_request_that_was_not_answered(painter, context):
    notes = Journal.of(SERVICE, "k", context)
    notes.write(Record("running", "id7"))
    (path,) = context.folders.cache.rglob("*.json")
    path.write_text("{")
    assert notes.read() is not None and notes.read().state == "sent"
    with pytest.raises(ServiceFailure, match="may have been paid for"):
        paid_call(SERVICE, "k", paint(painter), context)


def test_a_note_of_a_later_version_can_be_read(context):
    notes = Journal.of(SERVICE, "k", context)
    notes.write(Record("running", "id7"))
    (path,) = context.folders.cache.rglob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "new": 1}))
    assert notes.read().id == "id7"


def test_the_least_recently_used_results_go_first(context, monkeypatch):
    for i in range(4):
        notes = Journal.of(SERVICE, str(i), context)
        notes.keep(bytes(100))
        (context.folders.cache / "services/painter" / f"{notes.key}.bin").touch()
        os.utime(context.folders.cache / "services/painter" / f"{notes.key}.bin", (i, i))
    journal._trim(context.folders.cache / "services/painter", 250)
    held = [Journal.of(SERVICE, str(i), context).result() is not None for i in range(4)]
    assert held == [False, False, True, True]


def test_the_lock_is_held_by_one_and_given_on(context):
    notes, order = Journal.of(SERVICE, "k", context), []

    def work(i: int) -> None:
        with notes.locked(context):
            order.append(i)
            assert len(order) % 2 == 1
            threading.Event().wait(0.01)
            order.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert order[::2] == order[1::2] and sorted(order[::2]) == list(range(5))
    assert not list(context.folders.cache.rglob("*.lock"))


# A task's own corners; the rest is in test_faults.


def test_a_failing_cancel_keeps_the_task(context):
    cancel = CancelToken()

    def poll(task_id: str) -> TaskState:
        cancel.cancel()
        return TaskState("waiting")

    def refuse(task_id: str) -> None:
        raise StatusError(500, "cannot")

    with pytest.raises(Cancelled):
        api = TaskApi(lambda p: "id7", poll, cancel=refuse)
        run_task(SERVICE, "k", api, replace(context, cancel=cancel))
    never = TaskApi(lambda p: pytest.fail("created twice"), lambda i: TaskState("done", i))
    finished = run_task(SERVICE, "k", never, context)
    assert (finished.output, finished.picked_up) == ("id7", True)


def test_a_cancel_that_came_too_late_keeps_the_task(context):
    cancel = CancelToken()
    states = iter([TaskState("waiting"), TaskState("done", "mesh")])

    def poll(task_id: str) -> TaskState:
        cancel.cancel()
        return next(states)

    with pytest.raises(Cancelled):
        api = TaskApi(lambda p: "id7", poll, cancel=lambda i: None)
        run_task(SERVICE, "k", api, replace(context, cancel=cancel))
    assert Journal.of(SERVICE, "k", context).read().id == "id7"


def test_a_task_that_appears_late_in_the_list_is_found(context):
    looks = iter([Lookup(), Lookup(), Lookup("id7")])

    def create(prepared: dict) -> str:
        raise TimeoutError

    api = TaskApi(
        create,
        lambda i: TaskState("done", i),
        find=lambda prepared, since: next(looks),
    )
    service = Service("painter", "Painter", poll_s=0.001, settle_s=5)
    assert run_task(service, "k", api, context).id == "id7"


def test_what_the_list_surely_does_not_hold_is_created_again(context):
    answers = iter([TimeoutError(), "id8"])

    def create(prepared: dict) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    api = TaskApi(create, lambda i: TaskState("done", i), find=lambda p, s: Lookup("", True))
    assert run_task(SERVICE, "k", api, context).id == "id8"
