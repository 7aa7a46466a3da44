"""What a change ticket is told: the whole plan, what it asks for, and how it is applied."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.plan import Action, Cost, Effects, HostPlan, Plan, Planned
from aimlsetup.report import page
from aimlsetup.report.page.consents import Consent, consents
from aimlsetup.report.page.ticket import Ticket

CHANGED = "--- /b (file)\n+++ /b (file)\n@@ -1,2 +1,2 @@\n kept\n-one\n+two"
NEW = "--- /a (file)\n+++ /a (file)\n@@ -0,0 +1,2 @@\n+one\n+two"


def planned(component: str, action: Action, **more: Any) -> Planned:
    return Planned(component=component, action=action, **more)


def ticket(*drifts: Planned, **more: Any) -> Ticket:
    host = HostPlan(observed="x", drifts=list(drifts), cost=Cost.of(drift.effects for drift in drifts))
    return Ticket(
        **{
            "plan": Plan(lock="sha256:12", hosts={"gpu1": host}),
            "profile": "site.yml",
            "made": datetime(2026, 11, 21, 18, 30, tzinfo=UTC),
            "version": "1.2",
            "command": "aimlsetup apply change.plan",
            **more,
        }
    )


def written(made: Ticket) -> str:
    return page.render(made, Path("change.md"))


WHOLE = """\
# Planned change: site.yml

0 to make, 1 to change, 0 to remove, 1 as they should be; downloads 2.0 kB; needs 9.0 kB on disk; reboots gpu1

| profile | lock | planned | by |
| --- | --- | --- | --- |
| `site.yml` | `sha256:12` | 2026-11-21 18:30 UTC | aimlsetup 1.2 |

## How it is applied

```sh
aimlsetup apply change.plan
```

This does exactly what stands here, or nothing (exit code 3) if hosts or lock have moved on. It asks first.

## `gpu1`: downloads 2.0 kB, needs 9.0 kB on disk

### `~` `nvidia_driver`: differs

**Why**

- its arguments changed

| package | from | to |
| --- | --- | --- |
| `libc6:i386` | `1:7` | `1:8` |

| package | from | to |
| --- | --- | --- |
| `git` | `absent` | `2` |

```diff
+ /c (link): target /d, type link
```

<details><summary>+ /a (2 lines)</summary>

```diff
--- /a (file)
+++ /a (file)
@@ -0,0 +1,2 @@
+one
+two
```

</details>

<details><summary>~ /b (file): 1 line in, 1 line out</summary>

```diff
--- /b (file)
+++ /b (file)
@@ -1,2 +1,2 @@
 kept
-one
+two
```

</details>

**Also changes**

- Accounts \\| Groups

**Costs**

- downloads 2.0 kB
- needs 9.0 kB on disk

**Restarts**

- `x.service`
- the host

| consent | in the profile | to what |
| --- | --- | --- |
| `nvidia_driver_reboot_ok` | not given | a reboot |

Where one is not given and it comes to that, apply stops there and explains (exit code 5).

**Can't be taken back**

- libc6:i386 1:7: no source has it
- a reboot ends whatever runs on the host

**Way back**

- apply the earlier lock

**As they should be**

- `base`
"""


def test_a_page_has_the_whole_plan() -> None:
    effects = Effects(
        packages=["git: absent → 2", "libc6:i386: 1:7 → 1:8"],
        diffs=["+ /c (link): target /d, type link", NEW, CHANGED],
        tasks=["Write", "Accounts | Groups"],
        untold=["Accounts | Groups"],
        download=2000,
        disk=9000,
        restarts=["x.service"],
        reboot=True,
        lost=["libc6:i386 1:7: no source has it"],
    )
    driver = planned(
        "nvidia_driver", "~", reasons=["its arguments changed"], effects=effects, undo="apply the earlier lock"
    )
    asked = {"gpu1": {"nvidia_driver": [Consent("nvidia_driver_reboot_ok", None, "a reboot")]}}
    assert written(ticket(driver, planned("base", "="), saved=True, consents=asked)) == WHOLE


def test_without_a_saved_plan_the_page_says_that_it_is_planned_anew() -> None:
    made = written(ticket(planned("base", "+"), command="aimlsetup apply"))
    assert "```sh\naimlsetup apply\n```\n\nThis plans anew" in made


def test_where_nothing_changes_nothing_is_to_be_applied() -> None:
    assert "How it is applied" not in written(ticket(planned("base", "=")))


def test_a_host_that_asks_or_fails_is_named_and_nothing_can_be_applied() -> None:
    asks = AimlsetupError("apply-failed", "gpu1: busy", context=["pid 12 holds it"], exit_code=Exit.CONSENT)
    gone = AimlsetupError("host-unreachable", "gpu2: no route", hint="Look at the switch.")
    made = written(ticket(planned("base", "+"), errors={"gpu1": asks, "gpu2": gone}))
    assert "How it is applied" not in made
    assert "## `gpu1`: asks for consent first\n\n```text\nerror: gpu1: busy [apply-failed]\n  pid 12 holds it" in made
    assert "### `+` `base`" in made, "what is known of it is told all the same"
    assert "## `gpu2`: could not be planned" in made
    assert "hint: Look at the switch." in made


def test_what_is_much_is_folded_but_what_is_replaced_is_seen() -> None:
    new = [f"lib{number}: absent → 1" for number in range(50)]
    made = written(ticket(planned("base", "+", effects=Effects(packages=[*new, "curl: 7 → 8"]))))
    seen = made[: made.index("<details>")]
    assert "| `curl` | `7` | `8` |" in seen
    assert "lib7" not in seen
    assert "<summary>50 new packages</summary>" in made
    assert all(f"| `lib{number}` |" in made for number in range(50))


def test_a_removal_says_what_it_loses_and_asks_for_nothing() -> None:
    asked = {"gpu1": {"repos": [Consent("repos_ok", None, "something")]}}
    made = written(ticket(planned("repos", "-", reasons=["the lock no longer names it"]), consents=asked))
    assert "without what was changed by hand" in made
    assert "repos_ok" not in made


def test_consents_are_the_switches_without_a_default() -> None:
    options = {
        "x_reboot_ok": {"type": "bool", "description": ["To a reboot;", "V(false) waits."]},
        "x_stop_ok": {"type": "bool", "description": "To an end."},
        "x_hold": {"type": "bool", "default": False},
        "x_needed": {"type": "bool", "required": True},
        "x_root": {"type": "path"},
    }
    assert consents({"x_reboot_ok": True, "x_stop_ok": None}, options) == [
        Consent("x_reboot_ok", True, "To a reboot; false waits."),
        Consent("x_stop_ok", None, "To an end."),
    ]


def test_the_ending_says_what_a_file_is() -> None:
    names = ["a.md", "a.MARKDOWN", "a.html", "a.Htm", "change.plan", "plan.json", "md", "html"]
    assert [page.is_page(Path(name)) for name in names] == [True] * 4 + [False] * 4
