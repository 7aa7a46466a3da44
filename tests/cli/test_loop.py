"""observe, plan, apply, verify on a real host: what they say, what they change, and their exit codes."""

import json
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import sandbox
from tests.cli.conftest import AIMLSETUP, Cli, on
from tests.conftest import HostFactory

pytestmark = [pytest.mark.host]

Applied = tuple[Cli, sandbox.Host]
RECEIPTS = "/var/lib/aimlsetup/receipts"
UNUSED = "10.255.255.254"


def drifts(cli: Cli, *argv: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """The plan's drifts of the one host, by component."""
    document = json.loads(cli.done("plan", "--json", *argv, code=code))
    (host,) = document["hosts"].values()
    return {drift["component"]: drift for drift in host["drifts"]}


def stamps(host: sandbox.Host) -> str:
    """When each receipt was written: tells whether a role ran."""
    return on(host, f"stat -c '%n %y' {RECEIPTS}/*.json")


def test_a_fresh_host_is_planned_in_full_and_left_alone(cli: Cli, host_factory: HostFactory) -> None:
    host = host_factory("trixie")
    cli.profile({host.name: {"connection": "sandbox"}})
    assert cli("apply")[0] == 5, "without a terminal and without --yes nothing may be done"
    found = drifts(cli, "--exit-code", code=3)
    assert {component: drift["action"] for component, drift in found.items()} == {"base": "+", "codehub": "+"}
    assert any("/codehub-config" in diff for diff in found["base"]["effects"]["diffs"])
    assert cli("apply", "--check")[0] == 0
    assert on(host, "ls -d /codehub /var/lib/aimlsetup /run/aimlsetup 2>/dev/null || true") == ""


def test_a_converged_host_runs_no_role(applied: Applied) -> None:
    cli, host = applied
    before = stamps(host)
    began = time.monotonic()
    document = json.loads(cli.done("apply", "--yes", "--json"))
    assert time.monotonic() - began < 8, "3 s on a quiet machine, where bench/reapply measures it"
    assert document["hosts"] == {host.name: {"status": "unchanged", "applied": [], "removed": []}}
    assert document["log"] is None
    assert stamps(host) == before
    assert cli.done("plan", "--exit-code").startswith(host.name)


def test_verify_names_what_drifted_and_apply_repairs_just_that(applied: Applied) -> None:
    cli, host = applied
    on(host, "echo '# edited' >> /codehub-config/app.yml")
    before = stamps(host)
    document = json.loads(cli.done("verify", "--json", code=3))
    assert [proof["component"] for proof in document["proofs"] if not proof["ok"]] == ["codehub"]
    assert json.loads(cli.done("apply", "--yes", "--json"))["hosts"][host.name]["applied"] == ["codehub"]
    assert re.findall(r"base.json.*", stamps(host)) == re.findall(r"base.json.*", before)
    assert json.loads(cli.done("verify", "--deep", "--json"))["ok"] is True


def test_the_proof_is_a_table(applied: Applied) -> None:
    cli, host = applied
    head, *rows = cli.done("verify").splitlines()
    assert head.split() == ["host", "component", "wanted", "found", "ok"]
    assert [row.split()[:2] for row in rows] == [[host.name, "base"], [host.name, "codehub"]]


def test_a_saved_plan_is_done_exactly_or_not_at_all(applied: Applied) -> None:
    cli, host = applied
    on(host, "chmod 700 /codehub/tools")
    plan = cli.directory / "change.plan"
    cli.done("plan", "-o", str(plan))
    assert stat.S_IMODE(plan.stat().st_mode) == 0o600
    on(host, "chmod 711 /codehub/tools")
    code, _, said = cli("apply", str(plan), "--yes")
    assert (code, "the plan no longer fits" in said) == (3, True)
    assert on(host, "stat -c %a /codehub/tools").strip() == "2711"
    on(host, "chmod 700 /codehub/tools")
    cli.done("apply", str(plan), "--yes")
    assert on(host, "stat -c %a /codehub/tools").strip() != "2700"
    assert cli("apply", str(plan), "--yes")[0] == 3, "once done it is history"


def test_a_component_that_is_left_out_is_removed(applied: Applied) -> None:
    cli, host = applied
    cli.profile({host.name: {"connection": "sandbox"}}, components=["base"])
    assert drifts(cli)["codehub"]["action"] == "-"
    assert json.loads(cli.done("apply", "--yes", "--json"))["hosts"][host.name]["removed"] == ["codehub"]
    assert on(host, "ls /codehub-config; ls /etc/profile.d | grep -c codehub || true").split() == ["0"]
    cli.profile({host.name: {"connection": "sandbox"}})
    cli.done("apply", "--yes")


def test_an_interruption_ends_everything_and_says_how_to_go_on(applied: Applied) -> None:
    cli, host = applied
    on(host, f"rm -r {RECEIPTS}")
    process = cli.start("apply", "--yes")
    assert process.stderr
    while "base …" not in process.stderr.readline():
        assert process.poll() is None, "it ended before it could be interrupted"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Go on with: aimlsetup apply --yes" in said
    cli.done("apply", "--yes")
    left = subprocess.run(["pgrep", "-af", f"aimlsetup-{process.pid}-"], capture_output=True, text=True, check=False)
    assert left.stdout == "", "its processes were told to end, and had the time of an apply to do so"
    assert not any(drift["action"] != "=" for drift in drifts(cli).values())


def test_one_controller_applies_once_at_a_time(applied: Applied) -> None:
    cli, host = applied
    on(host, f"rm -r {RECEIPTS}")
    first = cli.start("apply", "--yes")
    assert first.stderr
    while "base …" not in first.stderr.readline():
        assert first.poll() is None
    code, _, said = cli("apply", "--yes")
    assert (code, "host-busy" in said, str(first.pid) in said) == (1, True, True)
    first.communicate(timeout=120)
    assert first.returncode == 0


def test_the_log_is_private_and_whole(applied: Applied) -> None:
    cli, host = applied
    on(host, f"rm {RECEIPTS}/codehub.json")
    log = Path(json.loads(cli.done("apply", "--yes", "--json"))["log"])
    assert "codehub : " in log.read_text().replace("codehub.aimlsetup.codehub", "codehub")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (log, log.parent, log.parent.parent)}
    assert modes == {"log": 0o600, log.parent.name: 0o700, "runs": 0o700}


