"""The private directory: this user's alone, in memory, gone afterwards, and swept after a kill."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aimlsetup import content
from aimlsetup.engine import workspace


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of the test's own, taken for memory."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(workspace, "_file_system", lambda _path: workspace.TMPFS)
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_private_and_gone_afterwards(runtime: Path) -> None:
    with workspace.workspace() as space:
        written = space.write("hosts.yml", "secret")
        assert space.root.parent == runtime
        assert space.in_memory
        assert [mode(path) for path in (space.root, space.inventory, space.sockets)] == [0o700] * 3
        assert mode(written) == 0o600
        assert (space.root / "collections/ansible_collections/codehub/aimlsetup").resolve() == content.root()
    assert not any(runtime.iterdir())


def test_it_is_gone_after_an_error_too(runtime: Path) -> None:
    with pytest.raises(ValueError, match="x"), workspace.workspace():
        raise ValueError("x")
    assert not any(runtime.iterdir())


def test_two_at_once_do_not_meet() -> None:
    with workspace.workspace() as one, workspace.workspace() as two:
        assert one.root != two.root


def test_what_a_killed_run_left_is_swept_and_a_living_one_is_not(runtime: Path) -> None:
    program = (
        "import os, signal\nfrom aimlsetup.engine import workspace\n"
        "workspace._file_system = lambda _: workspace.TMPFS\n"
        "with workspace.workspace() as space:\n"
        "    space.write('secrets.yml', 'canary'); print(space.root, flush=True); signal.pause()\n"
    )
    victim = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert victim.stdout
    with victim:
        left = Path(victim.stdout.readline().strip())
        workspace.sweep(runtime)
        assert (left / "inventory" / "secrets.yml").exists()
        victim.send_signal(signal.SIGKILL)
    workspace.sweep(runtime)
    assert not left.exists()


def test_a_link_of_that_name_is_not_followed(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    precious = tmp_path_factory.mktemp("precious")
    (precious / "file").write_text("x")
    (runtime / "aimlsetup-1-0").symlink_to(precious)
    workspace.sweep(runtime)
    assert (precious / "file").exists()


def test_the_socket_path_fits_into_what_ssh_takes() -> None:
    with workspace.workspace() as space:
        real = Path(workspace.MEMORY) / space.root.name / space.sockets.name
        assert len(str(real / ("f" * 10 + ".0123456789abcdef"))) < 100


def test_without_memory_the_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "_file_system", lambda _path: "ext4")
    with workspace.workspace() as space:
        assert not space.in_memory
        assert space.root.parent == Path(os.environ.get("TMPDIR", "/tmp"))
