"""Plain Ansible and the command line are interchangeable: what one applied is converged for the other."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from aimlsetup import content, sandbox
from tests.e2e.site import BIN, KEY, Site, binds, profile, repository
from tests.e2e.test_drift import answer, receipts
from tests.packaging.built import ROOT, run
from tests.remote import on

pytestmark = [pytest.mark.host, pytest.mark.network]

# A template that came from elsewhere than a role is data, and Ansible silently leaves it alone. No value of this site
# looks like one, so here it is a mistake of a role.
STRICT = {"_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR": "error"}
LOGS = ("-e", json.dumps({"data_links_archive": ["/aimldl-dat/logs"]}))


def play(collections: Path, inventory: Path, *argv: str, playbook: str = "site") -> str:
    """Run a playbook of the collection as its users do; returns the recap of the play."""
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", inventory, f"codehub.aimlsetup.{playbook}", *argv],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_PIPELINING": "1", **STRICT},
        cwd=inventory,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout.partition("PLAY RECAP")[2]


def with_connection(inventory: Path, host: sandbox.Host) -> None:
    """Say how the sandbox host is reached, where a user's inventory says it."""
    path = inventory / "host_vars" / host.name
    path = path.with_suffix(".yml")
    own = inventory / "host_vars" / host.name / "connection.yml"
    own.parent.mkdir()
    path.rename(own.with_name("lock.yml"))
    own.write_text(
        yaml.safe_dump(
            {
                "ansible_ssh_common_args": f"-F {host.ssh_config}",
                "ansible_user": "root",
                "ansible_python_interpreter": "/usr/bin/python3",
            }
        )
    )


@pytest.mark.parametrize(("strict", "status"), [({}, 0), (STRICT, 2)])
def test_an_untrusted_template_is_an_error_in_these_tests(strict: dict[str, str], status: int) -> None:
    """If not, a newer Ansible has renamed the setting."""
    message = "msg={{ {'left': '{' ~ '{ 1 }' ~ '}'} }}"
    argv = [BIN / "ansible", "-i", "localhost,", "-c", "local", "all", "-m", "debug", "-a", message]
    done = subprocess.run(argv, env=os.environ | strict, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout


def test_applied_by_the_command_line_is_converged_for_plain_ansible(
    site: Site, host: sandbox.Host, tmp_path: Path
) -> None:
    inventory = tmp_path / "inventory"
    site.run("lock", "--vars-dir", str(inventory))
    with_connection(inventory, host)
    recap = play(content.collections_dir(tmp_path / "collections"), inventory)
    assert "changed=0" in recap
    play(content.collections_dir(tmp_path / "collections"), inventory, playbook="verify")
    assert site.drifted(host.name) == []


def test_applied_by_plain_ansible_is_converged_for_the_command_line(tmp_path: Path) -> None:
    """From the built tarball, on a fresh host, with variables in an inventory; then the command line runs no role."""
    tarball, collections, inventory = tmp_path / "built", tmp_path / "collections", tmp_path / "inventory"
    run(BIN / "ansible-galaxy", "collection", "build", "--output-path", tarball, cwd=ROOT)
    run(
        BIN / "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "-p",
        collections,
        *tarball.iterdir(),
        cwd=tmp_path,
    )
    name = f"plain-{os.getpid()}"
    site = Site(tmp_path)
    site.write(profile(name))
    try:
        host = sandbox.up([name], "trixie", binds=binds(repository(tmp_path)))[0]
        site.run("lock", "--vars-dir", str(inventory))
        with_connection(inventory, host)
        play(collections, inventory)
        assert answer(host)["model"] == KEY
        before = receipts(host)
        assert site.drifted(name) == []
        site.run("apply", "--yes")
        assert receipts(host) == before, "a role ran"
        site.run("verify")
    finally:
        sandbox.down([name])


def test_archiving_the_logs_leaves_the_host_converged(site: Site, host: sandbox.Host, tmp_path: Path) -> None:
    collections, inventory = content.collections_dir(tmp_path / "collections"), tmp_path / "inventory"
    before, pid = logs(host), served_by(host)
    site.run("lock", "--vars-dir", str(inventory))
    with_connection(inventory, host)
    play(collections, inventory, *LOGS, "--check", playbook="archive")
    assert (logs(host), served_by(host)) == (before, pid), "check mode changes nothing"
    play(collections, inventory, *LOGS, playbook="archive")
    assert site.drifted(host.name) == []
    assert logs(host) != before
    assert served_by(host) != pid, "what it writes from now on lies in the new directory"
    assert answer(host)["model"] == KEY
    site.run("verify")


def test_services_that_nobody_describes_are_not_left_behind(host: sandbox.Host, tmp_path: Path) -> None:
    inventory, before = tmp_path / "inventory", logs(host)
    (inventory / "host_vars").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(f"all: {{hosts: {{{host.name}: }}}}\n")
    (inventory / "host_vars" / f"{host.name}.yml").write_text("")
    with_connection(inventory, host)
    collections = content.collections_dir(tmp_path / "collections")
    with pytest.raises(AssertionError, match="nothing was changed: services keep"):
        play(collections, inventory, *LOGS, playbook="archive")
    assert logs(host) == before


def logs(host: sandbox.Host) -> str:
    """The dated directory that the logs go to."""
    return on(host, "readlink", "/aimldl-dat/logs")


def served_by(host: sandbox.Host) -> str:
    """Process id of the service."""
    return on(host, "systemctl", "show", "-P", "MainPID", f"codehub-ai@{KEY}.service")
