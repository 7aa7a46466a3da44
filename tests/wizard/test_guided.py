"""`aimlsetup` alone: from the first question to a served API, on a real host."""

import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimlsetup import sandbox
from tests.cli import test_canary
from tests.cli.conftest import SMALL, Cli
from tests.cli.test_canary import host_leaks, kept, watching
from tests.conftest import HostFactory
from tests.e2e import site
from tests.remote import on
from tests.wizard.terminal import CLEAR, DOWN, ENTER, ONE_BY_ONE, RECOMMENDED, Screen

pytestmark = [pytest.mark.host]
APPLYING = 300  # seconds


@pytest.fixture
def name(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A host that sees a small application's repository and a cache of packages."""
    directory = tmp_path_factory.mktemp("repository")
    host = f"guided-{os.getpid()}"
    try:
        (made,) = sandbox.up([host], "bookworm", binds=site.binds(site.repository(directory)))
        # As somebody copies a release there beforehand; that its root is given to codehub is said in the plan.
        weights = f"/aimldl-dat/release/{site.KEY.replace('-', '/')}/net/weights"
        on(made, "sh", "-c", f"mkdir -p {weights} && echo weights >{weights}/model")
        yield host
    finally:
        sandbox.down([host])


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    """A password that only this test has, and that its searches look for."""
    own = f"w1zard-{os.getpid()}-{{{{ 7*7 }}}}'\"$(id)s"
    for name in ("SUDO", "DATABASE", "WRONG"):
        monkeypatch.setattr(test_canary, name, own)
    return own


def answer_all(screen: Screen, name: str) -> None:
    """Every question, for an application of one's own on the sandbox host `name`."""
    screen.answer("Where shall it run?", ENTER)
    screen.answer("What shall it serve?", DOWN + ENTER)
    screen.answer("How shall we go on?", ONE_BY_ONE)
    screen.change("Name of the sandbox host", CLEAR + name + ENTER)
    for title in (
        "Its distribution",
        "Components",
        "Change the root directories?",
        "Kind of environment",
    ):
        screen.answer(title, ENTER)
    screen.answer("Common name of the virtual environment", ENTER)
    screen.answer("Python version", ENTER)
    screen.answer("Framework", DOWN + DOWN + ENTER)
    screen.answer("Python packages", CLEAR + "gunicorn" + ENTER)
    screen.answer("How many repositories?", ENTER)
    screen.answer("Repository 1: address", site.GUEST_APP + ENTER)
    screen.answer("Repository 1: where it goes", CLEAR + "/codehub/apps/site" + ENTER)
    for title in ("branch, tag or commit", "how to sign in"):
        screen.answer(f"Repository 1: {title}", ENTER)
    screen.answer("How many services?", ENTER)
    screen.answer("Service 1: model key", site.KEY + ENTER)
    screen.answer("Service 1: directory of the application", CLEAR + "/codehub/apps/site/apps/www/od/wsgi-bin" + ENTER)
    for title in ("port", "queue requests?", "runs from the environment"):
        screen.answer(f"Service 1: {title}", ENTER)
    screen.answer("May a host be rebooted", ENTER)
    screen.answer("Change other settings of", ENTER)
    screen.answer("Go on, or choose a line", ENTER)


def test_from_the_first_question_to_a_served_api(name: str, tmp_path: Path) -> None:
    screen = Screen([], tmp_path)
    answer_all(screen, name)
    screen.child.timeout = APPLYING
    screen.answer("Apply this?", "y" + ENTER)
    screen.sees("try it: curl ")
    url = screen.child.readline().strip()
    screen.ends()
    assert url == f"http://{sandbox.find(name).address}:{site.PORT}/api/vision/v2/health"
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert (answer.status, site.KEY.encode() in answer.read()) == (200, True)

    replay = Screen(["init", "--answers", "aimlsetup.yml", "-o", "again.yml"], tmp_path)
    replay.ends()
    assert (tmp_path / "again.yml").read_bytes() == (tmp_path / "aimlsetup.yml").read_bytes()

    again = Screen([], tmp_path)
    again.answer("Where shall it run?", ENTER)
    again.answer("How shall we go on?", RECOMMENDED)
    again.answer("Go on, or choose a line", ENTER)
    again.sees("nothing to do")
    again.child.timeout = APPLYING
    again.sees(url)
    again.ends()


def test_nothing_is_booted_without_consent(tmp_path: Path) -> None:
    name = f"guided-{os.getpid()}-not"
    screen = Screen([], tmp_path)
    screen.answer("Where shall it run?", ENTER)
    screen.answer("What shall it serve?", ENTER)
    screen.answer("How shall we go on?", RECOMMENDED)
    screen.answer("Go on, or choose a line", DOWN * 2 + ENTER)
    screen.change("Name of the sandbox host", CLEAR + name + ENTER)
    screen.answer("Go on, or choose a line", ENTER)
    screen.sees(f"Booting the sandbox host {name} changes this on this machine:")
    screen.answer("Boot it?", DOWN + ENTER)
    assert "nothing was booted [sandbox-declined]" in screen.ends(5)
    assert name not in [host.name for host in sandbox.hosts()]
    assert (tmp_path / "aimlsetup.yml").exists(), "the answers are not lost"


def test_the_password_for_sudo_is_asked_once_hidden_and_kept_nowhere(
    password: str, tmp_path: Path, host_factory: HostFactory
) -> None:
    host = host_factory("bookworm")
    sandbox.add_user(host, "op", password=password)
    reached: dict[str, Any] = {
        "connection": "ssh",
        "address": host.name,
        "user": "op",
        "ssh_config": str(host.ssh_config),
    }
    (tmp_path / "aimlsetup.yml").write_text(yaml.safe_dump({"version": 1, "hosts": {"guarded": reached}, **SMALL}))
    screen = Screen([], tmp_path)
    with watching(screen.child.pid) as leaks:
        screen.answer("Where shall it run?", ENTER)
        for title in ("Names or addresses of the hosts", "User to sign in as", "Port of ssh"):
            screen.answer(title, ENTER)
        screen.answer("How is root reached there?", DOWN + DOWN + ENTER)
        screen.answer("How shall we go on?", RECOMMENDED)
        screen.answer("Go on, or choose a line", ENTER)
        screen.answer("Replace aimlsetup.yml?", "y")
        screen.child.timeout = APPLYING
        screen.answer("sudo password: ", password + ENTER)
        screen.answer("Apply this?", "y" + ENTER)
        said = screen.ends()
    assert re.search(r"guarded +codehub[^\r\n]* ok", said), said
    assert "sudo password: " not in said, "asked once"
    assert leaks == []
    assert kept(Cli(tmp_path), said) == []
    assert host_leaks(host) == []
    written = yaml.safe_load((tmp_path / "aimlsetup.yml").read_text())
    assert written["hosts"]["guarded"] == reached | {"become": {"method": "sudo", "password": "prompt:sudo password"}}
