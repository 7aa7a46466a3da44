"""Packages on the way back, on a real host: exact versions from kept files, and what keeps one as it is."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import content
from aimlsetup.sandbox import Host
from tests.conftest import HostFactory
from tests.plugins.apt_repository import PLACE, Repository, alone, run

pytestmark = pytest.mark.host
RECEIPT = "/var/lib/aimlsetup/receipts/demo.json"
STATES = (
    "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n' alpha beta eta 2>/dev/null || true;"
    "apt-mark showauto"
)
INPUTS = {"digest": "sha256:1", "secrets": {}}


class Modules:
    """Calls modules on the host, as Ansible does."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(content.collections_dir(directory)),
            "ANSIBLE_SSH_ARGS": f"-F {host.ssh_config}",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        }

    def __call__(self, name: str, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Call one; what it returned."""
        module = ["-m", f"codehub.aimlsetup.{name}", "-a", json.dumps(options), *(["--check"] if check else [])]
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible", "-i", f"{self.host.name},", "all",
             "-e", "ansible_python_interpreter=/usr/bin/python3", *module],
            env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        verdict, _arrow, result = done.stdout.partition("=> {")
        assert result, done.stdout + done.stderr
        return {"failed": "FAILED" in verdict, **json.loads("{" + result)}

    def component(self, *packages: str, hold: bool | None = None) -> None:
        """Let a component bring packages about, between begin and commit."""
        owns = {"packages": [name.partition("=")[0] for name in packages]}
        self("receipt", component="demo", state="begin", inputs=INPUTS, owns=owns)
        done = self("packages", packages=packages, hold=hold, upgrades=True)
        assert not done["failed"], done["msg"]
        self("receipt", component="demo", state="commit", inputs=INPUTS, owns=owns)


@pytest.fixture(scope="module")
def host(session_hosts: HostFactory) -> Host:
    """A host whose only source is the repository of these tests."""
    host = session_hosts()
    alone(host)
    return host


@pytest.fixture(scope="module")
def repository(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Packages alpha 1 and 2; beta wants alpha 2, eta any."""
    made = Repository(host, tmp_path_factory.mktemp("repository"))
    made.make_key()
    made.add("alpha", "1")
    made.add("alpha", "2")
    made.add("beta", "1", Depends="alpha (>= 2)")
    made.add("eta", "1", Depends="alpha")
    return made


@pytest.fixture
def modules(host: Host, repository: Repository, tmp_path: Path) -> Iterator[Modules]:
    """The repository is there, none of its packages installed, and nothing kept."""
    repository.name_it()
    repository.publish()
    run(host, "apt-get -q update")
    yield Modules(host, tmp_path)
    run(host, "dpkg --purge --force-hold eta beta alpha; rm -rf /var/lib/aimlsetup /var/lib/apt/lists/* "
              "/var/cache/apt/archives/*.deb")  # fmt: skip


def no_source_any_more(host: Host) -> None:
    run(host, f"rm -rf {PLACE} /var/lib/apt/lists/*")


def test_an_upgrade_is_taken_back_from_kept_files(host: Host, modules: Modules) -> None:
    run(host, "apt-get -q -y install alpha=1; apt-mark auto alpha; apt-get clean")
    before = run(host, STATES)
    modules.component("alpha=2", "beta", hold=True)
    no_source_any_more(host)
    changed = run(host, STATES)
    planned = modules("restore", to="last", check=True)
    assert planned["plan"]["packages"] == [
        {"name": "alpha", "from": "2", "to": "1"},
        {"name": "beta", "from": "1", "to": None},
    ]
    assert run(host, STATES) == changed
    run(host, "mv /var/lib/aimlsetup/debs /root/debs; rm -f /var/cache/apt/archives/*.deb")
    refused = modules("restore", to="last")
    assert "alpha: version 1 is not kept in /var/lib/aimlsetup/debs, and no source has it" in refused["msg"]
    assert run(host, STATES) == changed
    run(host, "mv /root/debs /var/lib/aimlsetup/debs")
    assert modules("restore", to="last")["components"] == ["demo"]
    assert run(host, STATES) == before
    assert run(host, "ls -A /var/lib/aimlsetup 2>/dev/null || echo gone") == "gone\n"


def test_what_others_want_stays(host: Host, modules: Modules) -> None:
    """Somebody's hold refuses the whole; what somebody has installed since keeps what it needs."""
    modules.component("alpha=2")
    run(host, "apt-mark hold alpha")
    refused = modules("restore", components=["demo"], to="first")
    assert "alpha: somebody holds it (apt-mark hold)" in refused["msg"]
    run(host, "apt-mark unhold alpha; apt-get -q -y install eta")
    kept = run(host, STATES)
    done = modules("restore", components=["demo"], to="first")
    assert done["left"] == [{"kind": "packages", "name": "alpha", "why": "eta needs it"}]
    assert run(host, STATES) == kept


@pytest.mark.parametrize(
    ("edit", "said"),
    [('s/^ "version": 1/ "version": 2/', "has version 2, expected 1"), ("s/demo/base/", "was changed by something")],
)
def test_a_receipt_that_can_not_be_trusted_undoes_nothing(host: Host, modules: Modules, edit: str, said: str) -> None:
    modules.component("alpha=2")
    run(host, f"sed -i '{edit}' {RECEIPT}")
    before = run(host, STATES)
    refused = modules("restore", to="last")
    assert refused["failed"]
    assert f"{RECEIPT} {said}" in refused["msg"]
    assert run(host, STATES) == before
