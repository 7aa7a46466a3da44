"""Plain Ansible and the command line are interchangeable: what one applied is converged for the other."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from aimlsetup import content, sandbox
from tests.e2e.site import BIN, KEY, Site, binds, profile, repository
from tests.e2e.test_drift import answer, receipts
from tests.packaging.built import ROOT, run

pytestmark = [pytest.mark.host, pytest.mark.network]


def play(collections: Path, inventory: Path, *argv: str) -> str:
    """Run the collection's site as its users do; returns the recap of the play."""
    done = subprocess.run(
        [BIN / "ansible-playbook", "-i", inventory, "codehub.aimlsetup.site", *argv],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_PIPELINING": "1"},
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


def test_applied_by_the_command_line_is_converged_for_plain_ansible(
    site: Site, host: sandbox.Host, tmp_path: Path
) -> None:
    inventory = tmp_path / "inventory"
    site.run("lock", "--vars-dir", str(inventory))
    with_connection(inventory, host)
    recap = play(content.collections_dir(tmp_path / "collections"), inventory)
    assert "changed=0" in recap
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
