"""The packages module on a real host: planned transactions, and what keeps one from happening, in words."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import content, sandbox
from aimlsetup.sandbox import Host
from tests.conftest import HostFactory
from tests.plugins.apt_repository import PLACE, SOURCE, Repository, alone, run

pytestmark = pytest.mark.host
NOW = datetime.now(UTC)


class Packages:
    """Calls the module on the host, as Ansible does."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(content.collections_dir(directory)),
            "ANSIBLE_SSH_ARGS": f"-F {host.ssh_config}",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        }

    def start(self, *packages: str, check: bool = False, **options: Any) -> subprocess.Popen[str]:
        """Call it without waiting."""
        arguments = json.dumps({"packages": packages, "lock_timeout": 30, **options})
        module = ["-m", "codehub.aimlsetup.packages", "-a", arguments, *(["--check"] if check else [])]
        return subprocess.Popen(
            [Path(sys.executable).parent / "ansible", "-i", f"{self.host.name},", "all",
             "-e", "ansible_python_interpreter=/usr/bin/python3", *module],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    @staticmethod
    def result(process: subprocess.Popen[str]) -> dict[str, Any]:
        """What it returned."""
        output, errors = process.communicate(timeout=180)
        assert "=> {" in output, output + errors
        verdict, _arrow, result = output.partition("=> {")
        return {"failed": "FAILED" in verdict, **json.loads("{" + result)}

    def __call__(self, *packages: str, check: bool = False, **options: Any) -> dict[str, Any]:
        """Call it."""
        return self.result(self.start(*packages, check=check, **options))


@pytest.fixture(scope="module")
def host(session_hosts: HostFactory) -> Host:
    """A host whose only source is the repository of these tests, and whose apt judges dates."""
    host = session_hosts()
    alone(host)
    return host


@pytest.fixture(scope="module")
def repository(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Packages alpha 1 and 2; beta wants alpha 2, zeta wants beta; gamma conflicts with alpha, eta
    wants it; broken can't be configured.
    """
    made = Repository(host, tmp_path_factory.mktemp("repository"))
    made.make_key()
    made.add("alpha", "1")
    made.add("alpha", "2")
    made.add("beta", "1", Depends="alpha (>= 2)")
    made.add("gamma", "1", Conflicts="alpha")
    made.add("eta", "1", Depends="alpha")
    made.add("zeta", "1", Depends="beta")
    made.add("broken", "1", postinst="test -e /srv/repaired")
    made.add("huge", "1", **{"Installed-Size": str(10**10)})
    return made


@pytest.fixture(autouse=True)
def published(host: Host, repository: Repository) -> Iterator[None]:
    """The repository is there and none of its packages is installed."""
    repository.name_it()
    repository.publish()
    yield
    run(host, "touch /srv/repaired; dpkg --configure -a;"
              "dpkg --purge --force-hold zeta beta alpha gamma delta eta broken slow left;"
              "rm -f /srv/repaired; rm -rf /var/lib/apt/lists/*")  # fmt: skip


@pytest.fixture(scope="module")
def packages(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Packages:
    return Packages(host, tmp_path_factory.mktemp("collections"))


@contextmanager
def owning(host: Host, **packages: dict[str, Any]) -> Iterator[None]:
    """A receipt there that owns these packages."""
    receipt = {"version": 1, "component": "tests", "owned": {"packages": packages}}
    place = "/var/lib/aimlsetup/receipts"
    run(host, f"mkdir -p {place}; cat > {place}/tests.json", json.dumps(receipt).encode())
    yield
    run(host, f"rm {place}/tests.json")


def lists(host: Host) -> str:
    return run(host, "ls -A /var/lib/apt/lists /var/lib/dpkg/updates")


def test_exact_versions_holds_and_nothing_the_second_time(host: Host, packages: Packages) -> None:
    before = lists(host)
    planned = packages("alpha=1", check=True, hold=True)
    assert planned["changed"]
    assert planned["plan"]["packages"] == [{"name": "alpha", "from": None, "to": "1"}]
    assert planned["plan"]["disk"] == 3 * 1024
    assert lists(host) == before, "check mode fetched to a scratch directory"
    made = packages("alpha=1", hold=True)
    assert (made["changed"], made["plan"], made["held"]) == (True, planned["plan"], ["alpha"])
    assert not packages("alpha=1", hold=True)["changed"]
    assert run(host, "dpkg-query -W -f '${db:Status-Abbrev}${Version}' alpha") == "hi 1"
    theirs = packages("alpha=2")
    assert "somebody wants alpha 1 to stay as installed (apt-mark hold)" in theirs["msg"]
    assert run(host, "dpkg-query -W -f '${Version}' alpha") == "1"
    with owning(host, alpha={"version": "1", "hold": True}):
        upgraded = packages("alpha=2")
    assert upgraded["plan"]["packages"] == [{"name": "alpha", "from": "1", "to": "2"}]
    assert packages("alpha", hold=False)["held"] == ["alpha"]
    assert packages("alpha=1")["plan"]["packages"] == [{"name": "alpha", "from": "2", "to": "1"}]


def test_what_nobody_planned_is_refused(host: Host, packages: Packages) -> None:
    packages("alpha=1")
    for wish, culprit in (("beta", "upgrade alpha from 1 to 2"), ("gamma", "remove alpha 1")):
        for check in (True, False):
            refused = packages(wish, check=check)
            assert refused["failed"]
            assert culprit in refused["msg"]
    assert run(host, "dpkg-query -W -f '${Version}' alpha") == "1"
    assert packages("beta", upgrades=True)["changed"]
    assert "remove" in packages("gamma", upgrades=True)["msg"]


def test_what_may_give_way_does(host: Host, packages: Packages) -> None:
    packages("alpha=1", hold=True)
    assert "apt-mark unhold alpha" in packages("gamma", replaces=["alph?"])["msg"]
    with owning(host, alpha={"version": "1", "hold": True}):
        made = packages("gamma", replaces=["alph?"])
    assert made["plan"]["packages"] == [
        {"name": "alpha", "from": "1", "to": None}, {"name": "gamma", "from": None, "to": "1"}
    ]  # fmt: skip
    assert run(host, "dpkg-query -W -f '${db:Status-Abbrev}' gamma") == "ii "


def test_what_must_not_come_is_refused_with_who_asks(packages: Packages) -> None:
    refused = packages("zeta", refuses=["al*"])
    assert "installing zeta would also\n  install alpha 2 (asked for by zeta → beta)\nNobody" in refused["msg"]


def test_what_is_to_be_absent_goes_with_what_only_it_needed(host: Host, packages: Packages) -> None:
    packages("zeta")
    for _time in range(2):
        refused = packages("gamma", absent=["alpha"])
        assert "would also\n  remove beta 1\n  remove zeta 1\n" in refused["msg"]
    planned = packages("gamma", absent=["zeta"], check=True)
    made = packages("gamma", absent=["zeta"])
    assert [change["name"] for change in made["plan"]["packages"] if change["to"] is None] == ["alpha", "beta", "zeta"]
    assert planned["plan"] == made["plan"]
    assert not packages("gamma", absent=["zeta"])["changed"]
    packages("alpha", absent=["gamma"])
    packages("beta")
    assert packages(absent=["beta"])["plan"]["packages"] == [{"name": "beta", "from": "1", "to": None}]
    assert run(host, "dpkg-query -W -f '${db:Status-Abbrev}' alpha") == "ii ", "somebody wanted it for itself"


def test_what_is_wanted_stays_though_it_came_with_what_goes(host: Host, packages: Packages) -> None:
    packages("zeta")
    made = packages("beta", absent=["zeta"])
    assert [change["name"] for change in made["plan"]["packages"]] == ["zeta"]
    packages("zeta")
    made = packages("alpha", "eta", absent=["zeta"])
    assert {change["name"]: change["to"] for change in made["plan"]["packages"]} == {
        "beta": None, "eta": "1", "zeta": None,
    }  # fmt: skip


def test_waits_for_another_user_of_dpkg_and_names_it(host: Host, packages: Packages) -> None:
    hold = "import fcntl, sys; f = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(f, fcntl.LOCK_EX);"
    with subprocess.Popen(
        sandbox.ssh_argv(host, "python3", "-c", f"{hold} print(flush=True); sys.stdin.read()"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as holder:  # fmt: skip
        assert holder.stdin
        assert holder.stdout
        holder.stdout.readline()
        impatient = packages("alpha", lock_timeout=1)
        assert "which holds apt's or dpkg's lock" in impatient["msg"]
        assert "(python3)" in impatient["msg"]
        patient = packages.start("alpha")
        with pytest.raises(subprocess.TimeoutExpired):
            patient.wait(8)
        holder.stdin.close()
        result = packages.result(patient)
    assert result["changed"]
    assert result["waited"] > 0


def test_starts_from_half_configured_packages(host: Host, packages: Packages) -> None:
    failed = packages("broken")
    assert "own script failed" in failed["msg"]
    assert "broken" in failed["msg"]
    run(host, "touch /srv/repaired")
    assert packages("alpha", check=True)["configured"] == ["broken"]
    repaired = packages("alpha", "broken")
    assert repaired["configured"] == ["broken"]
    assert [change["name"] for change in repaired["plan"]["packages"]] == ["alpha"]
    assert not packages("alpha", "broken")["changed"]


def test_starts_from_a_package_that_was_removed_but_not_purged(
    host: Host, packages: Packages, repository: Repository
) -> None:
    repository.add("left", "1", postrm="true")
    repository.publish()
    packages("left")
    run(host, "dpkg --remove left")
    assert run(host, "dpkg-query -W -f '${db:Status-Abbrev}' left") == "rc "
    assert packages("left", check=True)["plan"]["packages"] == [{"name": "left", "from": None, "to": "1"}]
    assert packages("left")["changed"]
    assert not packages("left")["changed"]


def test_lists_are_updated_only_for_what_is_missing(host: Host, packages: Packages, repository: Repository) -> None:
    packages("alpha=1")
    run(host, f"rm -r {PLACE}")
    assert not packages("alpha=1")["changed"], "nothing is asked of the sources"
    assert packages("alpha=2", check=True)["plan"]["packages"], "the lists at hand suffice"
    repository.add("delta", "1")
    repository.publish()
    assert packages("delta")["changed"], "not in the lists at hand, so they were updated"


def test_more_than_the_disk_holds_is_refused_before_anything(packages: Packages) -> None:
    refused = packages("huge")
    assert "the disk is full" in refused["msg"]
    assert refused["plan"]["disk"] == 1024 * 10**10


def test_why_a_source_does_not_answer(host: Host, packages: Packages, repository: Repository) -> None:
    def told(wish: str = "alpha") -> str:
        run(host, "rm -rf /var/lib/apt/lists/*")
        found = packages(wish)
        assert found["failed"]
        assert "hint: " in found["msg"]
        return str(found["msg"])

    assert "has a package nonesuch" in told("nonesuch")
    assert "has alpha in version 9" in told("alpha=9")
    repository.publish(valid_until=NOW - timedelta(days=3))
    assert "index expired 3d" in told()
    repository.publish(date=NOW + timedelta(days=400))
    assert "in the future" in told()
    repository.publish(signer=None)
    assert "not signed" in told()
    repository.publish()
    run(host, f"printf x >> {PLACE}/Packages")
    assert "not what its index says" in told()
    repository.name_it("http://nowhere.invalid/")
    assert "does not resolve" in told()
    repository.name_it("http://127.0.0.1:9/")
    assert "can't be reached" in told()
    repository.name_it("copy:/srv/elsewhere")
    assert "not (any longer) where the source says" in told()


def test_an_unknown_key_is_named(host: Host, packages: Packages) -> None:
    run(host, f"sed -i '/Signed-By/d' {SOURCE}; rm -rf /var/lib/apt/lists/*")
    said = packages("alpha")["msg"]
    assert "signed with key" in said
    assert "keyring" in said


def test_nothing_but_package_names_reaches_apt(packages: Packages) -> None:
    for text in ("-o=Dpkg::Pre-Invoke::=touch /srv/pwned", "alpha; touch /srv/pwned", "$(touch /srv/pwned)", "alpha-"):
        assert "is no package" in packages(text, check=True)["msg"]


def test_a_killed_apt_is_finished_by_the_next_call(host: Host, packages: Packages, repository: Repository) -> None:
    repository.add("slow", "1", postinst="test -e /srv/fast || sleep 30")
    repository.publish()
    packages("alpha")
    process = packages.start("slow")
    deadline = time.monotonic() + 30
    while "slow.postinst" not in run(host, "ps -eo args || true"):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    run(host, "kill -KILL $(pidof apt-get dpkg); kill $(pgrep -f 'slow[.]postinst'); touch /srv/fast")
    assert packages.result(process)["failed"]
    finished = packages("slow")
    assert finished["changed"]
    assert finished["configured"] == ["slow"]
    assert not packages("slow")["changed"]
