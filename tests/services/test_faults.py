"""The paid mesh services when things go wrong, from the stage down to the wire.

Each fault is met by the real SDKs against doubles of the services. After each: nothing is paid
for twice (the doubles count creations), nothing that was paid for is lost, and the message says
what to do.
"""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from doubles.glb import padded_glb, small_glb
from doubles.replicate import ReplicateDouble
from doubles.server import Answer, Drop, Hang, Instead, Late, wait_until
from doubles.tripo import TripoDouble
from mesh_rigs import CREATION, KEY_SETTINGS, KEYS, NAMES, TASK, UPLOAD, URL_SETTINGS, Rig, Waits

from cast_nodes.errors import Cancelled
from cast_nodes.services import download, journal

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"replicate_trellis": "replicate", "tripo3d": "tripo3d"}


@pytest.fixture(params=["replicate_trellis", "tripo3d"])
def rig(request, monkeypatch, tmp_path, short_times):
    name = request.param
    pytest.importorskip(PACKAGES[name])
    short_times(NAMES[name])
    double = ReplicateDouble() if name == "replicate_trellis" else TripoDouble()
    with double:
        double.keys = {KEYS[name]}
        monkeypatch.setenv(URL_SETTINGS[name], double.url)
        monkeypatch.setenv(KEY_SETTINGS[name], KEYS[name])
        yield Rig(name, double, tmp_path / "cache", monkeypatch.setenv)


@pytest.fixture
def replicate(rig):
    if rig.name != "replicate_trellis":
        pytest.skip("of Replicate alone")
    return rig


@pytest.fixture
def tripo(rig):
    if rig.name != "tripo3d":
        pytest.skip("of Tripo alone")
    return rig


# Before anything is sent, and while it is.


def test_refused_connection(rig):
    rig.double.stop()
    reason = rig.failure()
    assert "cannot be reached" in reason and "run again" in reason and rig.double.url in reason
    rig.double.start()
    rig.mesh()
    assert rig.paid == 1


def test_a_connection_refused_at_first_is_tried_again(rig):
    rig.double.stop()
    rig.tune("ATTEMPTS", 50)
    threading.Timer(0.3, rig.double.start).start()
    rig.mesh()
    assert rig.paid == 1


def test_slow_start(rig):
    rig.double.fault(Late(0.3), UPLOAD[rig.name], "POST")
    rig.double.fault(Late(0.3), CREATION[rig.name], "POST")
    rig.double.seconds = 0.5
    rig.mesh()
    assert rig.paid == 1


@pytest.mark.parametrize("at", ["upload", "creation", "task", "download"])
def test_429_is_waited_for_as_long_as_asked(rig, at):
    path = {"upload": UPLOAD, "creation": CREATION, "task": TASK}.get(at, {}).get(rig.name, "/out/")
    rig.double.fault(Answer.json({"message": "slow down"}, 429, Retry_After="0.25"), path, times=2)
    cancel = Waits()
    rig.mesh(cancel=cancel)
    if (rig.name, at) != ("tripo3d", "upload"):  # there its SDK does not pass Retry-After on
        assert sum(wait >= 0.25 for wait in cancel.waits) == 2
    assert rig.paid == 1


def test_429_without_end_says_what_to_do(rig):
    rig.tune("TASK_TIMEOUT", 0.3)
    rig.double.fault(Answer.json({"message": "busy"}, 429), CREATION[rig.name], "POST", times=999)
    reason = rig.failure()
    assert "takes no more requests" in reason and f"CAST_{NAMES[rig.name]}_LIMIT" in reason
    assert rig.paid == 0


@pytest.mark.parametrize("at", ["upload", "task", "download"])
def test_500_then_success(rig, at):
    path = {"upload": UPLOAD, "task": TASK}.get(at, {}).get(rig.name, "/files/out/")
    rig.double.fault(Answer.json({"message": "oops"}, 500), path, times=2)
    rig.mesh()
    assert rig.paid == 1


def test_a_service_that_is_busy_for_long_is_waited_for(rig):
    """Accounts with little credit may begin a task every few seconds only."""
    busy = Answer.json({"message": "busy"}, 429, Retry_After="0.02")
    rig.double.fault(busy, CREATION[rig.name], "POST", times=15)
    rig.mesh()
    assert rig.paid == 1
    assert rig.double.count(UPLOAD[rig.name], "POST") == 1


def test_500_at_creation_is_looked_up_before_it_is_sent_again(replicate):
    replicate.double.fault(Answer.json({"detail": "oops"}, 500), CREATION[replicate.name], "POST")
    replicate.mesh()
    assert replicate.paid == 1
    assert replicate.double.count("/v1/predictions", "GET") >= 1


