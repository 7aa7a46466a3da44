"""What is done with waves whose hosts hold, fail, or can't be checked. No host is needed."""

from collections.abc import Mapping
from typing import Any

import pytest

from aimlsetup.cli import _checks, _loop, _waves
from aimlsetup.cli._loop import Outcome
from aimlsetup.engine.act import Work
from aimlsetup.errors import AimlsetupError
from aimlsetup.waves import Serial

HOSTS = ["a", "b", "c", "d"]


class Here:
    """Stands for the site: hosts that all differ, behind no gateway."""

    lock = before = None

    def components(self, host: str) -> dict[str, dict[str, object]]:
        del host
        return {"base": {}}


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What fails where: `apply` and `check` of hosts by name, `lost` of the check itself; and what was `changed`."""
    state: dict[str, Any] = {"apply": set(), "check": set(), "lost": set(), "changed": []}

    def converge(_site: Any, _run: Any, seen: Mapping[str, Any], **_more: Any) -> dict[str, Outcome]:
        state["changed"].append(list(seen))
        error = AimlsetupError("apply-failed", "it fails")
        return {name: Outcome(error=error if name in state["apply"] else None) for name in seen}

    def check(_run: Any, work: Mapping[str, Work], _title: str) -> Any:
        if state["lost"].intersection(work):
            raise AimlsetupError("verify-failed", "nobody answers")
        return {name: {"base": "broken"} if name in state["check"] else {} for name in work}, {}

    monkeypatch.setattr(_loop, "work_of", lambda _site, seen: dict.fromkeys(seen, Work(removed=["x"])))
    monkeypatch.setattr(_loop, "converge", converge)
    monkeypatch.setattr(_checks, "check", check)
    return state


def roll_out(serial: str | None = "1") -> dict[str, str]:
    site: Any = Here()
    made = _waves.roll_out(site, None, dict.fromkeys(HOSTS), serial=Serial.of(serial) if serial else None)  # type: ignore[arg-type]
    return {name: outcome.status for name, outcome in made.items()}


def test_all_hold(fleet: dict[str, Any]) -> None:
    assert set(roll_out().values()) == {"unchanged"}
    assert fleet["changed"] == [["a"], ["b"], ["c"], ["d"]]


@pytest.mark.parametrize("how", ["apply", "check", "lost"])
@pytest.mark.parametrize(
    ("serial", "failing", "statuses"),
    [
        ("1", "a", ["failed", "untouched", "untouched", "untouched"]),
        ("1", "c", ["unchanged", "unchanged", "failed", "untouched"]),
        (None, "a", ["failed", "untouched", "untouched", "untouched"]),
        ("1", "d", ["unchanged", "unchanged", "unchanged", "failed"]),
    ],
)
def test_the_first_failure_stops(
    fleet: dict[str, Any], how: str, serial: str | None, failing: str, statuses: list[str]
) -> None:
    fleet[how] = {failing}
    assert list(roll_out(serial).values()) == statuses


def test_within_a_wave_all_go_on(fleet: dict[str, Any]) -> None:
    fleet["apply"] = {"b"}
    assert list(roll_out("2").values()) == ["unchanged", "failed", "unchanged", "untouched"]


@pytest.mark.parametrize(
    ("hosts", "serial", "text"),
    [
        ("a", None, ""),
        ("", None, ""),
        ("ab", None, "first a alone, then the other"),
        ("abcd", None, "first a alone, then the other 3"),
        ("abcd", "2", "first a alone, then the other 3, at most 2 at a time"),
    ],
)
def test_the_order_is_told(fleet: dict[str, Any], hosts: str, serial: str | None, text: str) -> None:
    del fleet
    site: Any = Here()
    seen: Any = dict.fromkeys(hosts)
    assert _waves.told(site, seen, Serial.of(serial) if serial else None) == text
