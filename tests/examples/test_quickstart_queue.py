"""The quickstart's queue: a real redis, real gunicorn workers and model servers, and kill -9 on either side.

The model is a stand-in, since it is not what is tested; so the environment is one without TensorFlow.
"""

import hashlib
import random
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aimlsetup import sandbox
from tests.conftest import HostFactory
from tests.examples import quickstart
from tests.examples.queued import KEY, PASSWORD, Queued, install_redis, kill, load, until
from tests.examples.quickstart import VISION
from tests.remote import on

pytestmark = [pytest.mark.host("bookworm"), pytest.mark.network]


@pytest.fixture(scope="module")
def light_python(test_cache: Path) -> Path:
    return quickstart.build_environment(test_cache, only={"falcon", "gunicorn", "pyyaml", "redis"})


@pytest.fixture(scope="module")
def redis_host(session_hosts: HostFactory) -> sandbox.Host:
    host = session_hosts("bookworm")
    install_redis(host)
    return host


@pytest.fixture
def queued(light_python: Path, redis_host: sandbox.Host, tmp_path: Path) -> Iterator[Queued]:
    made = Queued(light_python, redis_host, tmp_path, seconds=4)
    made.redis("flushall")
    try:
        yield made
    finally:
        made.end()
    assert PASSWORD not in made.log.read_text()


def image(number: int, milliseconds: int = 20) -> tuple[bytes, str]:
    """A body and the label that only its own answer has."""
    body = f"{milliseconds} {number}".encode()
    return body, hashlib.sha256(body).hexdigest()


def healthy(service: quickstart.Service) -> bool:
    return service.ask("GET", f"{VISION}/health")[0] == 200


def test_what_the_model_server_says_reaches_the_client(queued: Queued) -> None:
    queued.start()
    with queued.gunicorn() as service:
        until(lambda: healthy(service))
        release = {"rel_num": "1", "dnnarch": "none", "sha256": "0"}
        assert service.ask("GET", f"{VISION}/health")[1] == {"status": "ok", "model_key": KEY, "release": release}
        assert service.ask("GET", f"{VISION}/models")[1]["models"] == [
            {"model_key": KEY, "release": release, "labels": ["digest"], "accuracy": 1.0}
        ]
        body, label = image(1)
        status, answer = service.predict(body + b"\0\xff")
        assert status == 200
        assert answer["label"] == hashlib.sha256(body + b"\0\xff").hexdigest() != label
        assert queued.said("answered")[answer["request"]] == 1
        assert service.predict(b"no number")[0] == 422
        assert service.predict(b"")[0] == 400
        maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in service.workers())
        assert "numpy" not in maps
    assert queued.redis("keys", "codehub:*:answer:*") == ""
    assert queued.redis("xlen", f"codehub:{KEY}:requests") == "0"


def test_without_a_model_server_health_says_so_and_what_was_given_up_is_not_computed(queued: Queued) -> None:
    with queued.gunicorn() as service:
        status, answer = service.ask("GET", f"{VISION}/health")
        assert (status, answer["reason"]) == (503, f"no model server for {KEY} has been heard of for 5 seconds")
        began = time.monotonic()
        status, answer = service.predict(image(1)[0])
        assert (status, answer["description"]) == (504, "no answer within 4 seconds")
        assert time.monotonic() - began < 6
        queued.start()
        until(lambda: healthy(service))
        assert service.predict(image(2)[0])[0] == 200
        assert len(queued.said("computing")) == 1


def test_a_model_server_that_is_asked_to_leave_finishes_and_is_gone_at_once(queued: Queued) -> None:
    with queued.gunicorn() as service, ThreadPoolExecutor(1) as pool:
        server = queued.start()
        until(lambda: healthy(service))
        answer = pool.submit(service.predict, image(1, 1500)[0])
        until(lambda: queued.said("computing"))
        server.terminate()
        assert server.wait(10) == 0
        assert answer.result()[0] == 200
        assert not healthy(service)
        assert queued.redis("xinfo", "consumers", f"codehub:{KEY}:requests", "model-servers") == ""


