"""A package index on disk, and hosts to lock for."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import catalog, files
from aimlsetup.catalog import profiles
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile
from tests import wheels

REPOSITORIES = [name for name, source in catalog.load().sources.items() if source.apt]  # no test asks the real ones
Observe = Callable[..., Observation]
Read = Callable[..., Profile]


class Index:
    """A simple index in a directory, of wheels without content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.publish("uv", "0.9.0")

    @property
    def url(self) -> str:
        return self.root.as_uri()

    def publish(self, name: str, version: str, requires: Iterable[str] = ()) -> None:
        """Add one release."""
        wheels.publish(self.root, name, version, requires)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index of its own for each test, and a cache that knows nothing of others."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    made = Index(tmp_path / "index")
    for name, version in [("falcon", "4.0.0"), ("falcon", "4.1.0"), ("numpy", "1.26.4"), ("numpy", "2.1.0")]:
        made.publish(name, version)
    return made


@pytest.fixture
def observation() -> Observe:
    """An observed host: Debian 12 on x86_64 unless told otherwise."""

    def make(**facts: Any) -> Observation:
        known: Mapping[str, Any] = {
            "release": {"id": "debian", "version": "12", "codename": "bookworm", "name": "Debian"},
            "arch": "x86_64",
            "cpu": {"count": 2, "model": "x", "flags": ["avx", "avx2"]},
            "pythons": {"/usr/bin/python3.11": "3.11.2"},
        }
        return Observation(version=1, facts={**known, **facts})

    return make


@pytest.fixture
def profile(index: Index) -> Read:
    """A profile of hosts and one environment's requirements, with more YAML where needed."""

    def make(*requirements: str, hosts: Iterable[str] = ("web",), more: str = "", **env: Any) -> Profile:
        document = {
            "hosts": {name: {} for name in hosts},
            "components": ["base", "codehub", "python_env"],
            "sources": {"pypi": index.url, **dict.fromkeys(REPOSITORIES, "file:///nowhere/{distro}/{arch}")},
            "python_env": {"envs": [{"name": "py_3", "requirements": list(requirements), **env}]},
        }
        return profiles.accept(files.parse(files.dump(document) + more, Path("aimlsetup.yml")))

    return make
