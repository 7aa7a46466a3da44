"""The log of a run."""

import stat
from pathlib import Path

import pytest

from aimlsetup.engine.log import RunLog


def test_it_is_scrubbed_private_and_made_only_when_there_is_something_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    log = RunLog(lambda text: text.replace("canary", "*"))
    assert not (tmp_path / "state").exists()
    log.line("a canary")
    assert log.path.read_text() == "a *\n", "each line is there at once"
    log.line("b")
    log.close()
    assert log.path.read_text() == "a *\nb\n"
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_runs_have_names_of_their_own() -> None:
    assert len({RunLog(str).name for _ in range(50)}) == 50
