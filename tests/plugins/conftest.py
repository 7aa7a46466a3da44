"""Makes the collection importable as `ansible_collections.codehub.aimlsetup`, as Ansible does."""

import sys
from pathlib import Path

import pytest

from aimlsetup import content


@pytest.fixture(scope="session", autouse=True)
def _collection(tmp_path_factory: pytest.TempPathFactory) -> None:
    sys.path.insert(0, str(content.collections_dir(Path(tmp_path_factory.mktemp("collections")))))
