"""Every molecule scenario, on booted hosts: check on the bare host, converge, idempotence, verify."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup import sandbox

ROOT = Path(__file__).parents[2]
# Tools beside the API: minutes of packages each, and no other role rests on them.
BESIDE = ("jupyter", "mongodb", "monitoring", "tensorboard", "tf_serving")
SCENARIOS = [
    pytest.param(name, marks=pytest.mark.long) if name in BESIDE else name
    for name in sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
]
LIMIT = 1200  # seconds
LAST_LINES = 150


@pytest.mark.host
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, tmp_path: Path) -> None:
    prefix = f"t{os.getpid()}"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1",
        "AIMLSETUP_TEST_CACHE": os.environ.get("AIMLSETUP_TEST_CACHE") or str(Path.home() / ".cache/aimlsetup/tests"),
        "SANDBOX_PREFIX": prefix, "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "molecule"),
    }
    command = ["molecule", "--base-config", ".config/molecule/config.yml", "test", "--scenario-name", scenario]
    log = tmp_path / "log"
    try:
        with log.open("w") as output:
            status = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=output, stderr=output, check=False, timeout=LIMIT
            ).returncode
    finally:
        sandbox.down([host.name for host in sandbox.hosts() if host.name.startswith(f"{prefix}-{_dashed(scenario)}-")])
    assert status == 0, "\n".join(log.read_text().splitlines()[-LAST_LINES:])


def _dashed(name: str) -> str:
    return name.replace("_", "-")
