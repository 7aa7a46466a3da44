"""What of NVIDIA a host has, from arranged /proc, /sys and /lib/modules."""

from pathlib import Path
from types import ModuleType

import pytest

SAMPLES = Path(__file__).with_name("samples")


@pytest.fixture
def gpu() -> ModuleType:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import gpu

    return gpu


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for directory in ("proc/driver/nvidia", "sys/module/nvidia", "proc/sys/kernel"):
        (tmp_path / directory).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("flavour", ["open", "proprietary"])
def test_loaded_driver(gpu: ModuleType, root: Path, flavour: str) -> None:
    text = (SAMPLES / f"proc-version-{flavour}.txt").read_text()
    (root / "proc/driver/nvidia/version").write_text(text)
    found = gpu.driver(str(root))
    assert (found["loaded"], found["flavour"]) == (True, flavour)
    assert found["driver"] in text


def test_no_driver(gpu: ModuleType, root: Path) -> None:
    found = gpu.driver(str(root))
    assert (found["loaded"], found["driver"], found["flavour"]) == (False, None, None)


def test_library_is_the_file_behind_the_link(gpu: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's link goes through its alternatives, Ubuntu's straight to the file; a link to nowhere is none."""
    monkeypatch.setattr(gpu, "LIBRARY_DIRECTORIES", (str(tmp_path / "*-linux-gnu"),))
    directory = tmp_path / "x86_64-linux-gnu"
    directory.mkdir()
    assert gpu.library() is None
    (directory / "libnvidia-ml.so.535.261.03").touch()
    (tmp_path / "alternative").symlink_to(directory / "libnvidia-ml.so.535.261.03")
    (directory / "libnvidia-ml.so.1").symlink_to(tmp_path / "alternative")
    assert gpu.library() == "535.261.03"


def test_switches(gpu: ModuleType, tmp_path: Path) -> None:
    for address, kind, vendor, device in (
        ("0000:01:00.0", "0x030200", "0x10de", "0x2335"),
        ("0000:c4:00.0", "0x068000", "0x10de", "0x22a3"),
        ("0000:00:1f.0", "0x068000", "0x8086", "0xa323"),
    ):
        (tmp_path / address).mkdir()
        for name, text in (("class", kind), ("vendor", vendor), ("device", device)):
            (tmp_path / address / name).write_text(text + "\n")
    assert gpu.switches(str(tmp_path)) == ["10de:22a3"]


@pytest.mark.parametrize(
    ("release", "answer"), [("5.15.153.1-microsoft-standard-WSL2\n", True), ("6.1.0-40-amd64\n", False)]
)
def test_wsl(gpu: ModuleType, root: Path, release: str, answer: bool) -> None:
    (root / "proc/sys/kernel/osrelease").write_text(release)
    assert gpu.wsl(str(root)) is answer
    assert gpu.kernel(str(root)) == release.strip()
