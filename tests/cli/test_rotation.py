"""Which gateways are told when a host is changed. What clients see meanwhile, tests/e2e/test_serving.py shows."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from aimlsetup.cli import _checks, _rotation
from aimlsetup.cli._loop import Outcome
from aimlsetup.engine import act
from aimlsetup.engine.runner import Event, Result
from aimlsetup.errors import AimlsetupError

SERVED = {"gw": {"a-b-1": ["gpu1", "gpu2"], "a-b-2": ["gpu1"]}}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What gateways were `told`; which of them `fail`, and whose services are `silent`."""
    state: dict[str, Any] = {"told": [], "fail": set(), "silent": set()}

    def rotate(_run: Any, gateways: Mapping[str, list[str]], how: str, *, take_lock: bool) -> Result:
        del take_lock
        state["told"].append((how, {name: sorted(hosts) for name, hosts in gateways.items()}))
        failed = state["fail"].intersection(gateways)
        events = [Event("failed", name, "rotate", None, "", result={"msg": "no"}) for name in failed]
        return Result(2 if failed else 0, False, failed, set(), events, "")

    def check(_run: Any, work: Mapping[str, act.Work], _title: str) -> Any:
        return {name: {"ai_service": "?"} for name in work if name in state["silent"]}, {}

    monkeypatch.setattr(act, "rotate", rotate)
    monkeypatch.setattr(_checks, "check", check)
    return state


SITE: Any = SimpleNamespace(components=lambda _host: {"ai_service": {"ai_service_services": []}})
RUN: Any = SimpleNamespace(log=SimpleNamespace(path="log"), secrets=SimpleNamespace(scrub=str))


def locked(**gateways: list[str]) -> Any:
    """A lock of hosts that are gateways of one model, each with those behind it."""
    classes = {
        name: SimpleNamespace(hosts=[name], components={"gateway": {"gateway_models": models(hosts)}})
        for name, hosts in gateways.items()
    }
    return SimpleNamespace(classes=classes)


def models(hosts: list[str]) -> list[dict[str, Any]]:
    return [{"model_key": "a-b-1", "servers": [{"host": host} for host in hosts]}] if hosts else []


def test_a_lock_of_some_hosts_does_not_make_the_others_gateways_forgotten() -> None:
    profile = SimpleNamespace(hosts={"gw": None, "own": None})
    before = locked(gw=["gpu1"], own=["gpu2"], gone=["gpu1"])
    site: Any = SimpleNamespace(profile=profile, before=before, lock=locked(own=[]))
    assert _rotation.served(site) == {"gw": {"a-b-1": ["gpu1"]}}
    site.lock = locked(gw=["gpu1", "gpu2"])
    assert _rotation.served(site) == {"gw": {"a-b-1": ["gpu1", "gpu2"]}, "own": {"a-b-1": ["gpu2"]}}


def test_only_gateways_that_know_a_host_are_told(told: dict[str, Any]) -> None:
    _rotation.take_out(RUN, SERVED, ["gpu2", "gpu9"])
    _rotation.take_out(RUN, SERVED, ["gpu9"])
    _rotation.put_back(SITE, RUN, SERVED, {"gpu2": Outcome(), "gpu9": Outcome()})
    assert told["told"] == [("out", {"gw": ["gpu2"]}), ("in", {"gw": ["gpu2"]})]


def test_a_gateway_that_cannot_be_told_stops_it(told: dict[str, Any]) -> None:
    told["fail"] = {"gw"}
    with pytest.raises(AimlsetupError, match="gpu1 could not be taken out of rotation at gw"):
        _rotation.take_out(RUN, SERVED, ["gpu1"])
    made = {"gpu1": Outcome()}
    _rotation.put_back(SITE, RUN, SERVED, made)
    assert made["gpu1"].error


def test_what_failed_and_does_not_answer_stays_out(told: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    error = AimlsetupError("x", "it failed")
    told["silent"] = {"gpu2"}
    _rotation.put_back(SITE, RUN, SERVED, {"gpu1": Outcome(error=error), "gpu2": Outcome(error=error)})
    assert told["told"] == [("in", {"gw": ["gpu1"]})]
    assert "gpu2: its services do not answer, so it stays out of rotation at gw" in capsys.readouterr().err
