"""The module that brings builds of Python, run as Ansible runs it, with archives of a few bytes that start like one."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import content

STARTS = b"#!/bin/sh\nexit 0\n"
NAME = "3.12.1-20200101"


class Site:
    """A root of builds, a directory of virtualenvs, and what the module answers about them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root, self.environments = directory / "pythons", directory / "virtualenvs"
        self.environments.mkdir()
        self.collections = content.collections_dir(directory / "collections")

    def build(self, name: str = NAME, program: bytes = STARTS) -> dict[str, str]:
        """A build whose archive lies in a folder."""
        path = self.directory / f"{name}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            info = tarfile.TarInfo("python/bin/python3")
            info.mode, info.size = 0o755, len(program)
            archive.addfile(info, io.BytesIO(program))
        return {"name": name, "url": path.as_uri(), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}

    def __call__(self, *builds: dict[str, str], check: bool = False) -> dict[str, Any]:
        arguments = self.directory / "arguments.json"
        options = {
            "root": str(self.root),
            "environments": str(self.environments),
            "builds": list(builds),
            "_ansible_check_mode": check,
        }
        arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
        module = "ansible_collections.codehub.aimlsetup.plugins.modules.python_build"
        done = subprocess.run(
            [sys.executable, "-m", module, str(arguments)],
            env={**os.environ, "PYTHONPATH": str(self.collections)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def there(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir()) if self.root.exists() else []


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_it_is_told_then_brought_then_left_alone(site: Site) -> None:
    build = site.build()
    told = site(build, check=True)
    assert (told["changed"], told["added"], site.there()) == (True, [NAME], [])
    assert told["plan"]["download"] == (site.directory / f"{NAME}.tar.gz").stat().st_size
    assert site(build)["added"] == [NAME]
    assert (site(build)["changed"], site.there()) == (False, [NAME])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "0" * 64}, ["is not the build of Python that is known", "0" * 64]),
        ({"url": "file:///nowhere/it.tar.gz"}, ["can't be fetched", "sources: {python_builds: URL}"]),
        ({"name": "../../etc"}, ["name is not accepted"]),
        ({"url": "ftp://host/it"}, ["url is not accepted"]),
    ],
)
def test_what_is_refused_leaves_nothing(site: Site, change: dict[str, str], words: list[str]) -> None:
    failed = site(site.build() | change)
    assert failed["failed"]
    assert [word for word in words if word not in failed["msg"]] == []
    assert site.there() == []


def test_a_build_that_does_not_start_leaves_nothing(site: Site) -> None:
    failed = site(site.build(program=b"#!/bin/sh\nexit 1\n"))
    assert "does not run" in failed["msg"]
    assert site.there() == []


def test_what_a_killed_run_left_goes_and_one_that_was_damaged_comes_again(site: Site) -> None:
    build = site.build()
    site(build)
    (site.root / f".{NAME}.new").mkdir()
    (site.root / f".{NAME}.tar.gz").write_bytes(b"half")
    (site.root / NAME / "bin" / "python3").unlink()
    assert site(build)["added"] == [NAME]
    assert site.there() == [NAME]


def test_one_that_is_no_longer_wanted_goes_when_no_virtualenv_has_it(site: Site) -> None:
    site(site.build())
    (site.root / "mine").mkdir()
    environment = site.environments / "py_3-12_2026-11-21"
    environment.mkdir()
    (environment / "pyvenv.cfg").write_text(f"home = {site.root}/{NAME}/bin\nversion = 3.12.1\n")
    other = site.build("3.12.9-20200101")
    assert site(other)["removed"] == []
    assert site.there() == [NAME, other["name"], "mine"]
    (environment / "pyvenv.cfg").unlink()
    assert site(other)["removed"] == [NAME]
    assert site()["removed"] == [other["name"]]
    assert site.there() == ["mine"], "what is not called as a build is somebody's"