def test_500_at_creation_without_a_list_is_never_sent_again_by_itself(tripo):
    tripo.double.fault(Answer.json({"code": 1000, "message": "oops"}, 500), CREATION["tripo3d"])
    for _ in range(2):  # also not by the next run
        reason = tripo.failure()
        assert "may have been paid" in reason and "platform.tripo3d.ai" in reason
        assert "retry" in reason
    assert tripo.double.count(CREATION["tripo3d"]) == 1
    tripo.mesh(retry=1)
    assert tripo.paid == 1


@pytest.mark.parametrize(
    "fault",
    [Drop(after=True), Hang(2, after=True), Instead(Answer(201, b'{"id": "abc'))],
    ids=["broken connection", "no answer in time", "malformed JSON"],
)
def test_a_creation_whose_answer_is_lost_is_found_again(rig, fault):
    rig.double.fault(fault, CREATION[rig.name], "POST")
    rig.tune("READ_TIMEOUT", 0.4)
    rig.tune("CONNECT_TIMEOUT", 0.4)
    rig.mesh()
    assert rig.paid == 1


@pytest.mark.parametrize("clock_s", [-7200, 7200])
def test_clocks_that_differ_do_not_hide_what_was_paid(replicate, clock_s):
    replicate.double.clock_s = clock_s
    replicate.double.fault(Drop(after=True), CREATION[replicate.name], "POST")
    replicate.mesh()
    assert replicate.paid == 1


def test_a_list_that_does_not_tell_inputs_proves_nothing(replicate):
    """Replicate removes the inputs of predictions after a while."""
    double = replicate.double
    double.fault(Drop(after=True), CREATION[replicate.name], "POST")
    show = double._show
    double._show = lambda item: {**show(item), "input": {}, "data_removed": True}
    for _ in range(2):
        assert "may have been paid" in replicate.failure()
    assert replicate.paid == 1


def test_a_lost_answer_that_cannot_be_found_is_not_paid_again(tripo):
    tripo.double.shows_input = False
    tripo.double.fault(Drop(after=True), CREATION["tripo3d"], "POST")
    for _ in range(2):
        assert "may have been paid" in tripo.failure()
    assert tripo.paid == 1


def test_malformed_json_is_asked_for_again(rig):
    rig.double.fault(Answer(200, b"<html>proxy</html>", "text/html"), UPLOAD[rig.name], "POST")
    rig.double.fault(Answer(200, b'{"status": "succ'), TASK[rig.name], "GET", times=2)
    rig.mesh()
    assert rig.paid == 1


def test_answers_that_stay_malformed_say_so_and_the_task_is_kept(rig):
    rig.double.fault(Answer(200, b"[1, 2"), TASK[rig.name], "GET", times=6)
    reason = rig.failure()
    assert "cannot be read" in reason and "running again picks it up" in reason
    rig.mesh()
    assert rig.paid == 1


# The task.


def test_a_task_that_fails_tells_its_reason_and_is_forgotten(rig):
    rig.double.end = "failed"
    reason = rig.failure()
    assert "failed" in reason and "running again starts a new one" in reason
    assert ("CUDA out of memory" in reason) or ("Fatal error" in reason)
    rig.double.end = rig.good
    rig.mesh()
    assert rig.paid == 2


def test_one_failed_task_is_one_failed_object(rig):
    path = CREATION[rig.name]
    rig.double.fault(Answer.json({"message": "content refused"}, 400), path, "POST")
    entries = rig.run(count=3)
    assert sorted(bool(e.candidates) for e in entries) == [False, True, True]
    rig.run(count=3)
    assert rig.paid == 3


def test_a_task_that_never_ends_is_kept_and_waited_for_again(rig):
    rig.double.end = ""
    rig.tune("TASK_TIMEOUT", 0.3)
    reason = rig.failure()
    assert "not done after 0.3 s" in reason and "running again" in reason
    rig.double.end = rig.good
    rig.mesh()
    assert rig.paid == 1


def test_a_task_the_service_no_longer_knows_is_forgotten(rig):
    rig.double.end = ""
    rig.tune("TASK_TIMEOUT", 0.1)
    rig.failure()
    getattr(rig.double, "predictions" if rig.name == "replicate_trellis" else "tasks").clear()
    reason = rig.failure()
    assert "no longer knows" in reason and "running again starts a new one" in reason
    rig.double.end = rig.good
    rig.mesh()
    assert rig.paid == 2


def test_a_key_revoked_in_the_middle(rig):
    rig.double.seconds = 0.3

    def revoke() -> None:
        wait_until(lambda: rig.paid)
        rig.double.keys = {"another"}

    threading.Thread(target=revoke).start()
    reason = rig.failure()
    assert "does not accept the key (401)" in reason
    assert KEY_SETTINGS[rig.name] in reason and "https://" in reason
    rig.use_key("tsk_another_key_00")
    rig.double.keys = {"tsk_another_key_00"}
    rig.mesh()
    assert rig.paid == 1