def test_what_a_killed_model_server_had_taken_is_answered_by_its_successor(queued: Queued) -> None:
    queued.seconds = 20
    with queued.gunicorn() as service, ThreadPoolExecutor(1) as pool:
        server = queued.start()
        until(lambda: healthy(service))
        answer = pool.submit(service.predict, image(1, 500)[0])
        until(lambda: queued.said("computing"))
        kill(server.pid)
        queued.start()
        status, said = answer.result()
        assert (status, said["label"]) == (200, image(1, 500)[1])
        assert queued.said("computing") == {said["request"]: 2}
        assert queued.said("answered") == {said["request"]: 1}


def test_redis_that_stops_is_said_and_its_return_needs_no_help(queued: Queued, redis_host: sandbox.Host) -> None:
    queued.start()
    with queued.gunicorn() as service:
        until(lambda: healthy(service))
        on(redis_host, "systemctl", "stop", "redis-server")
        began = time.monotonic()
        status, answer = service.ask("GET", f"{VISION}/health")
        assert (status, f"redis at {redis_host.address}:6379" in answer["reason"]) == (503, True)
        assert service.predict(image(1)[0])[0] == 503
        assert time.monotonic() - began < 6
        on(redis_host, "systemctl", "start", "redis-server")
        until(lambda: healthy(service))
        assert service.predict(image(2)[0])[0] == 200


def test_a_request_that_ends_model_servers_ends_only_two(queued: Queued) -> None:
    queued.seconds = 40
    with queued.gunicorn() as service, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(service.predict, b"deadly")
        ends = []
        while not answer.done() and len(ends) < 5:
            server = queued.start()
            until(lambda: server.poll() is not None or answer.done())  # noqa: B023
            ends.append(server.poll())
        status, said = answer.result()
        assert (status, said["description"]) == (503, "2 model servers have ended over it")
        assert ends == [9, 9, None]


def test_kill_9_on_either_side_and_each_request_is_answered_once_or_fails_in_time(queued: Queued) -> None:
    queued.seconds = 12
    dice, kills = random.Random(5), 0
    queued.start()
    with queued.gunicorn("--workers", "6", "--log-level", "error") as service:
        until(lambda: healthy(service))
        with load(service, 6, image) as outcomes:
            for _ in range(4):
                time.sleep(dice.uniform(0.3, 1.5))
                kill(queued.servers[-1].pid)
                queued.start()
                for _ in range(2):
                    time.sleep(dice.uniform(0.1, 0.8))
                    kill(dice.choice(service.workers()))
                    kills += 1
            until(lambda: len(queued.said("answered")) > 100 and healthy(service))
        assert healthy(service)
    computed, answered = queued.said("computing"), queued.said("answered")
    assert max(answered.values()) == 1
    assert max(computed.values()) <= 2
    good = [outcome for outcome in outcomes if outcome.status == 200]
    assert all(outcome.right and answered[outcome.request or ""] == 1 for outcome in good)
    assert len({outcome.request for outcome in good}) == len(good) > 80
    bad = [outcome for outcome in outcomes if outcome.status != 200]
    assert {outcome.status for outcome in bad} <= {0, 503, 504}
    assert sum(outcome.status == 0 for outcome in bad) <= kills
    assert max(outcome.seconds for outcome in outcomes) < queued.seconds + 2
    assert queued.redis("xlen", f"codehub:{KEY}:requests") in {"0", *map(str, range(1, kills + 1))}


def test_a_wrong_password_is_said_without_the_right_one(queued: Queued) -> None:
    queued.app_yml = queued.app_yml.replace(PASSWORD, "another")
    with queued.gunicorn() as service:
        status, answer = service.ask("GET", f"{VISION}/health")
        assert (status, bool(re.search("WRONGPASS|invalid", answer["reason"]))) == (503, True)
