"""The kernel's settings are put back by whoever leaves last."""

from pathlib import Path

import pytest

from aimlsetup.sandbox import network

SETTINGS = {"net/ipv4/ip_forward": 0, "fs/inotify/max_user_instances": 4096}


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files in the place of /proc/sys and /run."""
    for key, value in SETTINGS.items():
        (tmp_path / key).parent.mkdir(parents=True)
        (tmp_path / key).write_text(f"{value}\n")
    monkeypatch.setattr(network, "PROC_SYS", tmp_path)
    monkeypatch.setattr(network, "MACHINE", tmp_path)
    return tmp_path


def values(kernel: Path) -> dict[str, int]:
    return {key: int((kernel / key).read_text()) for key in SETTINGS}


def test_only_what_is_too_low_is_raised_and_then_put_back(kernel: Path) -> None:
    network.raise_sysctls()
    assert values(kernel) == SETTINGS | {"net/ipv4/ip_forward": 1}
    network.raise_sysctls()  # a second sandbox does not take the first one's value for the machine's
    network.restore_sysctls()
    assert values(kernel) == SETTINGS


def test_what_somebody_else_has_set_since_stays(kernel: Path) -> None:
    (kernel / "fs/inotify/max_user_instances").write_text("128\n")
    network.raise_sysctls()
    (kernel / "fs/inotify/max_user_instances").write_text("9000\n")
    network.restore_sysctls()
    assert values(kernel) == {"net/ipv4/ip_forward": 0, "fs/inotify/max_user_instances": 9000}


def test_restoring_twice_or_without_a_record_changes_nothing(kernel: Path) -> None:
    network.restore_sysctls()
    assert values(kernel) == SETTINGS
