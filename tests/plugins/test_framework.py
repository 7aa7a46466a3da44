"""Whether frameworks use GPUs: environments with stand-ins for them, asked as the role asks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import content
from tests.gpu import frameworks

PYTHONS = [
    Path(sys.executable),
    *sorted(Path.home().glob(".pyenv/versions/3.6.*/bin/python3")),
    *sorted(Path.home().glob(".pyenv/versions/3.8.*/bin/python3")),
]
CUDNN = {"name": "libcudnn.so.9", "part": "cudnn", "package": "nvidia-cudnn-cu12==9.10.2.21"}
CUDART = {"name": "libcudart.so.12", "part": "cuda", "package": "nvidia-cuda-runtime-cu12==12.6.77"}
DRIVER = {"name": "libcuda.so.1", "part": "driver", "package": "NVIDIA driver 580.65.06"}
ADA = {"class": "0x030000", "vendor": "0x10de", "device": "0x2684"}


class Host:
    """A machine with arranged GPUs, and one environment."""

    def __init__(self, directory: Path, collections: Path) -> None:
        self.directory, self.root, self.collections = directory, directory / "root", collections
        self.environment = directory / "env"

    def gpus(self, count: int) -> None:
        """So many of them on the bus, beside a display of somebody else's."""
        for number, ids in enumerate([{**ADA, "vendor": "0x8086"}, *([ADA] * count)]):
            device = self.root / f"sys/bus/pci/devices/0000:0{number}:00.0"
            device.mkdir(parents=True)
            for name, text in ids.items():
                (device / name).write_text(text + "\n")

    def install(self, python: Path, distribution: str, version: str, files: dict[str, bytes]) -> None:
        """Into the environment, which is made."""
        if not self.environment.exists():
            subprocess.run([python, "-m", "venv", "--without-pip", self.environment], check=True, timeout=60)
        site = next(self.environment.glob("lib/python3*/site-packages"))
        (site / f"{distribution}-{version}.dist-info").mkdir(exist_ok=True)
        for path, content_ in files.items():
            (site / path).parent.mkdir(parents=True, exist_ok=True)
            (site / path).write_bytes(content_)

    def ask(self, *names: str, sees: str = "", seconds: int = 60, libraries: tuple[Any, ...] = ()) -> dict[str, Any]:
        """The module's answer. `sees` are the names of GPUs that frameworks see."""
        options = {
            "path": str(self.environment),
            "frameworks": names,
            "libraries": libraries,
            "root": str(self.root),
            "seconds": seconds,
        }
        arguments = self.directory / "arguments.json"
        arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
        done = subprocess.run(
            [sys.executable, "-m", "ansible_collections.codehub.aimlsetup.plugins.modules.framework", str(arguments)],
            env={**os.environ, "PYTHONPATH": str(self.collections), "STAND_IN_GPUS": sees},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path, content.collections_dir(tmp_path / "collections"))


@pytest.fixture
def with_torch(host: Host) -> Host:
    """PyTorch for CUDA 12.6 with its cuDNN."""
    files = {**frameworks.torch("2.11.0+cu126", "12.6"), **frameworks.library("cudnn", "libcudnn.so.9")}
    host.install(PYTHONS[0], "torch", "2.11.0+cu126", files)
    return host


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parent.parent.name)
def test_every_gpu_is_seen_and_every_library_loads(host: Host, python: Path) -> None:
    host.gpus(2)
    host.install(python, "torch", "1.10.0+cu113", frameworks.torch("1.10.0+cu113", "11.3"))
    host.install(python, "tensorflow_gpu", "2.6.2", frameworks.tensorflow("2.6.2", "11.2", "8"))
    host.install(python, "nvidia_cudnn_cu12", "9.10.2.21", frameworks.library("cudnn", "libcudnn.so.9"))
    answer = host.ask("torch", "tensorflow", sees="A,B", libraries=(CUDNN,))
    assert not answer.get("failed"), answer
    assert answer["gpus"] == ["10de:2684"] * 2
    assert answer["frameworks"] == {
        "torch": {"version": "1.10.0+cu113", "devices": ["A", "B"]},
        "tensorflow": {"version": "2.6.2", "devices": ["A", "B"]},
    }
    assert answer["libraries"]["libcudnn.so.9"].endswith("site-packages/nvidia/cudnn/lib/libcudnn.so.9")
    assert (answer["note"], answer["changed"]) == (None, False)


