"""The quickstart application with its queue: redis on a booted host, gunicorn and model servers here."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from aimlsetup import sandbox
from tests.examples import quickstart
from tests.remote import on

PASSWORD = "kept from logs 3f7c"
STANDIN = Path(__file__).with_name("standin") / "classifier.py"
KEY = "acme-queue-1"
REDIS = """\
set -e
password=$(cat)
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -o DPkg::Lock::Timeout=300 install redis-server >/dev/null
printf 'requirepass "%s"\\nbind 0.0.0.0\\nsave ""\\n' "$password" >>/etc/redis/redis.conf
systemctl restart redis-server
"""


def install_redis(host: sandbox.Host) -> None:
    on(host, "sh", "-c", REDIS, stdin=PASSWORD)


def until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass
class Queued:
    """The application's directory with the stand-in in it, its settings, and the model servers that were started."""

    python: Path
    host: sandbox.Host
    folder: Path
    seconds: int
    log: Path = field(init=False)
    servers: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wsgi = self.folder / "wsgi-bin"
        shutil.copytree(quickstart.WSGI_BIN, self.wsgi, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(STANDIN, self.wsgi)
        self.log = self.folder / "model_server.log"
        self.log.touch()
        access = {"host": self.host.address, "port": 6379, "dbname": "0", "username": None, "password": PASSWORD}
        self.app_yml = json.dumps({"DBCFG": {"REDISCFG": access}})

    @contextmanager
    def gunicorn(self, *options: str) -> Iterator[quickstart.Service]:
        arguments = f"API_MODEL_KEY='{KEY}', QUEUE='true'"
        scratch = self.folder / f"run-{len(list(self.folder.iterdir()))}"
        with quickstart.serve(
            self.python, self.folder, scratch, *options, app_yml=self.app_yml, arguments=arguments,
            wsgi_bin=self.wsgi, more={"AI_QUEUE_SECONDS": str(self.seconds)},
        ) as service:  # fmt: skip
            yield service

    def start(self) -> "subprocess.Popen[bytes]":
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        (config / "app.yml").write_text(self.app_yml)
        environ = {"PATH": os.environ["PATH"], "API_MODEL_KEY": KEY, "AI_CFG": str(config),
                   "PYTHONDONTWRITEBYTECODE": "1", "AI_QUEUE_SECONDS": str(self.seconds)}  # fmt: skip
        with self.log.open("ab") as log:
            server = subprocess.Popen([self.python, "model_server.py"], cwd=self.wsgi, env=environ, stderr=log)
        self.servers.append(server)
        return server

    def end(self) -> None:
        for server in self.servers:
            server.kill()
            server.wait()

    def said(self, verb: str) -> Counter[str]:
        """How often the model servers' log says that of each request."""
        return Counter(re.findall(rf"^INFO {verb} (\w+)", self.log.read_text(), re.MULTILINE))

    def redis(self, *words: str) -> str:
        return on(self.host, "redis-cli", "--no-auth-warning", "-a", PASSWORD, *words).strip()


@dataclass
class Outcome:
    """What became of one request; status 0 is a connection that ended without an answer."""

    status: int
    seconds: float
    request: str | None
    right: bool


def ask(service: quickstart.Service, body: bytes, label: str) -> Outcome:
    began = time.monotonic()
    try:
        status, answer = service.predict(body, "application/octet-stream")
    except (OSError, http.client.HTTPException):
        status, answer = 0, {}
    took = time.monotonic() - began
    return Outcome(status, took, answer.get("request"), answer.get("label") == label)


@contextmanager
def load(
    service: quickstart.Service, clients: int, make: Callable[[int], tuple[bytes, str]]
) -> Iterator[list[Outcome]]:
    """Clients that ask one request after the other until the block ends; the list is whole then."""
    outcomes: list[Outcome] = []
    ended, numbers = threading.Event(), count()

    def client() -> None:
        while not ended.is_set():
            outcomes.append(ask(service, *make(next(numbers))))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
