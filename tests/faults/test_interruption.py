"""Kills at random moments; many more by hand: `tests/interrupt --runs 100`."""

import random
from pathlib import Path

import pytest

from tests.faults import interruption


@pytest.mark.host
@pytest.mark.network
@pytest.mark.parametrize("runs", [3, pytest.param(10, marks=pytest.mark.long)])
def test_kills_lose_nothing(tmp_path: Path, runs: int) -> None:
    interruption.run(tmp_path, runs=runs, seed=random.randrange(10**6), say=print)
