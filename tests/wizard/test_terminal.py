"""The prompts on a real pseudo-terminal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import files
from tests.wizard.terminal import CLEAR, CTRL_C, DOWN, ENTER, ONE_BY_ONE, RECOMMENDED, Screen

Start = Callable[..., Screen]
where_hosts_boot = pytest.mark.host  # elsewhere a sandbox host is not among the answers


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made: list[Screen] = []

    def run(*arguments: str) -> Screen:
        made.append(Screen(list(arguments), tmp_path))
        return made[-1]

    yield run
    for screen in made:
        screen.child.close(force=True)


def profile(directory: Path, name: str = "aimlsetup.yml") -> Any:
    return files.read(directory / name).data


@where_hosts_boot
def test_only_enter_makes_the_recommended_profile_and_its_replay_the_same_bytes(start: Start, tmp_path: Path) -> None:
    screen = start("init", "--set", "where=sandbox")
    screen.answer("What shall it serve?", ENTER)
    screen.answer("How shall we go on?", RECOMMENDED)
    screen.answer("Go on, or choose a line", ENTER)
    assert "written" in screen.ends()
    written = (tmp_path / "aimlsetup.yml").read_bytes()
    start("init", "--answers", "aimlsetup.yml", "-o", "again.yml").ends()
    assert (tmp_path / "again.yml").read_bytes() == written
    assert "already says this" in start("init", "--answers", "aimlsetup.yml").ends()
    assert (tmp_path / "aimlsetup.yml").read_bytes() == written


def test_every_question_can_be_asked_and_hostile_text_stays_text(start: Start, tmp_path: Path) -> None:
    screen = start(
        "init",
        "--set",
        "where=local",
        "--set",
        "start=own",
        "--set",
        "components=codehub repos ai_service python_env",
    )
    screen.answer("How is root reached there?", DOWN + ENTER)
    screen.answer("How shall we go on?", ONE_BY_ONE)
    screen.answer("Change the root directories?", "y")
    screen.answer("Code and applications", CLEAR + "not/absolute" + ENTER)
    screen.sees("an absolute path without")
    screen.child.send(CLEAR + "/srv/it's {{ x }};id" + ENTER)
    for title in (
        "Configuration",
        "Data, logs and released models",
        "Mounts",
        "Documents",
        "Reports",
        "Knowledge bank",
    ):
        screen.answer(title, ENTER)
    screen.answer("Virtual environments", ENTER)
    screen.answer("Kind of environment", DOWN + ENTER)
    screen.answer("Common name of the virtual environment", CLEAR + "py_own" + ENTER)
    screen.answer("Python version", CLEAR + "3.x" + ENTER)
    screen.sees("a version such as 3.11")
    screen.child.send(CLEAR + "3.11" + ENTER)
    screen.answer("Framework", DOWN + DOWN + ENTER)
    screen.answer("Python packages", "falcon>=4 gunicorn" + ENTER)
    screen.answer("How many repositories?", CLEAR + "2" + ENTER)
    screen.answer("Repository 1: address", "https://me:pw@example.org/x.git" + ENTER)
    screen.sees("https://HOST/PATH, ssh://")
    screen.child.send(CLEAR + "https://example.org/{{x}}.git" + ENTER)
    screen.answer("Repository 1: where it goes", CLEAR + "/srv/a;b" + ENTER)
    screen.answer("Repository 1: branch, tag or commit", ENTER)
    screen.answer("Repository 1: how to sign in", DOWN + DOWN + ENTER)
    screen.answer("Repository 1: deploy key", "-----BEGIN" + ENTER)
    screen.sees("a secret is a reference")
    screen.child.send(CLEAR + "file:/root/key" + ENTER)
    screen.answer("Repository 2: address", "/srv/two.git" + ENTER)
    screen.answer("Repository 2: where it goes", ENTER)
    screen.answer("Repository 2: branch, tag or commit", CLEAR + "v1" + ENTER)
    screen.answer("Repository 2: how to sign in", ENTER)
    screen.answer("How many services?", ENTER)
    screen.answer("Service 1: model key", "own-rld-1" + ENTER)
    screen.answer("Service 1: directory of the application", CLEAR + "/srv/a;b/app" + ENTER)
    screen.answer("Service 1: port", CLEAR + "99999" + ENTER)
    screen.sees("a port from 1 to 65535 is expected")
    screen.child.send(CLEAR + "4140" + ENTER)
    screen.answer("Service 1: queue requests?", "y")
    screen.answer("Service 1: runs from the environment", ENTER)
    screen.answer("May a host be rebooted", DOWN + ENTER)
    screen.answer("Change other settings of", ENTER)
    screen.answer("Go on, or choose a line", ENTER)
    screen.ends()
    made = profile(tmp_path)
    assert made["hosts"] == {"localhost": {"connection": "local", "become": {"method": "sudo"}}}
    assert made["roots"] == {"codehub": "/srv/it's {{ x }};id"}
    assert made["requests"] == {"device": "cpu", "python": "3.11", "framework": {}}
    assert made["python_env"] == {"envs": [{"name": "py_own", "requirements": ["falcon>=4", "gunicorn"]}]}
    assert made["repos"]["checkouts"] == [
        {
            "url": "https://example.org/{{x}}.git",
            "dest": "/srv/a;b",
            "version": "main",
            "credentials": {"kind": "deploy_key", "key": "file:/root/key"},
        },
        {"url": "/srv/two.git", "dest": "/srv/it's {{ x }};id/apps/two", "version": "v1"},
    ]
    assert made["ai_service"] == {
        "environment": "development",
        "services": [
            {
                "model_key": "own-rld-1",
                "app_dir": "/srv/a;b/app",
                "checkout": "/srv/a;b",
                "port": 4140,
                "queue": True,
                "env": "py_own",
            },
        ],
    }
    assert made["reboot_ok"] is True


@where_hosts_boot
def test_any_answer_can_be_changed_in_the_summary(start: Start, tmp_path: Path) -> None:
    screen = start("init", "--set", "where=sandbox")
    screen.answer("What shall it serve?", DOWN + DOWN + ENTER)
    screen.answer("How shall we go on?", RECOMMENDED)
    screen.answer("Go on, or choose a line", DOWN * 2 + ENTER)  # where, then the name
    screen.change("Name of the sandbox host", CLEAR + "Not A Name" + ENTER)
    screen.sees("up to 31 lower-case letters")
    screen.child.send(CLEAR + "mine" + ENTER)
    screen.answer("Go on, or choose a line", DOWN + ENTER)
    screen.answer("Where shall it run?", DOWN + ENTER)  # this machine: the way to root is a new question
    screen.answer("How is root reached there?", DOWN + ENTER)
    screen.answer("Go on, or choose a line", ENTER)
    screen.ends()
    assert profile(tmp_path)["hosts"] == {"localhost": {"connection": "local", "become": {"method": "sudo"}}}


@where_hosts_boot
def test_answers_survive_ctrl_c_and_are_offered_again(start: Start, tmp_path: Path) -> None:
    screen = start("init", "--set", "where=sandbox")
    screen.answer("What shall it serve?", DOWN + DOWN + ENTER)
    screen.answer("How shall we go on?", ONE_BY_ONE)
    screen.change("Name of the sandbox host", CLEAR + "kept" + ENTER)
    screen.answer("Its distribution", CTRL_C)
    said = screen.ends(130)
    assert "Your answers so far are kept" in said
    assert "aimlsetup init --set where=sandbox" in said
    kept = tmp_path / "state" / "aimlsetup" / "answers.yml"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert files.read(kept).data == {"where": "sandbox", "sandbox.name": "kept", "start": "none"}
    assert not (tmp_path / "aimlsetup.yml").exists()

    screen = start("init")
    screen.answer("when you left", ENTER)
    screen.answer("How shall we go on?", RECOMMENDED)
    screen.answer("Go on, or choose a line", ENTER)
    screen.ends()
    assert list(profile(tmp_path)["hosts"]) == ["kept"]
    assert not kept.exists(), "they have become a profile"


@where_hosts_boot
def test_an_unreachable_host_is_said_and_can_be_changed(start: Start, tmp_path: Path) -> None:
    screen = start("init")
    screen.answer("Where shall it run?", DOWN + DOWN + ENTER)
    screen.answer("Names or addresses of the hosts", "no such host!" + ENTER)
    screen.sees("a host name or an IP address is expected")
    screen.child.send(CLEAR + "localhost" + ENTER)
    screen.answer("User to sign in as", ENTER)
    screen.answer("Port of ssh", "1" + ENTER)
    screen.sees("host-unreachable")
    screen.answer("It could not be looked at", ENTER)
    screen.answer("Where shall it run?", ENTER)
    screen.answer("Names or addresses of the hosts", ENTER)
    screen.answer("User to sign in as", "ops" + ENTER)
    screen.answer("Port of ssh", ENTER)
    screen.answer("It could not be looked at", DOWN + ENTER)
    screen.answer("How is root reached there?", ENTER)
    screen.answer("What shall it serve?", DOWN + ENTER)
    screen.answer("How shall we go on?", RECOMMENDED)
    screen.answer("Go on, or choose a line", ENTER)
    screen.ends()
    assert profile(tmp_path)["hosts"] == {
        "localhost": {
            "connection": "ssh",
            "address": "localhost",
            "user": "ops",
            "port": 1,
            "become": {"method": "sudo", "password": "prompt:sudo password"},
        }
    }


@where_hosts_boot
def test_an_existing_profile_gives_the_defaults_and_is_replaced_with_consent_alone(
    start: Start, tmp_path: Path
) -> None:
    start("init", "--yes", "--set", "start=none", "--set", "reboot_ok=yes", "--set", "sandbox.name=first").ends()
    before = (tmp_path / "aimlsetup.yml").read_text()
    for reply, status in (("n", 5), ("y", 0)):
        screen = start("init", "--set", "sandbox.release=trixie")
        screen.answer("Where shall it run?", ENTER)
        screen.answer("How shall we go on?", RECOMMENDED)
        screen.sees("Go on, or choose a line")
        screen.answer("first", ENTER)  # what the profile has
        screen.sees("+    release: trixie")
        screen.answer("Replace aimlsetup.yml?", reply)
        screen.ends(status)
        assert ((tmp_path / "aimlsetup.yml").read_text() == before) == (reply == "n")
    made = profile(tmp_path)
    assert made["hosts"] == {"first": {"connection": "sandbox", "release": "trixie"}}
    assert made["reboot_ok"] is True
