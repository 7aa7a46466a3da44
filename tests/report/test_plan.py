"""A plan as lines: what, why, cost, how it is taken back."""

from typing import Any

from aimlsetup.models.plan import Effects, HostPlan, Plan, Planned
from aimlsetup.report import plan as report


def made(**hosts: list[Planned]) -> Plan:
    return Plan(lock="sha256:x", hosts={name: HostPlan(observed="y", drifts=drifts) for name, drifts in hosts.items()})


def text(plan: Plan, **options: Any) -> list[str]:
    return [line.text for line in report.lines(plan, **options)]


def test_each_host_and_component_has_its_sign_reasons_costs_and_undo() -> None:
    effects = Effects(
        tasks=["Install | Packages"],
        packages=["git: absent → 1"],
        download=1_600_000_000,
        disk=90_000,
        restarts=["x.service"],
        reboot=True,
        diffs=["+ /codehub: mode 0755"],
    )
    base = Planned(component="base", action="+", reasons=["not there yet"], effects=effects, undo="remove it")
    assert text(made(two=[Planned(component="repos", action="=")], one=[base])) == [
        "one",
        "  + base",
        "      not there yet",
        "      would change: Install | Packages",
        "      package git: absent → 1",
        "      downloads 1.6 GB, needs 90.0 kB on disk",
        "      restarts x.service",
        "      reboots the host",
        "      undo: remove it",
        "        + /codehub: mode 0755",
        "two",
        "  = repos",
        "1 to make, 0 to change, 0 to remove, 1 as they should be; download 1.6 GB; disk 90.0 kB; reboots one",
    ]
    assert "        + /codehub: mode 0755" not in text(made(one=[base]), diffs=False)


def test_many_reasons_stay_on_the_screen() -> None:
    drift = Planned(component="base", action="~", reasons=[f"reason {number}" for number in range(100)])
    shown = text(made(one=[drift]))
    assert len(shown) < 12
    assert "      and 94 more" in shown


def test_nothing_to_do_is_said() -> None:
    plan = made(one=[Planned(component="base", action="=")])
    assert not plan.drifted
    assert text(plan)[-1] == "0 to make, 0 to change, 0 to remove, 1 as they should be"


def test_a_plan_survives_its_file() -> None:
    plan = made(one=[Planned(component="base", action="+", effects=Effects(download=1))])
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
