"""A host set up by hand, its service answering all the while, is taken over with nothing of it changed."""

import http.client
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from aimlsetup import sandbox
from tests.e2e import handmade
from tests.e2e import site as small
from tests.e2e.screen import refused
from tests.remote import on

pytestmark = [pytest.mark.host, pytest.mark.network]
EXPORTS = "/etc/profile.d/codehub.sh"
APP = "/codehub-config/app.yml"


@contextmanager
def asking(address: str) -> Iterator[Counter[str]]:
    """A client that asks every 20 ms, over a new connection each time."""
    outcomes: Counter[str] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            connection = http.client.HTTPConnection(address, small.PORT, timeout=10)
            try:
                connection.request("GET", "/api/vision/v2/health")
                outcomes[str(connection.getresponse().status)] += 1
            except (OSError, http.client.HTTPException) as error:
                outcomes[repr(error)] += 1
            finally:
                connection.close()
            time.sleep(0.02)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield outcomes
    finally:
        over.set()
        client.join()


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[small.Site, sandbox.Host]]:
    """A host that has lived, and a directory without a profile."""
    directory = tmp_path_factory.mktemp("lived")
    name = f"lived-{os.getpid()}"
    try:
        host = sandbox.up([name], "bookworm")[0]
        handmade.make(host, directory)
        # Nothing that options could say: it is left out of the profile, and replaced only with consent.
        on(host, "tee", EXPORTS, stdin='if [ -d /codehub ]; then export AI_HOME="/codehub"; fi\n')
        on(host, "ln", "-s", "/nowhere", "/codehub/rpt-old")
        on(host, "tee", "/etc/systemd/system/other.service", stdin="[Service]\nExecStart=/usr/bin/gunicorn --preload\n")
        yield small.Site(directory), host
    finally:
        sandbox.down([name])


def test_taken_over_with_nothing_of_it_changed(lived: tuple[small.Site, sandbox.Host]) -> None:
    site, host = lived
    before = handmade.state(host)
    with asking(host.address) as outcomes:
        described(site, host)
        assert_left_without_consent(site, host, before)
        assert_a_full_disk_stops_it(site, host, before)
        site.run("apply", "--yes", str(site.directory / "change.plan"))
        assert json.loads(site.run("verify", "--json"))["ok"]
        assert "nothing to do" in site.run("apply", "--yes")
    assert handmade.lost(before, handmade.state(host)) == {}
    assert set(outcomes) == {"200"}, outcomes
    assert outcomes["200"] > 100
    assert on(host, "sh", "-c", f". {EXPORTS}; echo $AI_WEIGHTS_PATH").strip() == "/mnt/weights"


def described(site: small.Site, host: sandbox.Host) -> None:
    """The profile says what there is, without any password; what no option can say is listed with the reason."""
    said = json.loads(site.run("adopt", host.name, "--json"))
    profile = yaml.safe_load(site.path.read_text())
    assert said["profile"] == profile
    assert handmade.PASSWORD not in site.path.read_text()
    assert profile["codehub"]["app"]["DBCFG"]["PXLCFG"] == {"host": "10.0.0.7", "username": "reader"}
    assert profile["codehub"]["databases"]["PXLCFG"]["password"] == f"host:{APP}#DBCFG.PXLCFG.password"
    assert profile["codehub"]["paths"] == {"AI_WEIGHTS_PATH": "/mnt/weights"}
    assert profile["data_links"]["links"] == [{"path": "/aimldl-dat/logs"}]
    assert profile["python_env"]["envs"][0]["existing"] == handmade.ENVIRONMENT
    assert profile["repos"]["checkouts"][0]["dest"] == handmade.CHECKOUT
    service = profile["ai_service"]["services"][0]
    assert (service["unit"], service["model_key"], service["port"]) == (handmade.UNIT, handmade.KEY, small.PORT)
    assert said["left"] == {
        EXPORTS: "line 1 is no plain `export NAME=VALUE`",
        "/codehub/rpt-old": "a link that leads nowhere: /nowhere",
        "other.service": "it names no application as module:function",
    }


def assert_left_without_consent(site: small.Site, host: sandbox.Host, before: tuple[dict[str, Any], str]) -> None:
    """The plan marks what is there; without somebody who agrees nothing at all is changed."""
    change = site.directory / "change.plan"
    plan = json.loads(site.run("plan", "--json", "-o", str(change)))["hosts"][host.name]
    marks = {met["name"]: met["mark"] for drift in plan["drifts"] for met in drift["effects"]["unowned"]}
    assert [name for name, mark in marks.items() if mark != "adopt"] == [EXPORTS]
    assert {APP, "/aimldl-dat/logs", handmade.CHECKOUT, handmade.UNIT, "user:dev"} <= marks.keys()
    assert {"other.service", handmade.ENVIRONMENT} <= {met["name"] for met in plan["keeps"]}
    refused(site, "unowned", "nothing was changed", f"replace: {EXPORTS}: .*content", f"--replace {EXPORTS}", status=5)
    assert handmade.lost(before, handmade.state(host)) == {}
    assert on(host, "sh", "-c", "ls /var/lib/aimlsetup /aimldl-kbank 2>/dev/null || true") == ""


def assert_a_full_disk_stops_it(site: small.Site, host: sandbox.Host, before: tuple[dict[str, Any], str]) -> None:
    """Where not even a receipt can be begun, it ends there."""
    on(host, "mkdir", "-p", "/var/lib/aimlsetup")
    on(host, "mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "/var/lib/aimlsetup")
    on(host, "sh", "-c", "head -c 4096 /dev/zero > /var/lib/aimlsetup/full || true")
    try:
        arguments = ("apply", "--yes", str(site.directory / "change.plan"))
        refused(site, "apply-failed", "base failed", "No space left on device", status=1, argv=arguments)
    finally:
        on(host, "umount", "/var/lib/aimlsetup")
        on(host, "rmdir", "/var/lib/aimlsetup")
    assert handmade.lost(before, handmade.state(host)) == {}
