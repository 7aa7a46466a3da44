"""Environments for GPUs on a booted host without one: locked, installed and verified, from PyPI and an index in the
shape of PyTorch's. Frameworks and most of NVIDIA's wheels are stand-ins of a few lines; the CUDA runtime is its own.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import catalog, sandbox
from tests import serving, wheels
from tests.e2e.site import Site, binds
from tests.gpu import frameworks
from tests.remote import on

pytestmark = [pytest.mark.host, pytest.mark.network]

TITAN = "10de:1b06"  # a GeForce GTX 1080 Ti, for which PyTorch has no build on PyPI any more
ENVS = "/virtualmachines/virtualenvs"
RUNTIME = "nvidia-cuda-runtime-cu12"
LIBRARIES = {
    "nvidia-cublas-cu12": {"libcublas.so.12", "libcublasLt.so.12"},
    "nvidia-cufft-cu12": {"libcufft.so.11"},
    "nvidia-curand-cu12": {"libcurand.so.10"},
    "nvidia-cusolver-cu12": {"libcusolver.so.11"},
    "nvidia-cusparse-cu12": {"libcusparse.so.12"},
    "nvidia-cudnn-cu12": {"libcudnn.so.9"},
}
OF_TENSORFLOW = {
    "nvidia-cublas-cu12": "12.5.3.2", "nvidia-cufft-cu12": "11.2.3.61", "nvidia-curand-cu12": "10.3.6.82",
    "nvidia-cusolver-cu12": "11.6.3.83", "nvidia-cusparse-cu12": "12.5.1.3", "nvidia-cudnn-cu12": "9.3.0.75",
}  # fmt: skip
OF_TORCH = {
    "nvidia-cublas-cu12": "12.6.4.1", "nvidia-cufft-cu12": "11.3.0.4", "nvidia-curand-cu12": "10.3.7.77",
    "nvidia-cusolver-cu12": "11.7.1.2", "nvidia-cusparse-cu12": "12.5.4.2", "nvidia-cudnn-cu12": "9.10.2.21",
}  # fmt: skip


def publish_libraries(index: Path, versions: dict[str, str]) -> None:
    """Stand-ins for NVIDIA's wheels."""
    for name, version in versions.items():
        folder = name.split("-")[1]
        files = {path: data for soname in LIBRARIES[name] for path, data in frameworks.library(folder, soname).items()}
        wheels.publish(index, name, version, files=files)


def indexes(root: Path) -> None:
    """PyTorch's index, one folder per CUDA and one for the CPU; beside it somebody's own, with a TensorFlow."""
    needs = [f"{RUNTIME}==12.6.77", *(f"{name}=={version}" for name, version in OF_TORCH.items())]
    wheels.publish(root / "whl/cu126", "torch", "2.11.0+cu126", needs, frameworks.torch("2.11.0+cu126", "12.6"))
    publish_libraries(root / "whl/cu126", OF_TORCH)
    wheels.publish(root / "whl/cpu", "torch", "2.11.0+cpu", files=frameworks.torch("2.11.0+cpu", None))
    extra = [f"{RUNTIME}>=12.5.82", *(f"{name}>={version}" for name, version in OF_TENSORFLOW.items())]
    brought = [f'{line}; extra == "and-cuda"' for line in extra]
    wheels.publish(root / "own", "tensorflow", "2.20.0", brought, frameworks.tensorflow("2.20.0", "12.5.1"))
    publish_libraries(root / "own", OF_TENSORFLOW)


def profile(host: str, url: str) -> dict[str, Any]:
    """One host with a GPU that is not built in yet, and two environments."""
    repositories = {name: source.apt for name, source in catalog.load().sources.items() if source.apt}
    # The distribution's own archives are where hosts install from too.
    unreachable = {name: "file:///nowhere" for name, apt in repositories.items() if not apt.distribution}
    return {
        "version": 1,
        "hosts": {host: {"connection": "sandbox", "gpus": [TITAN]}},
        "components": ["base", "python_env"],
        "requests": {"device": "gpu", "channel": "pip", "framework": {"pytorch": "2.11"}},
        "sources": {**unreachable, "pytorch": f"{url}/whl/{{cuda}}"},
        "python_env": {
            "envs": [
                {"name": "py_3"},
                {"name": "tf", "requirements": ["tensorflow==2.20.0"], "indexes": [f"{url}/own"]},
            ]
        },
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, sandbox.Host, list[str]]]:
    """The site, applied; its host; the paths that the index was asked for."""
    directory, asked = tmp_path_factory.mktemp("gpu"), list[str]()
    name = f"gpuenv-{os.getpid()}"
    indexes(directory / "index")
    try:
        host = sandbox.up([name], "bookworm", binds=binds(directory / "index")[1:])[0]
        with serving.served(directory / "index", serving.bridge(host), asked) as url:
            site = Site(directory)
            site.write(profile(name, url))
            site.run("apply", "--yes")
            yield site, host, asked
    finally:
        sandbox.down([name])


Applied = tuple[Site, sandbox.Host, list[str]]


def packages(host: sandbox.Host, env: str) -> set[str]:
    """What an environment has installed."""
    code = "import importlib.metadata as m; print(*(d.name + '==' + d.version for d in m.distributions()))"
    return set(on(host, f"{ENVS}/{env}/bin/python", "-c", code).split())


def proof(site: Site, expect: int) -> dict[str, Any]:
    """The row of python_env in what verify prints."""
    rows = json.loads(site.run("verify", "--json", expect=expect))["proofs"]
    found: dict[str, Any] = next(row for row in rows if row["component"] == "python_env")
    return found


def test_each_wheel_comes_from_the_index_that_the_lock_chose(site: Applied) -> None:
    _site, host, asked = site
    assert packages(host, "py_3") == {
        "torch==2.11.0+cu126",
        f"{RUNTIME}==12.6.77",
        *(f"{name}=={version}" for name, version in OF_TORCH.items()),
    }
    assert {"tensorflow==2.20.0", *(f"{name}=={version}" for name, version in OF_TENSORFLOW.items())} <= packages(
        host, "tf"
    )
    assert not [path for path in asked if path.startswith("/whl/cpu")]


def test_without_a_gpu_all_else_is_verified_and_that_is_said(site: Applied) -> None:
    row = proof(site[0], expect=0)
    assert row["ok"]
    assert row["found"].count("this host has no GPU of NVIDIA's on the bus") == 2


def test_every_missing_library_is_named_with_its_wheel(site: Applied) -> None:
    it, host, _asked = site
    there = f"{ENVS}/tf/lib/python3.11/site-packages/nvidia"
    on(host, "mv", there, f"{there}.away")
    try:
        row = proof(it, expect=3)
    finally:
        on(host, "mv", f"{there}.away", there)
    assert not row["ok"]
    assert f"libcudart.so.12 is not found ({RUNTIME}==12.5.82 brings it)" in row["found"]
    for name, version in OF_TENSORFLOW.items():
        for soname in LIBRARIES[name]:
            assert f"{soname} is not found ({name}=={version} brings it)" in row["found"]
    assert proof(it, expect=0)["ok"]


def test_a_build_for_the_cpu_alone_in_its_place_is_told(site: Applied) -> None:
    it, host, _asked = site
    version = f"{ENVS}/py_3/lib/python3.11/site-packages/torch/version.py"
    on(host, "sh", "-c", f'cp -p {version} /root/kept; sed -i "s/^cuda.*/cuda = None/" {version}')
    try:
        assert "torch 2.11.0+cu126 was built for the CPU alone" in proof(it, expect=3)["found"]
    finally:
        on(host, "cp", "-p", "/root/kept", version)
