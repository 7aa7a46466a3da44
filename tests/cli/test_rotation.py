"""Hosts behind a gateway are changed one after the other, out of its rotation, and no request is lost."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aimlsetup import sandbox
from aimlsetup.cli import _checks, _rotation
from aimlsetup.cli._loop import Outcome
from aimlsetup.engine import act
from aimlsetup.engine.runner import Event, Result
from aimlsetup.errors import AimlsetupError
from tests.cli.conftest import Cli, on
from tests.conftest import factory

UPSTREAM = Path(__file__).parents[2] / "molecule" / "gateway" / "files" / "upstream.py"
SERVED = {"gw": {"a-b-1": ["gpu1", "gpu2"], "a-b-2": ["gpu1"]}}
KEY = "vidteq-rld-1"


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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, list[sandbox.Host]]]:
    """Two hosts that serve and a gateway, applied; the profile with one root more is applied by `more`."""
    with factory() as hosts:
        made, cli = hosts.several(3), Cli(tmp_path_factory.mktemp("site"))
        for host in made[:2]:
            on(host, f"cat > /srv/upstream.py <<'EOF'\n{UPSTREAM.read_text()}\nEOF\n")
            on(host, "systemd-run -q --unit=upstream python3 /srv/upstream.py 0.0.0.0 4100")
        write(cli, made, "/aimldl-rpt")
        cli.done("apply", "--yes")
        yield cli, made


def write(cli: Cli, hosts: list[sandbox.Host], reports: str) -> None:
    """The profile, with a root that every serving host gets."""
    servers = [{"host": host.name, "address": host.address, "port": 4100} for host in hosts[:2]]
    front = {"components": ["base", "gateway"], "gateway": {"models": [{"model_key": KEY, "servers": servers}]}}
    named = {host.name: {"connection": "sandbox"} for host in hosts[:2]}
    named[hosts[2].name] = {"connection": "sandbox", "groups": ["front"]}  # type: ignore[dict-item]
    cli.profile(named, components=["base"], groups={"front": front}, roots={"rpt": reports})


def asking(gateway: sandbox.Host) -> subprocess.Popen[str]:
    """Ask the gateway twenty times a second, until one request fails."""
    url = f"http://{gateway.address}:8100/api/vision/v2/{KEY}/predict?[1-100000]"
    command = ["curl", "--fail", "--fail-early", "-sS", "--max-time", "5", "--rate", "20/s", "-o", "/dev/null", url]
    return subprocess.Popen(sandbox.ssh_argv(gateway, *command), text=True, stderr=subprocess.PIPE)


@pytest.mark.host
def test_no_request_is_lost_while_hosts_are_changed(site: tuple[Cli, list[sandbox.Host]]) -> None:
    cli, hosts = site
    write(cli, hosts, "/srv/reports")
    asked = asking(hosts[2])
    code, _output, said = cli("apply", "--yes")
    assert code == 0, said
    order = [line for line in said.splitlines() if "rotation" in line or "changing" in line]
    gateway, first, second = hosts[2].name, hosts[0].name, hosts[1].name
    assert order == [
        f"wave 1 of 3: changing {first}",
        f"{gateway}: {first} out of rotation for {KEY}",
        f"{gateway}: {first} in rotation for {KEY}",
        f"wave 2 of 3: changing {second}",
        f"{gateway}: {second} out of rotation for {KEY}",
        f"{gateway}: {second} in rotation for {KEY}",
        f"wave 3 of 3: changing {gateway}",
    ]
    assert asked.poll() is None, asked.stderr and asked.stderr.read()
    asked.kill()
    asked.communicate()
    logged = [json.loads(line) for line in on(hosts[2], "cat /var/log/codehub-gateway/access.log").splitlines()]
    assert {entry["status"] for entry in logged} == {200}
    assert len(logged) > 40
    assert min(longest_alone(logged, host) for host in hosts[:2]) > 1


def longest_alone(logged: list[dict[str, Any]], host: sandbox.Host) -> float:
    """Seconds, at twenty requests each, for which this host alone was asked."""
    longest = now = 0
    for entry in logged:
        now = now + 1 if entry["upstream"] == f"{host.address}:4100" else 0
        longest = max(longest, now)
    return longest / 20


@pytest.mark.host
def test_one_host_is_taken_out_by_a_gateway_that_limit_leaves_out(site: tuple[Cli, list[sandbox.Host]]) -> None:
    cli, hosts = site
    on(hosts[0], "rm -rf /srv/reports; echo mine > /srv/reports")
    code, _output, said = cli("apply", "--yes", "--limit", hosts[0].name)
    assert code != 0
    assert f"{hosts[2].name}: {hosts[0].name} out of rotation" in said
    assert f"{hosts[2].name}: {hosts[0].name} in rotation" in said
    on(hosts[0], "rm /srv/reports")
    cli.done("apply", "--yes", "--limit", hosts[0].name)
    cli.done("plan", "--exit-code")
