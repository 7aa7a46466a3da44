"""The memory of services: shared pages count once, on a booted host with its own systemd."""

import time

import pytest

from aimlsetup import sandbox
from aimlsetup.engine import memory
from aimlsetup.engine.session import session
from aimlsetup.models.profile import Host
from tests.remote import on

PROGRAM = "import os,time; held=os.urandom(48_000_000); os.fork(); os.fork(); time.sleep(60)"
UNIT = "codehub-ai-a-b-1"


@pytest.mark.host("bookworm")
def test_forked_processes_count_what_they_share_once(bookworm: sandbox.Host) -> None:
    on(bookworm, "systemd-run", "-q", "--unit", UNIT, "/usr/bin/python3", "-c", PROGRAM)
    try:
        time.sleep(1)
        reached = Host(connection="ssh", address=bookworm.name, user="root", ssh_config=str(bookworm.ssh_config))
        asked = {
            "h": {
                "one": [f"{UNIT}.service", f"{UNIT}@*.service", f"{UNIT}-*.service"],
                "none": ["codehub-ai-a-b-12.service", "codehub-ai-a-b-1-not there"],
            }
        }
        began = time.time()
        with session({"h": reached}) as run:
            taken, errors = memory.sample(run, asked, 2)
        assert errors == {}
        assert {each.service for each in taken} == {"one"}
        assert len(taken) == 3
        assert all(48_000_000 < each.bytes < 96_000_000 for each in taken)
        assert all(began - 1 < each.when < time.time() for each in taken)
        assert 1.8 < taken[-1].when - taken[0].when < 6
    finally:
        on(bookworm, "systemctl", "stop", f"{UNIT}.service")


@pytest.mark.host("bookworm")
def test_a_host_that_cannot_be_asked_is_said(bookworm: sandbox.Host) -> None:
    broken = Host(
        connection="ssh", address=bookworm.name, user="root", ssh_config=str(bookworm.ssh_config), python="/usr/bin/no"
    )
    with session({"h": broken}) as run:
        taken, errors = memory.sample(run, {"h": {"one": ["x.service"]}})
    assert (taken, list(errors)) == ([], ["h"])
