"""What goes on after a reboot of this machine: the command, and what of the environment it gets."""

import json
import sys
from pathlib import Path

from aimlsetup.cli import _resume
from aimlsetup.engine import failures
from aimlsetup.engine.runner import Event
from aimlsetup.errors import Exit
from aimlsetup.models.inventory import Inventories

ENVIRONMENT = {
    "PATH": "/usr/bin", "https_proxy": "http://proxy:3128", "NO_PROXY": "localhost", "AIMLSETUP_ENV": "x",
    "DATABASE_PASSWORD": "canary", "AIMLSETUP_TOKEN": "canary", "SSH_AUTH_SOCK": "/tmp/agent",
}  # fmt: skip


def test_recipe(tmp_path: Path) -> None:
    made = _resume.recipe(tmp_path / "gpu.yml", "this-machine", ENVIRONMENT, {"AIMLSETUP_TOKEN"})
    assert made["command"][:4] == [sys.executable, "-m", "aimlsetup", "apply"]
    assert made["command"][-2:] == ["--limit", "this-machine"]
    more = _resume.recipe(tmp_path / "gpu.yml", "h", {}, (), Inventories((tmp_path,), tmp_path / "key").options())
    assert more["command"][-4:] == ["--inventory", str(tmp_path), "--vault-password-file", str(tmp_path / "key")]
    assert made["keep"] == {
        "aimlsetup.yml": str(tmp_path / "gpu.yml"),
        "aimlsetup.lock.yml": str(tmp_path / "gpu.lock.yml"),
    }
    assert json.loads(made["environment"]) == {
        "HOME": "/root", "PATH": "/usr/bin", "https_proxy": "http://proxy:3128", "NO_PROXY": "localhost",
        "AIMLSETUP_ENV": "x",
    }  # fmt: skip


def test_a_reboot_that_goes_on_by_itself_says_so_with_the_whole_note() -> None:
    note = "\n".join(f"line {number}" for number in range(20))
    event = Event(
        kind="failed", host="h", task="Reboot", component="nvidia_driver", action="driver_reboot",
        result={"msg": note, "resumes": "aimlsetup-resume.service"},
    )  # fmt: skip
    error = failures.task_error("h", [event], again="aimlsetup apply", log="/log", scrub=str)
    assert (error.ref, error.exit_code) == (failures.RESUMES, Exit.INTERRUPTED)
    assert "line 0" in str(error)
    assert "line 19" in str(error)
    assert "journalctl -fu aimlsetup-resume.service" in str(error)
