"""Dated links and copies, apart from Ansible."""

import datetime
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NOW = datetime.datetime(2026, 11, 21, 14, 30)  # noqa: DTZ001 -- dated names are in local time


@pytest.fixture(scope="session")
def datalink(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import datalink

    return datalink


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory on another file system than `tmp_path`."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="aimlsetup-test-") as directory:
        yield Path(directory)


@pytest.fixture
def link_of(datalink: Any) -> Callable[..., Any]:
    """Makes `datalink.Link`s: `link_of(path, store=…, mode=…)`."""

    def make(path: Path, **options: Any) -> Any:
        given = {"store": str(path.parent), "uid": None, "gid": None, "mode": None, "directories": []}
        return datalink.Link(path=str(path), **{**given, "elsewhere_ok": False, **options})

    return make
