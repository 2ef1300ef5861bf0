"""The benchmark of the paid services measures what it says. Its times are not asserted here."""

import pytest

from benchmarks import services


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    for name in ("REPLICATE", "TRIPO"):
        monkeypatch.setenv(f"CAST_{name}_POLL", "0.02")
        monkeypatch.setenv(f"CAST_{name}_LIMIT", "2")


@pytest.mark.parametrize("service", list(services.SERVICES))
def test_every_object_is_made_and_paid_for_once(service, monkeypatch):
    pytest.importorskip({"replicate_trellis": "replicate", "tripo3d": "tripo3d"}[service])
    key_name = services.SERVICES[service][1]
    monkeypatch.setenv(key_name, "the user's own")
    timing = services.measure(service, 3, 0.05)
    assert (timing.objects, timing.paid, timing.limit) == (3, 3, 2)
    assert timing.ideal_s == pytest.approx(0.1) and timing.seconds >= timing.ideal_s
    assert services.os.environ[key_name] == "the user's own"
    assert f"| {service} | 3 | 2 |" in services.table([timing])


def test_objects_that_failed_are_no_measurement(monkeypatch):
    pytest.importorskip("replicate")
    from cast_nodes.services import replicate

    def refuse(*arguments):
        raise RuntimeError("no")

    monkeypatch.setattr(replicate, "create_prediction", refuse)
    monkeypatch.setenv("CAST_REPLICATE_SETTLE", "0")
    with pytest.raises(RuntimeError):
        services.measure("replicate_trellis", 1, 0.01)
