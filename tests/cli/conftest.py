"""A small site (accounts, directories, configuration) on a real host, and the command line on it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimlsetup import sandbox
from tests.conftest import factory

AIMLSETUP = Path(sys.executable).parent / "aimlsetup"
SMALL = {"base": {"packages": ["ca-certificates"]}, "components": ["base", "codehub"]}


@dataclass
class Cli:
    """Runs commands on the profile in a directory, with a state directory of its own."""

    directory: Path
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a command sees."""
        return {**os.environ, "XDG_STATE_HOME": str(self.directory / "state"), **self.more}

    def profile(self, hosts: dict[str, Any], **sections: Any) -> None:
        """Write the profile of a small site."""
        document = {"version": 1, "hosts": hosts, **SMALL, **sections}
        (self.directory / "aimlsetup.yml").write_text(yaml.safe_dump(document))

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own, without a terminal."""
        return subprocess.Popen(
            [AIMLSETUP, *argv],
            env=self.environment,
            cwd=self.directory,
            text=True,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __call__(self, *argv: str) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of a command."""
        process = self.start(*argv)
        output, said = process.communicate(timeout=300)
        return process.returncode, output, said

    def done(self, *argv: str, code: int = 0) -> str:
        """Standard output of a command that must end with this exit code."""
        found, output, said = self(*argv)
        assert found == code, f"{argv}: exit {found}, expected {code}\n{output}\n{said}"
        return output


def on(host: sandbox.Host, script: str) -> str:
    """Standard output of a shell script on the host."""
    done = subprocess.run(
        sandbox.ssh_argv(host, "sh", "-eu"), input=script, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command line in a directory of the test's own."""
    return Cli(tmp_path)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, sandbox.Host]]:
    """The small site, applied to a host that had no Python, which tests of a file share; each leaves it converged."""
    with factory() as hosts:
        host = hosts("bookworm", python=False)
        cli = Cli(tmp_path_factory.mktemp("site"))
        cli.profile({host.name: {"connection": "sandbox"}})
        made = json.loads(cli.done("apply", "--yes", "--json"))
        assert made["hosts"][host.name]["applied"] == ["base", "codehub"]
        yield cli, host
