"""A plan as lines: what, why, cost, how it is taken back."""

import re
from typing import Any

import pytest

from aimlsetup.models.plan import Claim, Cost, Effects, HostPlan, Plan, Planned
from aimlsetup.report import plan as report


def made(**hosts: list[Planned]) -> Plan:
    return Plan(lock="sha256:x", hosts={name: HostPlan(observed="y", drifts=drifts) for name, drifts in hosts.items()})


def text(plan: Plan, **options: Any) -> list[str]:
    return [line.text for line in report.lines(plan, **options)]


NEW_FILE = "--- /a (file)\n+++ /a (file)\n@@ -0,0 +1,2 @@\n+one\n+two"
CHANGED = "--- /b (file)\n+++ /b (file)\n@@ -1 +1 @@\n-one\n+two"

SUMMARY = (
    "1 to make, 0 to change, 0 to remove, 1 as they should be; downloads 1.6 GB; needs 90.0 kB on disk; reboots one"
)


def planned(**effects: Any) -> Planned:
    return Planned(
        component="base", action="+", reasons=["not there yet"], effects=Effects(**effects), undo="remove it"
    )


def host(*drifts: Planned) -> Plan:
    cost = Cost.of(drift.effects for drift in drifts)
    return Plan(lock="sha256:x", hosts={"one": HostPlan(observed="y", drifts=list(drifts), cost=cost)})


def test_each_host_and_component_has_its_sign_reasons_costs_and_undo() -> None:
    base = planned(
        tasks=["Install | Packages", "Accounts | Groups"],
        untold=["Accounts | Groups"],
        packages=["git: absent → 1", "curl: 7 → 8"],
        download=1_600_000_000,
        disk=90_000,
        restarts=["x.service"],
        reboot=True,
        diffs=[
            "+ /codehub (directory): mode 0755, type directory",
            "+ /c (link): target /d, type link",
            NEW_FILE,
            CHANGED,
        ],
    )
    assert text(host(base, Planned(component="repos", action="="))) == [
        "one: downloads 1.6 GB, needs 90.0 kB on disk",
        "  + base: not there yet",
        "      package curl: 7 → 8",
        "      1 new package: git 1",
        "      1 directory: /codehub",
        "      1 link: /c → /d",
        "      1 file: /a (2 lines)",
        "      would change: Accounts | Groups",
        "      downloads 1.6 GB, needs 90.0 kB on disk",
        "      restarts x.service",
        "      reboots the host",
        *(f"        {line}" for line in CHANGED.splitlines()),
        "  = repos",
        "all that is new, line by line: aimlsetup plan --diff",
        "undo +  remove it",
        SUMMARY,
    ]


def test_what_is_made_is_shown_whole_on_request_and_nothing_of_it_without_diffs() -> None:
    plan = host(planned(packages=["git: absent → 1"], diffs=[NEW_FILE, CHANGED], tasks=["Write"]))
    whole = text(plan, detail="all")
    assert "      package git: absent → 1" in whole
    assert "        +one" in whole
    assert "      would change: Write" in whole
    none = text(plan, detail="none")
    assert "      1 file: /a (2 lines)" in none
    assert not any("@@" in line for line in none)


def test_other_new_things_are_told_by_their_line() -> None:
    diff = "--- /l (data link)\n+++ /l (data link)\n@@ -0,0 +1 @@\n+link to l-1"
    assert "      2 data links: /l: link to l-1, /l: link to l-1" in text(host(planned(diffs=[diff, diff])))


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_a_new_host_fits_a_screen(width: int) -> None:
    things = [f"+ /some/where/directory-{number} (directory): mode 0755, type directory" for number in range(500)]
    shown = text(
        host(planned(diffs=things, packages=[f"package-{number}: absent → 1.0" for number in range(500)])), width=width
    )
    assert len(shown) == 9
    assert all(len(line) <= width for line in shown[:-3])
    assert shown[2].startswith("      500 new packages: package-0 1.0, package-1 1.0,")
    hidden = int(re.fullmatch(r".*[^,] … and (\d+) more", shown[3])[1])  # type: ignore[index]
    assert hidden + "".join(shown[2:4]).count("package-") == 500


def test_an_estimate_and_what_nobody_knows_are_named() -> None:
    plan = host(planned(download=1000, disk=4600, estimated=True), planned(unsized=["py_3"]))
    assert text(plan)[0] == (
        "one: downloads 1.0 kB, needs ~4.6 kB on disk, and what py_3 takes, which the index does not tell"
    )


def test_a_huge_diff_is_cut_on_the_screen_alone() -> None:
    plan = host(planned(diffs=["--- /b\n+++ /b\n@@ -1 +1,5000 @@\n" + "+x\n" * 5000]))
    assert len(text(plan)) < 220
    assert any("more lines: see them with --diff" in line for line in text(plan))
    assert len(text(plan, detail="all")) > 5000


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
    plan = host(planned(download=1, space=[Claim(path="/", device=1, free=2, need=1, least=1)]))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