def test_all_that_is_missing_is_named_with_what_brings_it(with_torch: Host) -> None:
    with_torch.gpus(2)
    shutil.rmtree(next(with_torch.environment.glob("lib/python3*/site-packages/nvidia")))
    answer = with_torch.ask("torch", sees="A", libraries=(DRIVER, CUDART, CUDNN))
    said = answer["msg"].splitlines()[0]
    assert "torch 2.11.0+cu126 sees 1 of the 2 GPUs on the bus (10de:2684, 10de:2684): A; " in said
    assert "libcuda.so.1 is not found (NVIDIA driver 580.65.06 brings it); " in said
    assert "libcudart.so.12 is not found (nvidia-cuda-runtime-cu12==12.6.77 brings it); " in said
    assert "libcudnn.so.9 is not found (nvidia-cudnn-cu12==9.10.2.21 brings it). " in said
    assert said.endswith(f"`aimlsetup doctor --env {with_torch.environment}` on the host tells more.")


def test_without_a_gpu_none_is_looked_for_and_it_is_said(with_torch: Host) -> None:
    with_torch.gpus(0)
    answer = with_torch.ask("torch", libraries=(DRIVER, CUDNN))
    assert not answer.get("failed"), answer
    assert "no GPU of NVIDIA's on the bus" in answer["note"]
    assert list(answer["libraries"]) == ["libcudnn.so.9"]


@pytest.mark.parametrize("gpus", [0, 1])
@pytest.mark.parametrize(
    ("name", "distribution", "version", "files"),
    [
        ("torch", "torch", "2.11.0+cpu", frameworks.torch("2.11.0+cpu", None)),
        ("tensorflow", "tensorflow", "2.21.0", frameworks.tensorflow("2.21.0", None)),
        ("tensorflow", "tensorflow_cpu", "2.21.0", frameworks.tensorflow("2.21.0", None)),
    ],
)
def test_a_build_for_the_cpu_alone_is_told(
    host: Host, gpus: int, name: str, distribution: str, version: str, files: dict[str, bytes]
) -> None:
    host.gpus(gpus)
    host.install(PYTHONS[0], distribution, version, files)
    title = f"{distribution.replace('_', '-')} {version}"
    assert f"{title} was built for the CPU alone" in host.ask(name)["msg"]


def test_a_library_that_is_there_and_does_not_load(with_torch: Host) -> None:
    path = next(with_torch.environment.glob("lib/python3*/site-packages/nvidia/cudnn/lib/libcudnn.so.9"))
    path.write_bytes(b"not a library")
    said = with_torch.ask("torch", libraries=(CUDNN,))["msg"]
    assert f"libcudnn.so.9 does not load: {path}: " in said


def test_a_framework_that_is_not_installed(with_torch: Host) -> None:
    assert "tensorflow is not installed in it" in with_torch.ask("tensorflow")["msg"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_the_kind", "does not import: ModuleNotFoundError: No module named 'nothing_of_the_kind'"),
        ("raise SystemError('initialization failed')", "does not import: SystemError: initialization failed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "it was ended by SIGILL"),
        ("import sys; sys.stderr.write('as you wish\\n'); sys.exit(3)", "it failed (exit 3): as you wish"),
        ("import time; time.sleep(60)", "it did not answer within 1 s: a GPU or its driver may hang"),
    ],
)
def test_a_framework_that_fails_in_its_own_way(with_torch: Host, code: str, said: str) -> None:
    next(with_torch.environment.glob("lib/python3*/site-packages/torch/__init__.py")).write_text(code)
    assert said in with_torch.ask("torch", seconds=1 if "sleep" in code else 60)["msg"]


def test_what_a_framework_prints_is_no_answer(with_torch: Host) -> None:
    package = next(with_torch.environment.glob("lib/python3*/site-packages/torch/__init__.py"))
    package.write_text("print('welcome')\n" + package.read_text())
    assert with_torch.ask("torch")["frameworks"]["torch"]["version"] == "2.11.0+cu126"


@pytest.mark.parametrize("there", [False, True])
def test_no_environment(host: Host, *, there: bool) -> None:
    if there:
        (host.environment / "lib/python3.11/site-packages").mkdir(parents=True)
    said = host.ask("torch")["msg"]
    assert said.startswith(f"{host.environment}: ")
    assert ("does not start: No such file" if there else "there is no Python environment") in said
