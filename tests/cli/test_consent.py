"""What nobody agreed to is refused by name, with the ways to agree."""

from pathlib import Path

import pytest

from aimlsetup.cli import _consent
from aimlsetup.errors import Exit
from aimlsetup.models.observation import Observation
from aimlsetup.models.plan import Effects, HostPlan, Mark, Met, Plan, Planned
from aimlsetup.report import plan as report
from tests.report.page.test_ticket import ticket, written


def made(**marks: Mark) -> Plan:
    met = [Met(kind="paths", name=f"/{name}", mark=mark, why="why") for name, mark in marks.items()]
    drift = Planned(component="codehub", action="+", effects=Effects(unowned=met))
    return Plan(lock="x", hosts={"one": HostPlan(observed="x", drifts=[drift])})


@pytest.mark.parametrize(
    ("plan", "allowed", "ref"),
    [
        (made(a="adopt", b="keep"), [], None),
        (made(a="replace"), [], "unowned"),
        (made(a="replace"), ["/a"], None),
        (made(a="replace", b="in the way"), ["/a", "/b"], "in-the-way"),
    ],
)
def test_refused(plan: Plan, allowed: list[str], ref: str | None) -> None:
    errors = _consent.refused(plan, {"one": allowed}, Path("p.yml"))
    assert {name: error.ref for name, error in errors.items()} == ({"one": ref} if ref else {})
    assert all(error.exit_code == Exit.CONSENT for error in errors.values())


def test_the_error_names_the_thing_and_how_to_agree() -> None:
    said = str(_consent.refused(made(a="replace", b="adopt"), {}, Path("p.yml"))["one"])
    assert "replace: /a: why" in said
    assert "--replace /a" in said
    assert "/b" not in said


def test_a_confirmed_plan_grants_what_it_replaces() -> None:
    assert _consent.granted(made(a="replace", b="adopt", c="in the way")) == {"one": ["/a"]}


def test_what_no_component_touches_is_kept() -> None:
    found = {
        "paths": {"/a": {}, "/a/b": {}, "/c": {}},
        "packages": {"x": {"version": "1", "hold": True}, "y": {"version": "1", "hold": False}},
        "ports": {"port 22": {}},
    }
    kept = _consent.kept(made(a="adopt").hosts["one"], Observation(version=1, facts={}, found=found))
    assert [met.name for met in kept] == ["/c", "x"]


def test_screen_and_page_show_each_mark() -> None:
    plan = made(a="adopt", b="replace", c="in the way")
    kept = plan.hosts["one"].model_copy(update={"keeps": [Met(kind="paths", name="/d", mark="keep")]})
    plan = plan.model_copy(update={"hosts": {"one": kept}})
    screen = "\n".join(line.text for line in report.lines(plan))
    assert "adopts: /a" in screen
    assert "replaces /b, which no receipt owns: why" in screen
    assert "in the way: /c: why" in screen
    assert "keeps what no receipt owns: /d" in screen
    page = written(ticket(*plan.hosts["one"].drifts))
    assert all(words in page for words in ("Adopts what is there", "Replaces what no receipt owns", "In the way"))