def test_no_credit_left(rig):
    said = {"code": 2010, "message": "not enough credit", "detail": "not enough credit"}
    status = 403 if rig.name == "tripo3d" else 402  # as the services do
    rig.double.fault(Answer.json(said, status), CREATION[rig.name], "POST")
    reason = rig.failure()
    assert "wants more credit" in reason and "top up" in reason
    rig.mesh()
    assert rig.paid == 1


# The file.


def test_a_truncated_download_is_fetched_again(rig):
    whole, broken = small_glb(), {"left": 2}

    def answer() -> Answer:
        broken["left"] -= 1
        if broken["left"] >= 0:
            return Answer.file(whole[:500], length=len(whole))
        return Answer.file(whole)

    rig.double.mesh = answer
    assert rig.mesh().candidates[0].glb == whole
    assert rig.paid == 1


def test_a_download_that_stays_truncated_costs_nothing_more(rig):
    rig.double.mesh = Answer.file(small_glb()[:500], length=len(small_glb()))
    assert "run again" in rig.failure()
    rig.double.mesh = Answer.file(small_glb())
    rig.mesh()
    assert rig.paid == 1


def zip_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.glb", bytes(8 << 20))
    return out.getvalue()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer.file(b"<html>sign in</html>", "text/html"), "text/html where a GLB mesh was due"),
        (Answer.file(b"<html>sign in</html>"), "a web page where a GLB mesh was due"),
        (Answer.file(b"\x89PNG\r\n\x1a\n" + bytes(99), "image/png"), "image/png where a GLB"),
        (Answer.file(zip_archive(), "application/zip"), "a zip archive where a GLB mesh was due"),
        (Answer.file(b""), "an empty file where a GLB mesh was due"),
        (Answer.file(b"glTF" + bytes(200)), "version 0"),
        (Answer.file(small_glb()[:700]), "cut short"),
        (Answer.file(small_glb().replace(b'"count": 18', b'"count": 99')), "damaged"),
    ],
    ids=["type", "page", "picture", "zip", "empty", "zeros", "cut", "count"],
)
def test_what_is_no_mesh_is_refused_and_fetched_again_for_free(rig, answer, told):
    rig.double.mesh = answer
    reason = rig.failure()
    assert told in reason and "retry" in reason
    rig.double.mesh = Answer.file(small_glb())
    rig.mesh()
    assert rig.paid == 1


def streamed(size: int) -> Answer:
    """A good mesh of so many bytes, which is never in memory as a whole."""
    pieces, length = padded_glb(size)
    return Answer(200, pieces, "model/gltf-binary", length=length)


def test_a_200_mb_mesh_is_refused_before_it_is_loaded(rig):
    rig.double.mesh = lambda: streamed(200 << 20)
    reason = rig.failure()
    assert "has 200 MB, more than the limit of 150 MB" in reason
    assert f"CAST_{NAMES[rig.name]}_MAX_MB" in reason and "not paid for again" in reason
    assert rig.paid == 1


def test_a_larger_limit_takes_the_file_that_was_refused(rig):
    rig.tune("MAX_MB", 2)
    rig.double.mesh = lambda: streamed(3 << 20)
    assert "limit of 2 MB" in rig.failure()
    rig.tune("MAX_MB", 4)
    assert len(rig.mesh().candidates[0].glb) == 3 << 20
    assert rig.paid == 1


def test_a_compressed_bomb_is_stopped_at_the_limit(rig):
    rig.tune("MAX_MB", 8)
    bomb = gzip.compress(b"glTF" + bytes(64 << 20), 1)
    rig.double.mesh = Answer.file(bomb, headers={"Content-Encoding": "gzip"})
    assert "grows beyond the limit of 8 MB" in rig.failure()
    rig.double.mesh = Answer.file(gzip.compress(small_glb()), headers={"Content-Encoding": "gzip"})
    assert rig.mesh().candidates[0].glb == small_glb()
    assert rig.paid == 1


def test_an_expired_address_is_asked_for_anew(rig):
    rig.double.good_until = 1
    rig.mesh()
    assert rig.paid == 1


def test_a_result_that_was_removed_is_told_and_forgotten(rig):
    rig.double.good_until = 999
    reason = rig.failure()
    assert "removed the result" in reason and "running again starts a new one" in reason
    rig.double.good_until = 0
    rig.mesh()
    assert rig.paid == 2


# The process and the disk.


