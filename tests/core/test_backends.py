"""Options are declared once and checked everywhere; each backend tells what it needs."""

from dataclasses import dataclass
from typing import Literal

import pytest

from cast_nodes.backends import (
    STAGES,
    Backend,
    BackendInfo,
    Need,
    Options,
    backends,
    choose,
    get_backend,
    make_options,
    option,
    option_specs,
)
from cast_nodes.context import Context
from cast_nodes.errors import BackendNotReady, BadInput


@dataclass(frozen=True)
class Example(Options):
    count: int = option(3, "how many", low=1, high=9)
    ratio: float = option(0.5, "share", low=0.0, high=1.0)
    mode: Literal["fast", "good"] = option("fast", "trade")
    on: bool = option(True, "switch")
    path: str = option("", "a path")


def test_text_becomes_the_declared_type():
    made = make_options(Example, {"count": "4", "ratio": "1", "on": "no", "path": "7"}, "x")
    assert made == Example(4, 1.0, "fast", False, "7")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": "four"}, "whole number"),
        ({"count": 0}, "at least 1"),
        ({"count": 10}, "at most 9"),
        ({"count": True}, "must be int"),
        ({"ratio": "nan"}, "at least"),
        ({"mode": "slow"}, "fast, good"),
        ({"on": "maybe"}, "true or false"),
        ({"colour": 1}, "no option 'colour'"),
        ({"path": 3}, "must be str"),
    ],
)
def test_what_does_not_fit_is_named(values, words):
    with pytest.raises(BadInput, match=words) as caught:
        make_options(Example, values, "mesh backend 'x'")
    assert "mesh backend 'x'" in str(caught.value)


def test_specs_carry_what_widgets_and_flags_need():
    specs = {s.name: s for s in option_specs(Example)}
    assert specs["mode"].choices == ("fast", "good")
    assert (specs["count"].low, specs["count"].high, specs["count"].help) == (1, 9, "how many")
    assert list(specs) == ["count", "ratio", "mode", "on", "path"]


def test_a_missing_need_is_reported_with_its_mend():
    info = BackendInfo(
        "x", "X", "local", "…", needs=(Need.package("no_such_module", "no-such-package"),)
    )
    backend = Backend(info, Example, lambda: None, stage="mesh")
    with pytest.raises(BackendNotReady, match="pip install no-such-package"):
        backend.require(Context())


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_has_a_default_that_runs_offline_without_a_key(stage):
    default = get_backend(stage)
    assert default.default
    assert default.info.kind == "embedded"
    assert [b.default for b in backends(stage).values()].count(True) == 1


@pytest.mark.parametrize("stage", STAGES)
def test_each_option_has_a_help_and_a_default_within_its_bounds(stage):
    for name, backend in backends(stage).items():
        backend.options()
        for spec in option_specs(backend.options):
            assert len(spec.help) > 5, f"{stage}.{name}.{spec.name}"


def test_an_unknown_backend_lists_the_known_ones():
    with pytest.raises(BadInput, match="rules"):
        choose("filter", "nonsense")