def test_some_hosts_done_and_some_not(applied: Applied) -> None:
    cli, host = applied
    cli.profile({host.name: {"connection": "sandbox"}, "gone": {"address": UNUSED, "user": "root"}})
    code, output, said = cli("apply", "--yes", "--json")
    assert code == 6
    document = json.loads(output)
    assert document["hosts"][host.name]["status"] == "unchanged"
    assert document["errors"]["gone"]["ref"] == "host-unreachable"
    assert "error: gone: it does not answer on ssh" in said
    cli.profile({host.name: {"connection": "sandbox"}})


def test_a_failing_task_is_told_on_one_screen(applied: Applied) -> None:
    cli, host = applied
    on(host, "rm /codehub/config; echo in the way > /codehub/config")
    code, _, said = cli("apply", "--yes")
    error = said[said.index("error: ") :]
    assert code in (1, 5)
    for part in (host.name, "codehub", "/codehub/config", "task: ", "log: ", "hint: "):
        assert part in error
    assert len(error.splitlines()) < 24
    on(host, "rm /codehub/config")
    cli.done("apply", "--yes")


def test_facts_of_a_host_that_cannot_be_reached(cli: Cli, applied: Applied) -> None:
    _, host = applied
    cli.done("observe", "--script", "look.pyz")
    argv = sandbox.ssh_argv(host, "sh", "-c", "cat > /tmp/look.pyz; python3 /tmp/look.pyz")
    with (cli.directory / "look.pyz").open("rb") as program:
        found = json.loads(subprocess.run(argv, stdin=program, capture_output=True, check=True).stdout)
    assert sorted(found["receipts"]) == ["base", "codehub"]
    assert found["facts"]["release"]["codename"] == "bookworm"
    observed = json.loads(applied[0].done("observe", "--json"))["hosts"][host.name]
    assert observed["receipts"] == found["receipts"]


def test_a_terminal_is_asked(applied: Applied) -> None:
    import pexpect

    cli, host = applied
    on(host, "chmod 700 /codehub/tools")
    for reply, code in (("n", 5), ("y", 0)):
        child = pexpect.spawn(str(AIMLSETUP), ["apply"], env=cli.environment, cwd=cli.directory, timeout=60)  # type: ignore[arg-type]
        child.expect(r"Apply this\?")
        child.sendline(reply)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == code
    assert on(host, "stat -c %a /codehub/tools").strip() != "2700"


def test_help_is_quick() -> None:
    best = min(_seconds([str(AIMLSETUP), "--help"]) for _ in range(3))
    assert best < 0.6, "0.25 s on a quiet machine"
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "aimlsetup", "--help"], capture_output=True, text=True, check=True
    ).stderr
    assert not re.search(r"\b(ansible|ansible_runner|rich|pydantic|yaml)\b", loaded)


def _seconds(argv: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(argv, capture_output=True, check=True)
    return time.monotonic() - began