def start_elsewhere(rig) -> subprocess.Popen:
    """The same stage in a process of its own."""
    code = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(ROOT)!r}]\n"
        "import os; from pathlib import Path; from mesh_rigs import Rig\n"
        f"rig = Rig({rig.name!r}, None, Path({str(rig.cache)!r}), os.environ.__setitem__)\n"
        "print([e.failure or len(e.candidates) for e in rig.run()])\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_killed_between_creation_and_result(rig):
    rig.double.end = ""
    process = start_elsewhere(rig)
    wait_until(lambda: rig.double.count(TASK[rig.name], "GET"), 30)
    process.send_signal(signal.SIGKILL)
    process.wait()
    rig.double.end = rig.good
    rig.mesh()
    assert rig.paid == 1
    assert len(rig.spent) == 1


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_killed_while_the_creation_was_not_answered(rig):
    rig.tune("READ_TIMEOUT", 20)
    rig.double.fault(Hang(20, after=True), CREATION[rig.name], "POST")
    process = start_elsewhere(rig)
    wait_until(lambda: rig.paid, 30)
    process.send_signal(signal.SIGKILL)
    process.wait()
    rig.mesh()
    assert rig.paid == 1


def test_two_processes_with_the_same_object_pay_once(rig):
    rig.double.seconds = 0.5
    process = start_elsewhere(rig)
    wait_until(lambda: rig.paid, 30)
    rig.mesh()
    assert process.communicate(timeout=30)[0].strip() == "[1]"
    assert rig.paid == 1


def test_equal_objects_share_one_task(rig):
    entries = rig.run(count=4, same=True)
    assert all(e.candidates for e in entries)
    assert rig.paid == 1


def full_disk(*suffixes: str):
    """Writing whole files of these kinds fails as on a full disk."""
    write = journal.write_atomically

    def failing(path: Path, data: bytes) -> None:
        if path.suffix in suffixes:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    return failing


def test_disk_full_before_anything_is_sent(rig, monkeypatch):
    monkeypatch.setattr(journal, "write_atomically", full_disk(".json"))
    reason = rig.failure()
    assert "No space left" in reason and "CAST_CACHE" in reason
    assert rig.paid == 0


def test_disk_full_between_sending_and_noting_the_id(rig, monkeypatch):
    """The record has room from the beginning, so its change needs none."""
    write = journal.write_atomically

    def once(path: Path, data: bytes) -> None:
        if path.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    rig.double.end = ""
    rig.tune("TASK_TIMEOUT", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(journal, "write_atomically", once)
        rig.failure()
    rig.double.end = rig.good
    rig.mesh()
    assert rig.paid == 1


def test_disk_full_while_the_result_is_kept(rig, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(journal, "write_atomically", full_disk(".bin"))
        rig.mesh()
    assert any("No space left" in warning for warning in rig.warnings)
    rig.mesh()
    assert rig.paid == 1


def test_disk_full_while_downloading(rig, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(download, "_buffer", lambda context: Full())
        reason = rig.failure()
    assert "No space left" in reason and "run again" in reason
    rig.mesh()
    assert rig.paid == 1


def test_a_stopped_run_stops_the_remote_task_or_picks_it_up(rig):
    rig.double.end = ""
    cancel = Waits()

    def stop() -> None:
        wait_until(lambda: rig.double.count(TASK[rig.name], "GET"))
        cancel.cancel()

    threading.Thread(target=stop).start()
    with pytest.raises(Cancelled):
        rig.run(cancel=cancel)
    rig.double.end = rig.good
    if rig.name == "replicate_trellis":
        wait_until(lambda: rig.double.count("/cancel", "POST"))
        (prediction,) = rig.double.predictions.values()
        assert prediction.status == "canceled"
    else:
        rig.mesh()
        assert rig.paid == 1


def test_an_object_that_hangs_does_not_hold_up_a_stop(rig, monkeypatch):
    monkeypatch.setattr("cast_nodes.per_object.GRACE_S", 0.1)
    rig.tune("READ_TIMEOUT", 30)
    rig.double.fault(Hang(30), TASK[rig.name], "GET", times=99)
    cancel = Waits()

    def stop() -> None:
        wait_until(lambda: rig.double.count(TASK[rig.name], "GET"))
        cancel.cancel()

    threading.Thread(target=stop).start()
    with pytest.raises(Cancelled):
        rig.run(cancel=cancel)
    rig.double.stop()  # lets the one left behind go


# What is left on disk.


def test_no_key_is_in_any_file(rig):
    rig.mesh()
    rig.double.end = "failed"
    rig.failure(retry=1)
    rig.double.end = ""
    rig.tune("TASK_TIMEOUT", 0.1)
    rig.failure(retry=2)
    files = [p for p in rig.cache.rglob("*") if p.is_file()]
    assert len(files) >= 3
    for path in files:
        assert KEYS[rig.name].encode() not in path.read_bytes(), path
    notes = [json.loads(p.read_text()) for p in rig.cache.rglob("*.json")]
    assert {n["state"] for n in notes} == {"done", "running"}
