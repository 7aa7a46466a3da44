"""Hosts without any Python, and with none but 3.6: a private one is unpacked, and all else runs on it.

Environments get a Python that the host lacks from the same source, whose builds are stand-ins (`tests/standalone.py`).
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import sandbox
from aimlsetup.content import role
from aimlsetup.engine import act
from aimlsetup.engine.act import Work
from aimlsetup.engine.session import session
from aimlsetup.models.profile import Host
from tests import standalone
from tests.e2e import site as small
from tests.e2e.screen import refused
from tests.mirrors import authority
from tests.remote import on
from tests.serving import bridge, served

OLD = standalone.installed("3.6")
MISSING = [minor for minor in ("3.12", "3.13") if not standalone.installed(minor)]

pytestmark = [
    pytest.mark.host,
    pytest.mark.network,
    pytest.mark.skipif(bool(MISSING) or not OLD, reason="Python 3.6, 3.12 and 3.13 under ~/.pyenv make the stand-ins"),
]

CAS = "/etc/ssl/certs/ca-certificates.crt"
PRIVATE = "/opt/aimlsetup/python"
PROGRAM = role("base") / "files" / "private_python.sh"


@dataclass
class Place:
    """Two hosts, a profile for them, and where the builds are."""

    site: small.Site
    bare: sandbox.Host
    old: sandbox.Host
    builds: Path
    url: str
    entries: list[dict[str, Any]]

    @property
    def authority(self) -> str:
        """The certificate of an authority of the site, which hosts have to trust."""
        return (self.builds.parent / "ca.pem").read_text()

    def wish(self, url: str | None = None, *hosts: str) -> None:
        """Write the profile: for both hosts, with the source where it is, unless something else is said."""
        names = hosts or (self.bare.name, self.old.name)
        document = small.profile(*names) | {
            "components": ["base", "codehub", "python_env"],
            "sources": {"python_builds": {"url": url or self.url, "builds": self.entries}},
            "base": {"packages": ["ca-certificates", "git"]},
            "network": {"ca_bundle": str(self.builds.parent / "ca.pem")},
            "python_env": {"envs": [{"name": "py_3", "python": "3.12", "requirements": ["six"]}]},
        }
        for section in ("data_links", "repos", "ai_service"):
            document.pop(section)
        self.site.write(document)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("bare")
    names = [f"bare-{os.getpid()}", f"old-{os.getpid()}"]
    builds = directory / "builds"
    authority(directory, "127.0.0.1")
    entries = [standalone.build(builds, minor) for minor in ("3.12", "3.13")]
    try:
        binds = [small.cached("uv", "/var/cache/aimlsetup/uv"), f"{OLD}:/opt/old"]
        bare, old = sandbox.up(names, "bookworm", binds=binds, python=False)
        on(old, "tee", "/etc/ld.so.conf.d/old.conf", stdin="/opt/old/lib\n")
        on(old, "sh", "-c", "ldconfig; ln -s /opt/old/bin/python3.6 /usr/bin/python3")
        with served(builds, bridge(bare)) as url:
            yield Place(small.Site(directory), bare, old, builds, url, entries)
    finally:
        sandbox.down(names)


def test_a_build_that_is_another_or_not_there_is_refused_and_the_host_left_alone(place: Place) -> None:
    tampered = place.builds.parent / "tampered"
    tampered.mkdir()
    for entry in place.entries:
        (tampered / entry["file"]).write_bytes(b"not this")
    cache = {"XDG_CACHE_HOME": str(place.builds.parent / "cache")}
    digest = place.entries[1]["sha256"]
    place.wish(tampered.as_uri(), place.old.name)
    words = (f"expected: sha256 {digest}", r"found: sha256 [0-9a-f]{64}")
    refused(place.site, "python-build-digest", *words, status=1, env=cache)
    place.wish((tampered / "nothing").as_uri(), place.old.name)
    said = (r"its Python is 3\.6\.\d+, too old for modules", "No such file", "sources: {python_builds: URL}")
    refused(place.site, "python-build-silent", *said, status=1, env=cache)
    assert on(place.old, "ls", "-A", "/opt", check=False).split() == ["old"]


def unpack(host: sandbox.Host, archive: Path, *arguments: str, how: str = "{}") -> "subprocess.CompletedProcess[str]":
    """Run the script on a host as the role does, among other commands."""
    with archive.open("rb") as handle:
        program = PROGRAM.read_bytes() + handle.read()
    feed = sandbox.ssh_argv(host, "sh", "-c", "cat > /root/unpack.sh")
    subprocess.run(feed, input=program, check=True)
    run = sandbox.ssh_argv(host, "sh", "-c", how.format('sh /root/unpack.sh "$@"'), "sh", *arguments)
    return subprocess.run(run, capture_output=True, text=True, check=False)


def test_what_the_unpacking_refuses_and_a_kill_in_the_middle(place: Place) -> None:
    host, entry = place.bare, place.entries[1]
    archive = place.builds / entry["file"]
    arguments = (f"{entry['version']}-{entry['build']}", entry["sha256"], str(archive.stat().st_size))
    mount = "mkdir -p /opt/aimlsetup && mount -t tmpfs -o %s tmpfs /opt/aimlsetup; {}"
    for how, words in (
        (mount % "size=20m", "MB free; expected:"),
        (mount % "noexec", "must not be mounted noexec"),
        ("mkdir -p /opt/aimlsetup/python; {}", "is in the way"),
    ):
        done = unpack(host, archive, *arguments, how=how)
        assert (done.returncode, words in done.stdout) == (1, True), done
        assert on(host, "find", "/opt/aimlsetup", "-name", "*3*") == ""
        on(host, "sh", "-c", "umount /opt/aimlsetup 2>/dev/null; rm -rf /opt/aimlsetup")
    done = unpack(host, archive, arguments[0], "0" * 64, arguments[2])
    assert (done.returncode, f"expected: sha256 {'0' * 64}" in done.stdout) == (1, True), done
    assert unpack(host, archive, *arguments, how="{} & sleep 0.5; kill -KILL $!; wait $!").returncode != 0
    assert on(host, "sh", "-c", f"test -e {PRIVATE} || echo nothing is believed").strip() == "nothing is believed"


def test_both_are_set_up_on_a_private_python_and_the_second_time_nothing_changes(place: Place) -> None:
    place.wish()
    plan = json.loads(place.site.run("plan", "--json"))["hosts"]
    for host, words in ((place.bare, "no Python yet"), (place.old, "3.6.15, too old")):
        way_out, drift = plan[host.name]["drifts"]
        assert [(one["component"], one["action"]) for one in (way_out, drift)] == [("network", "+"), ("base", "+")]
        assert words in drift["reasons"][0]
        assert drift["effects"]["download"] == (place.builds / place.entries[1]["file"]).stat().st_size
    place.site.run("apply", "--yes")
    again = json.loads(place.site.run("apply", "--yes", "--json"))["hosts"]
    assert {again[host.name]["status"] for host in (place.bare, place.old)} == {"unchanged"}
    assert json.loads(place.site.run("verify", "--json"))["ok"] is True
    for host in (place.bare, place.old):
        python = on(host, "/virtualmachines/virtualenvs/py_3/bin/python", "-c", "import six, sys; print(sys.version)")
        assert python.startswith("3.12.")
        assert on(host, "openssl", "verify", "-CAfile", CAS, "/dev/stdin", stdin=place.authority).endswith("OK\n")
        assert on(host, "ls", "-A", "/opt/aimlsetup/pythons").split() == [f"{place.entries[0]['version']}-20200101"]
    found = on(place.bare, "sh", "-c", "dpkg -l python3 python3-apt 2>/dev/null; ls /usr/bin/python3", check=False)
    assert "ii" not in found
    assert "python3" not in found.split()[-1:], "no role needs the distribution's Python, or its apt module"


def test_it_goes_with_the_last_component(place: Place) -> None:
    place.wish(None, place.bare.name)
    boxes = {place.bare.name: Host(address=place.bare.name, user="root", ssh_config=str(place.bare.ssh_config))}
    names = ["python_env", "codehub", "base", "network"]
    with session(boxes) as run:
        run.interpreters[place.bare.name] = f"{PRIVATE}/bin/python3"
        done = act.site(run, {place.bare.name: Work({}, names)})
    assert not done.failed
    assert on(place.bare, "sh", "-c", f"test -e {PRIVATE} || echo gone").strip() == "gone"
