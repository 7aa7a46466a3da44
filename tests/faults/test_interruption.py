"""Five kills at random moments; by hand: `tests/interrupt --runs 100`."""

import random
from pathlib import Path

import pytest

from tests.faults import interruption


@pytest.mark.host
@pytest.mark.network
def test_five_kills_lose_nothing(tmp_path: Path) -> None:
    interruption.run(tmp_path, runs=5, seed=random.randrange(10**6), say=print)
