"""Objects are worked on one by one: reuse, failure, cancel and progress are per object."""

import threading

import pytest

from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context
from cast_nodes.errors import BackendNotReady, Cancelled, ObjectFailure
from cast_nodes.per_object import Task, run_tasks
from cast_nodes.services.secrets import setting
from cast_nodes.store import Store


def task(name, compute):
    return Task(name, f"key-{name}", compute, lambda reason: f"failed: {reason}")


def raising(error):
    def compute():
        raise error

    return compute


def test_results_come_in_the_order_of_the_tasks():
    tasks = [task(str(i), lambda i=i: i) for i in range(9)]
    assert run_tasks("mesh", tasks, Context(store=Store(), workers=4)) == list(range(9))


def test_no_objects_is_fine():
    assert run_tasks("mesh", [], Context(store=Store())) == []


def test_only_what_changed_is_made_again():
    made, store = [], Store()

    def named(name, content):
        return Task(name, f"{name}-{content}", lambda: made.append(name) or content, str)

    run_tasks("mesh", [named("a", 1), named("b", 1)], Context(store=store))
    run_tasks("mesh", [named("a", 1), named("b", 2)], Context(store=store))
    assert sorted(made) == ["a", "b", "b"]


def test_a_failed_object_is_one_entry_and_is_never_stored():
    store = Store()
    bad = task("chair 2", raising(ObjectFailure("chair 2: no surface")))
    good = task("chair 3", lambda: "mesh")
    assert run_tasks("mesh", [bad, good], Context(store=store)) == [
        "failed: chair 2: no surface",
        "mesh",
    ]
    assert store.get("key-chair 2") is None


def test_a_surprise_names_the_object():
    (result,) = run_tasks(
        "mesh", [task("lamp 1", raising(ZeroDivisionError("x")))], Context(store=Store())
    )
    assert result == "failed: lamp 1: ZeroDivisionError: x"


def test_what_is_wrong_for_all_ends_the_stage():
    with pytest.raises(BackendNotReady):
        run_tasks("mesh", [task("a", raising(BackendNotReady("no key")))], Context(store=Store()))


def test_cancel_stops_and_keeps_what_was_finished():
    cancel, store, gate = CancelToken(), Store(), threading.Event()

    def slow():
        gate.wait(5)
        return "late"

    def stop_after_first(step):
        if step.done == 1:
            cancel.cancel()
            gate.set()

    context = Context(store=store, cancel=cancel, workers=1, progress=stop_after_first)
    with pytest.raises(Cancelled):
        run_tasks("mesh", [task("a", lambda: "early"), task("b", slow)], context)
    assert store.get("key-a") == "early"


def test_progress_tells_what_was_reused():
    store, steps = Store(), []
    context = Context(store=store, workers=1, progress=steps.append)
    run_tasks("mesh", [task("a", lambda: 1)], context)
    run_tasks("mesh", [task("a", lambda: 1), task("b", lambda: 2)], context)
    assert [(s.label, s.done, s.total, s.reused) for s in steps] == [
        ("a", 1, 1, False),
        ("a", 1, 2, True),
        ("b", 2, 2, False),
    ]


def test_a_service_works_on_more_objects_at_once_than_there_are_processors():
    together = threading.Barrier(12, timeout=5)  # passes only when all are at work together
    tasks = [task(str(i), lambda: together.wait() and None) for i in range(12)]
    made = run_tasks("mesh", tasks, Context(store=Store(), workers=1), workers=12)
    assert not [m for m in made if isinstance(m, str)]


def test_a_service_that_hangs_does_not_hold_up_a_stop(monkeypatch):
    monkeypatch.setattr("cast_nodes.per_object.GRACE_S", 0.05)
    cancel, begun, gate = CancelToken(), threading.Event(), threading.Event()

    def hang():
        begun.set()
        gate.wait(30)

    threading.Thread(target=lambda: begun.wait(5) and cancel.cancel()).start()
    with pytest.raises(Cancelled):
        run_tasks("mesh", [task("a", hang)], Context(store=Store(), cancel=cancel), workers=1)
    gate.set()


def test_work_on_this_machine_is_waited_for_when_stopped():
    cancel, ended = CancelToken(), threading.Event()

    def slow():
        cancel.cancel()
        threading.Event().wait(0.3)
        ended.set()

    with pytest.raises(Cancelled):
        run_tasks("mesh", [task("a", slow)], Context(store=Store(), cancel=cancel))
    assert ended.is_set()


def test_what_is_wrong_for_all_lets_the_others_finish_what_they_began():
    store, begun = Store(), threading.Event()

    def slow():
        begun.set()
        threading.Event().wait(0.1)
        return "kept"

    def wrong():
        begun.wait(5)
        raise BackendNotReady("no key")

    with pytest.raises(BackendNotReady):
        run_tasks("mesh", [task("a", slow), task("b", wrong)], Context(store=store, workers=2))
    assert store.get("key-a") == "kept"


def test_a_surprise_tells_no_key(monkeypatch):
    monkeypatch.setenv("SURPRISING_API_KEY", "planted-key-0123")
    assert setting("SURPRISING_API_KEY") == "planted-key-0123"
    surprise = RuntimeError("cannot log in with planted-key-0123")
    (result,) = run_tasks("mesh", [task("lamp 1", raising(surprise))], Context(store=Store()))
    assert result == "failed: lamp 1: RuntimeError: cannot log in with ***"
