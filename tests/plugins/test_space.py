"""Room on file systems."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def space(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import space

    return space


def test_a_claim_is_on_the_file_system_the_path_will_be_on(space: Any, tmp_path: Path) -> None:
    (tmp_path / "larger").mkdir()
    (tmp_path / "root").symlink_to("larger")
    found = space.claim(str(tmp_path / "root" / "not" / "there"), 5.5, 2)
    assert found["path"] == str(tmp_path / "larger")
    assert found["device"] == tmp_path.stat().st_dev
    assert (found["need"], found["least"]) == (5, 2)
    assert found["free"] > 0
    assert space.claim("/", -7, -7)["need"] == 0, "what gets smaller claims nothing"


def test_claims_on_one_file_system_add_up(space: Any) -> None:
    one = {"path": "/a", "device": 1, "free": 10_000_000, "need": 7_000_000, "least": 1}
    other = {**one, "path": "/b", "need": 4_000_000}
    assert space.shortage([one, {**other, "device": 2}], "need") == ""
    assert space.shortage([one, other], "need") == "/a has 10 MB free, and 11 MB are needed"
    assert space.shortage([one, other]) == ""
