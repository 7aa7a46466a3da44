"""Which hosts can be solved for, and which are set up."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from aimlsetup import catalog, files, locking
from aimlsetup.catalog import profiles
from aimlsetup.catalog.records import Release
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile

from .conftest import Observe

KNOWN = catalog.load()
BIONIC = {"id": "ubuntu", "version": "18.04", "codename": "bionic", "name": "Ubuntu"}
RELEASES = pytest.mark.parametrize("release", KNOWN.releases, ids=lambda release: release.codename)


def wished(hosts: Mapping[str, Observation]) -> Profile:
    """A profile that asks nothing but its hosts."""
    document = {"hosts": {name: {} for name in hosts}, "components": ["base"]}
    return profiles.accept(files.parse(files.dump(document), Path("aimlsetup.yml")))


def running(release: Release) -> dict[str, str]:
    return {"id": release.id, "version": release.version, "codename": release.codename, "name": ""}


def test_some_releases_are_set_up() -> None:
    assert {(release.id, release.version) for release in KNOWN.releases if release.sets_up} == {
        ("debian", "12"),
        ("debian", "13"),
        ("ubuntu", "22.04"),
        ("ubuntu", "24.04"),
    }


@RELEASES
def test_every_release_can_be_solved_for(release: Release, observation: Observe) -> None:
    hosts = {"web": observation(release=running(release))}
    described = locking.make(wished(hosts), hosts, described={"web"})
    assert list(described.classes) == [f"{release.id}-{release.version}-x86_64"]
    if release.sets_up:
        assert locking.make(wished(hosts), hosts) == described
    else:
        with pytest.raises(AimlsetupError, match="is not supported"):
            locking.make(wished(hosts), hosts)


@RELEASES
def test_wheels_are_of_no_newer_glibc(release: Release) -> None:
    major, minor = release.wheels.removeprefix("manylinux_").split("_")
    assert (int(major), int(minor)) <= tuple(int(part) for part in release.glibc.split("."))


def test_a_release_that_is_only_solved_for(observation: Observe) -> None:
    hosts = {"web": observation(release=BIONIC)}
    with pytest.raises(AimlsetupError, match=r"^error: web: ubuntu 18\.04 is not supported") as caught:
        locking.make(wished(hosts), hosts)
    expected, note = caught.value.context
    assert expected.startswith("expected: debian 13 (trixie), debian 12 (bookworm)")
    assert "ubuntu 24.04 (noble)" in expected
    assert "18.04" not in expected
    assert note == "it can be solved for with --host-facts, not set up"
    assert caught.value.exit_code == 2


def test_a_release_that_is_not_known(observation: Observe) -> None:
    hosts = {"web": observation(release={"id": "centos", "version": "7", "codename": "", "name": "CentOS"})}
    with pytest.raises(AimlsetupError, match="centos 7 is not supported") as caught:
        locking.make(wished(hosts), hosts, described={"web"})
    assert len(caught.value.context) == 1


def test_described_hosts_beside_real_ones(observation: Observe) -> None:
    hosts = {"rack": observation(), "plan": observation(release=BIONIC)}
    lock = locking.make(wished(hosts), hosts, described={"plan"})
    assert set(lock.classes) == {"debian-12-x86_64", "ubuntu-18.04-x86_64"}
    with pytest.raises(AimlsetupError, match=r"plan: ubuntu 18\.04"):
        locking.make(wished(hosts), hosts, described={"rack"})


def test_a_lock_does_not_make_a_host_one_that_is_set_up(observation: Observe) -> None:
    hosts = {"web": observation(release=BIONIC)}
    lock = locking.make(wished(hosts), hosts, described={"web"})
    with pytest.raises(AimlsetupError, match=r"web: ubuntu 18\.04 is not supported"):
        locking.current(lock, wished(hosts), hosts)
