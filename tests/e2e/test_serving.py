"""Several models on several hosts behind a gateway: what a client sees while things are changed, killed and lost.

The model is the example's digits network with TensorFlow, under three keys on three ports over two hosts; one of them
works through a queue. A third host is the gateway.
"""

import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import sandbox
from aimlsetup.cli._example import repository
from tests.e2e.site import GUEST_APP, Site, cached
from tests.examples.quickstart import build_environment, train
from tests.remote import on

APP = "/codehub/apps/quickstart"
BOTH, QUEUED, OWN = "aimlsetup-digits-1", "aimlsetup-digits-2", "aimlsetup-digits-3"
RATE = 20  # requests a second
PATIENCE = 60  # seconds a client waits for an answer: a worker imports TensorFlow before it gives one
IMAGES = Path(__file__).parents[1] / "examples" / "digits_as_images.py"
MAKE = 'mkdir -p "$0" && cp -rT /srv/release "$0"'


def service(key: str, **more: Any) -> dict[str, Any]:
    """One model from the release that the hosts see in /srv/release."""
    place = f"/aimldl-dat/release/{key.replace('-', '/')}"
    return {
        "model_key": key,
        "app_dir": f"{APP}/apps/www/od/wsgi-bin",
        "checkout": APP,
        "memory_max": "3G",
        "release": {"creates": "convnet/weights/release.json", "command": ["sh", "-c", MAKE, place]},
        **more,
    }


def profile(first: str, second: str, gateway: str, *packages: str) -> dict[str, Any]:
    """Ports are left to the planner."""
    wishes = ["falcon>=4", "gunicorn>=23", "keras>=3.12", "numpy>=1.26", "pillow>=11", "pyyaml", "tensorflow-cpu"]
    serving = ["base", "codehub", "data_links", "python_env", "repos", "ai_service"]
    return {
        "version": 1,
        "hosts": {
            first: {"connection": "sandbox", "groups": ["first"]},
            second: {"connection": "sandbox", "groups": ["second"]},
            gateway: {"connection": "sandbox", "groups": ["front"]},
        },
        "components": serving,
        "codehub": {"databases": {"REDISCFG": {"password": "env:REDIS_PASSWORD"}}},
        "redis": {"password": "env:REDIS_PASSWORD"},
        "python_env": {"envs": [{"name": "py_3", "requirements": [*wishes, *packages]}]},
        "repos": {"checkouts": [{"dest": APP, "url": GUEST_APP, "version": "main"}]},
        "groups": {
            "first": {
                "components": [*serving, "redis"],
                "ai_service": {"services": [service(BOTH), service(QUEUED, queue=True)]},
            },
            "second": {"ai_service": {"services": [service(BOTH), service(OWN)]}},
            "front": {"components": ["base", "gateway"], "gateway": {"port": 8100}},
        },
    }


class Client:
    """Asks a gateway at a fixed rate until the block is left; what became of each request, by when it was sent."""

    def __init__(self, address: str, key: str, image: bytes) -> None:
        self.address, self.path, self.image = address, f"/api/vision/v2/{key}/predict", image
        self.seen: list[tuple[float, str]] = []
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(64)
        self._clock = threading.Thread(target=self._tick)

    def __enter__(self) -> "Client":
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._clock.join()
        self._pool.shutdown()

    def _tick(self) -> None:
        due = time.monotonic()
        while not self._over.is_set():
            self._pool.submit(self._ask)
            due += 1 / RATE
            time.sleep(max(0, due - time.monotonic()))

    def _ask(self) -> None:
        began = time.monotonic()
        self.seen.append((began, ask(self.address, self.path, self.image)))

    def failed(self, since: float = 0) -> list[float]:
        """When those were sent that had no 200."""
        return [began for began, status in self.seen if status != "200" and began >= since]

    def told(self) -> str:
        """For people."""
        return str(Counter(status for _began, status in self.seen))


def ask(address: str, path: str, image: bytes, limit: float = PATIENCE) -> str:
    """The status of an answer, or why there is none."""
    connection = HTTPConnection(address, 8100, timeout=limit)
    try:
        connection.request("POST", path, image, {"Content-Type": "image/png"})
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException) as error:
        return repr(error)
    finally:
        connection.close()
    return str(response.status)


