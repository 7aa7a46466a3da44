"""Hosts of an existing inventory: a directory with groups, a script, a password in a vault, one host behind another.

And what becomes of them when one fails, or the controller is killed between two waves.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import files, sandbox
from tests.cli.conftest import AIMLSETUP, Cli, on
from tests.conftest import factory

pytestmark = [pytest.mark.host]

PASSWORD = "c4nary {{ 7 * 7 }} 'pw'"
SERIAL = ("apply", "--yes", "--json", "--serial", "1")


@dataclass
class Fleet:
    """`front` and `middle` are logged in to as root, `back` through `front` by one whose sudo asks for a password."""

    cli: Cli
    front: sandbox.Host
    middle: sandbox.Host
    back: sandbox.Host

    @property
    def inventory(self) -> Path:
        return self.cli.directory / "lab"

    def statuses(self, output: str) -> list[str]:
        """What became of each, in the order of the waves."""
        found = json.loads(output)["hosts"]
        return [found[host.name]["status"] for host in (self.front, self.middle)] + [found["back"]["status"]]

    def block(self, host: sandbox.Host) -> None:
        """Put a file where the component wants a directory, so that it fails there."""
        on(host, "rm -rf /aimldl-rpt; echo mine > /aimldl-rpt")

    def clear(self, host: sandbox.Host) -> None:
        on(host, "rm -f /aimldl-rpt")


def stanza(name: str, host: sandbox.Host, more: str) -> str:
    """How ssh reaches a host."""
    lines = [f"HostName {host.address}", more, f"IdentityFile {host.ssh_key}", "IdentitiesOnly yes"]
    lines += [f"UserKnownHostsFile {host.known_hosts}", "StrictHostKeyChecking yes"]
    return f"Host {name}\n" + "".join(f"  {line}\n" for line in lines)


def write(fleet: Fleet) -> None:
    """The inventory, the ssh configuration with the bastion, and the profile."""
    directory, lab = fleet.cli.directory, fleet.inventory
    (lab / "group_vars").mkdir(parents=True)
    ways = [(fleet.front.name, fleet.front, "User root"), (fleet.middle.name, fleet.middle, "User root")]
    ways += [("back", fleet.back, f"ProxyJump {fleet.front.name}")]
    (directory / "ssh_config").write_text("".join(stanza(*way) for way in ways))
    (directory / "ansible.cfg").write_text("[ssh_connection]\nssh_args = -F ssh_config\n[defaults]\nstrategy = free\n")
    (lab / "10-static").write_text(f"[front]\n{fleet.front.name}\n{fleet.middle.name}\n[cloud]\n")
    (lab / "20-cloud").write_text('#!/bin/sh\necho \'{"cloud": {"hosts": ["back"]}, "_meta": {"hostvars": {}}}\'\n')
    (lab / "20-cloud").chmod(0o755)
    (directory / "vault").write_text("open sesame\n")
    secret = files.dump_unsafe({"ansible_user": "ops", "ansible_become": True, "ansible_become_password": PASSWORD})
    vault = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", "--output", "-"]
    made = subprocess.run(
        [*vault, "--vault-password-file", directory / "vault"], input=secret, capture_output=True, text=True, check=True
    )
    (lab / "group_vars" / "cloud.yml").write_text(made.stdout)
    groups = {"cloud": {"roots": {"kbank": "/srv/kbank"}}}
    fleet.cli.profile({}, components=["base"], groups=groups)
    fleet.cli.more |= {"AIMLSETUP_INVENTORY": "lab", "ANSIBLE_VAULT_PASSWORD_FILE": "vault"}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with factory() as hosts:
        made = Fleet(Cli(tmp_path_factory.mktemp("fleet")), *hosts.several(3))
        sandbox.add_user(made.back, "ops", PASSWORD)
        write(made)
        yield made


def test_a_controller_killed_between_two_waves_goes_on_with_the_same_command(fleet: Fleet) -> None:
    process = fleet.cli.start(*SERIAL)
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "wave 2 of 3: changing" in line:
            break
    else:
        pytest.fail(f"it ended before it could be killed: {''.join(lines)}")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    fleet.cli.done("plan", "-o", "change.plan", "-o", "change.md", "--no-diff", "-i", "lab")
    assert "aimlsetup apply change.plan --inventory lab\n" in (fleet.cli.directory / "change.md").read_text()
    document = fleet.cli.done("apply", "change.plan", *SERIAL[1:])
    assert fleet.statuses(document) == ["unchanged", "done", "done"]
    assert json.loads(document)["hosts"]["back"]["wave"] == 2
    assert on(fleet.back, "stat -c %U /srv/kbank; ls -d /aimldl-kbank || true").split() == ["codehub"]
    assert on(fleet.front, "ls -d /srv/kbank || true") == ""


def test_what_holds_is_proven_and_no_secret_is_anywhere(fleet: Fleet) -> None:
    assert json.loads(fleet.cli.done("verify", "--json", "--limit", "cloud:!front"))["ok"] is True
    lock = (fleet.cli.directory / "aimlsetup.lock.yml").read_text()
    assert "back:\n      - cloud\n" in lock
    written = [path for path in fleet.cli.directory.rglob("*") if path.is_file() and "lab" not in path.parts]
    assert any("runs" in path.parts for path in written)
    assert not [path for path in written if b"c4nary" in path.read_bytes()]
    assert "c4nary" not in on(fleet.back, "cat /var/lib/aimlsetup/receipts/*; journalctl -q --no-pager")


def test_the_first_host_fails_and_the_others_are_untouched(fleet: Fleet) -> None:
    fleet.block(fleet.front)
    for host in (fleet.middle, fleet.back):
        on(host, "chmod 700 /aimldl-doc")
    code, output, said = fleet.cli("apply", "--yes", "--json")
    assert (code, fleet.statuses(output)) == (1, ["failed", "untouched", "untouched"])
    assert f"error: {fleet.front.name}: base failed" in said
    assert {on(host, "stat -c %a /aimldl-doc").strip() for host in (fleet.middle, fleet.back)} == {"2700"}


def test_a_later_host_fails_and_the_report_says_which_are_done(fleet: Fleet) -> None:
    fleet.clear(fleet.front)
    fleet.block(fleet.middle)
    code, output, said = fleet.cli(*SERIAL)
    assert (code, fleet.statuses(output)) == (6, ["done", "failed", "untouched"])
    assert "wave 3 of 3" not in said
    fleet.clear(fleet.middle)


@pytest.mark.parametrize(
    ("change", "ref", "words"),
    [
        (("ssh_config", "HostName 10.77", "HostName 127.9"), "bastion-unreachable", "the host that ssh jumps through"),
        (("vault", "sesame", "barley"), "vault-password", "does not open its vault"),
        (("aimlsetup.yml", "hosts: {}", "hosts: {back: {}}"), "inventory-duplicate", "the inventory has the host back"),
    ],
)
def test_what_stops_before_any_host_is_changed(
    fleet: Fleet, change: tuple[str, str, str], ref: str, words: str
) -> None:
    name, old, new = change
    path = fleet.cli.directory / name
    before = path.read_text()
    assert old in before
    try:
        path.write_text(before.replace(old, new))
        code, _output, said = fleet.cli("observe", "--limit", "back")
        assert code in (1, 2)
        assert ref in said
        assert words in said
        assert "c4nary" not in said
        assert len(said.splitlines()) < 16
    finally:
        path.write_text(before)


def test_the_vaults_password_is_asked_for_in_a_terminal(fleet: Fleet) -> None:
    import pexpect

    environment: Any = {**fleet.cli.environment}
    del environment["ANSIBLE_VAULT_PASSWORD_FILE"]
    child = pexpect.spawn(
        str(AIMLSETUP), ["observe", "--limit", "back"], env=environment, cwd=fleet.cli.directory, timeout=60
    )
    child.expect("Vault password: ")
    child.sendline("open sesame")
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, b"Debian GNU/Linux 12" in child.before) == (0, True)
