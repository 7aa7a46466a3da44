"""Branches and tags become commits, by the real git and remotes that move, hang and go away."""

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from aimlsetup import files, locking
from aimlsetup.catalog import profiles
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import changes, remotes
from aimlsetup.models.lock import Lock, Pin
from aimlsetup.models.profile import Profile

from .conftest import Observe

DEST = "/codehub/apps/site"
CLASS = "debian-12-x86_64"
Wish = Callable[..., Profile]


class Repository:
    """A repository whose branch `main` grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "-q", "-b", "main")
        self.grow()
        self.git("tag", "-a", "v1", "-m", "one")

    def git(self, *argv: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(
            ["git", *who, *argv], cwd=self.path, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def grow(self) -> str:
        self.git("commit", "-q", "--allow-empty", "-m", "more")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def remote(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "remote")


@pytest.fixture
def wish(remote: Repository) -> Wish:
    """A profile with one checkout, on this machine unless told otherwise."""

    def make(connection: str = "local", more: str = "", **checkout: object) -> Profile:
        document = {
            "hosts": {"web": {"connection": connection}},
            "components": ["base", "repos"],
            "repos": {"checkouts": [{"dest": DEST, "url": str(remote.path), **checkout}]},
        }
        return profiles.accept(files.parse(files.dump(document) + more, Path("aimlsetup.yml")))

    return make


def pinned(lock: Lock) -> tuple[Pin, object]:
    """The pin, and the commit that the role is given."""
    found = lock.classes[CLASS]
    (entry,) = found.components["repos"]["repos_checkouts"]
    return found.pins[DEST], entry["commit"]


@pytest.mark.parametrize("version", [None, "main", "refs/heads/main", "v1"])
def test_a_branch_or_tag_is_locked_as_the_commit_it_is(
    wish: Wish, observation: Observe, remote: Repository, version: str | None
) -> None:
    wanted = remote.git("rev-parse", (version or "main") + "^{commit}")
    pin, given = pinned(locking.make(wish(version=version), {"web": observation()}))
    assert pin.version == given == wanted
    assert pin.because[0].text == f"repos.checkouts: {version or 'the default branch'} of {remote.path}"
    assert (pin.because[1].kind, pin.because[1].source) == ("remote", str(remote.path))
    assert pin.because[1].text == ("refs/tags/v1" if version == "v1" else "refs/heads/main")


def test_a_branch_that_moves_is_followed_only_on_request(wish: Wish, observation: Observe, remote: Repository) -> None:
    hosts = {"web": observation()}
    old = locking.make(wish(version="main"), hosts)
    before, after = pinned(old)[0].version, remote.grow()
    assert before != after
    assert locking.make(wish(version="main"), hosts, old) == old
    assert locking.make(wish(version="main"), hosts, old, upgrade=True) == old
    other = wish(version="main", more="base: {packages: [git, jq]}\n")
    assert pinned(locking.make(other, hosts, old))[1] == before, "another wish of the profile does not move it"
    moved = locking.make(wish(version="main"), hosts, old, follow=True)
    assert pinned(moved)[1] == after
    assert [(change.pin, change.before, change.after) for change in changes.changes(old, moved)] == [
        (DEST, before, after)
    ]
    assert pinned(locking.make(wish(version="v1"), hosts, moved))[1] == before, "another version is another wish"


def test_a_commit_is_what_it_is(wish: Wish, observation: Observe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for checkout in ({"version": "a" * 40}, {"version": "main", "commit": "a" * 40}):
        pin, _given = pinned(locking.make(wish(**checkout), {"web": observation()}))
        assert pin.version == "a" * 40
        assert [reason.kind for reason in pin.because] == ["wish"]


def test_a_path_is_one_of_the_hosts_unless_that_is_this_machine(wish: Wish, observation: Observe) -> None:
    pin, given = pinned(locking.make(wish("ssh", version="main"), {"web": observation()}))
    assert (pin.version, given) == ("main", None)
    assert pin.because[-1].text == "not pinned, looked up when the role runs: it is a path on the host"


def test_a_remote_out_of_reach_keeps_the_pin_or_says_why_there_is_none(
    wish: Wish, observation: Observe, remote: Repository
) -> None:
    hosts = {"web": observation()}
    old = locking.make(wish(version="main"), hosts)
    remote.path.rename(remote.path.with_name("gone"))
    assert locking.make(wish(version="main"), hosts, old, follow=True) == old
    pin, given = pinned(locking.make(wish(), hosts))
    assert (pin.version, given) == ("HEAD", None)
    assert "does not appear to be a git repository" in pin.because[-1].text


def test_a_version_that_the_remote_does_not_have_is_an_error(wish: Wish, observation: Observe) -> None:
    with pytest.raises(AimlsetupError, match=r"there is no branch or tag mian\. Near: main") as caught:
        locking.make(wish(version="mian"), {"web": observation()})
    assert caught.value.exit_code == 2


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something in ssh's place that notes what it is called with and runs the command here; returns its notes."""
    notes, program = tmp_path / "notes", tmp_path / "ssh"
    program.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" GIT_TERMINAL_PROMPT=$GIT_TERMINAL_PROMPT >> {notes}\n'
        "test -t 0 && echo terminal\n( : < /dev/tty ) 2>/dev/null && echo tty\n"
        'for last; do :; done\nexec sh -c "$last"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", shlex.quote(str(program)))
    return notes


def test_ssh_asks_nobody_and_takes_no_unknown_key(remote: Repository, ssh: Path) -> None:
    line = "git.invalid ssh-ed25519 AAAA"
    found, default = remotes.references(f"ssh://git@git.invalid{remote.path}", [line])
    assert (default, found["refs/heads/main"]) == ("refs/heads/main", remote.git("rev-parse", "main"))
    called = ssh.read_text().splitlines()
    assert {"-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "GIT_TERMINAL_PROMPT=0"} <= set(called)
    assert any(word.startswith("-oUserKnownHostsFile=~/.ssh/known_hosts /") for word in called)


def test_a_remote_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 5; :")
    monkeypatch.setattr(remotes, "TIMEOUT", 0.5)
    with pytest.raises(remotes.Silent, match=r"did not answer within 0\.5 s"):
        remotes.references("ssh://git.invalid/a")


def test_no_git_here_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(remotes.Silent, match="git is not installed here"):
        remotes.references("ssh://git.invalid/a")
