"""`aimlsetup doctor` itself: what it reads, its document and its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup.__main__ import main
from aimlsetup.engine.script import write
from tests.doctor.test_judge import evidence, nvidia


def test_a_problem_is_exit_3_and_a_versioned_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = tmp_path / "seen.json"
    seen.write_text(json.dumps(evidence(nvidia=nvidia(driver="580.65.06"))))
    assert main(["doctor", "--evidence", str(seen), "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["version"], document["kind"], document["host"]) == (1, "findings", "seen.json")
    assert [(finding["ref"], finding["severity"]) for finding in document["findings"]] == [("nvml-mismatch", "problem")]


def test_notes_are_exit_0_and_act_on_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = tmp_path / "seen.json"
    held = [{"pid": 7, "user": "ai", "command": "\x1b[2Jpython3"}]
    seen.write_text(json.dumps(evidence(holders=held)))
    assert main(["doctor", "--evidence", str(seen)]) == 0
    said = capsys.readouterr().out
    assert "\\x1b[2Jpython3" in said
    assert "no problems, 1 note" in said


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1, "facts": {}}'])
def test_another_document_is_no_evidence(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "seen.json").write_text(content)
    assert main(["doctor", "--evidence", str(tmp_path / "seen.json")]) == 2
    assert "[doctor-evidence]" in capsys.readouterr().err


def test_this_machine_and_a_directory_that_is_no_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--env", str(tmp_path)]) == 2
    assert "is no Python environment" in capsys.readouterr().err


def test_the_program_runs_alone(tmp_path: Path) -> None:
    """What `--script` writes needs nothing of ours, and its output is evidence."""
    assert main(["doctor", "--script", str(tmp_path / "look.pyz")]) == 0
    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "look.pyz", "--env", sys.prefix], capture_output=True, text=True, check=True
    )
    document = json.loads(done.stdout)
    assert set(document) == set(evidence())
    assert document["environment"]["frameworks"] == []
    (tmp_path / "seen.json").write_text(done.stdout)
    assert main(["doctor", "--evidence", str(tmp_path / "seen.json"), "--json"]) in (0, 3)


def test_the_program_and_the_observation_carry_all_they_import(tmp_path: Path) -> None:
    for module in ("observe", "doctor"):
        write(tmp_path / module, module)
        done = subprocess.run([sys.executable, "-I", tmp_path / module], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["version"] == 1
