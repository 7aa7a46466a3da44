"""What is decided about a driver: kernels, modules, what a reboot is for, who holds the GPU, what outlives a reboot."""

import shlex
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from aimlsetup import content

OPEN_550 = {"version": "550.54.15", "flavour": "open", "signer": None}


@pytest.fixture
def driver() -> ModuleType:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import driver

    return driver


@pytest.fixture
def resume() -> ModuleType:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import resume

    return resume


def headers(modules: Path, kernel: str, config: str = "") -> None:
    build = modules / kernel / "build"
    build.mkdir(parents=True)
    (build / ".config").write_text(config)


def test_kernels(driver: ModuleType, tmp_path: Path) -> None:
    headers(tmp_path, "6.1.0-56-amd64")
    headers(tmp_path, "6.1.0-49-amd64")
    (tmp_path / "6.1.0-40-amd64").mkdir()
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/osrelease").write_text("6.1.0-40-amd64\n")
    modules = str(tmp_path)
    assert driver.kernels("installed", modules=modules) == ["6.1.0-49-amd64", "6.1.0-56-amd64"]
    assert driver.kernels("running", root=modules) == ["6.1.0-40-amd64"]
    assert driver.without_headers(["6.1.0-40-amd64", "6.1.0-56-amd64"], modules) == ["6.1.0-40-amd64"]


@pytest.mark.parametrize(
    ("config", "compiler"),
    [
        ('CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0"\n', "gcc-12"),
        ('CONFIG_CC_VERSION_TEXT="x86_64-linux-gnu-gcc-13 (Ubuntu 13.3.0-6) 13.3.0"\n', "x86_64-linux-gnu-gcc-13"),
        ("CONFIG_MODULES=y\n", None),
    ],
)  # fmt: skip
def test_the_kernels_own_compiler(driver: ModuleType, tmp_path: Path, config: str, compiler: str | None) -> None:
    headers(tmp_path, "k", config)
    assert driver.compiler("k", str(tmp_path)) == compiler


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "has no NVIDIA module"),
        ({**OPEN_550, "version": "535.1"}, "has module 535.1, expected 550.54.15"),
        ({**OPEN_550, "flavour": "proprietary"}, "has the proprietary module 550.54.15, expected the open one"),
        ({**OPEN_550, "flavour": None}, "has the unknown module"),
    ],
)
def test_modules_that_do_not_fit(driver: ModuleType, found: dict[str, Any] | None, words: str) -> None:
    assert words in driver.misfit("k", found, "550.54.15", "open")
    assert driver.misfit("k", OPEN_550, "550.54.15", "open") is None


GPU = ["0000:01:00.0"]


@pytest.mark.parametrize(
    ("gpus", "modules", "running", "there", "reasons"),
    [
        ([], {"nouveau": ""}, None, OPEN_550, []),
        (GPU, {}, None, None, []),
        (GPU, {"nvidia": "550.54.15"}, {"version": "550.54.15", "flavour": "open"}, OPEN_550, []),
        (GPU, {"nvidia": "550.54.15"}, {"version": "550.54.15", "flavour": None}, OPEN_550, []),
        (GPU, {}, None, OPEN_550, ["no NVIDIA module is loaded"]),
        (GPU, {"nouveau": ""}, None, OPEN_550, ["nouveau has the GPU"]),
        (
            GPU, {}, {"version": "535.1", "flavour": "open"}, OPEN_550,
            ["module 535.1 is loaded, 550.54.15 is installed"],
        ),
        (
            GPU, {}, {"version": "550.54.15", "flavour": "proprietary"}, OPEN_550,
            ["the proprietary module is loaded, the open one is installed"],
        ),
    ],
)  # fmt: skip
def test_what_a_reboot_is_for(
    driver: ModuleType, gpus: list[str], modules: dict[str, str], running: Any, there: Any, reasons: list[str]
) -> None:
    assert driver.unloaded(gpus, modules, running, there) == reasons


def test_signed_modules_are_not_built() -> None:
    nvidia = content.util("nvidia")
    assert nvidia.builds(["nvidia-driver-550", "nvidia-dkms-550"])
    assert not nvidia.builds(["nvidia-driver-550", "linux-modules-nvidia-550-generic"])
    assert not nvidia.builds([])


def test_display_servers_and_own_daemons_do_not_count(driver: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = ["/usr/lib/xorg/Xorg :0", "/usr/bin/nvidia-persistenced --user", "python train.py", ""]
    rows = [{"pid": pid, "user": "root", "command": text} for pid, text in enumerate(commands, 1)]
    monkeypatch.setattr(driver.evidence, "holders", lambda _prefix: rows)
    monkeypatch.setattr(driver, "unit_of", lambda _pid: None)
    assert [entry["pid"] for entry in driver.holders()] == [3, 4]


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/trainer.service\n", "trainer.service"),
        ("12:cpu:/\n1:name=systemd:/system.slice/system-jupyter.slice/jupyter@a.service\n", "jupyter@a.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/notebook.service\n", None),
        ("0::/system.slice/docker-0a1b.scope\n", None),
    ],
)
def test_only_services_of_the_system_are_stopped_as_such(
    driver: ModuleType, monkeypatch: pytest.MonkeyPatch, cgroup: str, unit: str | None
) -> None:
    monkeypatch.setattr(driver.gpu, "read", lambda _path: cgroup)
    assert driver.unit_of(4711) == unit


NASTY = ["plain", "two words", 'a"b', "100%", "$HOME `id`", "back\\slash"]


def test_a_resumed_command_is_what_was_given(resume: ModuleType) -> None:
    """Read back as systemd does: quotes and backslashes as C has them, doubled % and $ once."""
    line = next(line for line in resume.unit(NASTY, "/srv/50%").splitlines() if line.startswith("ExecStart="))
    words = shlex.split(line.partition("=")[2].replace("$$", "$").replace("%%", "%"))
    assert words == NASTY
    assert "WorkingDirectory=/srv/50%%\n" in resume.unit(NASTY, "/srv/50%")


def test_a_resumed_environment_is_what_was_given(resume: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("".join(f"V{n}={resume.quoted(text)}\n" for n, text in enumerate(NASTY)))
    script = f"set -a; . {tmp_path}/environment; env -0"
    found = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split("\0")
    assert {f"V{n}={text}" for n, text in enumerate(NASTY)} <= set(found)
    with pytest.raises(ValueError, match="line breaks"):
        resume.quoted("two\nlines")


def test_the_note_has_exact_commands(resume: ModuleType) -> None:
    text = resume.note(["nouveau has the GPU"], ["nvidia-driver-550", "x;y"])
    for command in ("systemctl disable aimlsetup-resume.service", "apt-get remove -y nvidia-driver-550 'x;y'",
                    "update-initramfs -u -k all", "systemctl reboot"):  # fmt: skip
        assert f"       {command}\n" in text
