"""No request is dropped while a service restarts and while its environment is flipped."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from aimlsetup import content, sandbox
from tests.conftest import HostFactory

SCENARIO = Path(__file__).parents[3] / "molecule" / "ai_service"
CLIENTS = 8
PORT = 4100


class Load:
    """Clients that ask again and again, each over a new connection, until the block is left."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.outcomes: Counter[str] = Counter()
        self.environments: set[str] = set()
        self.slowest = 0.0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._client) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _client(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            connection = http.client.HTTPConnection(self.address, PORT, timeout=30)
            try:
                connection.request("GET", "/")
                response = connection.getresponse()
                self.environments.add(json.loads(response.read())["prefix"])
                self.outcomes[str(response.status)] += 1
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.outcomes[repr(error)] += 1
            finally:
                connection.close()
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.02)


def play(host: sandbox.Host, directory: Path, *playbooks: str) -> None:
    """Run the scenario's playbooks on the host."""
    inventory = directory / "hosts.yml"
    connection = {"ansible_ssh_common_args": f"-F {host.ssh_config}", "ansible_python_interpreter": "/usr/bin/python3"}
    inventory.write_text(json.dumps({"all": {"hosts": {host.name: connection}}}))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, *(SCENARIO / name for name in playbooks)],
        env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(content.collections_dir(directory))},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def on(host: sandbox.Host, *command: str) -> str:
    """Standard output of a command on the host."""
    argv = sandbox.ssh_argv(host, *command)
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.host
def test_no_request_is_dropped(host_factory: HostFactory, tmp_path: Path) -> None:
    host = host_factory("bookworm")
    play(host, tmp_path, "prepare.yml", "converge.yml")
    with Load(host.address) as load:
        for _ in range(3):
            time.sleep(1)
            on(host, "systemctl", "restart", "codehub-ai@vidteq-rld-1.service")
        on(host, "sh", "-c", "rm /virtualmachines/virtualenvs/py_3/lib/python3*/site-packages/gunicorn-*/RECORD")
        play(host, tmp_path, "prepare.yml", "converge.yml")
        time.sleep(1)
    assert set(load.outcomes) == {"200"}, load.outcomes
    assert load.outcomes["200"] > 100
    assert len(load.environments) == 2, "the flip happened under load, and both environments answered"
    assert load.slowest < 15
