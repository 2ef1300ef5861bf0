"""One copy of each model per process, lent to one user at a time, within a bound of memory."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from cast_nodes.cancel import CancelToken
from cast_nodes.context import Context
from cast_nodes.errors import BadInput, Cancelled, OutOfMemory
from cast_nodes.local.models import (
    OwnModels,
    bytes_of,
    is_out_of_memory,
    memory_bound,
    working_device,
)
from cast_nodes.local.work import work_with

KILO = 1000


class Counting:
    """Makes models of about so many bytes and counts how often."""

    def __init__(self, size: int = KILO) -> None:
        self.size = size
        self.made = 0

    def __call__(self) -> nn.Module:
        self.made += 1
        return nn.Linear(self.size // 4, 1, bias=False).eval()


@pytest.fixture
def models():
    return OwnModels("cpu", bound=3 * KILO)


@pytest.fixture
def context(models):
    return Context(models=models)


def lend(models, name, load):
    with models.lend(name, load) as model:
        return model


def test_a_model_is_loaded_once_and_lent_again(models):
    load = Counting()
    assert lend(models, "a", load) is lend(models, "a", load)
    assert load.made == 1
    assert lend(models, "b", load) is not lend(models, "a", load)


def test_threads_that_ask_at_once_get_the_one_copy_one_after_the_other(context):
    load, inside, most = Counting(), [], []

    def work(model):
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.01)
        inside.pop()
        return model

    def ask():
        got.append(work_with(context, "a", load, work))

    got: list[nn.Module] = []
    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert load.made == 1
    assert len({id(model) for model in got}) == 1
    assert max(most) == 1


def test_work_runs_without_gradients(context):
    answer = work_with(context, "a", Counting(), lambda model: model(torch.ones(250)))
    assert not answer.requires_grad


def test_a_load_that_fails_leaves_nothing_and_the_next_tries_again(models):
    def broken():
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        lend(models, "a", broken)
    assert models.names == ()
    load = Counting()
    lend(models, "a", load)
    assert load.made == 1


def test_work_that_fails_gives_the_model_back(context, models):
    def fails(model):
        raise ValueError("bad picture")

    with pytest.raises(ValueError, match="bad picture"):
        work_with(context, "a", Counting(), fails)
    with models.lend("a", Counting()):
        pass
    assert models.free() == 1


def test_the_least_recently_used_goes_when_the_bound_is_reached(models):
    for name in ("a", "b", "c"):
        lend(models, name, Counting())
    lend(models, "a", Counting())
    lend(models, "d", Counting())
    assert models.names == ("c", "a", "d")


def test_a_model_beyond_the_bound_is_lent_and_not_kept(models):
    with models.lend("large", Counting(10 * KILO)) as model:
        assert bytes_of(model) == 10 * KILO
    assert models.names == ()


def test_what_is_in_use_is_never_freed_not_even_by_its_own_thread(models):
    with models.lend("a", Counting(2 * KILO)) as a, models.lend("b", Counting(2 * KILO)):
        assert models.free() == 0
        with models.lend("a", Counting()) as again:
            assert again is a
    assert len(models.names) == 1


def test_free_drops_all_that_nobody_uses(models):
    lend(models, "a", Counting())
    with models.lend("b", Counting()):
        assert models.free() == 1
        assert models.names == ("b",)


def test_a_stop_ends_the_waiting_for_a_model(models):
    cancel = CancelToken()
    with models.lend("a", Counting()):
        error = []

        def wait():
            try:
                with models.lend("a", Counting(), cancel):
                    pass
            except Cancelled as stopped:
                error.append(stopped)

        thread = threading.Thread(target=wait)
        thread.start()
        cancel.cancel()
        thread.join(10)
    assert error
    assert models.free() == 1


def test_a_full_device_is_freed_and_the_work_tried_once_more(context, models):
    lend(models, "other", Counting())
    seen = []

    def work(model):
        seen.append(models.names)
        if len(seen) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return 7

    assert work_with(context, "a", Counting(), work) == 7
    assert seen == [("other", "a"), ("a",)]


def test_a_device_that_stays_full_is_said_once_with_the_way_out(context):
    tries = []

    def work(model):
        tries.append(1)
        raise RuntimeError("MPS backend out of memory")

    with pytest.raises(OutOfMemory, match=r"thing does not fit.*CAST_DEVICE=cpu"):
        work_with(context, "thing", Counting(), work)
    assert len(tries) == 2


def test_a_move_that_runs_out_of_memory_frees_the_others_and_loads_anew(models):
    lend(models, "other", Counting())
    load = Counting()

    def tight():
        model = load()
        if "other" in models.names:
            model.to = lambda device: (_ for _ in ()).throw(torch.OutOfMemoryError("full"))
        return model

    lend(models, "a", tight)
    assert load.made == 2
    assert models.names == ("a",)


def test_other_errors_are_not_taken_for_a_full_memory(context):
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError, match="shape mismatch"):
        work_with(
            context,
            "a",
            Counting(),
            lambda m: (_ for _ in ()).throw(RuntimeError("shape mismatch")),
        )


def test_weights_made_within_a_graph_are_ordinary_ones(models):
    with torch.inference_mode():
        model = lend(models, "a", Counting())
    assert not model.weight.is_inference()


def test_the_device_is_asked_for_by_name_setting_or_machine(monkeypatch):
    assert working_device("cpu") == torch.device("cpu")
    monkeypatch.setenv("CAST_DEVICE", "cpu")
    assert OwnModels().device == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    assert working_device("auto") == torch.device("cuda", 0)


@pytest.mark.parametrize("name", ["gpu", "cuda:7", "mps"])
def test_a_device_that_is_not_there_is_refused(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(BadInput, match=name):
        working_device(name)


def test_the_bound_is_a_setting_or_a_share_of_the_memory(monkeypatch):
    assert memory_bound(torch.device("cpu")) > 100 * KILO
    monkeypatch.setenv("CAST_MODELS_GB", "1.5")
    assert OwnModels("cpu").bound == 1_500_000_000
    monkeypatch.setenv("CAST_MODELS_GB", "much")
    with pytest.raises(BadInput, match="CAST_MODELS_GB"):
        memory_bound(torch.device("cpu"))


def test_the_process_has_one_store_of_models():
    assert Context().models is Context().models
