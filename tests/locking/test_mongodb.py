"""Which repository and package of MongoDB's a profile means, and where there is none."""

from typing import Any

import pytest

from aimlsetup import locking
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.profile import Profile

from .conftest import Index, Observe, Read

BOOKWORM = {"id": "debian", "version": "12", "codename": "bookworm", "name": "Debian"}
TRIXIE = {"id": "debian", "version": "13", "codename": "trixie", "name": "Debian"}
JAMMY = {"id": "ubuntu", "version": "22.04", "codename": "jammy", "name": "Ubuntu"}


def decided(profile: Profile, host: Any) -> dict[str, Any]:
    lock = locking.make(profile, {"web": host})
    return next(iter(lock.classes.values())).components["mongodb"]


def wished(profile: Read, more: str, *components: str) -> Profile:
    return profile("falcon", more=more).model_copy(update={"components": [*components], "sources": {}})


def test_a_series_is_its_newest_package(profile: Read, observation: Observe, index: Index) -> None:
    found = decided(wished(profile, "mongodb: {version: '8.0'}\n", "mongodb"), observation(release=BOOKWORM))
    assert found["mongodb_packages"] == ["mongodb-org-server=8.0.*"]
    (repository,) = found["mongodb_repositories"]
    assert repository["suites"] == ["bookworm/mongodb-org/8.0"]
    assert repository["components"] == ["main"]
    assert repository["key"]["fingerprints"] == ["4B0752C1BCA238C0B4EE14DC41DE058A4E7DCA05"]
    assert found["mongodb_data_dir"] == "/aimldl-dat/data-mongodb"


def test_an_exact_version_is_exactly_that(profile: Read, observation: Observe, index: Index) -> None:
    host = observation(release=JAMMY, pythons={"/usr/bin/python3.10": "3.10.12"})
    found = decided(wished(profile, "mongodb: {version: 7.0.14}\n", "mongodb"), host)
    assert found["mongodb_packages"] == ["mongodb-org-server=7.0.14"]
    assert found["mongodb_repositories"][0]["suites"] == ["jammy/mongodb-org/7.0"]
    assert found["mongodb_repositories"][0]["components"] == ["multiverse"]


def test_without_a_version_nothing_is_installed(profile: Read, observation: Observe, index: Index) -> None:
    found = decided(wished(profile, "", "mongodb"), observation(release=TRIXIE))
    assert (found["mongodb_packages"], found["mongodb_repositories"]) == ([], [])


@pytest.mark.parametrize(("release", "version"), [(TRIXIE, "8.0"), (BOOKWORM, "6.0"), (BOOKWORM, "4.4.29")])
def test_where_there_is_none_it_is_refused(
    release: dict[str, str], version: str, profile: Read, observation: Observe, index: Index
) -> None:
    with pytest.raises(AimlsetupError, match=f"no repository of {version}") as refused:
        decided(wished(profile, f"mongodb: {{version: '{version}'}}\n", "mongodb"), observation(release=release))
    assert refused.value.exit_code == Exit.NO_SOLUTION
