"""The way back on a booted host: what it was before an apply is what it is after undo, flip and remove."""

import json
import os
import random
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimlsetup import sandbox
from tests.e2e import drawn
from tests.e2e import site as small
from tests.e2e.footprint import differences, footprint
from tests.e2e.site import HEALTH, PORT, Site, profile
from tests.remote import on

pytestmark = [pytest.mark.host, pytest.mark.network]
SEED = 7
DRAWS = [*range(4), *(pytest.param(number, marks=pytest.mark.long) for number in range(4, 10))]


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, sandbox.Host]]:
    """A host on which nothing was applied yet, and a site without a profile."""
    directory = tmp_path_factory.mktemp("undo")
    name = f"undo-{os.getpid()}"
    try:
        host = sandbox.up([name], "bookworm", binds=small.binds(small.repository(directory)))[0]
        on(host, "apt-get", "-qq", "update")
        yield Site(directory), host
    finally:
        sandbox.down([name])


@pytest.mark.parametrize("number", DRAWS)
def test_after_apply_and_undo_the_host_is_as_it_was(lone: tuple[Site, sandbox.Host], number: int) -> None:
    site, host = lone
    draw = random.Random(f"{SEED}.{number}")
    on(host, "sh", stdin=drawn.lived(draw))
    before = footprint(host)
    document = drawn.profile(draw, host.name)
    site.write(document)
    site.run("apply", "--yes", *(word for name in drawn.LIVED for word in ("--replace", name)))
    assert differences(before, footprint(host)), "the apply changed nothing, so this shows nothing"
    site.run("undo", "--yes")
    assert differences(before, footprint(host)) == [], json.dumps(document)


@contextmanager
def asked_all_the_while(host: sandbox.Host) -> Iterator[list[str]]:
    """Ask the API without a pause; what went wrong."""
    wrong: list[str] = []
    answers = 0
    ended = threading.Event()

    def ask() -> None:
        nonlocal answers
        while not ended.is_set():
            try:
                with urllib.request.urlopen(f"http://{host.address}:{PORT}{HEALTH}", timeout=60) as response:
                    answers += response.status == 200
            except OSError as error:
                wrong.append(str(error))
            time.sleep(0.05)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield wrong
    finally:
        ended.set()
        asking.join()
    assert answers > 10


def environment(host: sandbox.Host) -> str:
    """The dated directory behind py_3, if the service really runs from it."""
    link = on(host, "readlink", "/virtualmachines/virtualenvs/py_3").strip()
    pid = on(host, "systemctl", "show", "-P", "MainPID", f"codehub-ai@{small.KEY}.service").strip()
    assert f"/{link}/" in on(host, "sh", "-c", f"cat /proc/{pid}/maps /proc/{pid}/cmdline | tr '\\0' ' '")
    return link


def test_flip_undo_and_remove_all_under_a_running_service(tmp_path: Path) -> None:
    name = f"flip-{os.getpid()}"
    try:
        host = sandbox.up([name], "bookworm", binds=small.binds(small.repository(tmp_path)))[0]
        site = Site(tmp_path)
        before = footprint(host)
        site.write(profile(name))
        site.run("apply", "--yes")
        first = environment(host)
        wishes = {"envs": [{"name": "py_3", "requirements": ["gunicorn", "itsdangerous"]}]}
        site.write(profile(name, python_env=wishes))
        with asked_all_the_while(host) as wrong:
            site.run("apply", "--yes")
            second = environment(host)
            assert second != first
            assert site.drifted(name) == []
            assert "there is something to do, and nobody to ask" in site.run("flip", "python_env", expect=5)
            site.run("flip", "python_env", "--yes")
            assert environment(host) == first
            assert site.drifted(name) == ["python_env"]
            site.run("flip", "python_env", "--yes")
            assert environment(host) == second
            assert site.drifted(name) == []
            for _ in range(3):  # the two flips, and the apply that built the second one
                site.run("undo", "--yes")
        assert wrong == []
        assert environment(host) == first
        on(host, "sh", "-c", "echo mine > /aimldl-dat/logs/www.log; echo edited >> /etc/profile.d/codehub.sh")
        refused = site.run("remove", "--all", "--yes", expect=1)
        assert "/etc/profile.d/codehub.sh: somebody has changed it since" in refused
        assert environment(host) == first
        on(host, "sed", "-i", "$d", "/etc/profile.d/codehub.sh")
        said = site.run("remove", "--all", "--yes")
        assert "stays /aimldl-dat/logs-" in said
        left = {line.split(": ")[0] for line in differences(before, footprint(host))}
        # What the file lies in belongs to an account, which stays with it, and so does its home.
        accounts = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/var/lib/codehub")
        owners = ("users ", "groups ", *(f"files {path}" for path in accounts))
        assert {line for line in left if not line.startswith(("files /aimldl-dat", *owners))} == set()
        assert on(host, "sh", "-c", "cat /aimldl-dat/logs-*/www.log") == "mine\n"
    finally:
        sandbox.down([name])
