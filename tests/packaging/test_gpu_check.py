"""`script/gpu-check`: does nothing without a GPU, and stores what the tools say without naming the machine."""

import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from tests.packaging.built import ROOT

SCRIPT = ROOT / "script" / "gpu-check"
SAMPLES = ROOT / "tests" / "plugins" / "samples"
HAS_GPU = Path("/proc/driver/nvidia/version").exists()


@pytest.fixture
def script() -> ModuleType:
    loader = SourceFileLoader("gpu_check", str(SCRIPT))
    spec = importlib.util.spec_from_loader("gpu_check", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    dont_write, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = dont_write
    return module


def test_it_says_what_it_did(tmp_path: Path) -> None:
    done = subprocess.run([SCRIPT, tmp_path / "out"], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("no NVIDIA GPU on this machine" in done.stdout) is not HAS_GPU
    assert (tmp_path / "out").exists() is HAS_GPU


def test_it_counts_the_gpus_in_every_output(script: ModuleType) -> None:
    outputs = {
        "nvidia-smi.txt": (SAMPLES / "nvidia-smi-two.txt").read_text(),
        "nvidia-smi-L.txt": (SAMPLES / "nvidia-smi-L.txt").read_text(),
        "nvidia-smi-q-x.xml": (SAMPLES / "nvidia-smi-two.xml").read_text(),
        "nvidia-smi.csv": (SAMPLES / "nvidia-smi-two.csv").read_text(),
        "observation.json": '{"facts": {"gpus": [{"id": "10de:2684"}, {"id": "8086:3e92"}]}}',
    }
    assert list(script.counts(outputs).values()) == [2, 2, 2, 2, 1]


def test_it_leaves_out_what_names_the_machine(script: ModuleType) -> None:
    text = "GPU-11111111-2222-3333-4444-555555555555 <serial>1320</serial>"
    assert script.redacted(text) == "GPU-00000000 <serial>0</serial>"