class Served:
    """The site and its three hosts."""

    def __init__(self, directory: Path, hosts: list[sandbox.Host], image: bytes) -> None:
        self.site, self.hosts, self.image = Site(directory), hosts, image
        self.first, self.second, self.gateway = hosts

    def client(self, key: str = BOTH) -> Client:
        """Requests to a model through the gateway."""
        return Client(self.gateway.address, key, self.image)

    def status(self, key: str) -> str:
        """Of one request."""
        return ask(self.gateway.address, f"/api/vision/v2/{key}/predict", self.image)

    def until(self, key: str, wanted: str, seconds: float = 60) -> None:
        """Ask until that is the status."""
        deadline = time.monotonic() + seconds
        while (found := self.status(key)) != wanted:
            assert time.monotonic() < deadline, f"{key}: {found}, not {wanted} within {seconds} s"
            time.sleep(0.5)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All of it, applied."""
    directory = tmp_path_factory.mktemp("serving")
    release, image = trained(directory)
    names = [f"serving-{os.getpid()}-{name}" for name in ("a", "b", "gw")]
    binds = [f"{repository(directory)}:{GUEST_APP}", f"{release}:/srv/release", cached("uv", "/var/cache/aimlsetup/uv")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_PASSWORD", "of-the-queue's %s $x")
        try:
            hosts = sandbox.up(names, "bookworm", binds=binds)
            made = Served(directory, hosts, image)
            made.site.write(profile(*names))
            made.site.run("apply", "--yes", limit=1200)
            yield made
        finally:
            sandbox.down(names)


def trained(directory: Path) -> tuple[Path, bytes]:
    """A release, trained once for all keys and hosts, and an image to ask with."""
    cache = Path(os.environ.get("AIMLSETUP_TEST_CACHE") or Path.home() / ".cache/aimlsetup/tests")
    python = build_environment(cache)
    train(python, directory / "release", "--epochs", "2")
    place = directory / "release/aimlsetup/digits/1"
    shutil.copytree(place, directory / "made", ignore=shutil.ignore_patterns(".*"))
    subprocess.run([python, IMAGES, "[0]", directory], check=True)
    return directory / "made", (directory / "small.png").read_bytes()


@pytest.mark.host
def test_a_client_sees_all_models_and_models_says_so(served: Served) -> None:
    rows = json.loads(served.site.run("models", "--json"))["services"]
    assert {(row["host"], row["instance"], row["port"], row["said"]) for row in rows} == {
        (served.first.name, BOTH, 4200, None), (served.first.name, QUEUED, 4201, None),
        (served.second.name, BOTH, 4200, None), (served.second.name, OWN, 4201, None),
    }  # fmt: skip
    assert {key: served.status(key) for key in (BOTH, QUEUED, OWN)} == dict.fromkeys((BOTH, QUEUED, OWN), "200")
    served.site.run("verify")
    assert served.site.drifted(served.gateway.name) == []


@pytest.mark.host
def test_a_worker_that_is_killed_costs_what_it_had_at_most(served: Served) -> None:
    with served.client() as client:
        time.sleep(2)
        killed = time.monotonic()
        on(served.first, "sh", "-c", f"pkill -KILL -P $(systemctl show -P MainPID codehub-ai@{BOTH})")
        time.sleep(8)
    failed = client.failed()
    assert len(failed) <= 2, client.told()
    assert all(abs(began - killed) < 1 for began in failed)


@pytest.mark.host
def test_without_its_redis_one_model_fails_and_comes_back_by_itself(served: Served) -> None:
    served.until(QUEUED, "200")
    with served.client() as client:
        on(served.first, "systemctl", "stop", "redis-server")
        assert served.status(QUEUED) in ("502", "503", "504")
        on(served.first, "systemctl", "start", "redis-server")
        served.until(QUEUED, "200")
    assert client.failed() == [], client.told()


@pytest.mark.host
def test_what_does_not_fit_is_refused_before_any_change(served: Served) -> None:
    names = [host.name for host in served.hosts]
    wrong = {
        "more memory than there is": service(OWN, memory_max="900G"),
        "is to compute on GPU 7, and there is none": service(OWN, gpus=["7"]),
        "works through a queue, and there is no redis": service(OWN, queue=True),
        "are both to be served on port 4201": service(OWN, port=4201),
    }
    with served.client() as client:
        for said, other in wrong.items():
            document = profile(*names)
            both = service(BOTH, port=4200, replicas=2) if other.get("port") else service(BOTH)
            document["groups"]["second"]["ai_service"]["services"] = [both, other]
            served.site.write(document)
            assert said in served.site.run("apply", "--yes", expect=2)
    served.site.write(profile(*names))
    assert [served.site.drifted(name) for name in names] == [[], [], []]
    assert client.failed() == [], client.told()


@pytest.mark.host
def test_a_load_test_asks_everything_at_once(served: Served) -> None:
    directory = served.site.directory / "load"
    served.site.run("loadtest", "--seconds", "6", "--rate", "4", "--users", "4", "-o", str(directory), limit=120)
    report = json.loads((directory / "report.json").read_text())
    assert len(report["targets"]) == 4
    assert "<svg" in (directory / "report.html").read_text()


@pytest.mark.host
def test_no_request_is_lost_while_a_new_environment_is_rolled_out(served: Served) -> None:
    served.site.write(profile(*(host.name for host in served.hosts), "colorama"))
    first, second, gateway = (host.name for host in served.hosts)
    with served.client() as client:
        said = served.site.run("apply", "--yes", limit=1200)
    assert client.failed() == [], client.told()
    assert len(client.seen) > 100
    assert turns(said, gateway) == [(first, "out of"), (first, "in"), (second, "out of"), (second, "in")]


def turns(said: str, gateway: str) -> list[tuple[str, str]]:
    """Which hosts the gateway took out of its rotation and back in, in order."""
    return re.findall(rf"^{gateway}: (\S+) (out of|in) rotation for ", said, re.MULTILINE)


@pytest.mark.host
def test_a_host_that_is_lost_costs_a_second_at_most(served: Served) -> None:
    with served.client() as client:
        time.sleep(3)
        on(served.second, "systemd-run", "-q", "--on-active=1", "ip", "link", "set", "eth0", "down")
        time.sleep(2)
        lost = time.monotonic()
        sandbox.kill(served.second)
        time.sleep(10)
    failed = [round(began - lost, 1) for began in client.failed()]
    assert not failed or max(failed) - min(failed) <= 1, failed
    assert max(failed, default=0) < 3, "and none of the last seconds"
