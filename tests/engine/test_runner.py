"""The door to ansible-runner, with Ansible itself on this machine's local connection."""

import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import files
from aimlsetup.engine import inventory, runner
from aimlsetup.engine.runner import Call, Event
from aimlsetup.engine.workspace import Workspace, workspace
from aimlsetup.models.profile import Host

HERE = inventory.connection("here", Host(connection="local")) | {"ansible_become": False}


@pytest.fixture
def space() -> Iterator[Workspace]:
    """A workspace whose inventory is this machine."""
    with workspace() as made:
        made.write("hosts.yml", files.dump_unsafe(inventory.document({"here": HERE})))
        yield made


def shell(script: str) -> Call:
    return Call(module="ansible.builtin.raw", arguments=script)


def test_events_are_typed_and_results_whole(space: Workspace) -> None:
    seen: list[Event] = []
    result = runner.run(space, shell("echo said; exit 3"), on_event=seen.append)
    assert [event.kind for event in seen] == ["started", "failed"]
    assert (seen[-1].host, seen[-1].action, seen[-1].result["rc"]) == ("here", "ansible.builtin.raw", 3)
    assert (result.status, result.failed, result.unreachable) == (2, {"here"}, set())
    assert result.failures("here") == [seen[-1]]
    assert "said" in result.output
    assert list(space.root.glob("artifacts/*/job_events/*.json")), (
        "runner keeps events only of handlers that return True"
    )


def test_what_a_listener_raises_ends_the_run_and_is_raised(space: Workspace) -> None:
    def listener(event: Event) -> None:
        raise LookupError(event.kind)

    began = time.monotonic()
    with pytest.raises(LookupError, match="started"):
        runner.run(space, shell("sleep 60"), on_event=listener)
    assert time.monotonic() - began < 30


def test_ansible_sees_neither_secrets_nor_the_settings_of_this_user(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "secret")
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "no_such_callback")
    monkeypatch.setenv("KEPT", "kept")
    result = runner.run(space, shell("echo [$CANARY] [$KEPT]"), hide={"CANARY"})
    assert result.status == 0
    assert result.events[-1].result["stdout"].strip() == "[] [kept]"
    assert os.environ["CANARY"] == "secret"
    assert os.environ["ANSIBLE_STDOUT_CALLBACK"] == "no_such_callback"


def test_a_password_is_in_no_file_and_no_argument(space: Workspace) -> None:
    runner.run(space, shell("true"), password="c4nary{{ 7 }}")
    written = [path for path in space.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name == "command" and "--ask-become-pass" in path.read_text() for path in written)
    assert not [path for path in written if b"c4nary" in path.read_bytes()]


def test_what_runner_writes_is_for_nobody_else(space: Workspace) -> None:
    runner.run(space, shell("echo event"))
    artifacts = next((space.root / "artifacts").iterdir())
    written = {path.relative_to(artifacts): stat.S_IMODE(path.stat().st_mode) for path in artifacts.rglob("*")}
    assert {"command", "stdout", "job_events", "rc"} <= {str(path) for path in written}
    assert not {str(path): oct(mode) for path, mode in written.items() if path.suffix == ".json" and mode != 0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (space.root, artifacts, artifacts / "job_events")} == {0o700}


def test_variables_of_an_earlier_run_do_not_outlive_it(space: Workspace) -> None:
    for said in ("first", "second"):
        space.write("hosts.yml", files.dump_unsafe(inventory.document({"here": HERE | {"said": said}})))
        result = runner.run(space, shell("echo {{ said }}"))
        assert result.events[-1].result["stdout"].strip() == said
    assert {path.name for path in (space.root / "env").iterdir()} == {"settings"}
    commands = [path.read_text() for path in space.root.glob("artifacts/*/command")]
    assert commands
    assert not [text for text in commands if '"-e"' in text or "extra-vars" in text]


def test_a_handler_and_a_role_are_told_apart(space: Workspace, tmp_path: Path) -> None:
    play: list[dict[str, Any]] = [
        {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [
                {"ansible.builtin.raw": "true", "name": "Change", "notify": "Restart x", "changed_when": True},
                {"ansible.builtin.raw": "false", "name": "Expected", "ignore_errors": True},
            ],
            "handlers": [{"name": "Restart x", "ansible.builtin.raw": "true"}],
        }
    ]
    path = tmp_path / "play.yml"
    path.write_text(files.dump(play))
    read = threading.Event()
    result = runner.run(space, Call(playbook=str(path)), on_read=read.set)
    assert read.is_set()
    ended = {event.task: event for event in result.events if event.kind != "started"}
    assert ended["Change"].changed
    assert not ended["Change"].handler
    assert ended["Restart x"].handler
    assert ended["Expected"].ignored
    assert result.failures("here") == []
    assert (result.status, result.failed) == (0, set())
