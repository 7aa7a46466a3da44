"""Standalone builds of Python: which the lock chooses for hosts and environments, from where, and with which digest."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import catalog, locking
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import builds, fetch
from aimlsetup.models.build import PythonBuild
from aimlsetup.models.lock import HostClass
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile
from tests.serving import served

from .conftest import Index, Observe, Read

KNOWN = catalog.load()
OWN = [
    {"version": version, "build": "20200101", "arch": "x86_64", "sha256": "0" * 64, "file": f"cpython-{version}.tar.gz"}
    for version in ("3.12.1", "3.13.0")
]


def only(profile: Profile, observed: Observation, old: Any = None, **more: Any) -> HostClass:
    (found,) = locking.make(profile, {"web": observed}, old, **more).classes.values()
    return found


def mirrored(profile: Profile, url: str, **more: Any) -> Profile:
    mirror = {"python_builds": {"url": url, **more}}
    document = profile.model_dump(mode="json", exclude_defaults=True)
    return Profile.model_validate(document | {"sources": {**document["sources"], **mirror}})


def test_the_catalogs_builds_are_of_both_machines_and_each_is_one() -> None:
    known = KNOWN.python_builds.builds
    assert len({(build.name, build.arch) for build in known}) == len(known) == len({build.sha256 for build in known})
    assert {build.minor for build in known} >= {"3.9", "3.10", "3.11", "3.12", "3.13"}
    assert all({found.arch for found in known if found.name == build.name} == {"x86_64", "aarch64"} for build in known)


@pytest.mark.parametrize("arch", ["x86_64", "aarch64"])
def test_the_newest_that_modules_run_on_is_pinned_for_hosts_that_have_none(
    profile: Read, observation: Observe, index: Index, arch: str
) -> None:
    found = only(profile("falcon"), observation(arch=arch))
    python = found.components["base"]["base_python"]
    assert python["name"] == found.pins["private_python"].version
    assert python["name"].startswith("3.13.")
    assert python["url"].startswith("https://")
    date = python["name"].partition("-")[2]
    assert python["url"].endswith(f"%2B{date}-{arch}-unknown-linux-gnu-install_only_stripped.tar.gz")
    assert found.pins["private_python"].because[0].source


def test_there_is_none_for_other_machines(profile: Read, observation: Observe, index: Index) -> None:
    found = only(profile("falcon"), observation(arch="ppc64le"))
    assert found.components["base"]["base_python"] is None


def test_a_mirror_keeps_the_folders_and_a_folder_has_the_archives_side_by_side() -> None:
    (build,) = [each for each in KNOWN.python_builds.builds if each.arch == "x86_64" and each.minor == "3.12"]
    name = f"cpython-{build.version}%2B{build.build}-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
    for url, expected in {
        "http://mirror/pbs/": f"http://mirror/pbs/{build.build}/{name}",
        "file:///srv/pythons": f"file:///srv/pythons/{name}",
    }.items():
        assert builds.address(build, Profile(sources={"python_builds": url}), KNOWN) == expected
    own = PythonBuild.model_validate(OWN[0])
    assert builds.address(own, Profile(sources={"python_builds": "http://m/x"}), KNOWN) == "http://m/x/cpython-3.12.1.tar.gz"


def test_an_environment_has_the_build_of_its_python_and_keeps_it(
    profile: Read, observation: Observe, index: Index
) -> None:
    wished = mirrored(profile("falcon", python="3.12"), "http://m", builds=OWN)
    lock = locking.make(wished, {"web": observation()})
    (found,) = lock.classes.values()
    values = found.components["python_env"]
    assert values["python_env_builds"] == [
        {"name": "3.12.1-20200101", "url": "http://m/cpython-3.12.1.tar.gz", "sha256": "0" * 64}
    ]
    assert values["python_env_envs"][0]["python"] == "/opt/aimlsetup/pythons/3.12.1-20200101/bin/python3.12"
    newer = [*OWN, OWN[0] | {"version": "3.12.9", "file": "newer.tar.gz"}]
    later = mirrored(profile("falcon", python="3.12"), "http://m", builds=newer)
    assert only(later, observation(), lock).pins["py_3.python_build"].version == "3.12.1-20200101"
    assert only(later, observation(), lock, upgrade=True).pins["py_3.python_build"].version == "3.12.9-20200101"


def test_what_the_host_has_is_not_brought(profile: Read, observation: Observe, index: Index) -> None:
    there = observation(pythons={"/opt/python/3.12/bin/python3.12": "3.12.4"})
    values = only(profile("falcon", python="3.12"), there).components["python_env"]
    assert values["python_env_builds"] == []
    assert values["python_env_envs"][0]["python"] == "/opt/python/3.12/bin/python3.12"


def test_an_archive_is_fetched_once_and_only_with_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "it").write_bytes(b"an archive")
    asked: list[str] = []
    with served(tmp_path, asked=asked) as url:
        wanted = {"name": "3.12.1-20200101", "url": f"{url}/it", "sha256": hashlib.sha256(b"an archive").hexdigest()}
        assert [builds.archive(wanted) for _ in range(2)] == [b"an archive"] * 2
        assert asked == ["/it"]
        with pytest.raises(AimlsetupError) as caught:
            builds.archive(wanted | {"sha256": "1" * 64})
        assert all(digest in str(caught.value) for digest in ("1" * 64, wanted["sha256"]))
        with pytest.raises(fetch.Silent, match="404"):
            builds.archive(wanted | {"url": f"{url}/gone", "sha256": "1" * 64})
    assert [path.name for path in fetch.cache_home().iterdir()] == [wanted["sha256"]]
