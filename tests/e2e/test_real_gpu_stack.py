"""NVIDIA's driver and CUDA as Debian packages them, installed for real, from a profile to a proof.

What can't be here is the GPU: modules are built for Debian's kernel and not loaded, programs end with "no device".
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimlsetup import sandbox
from aimlsetup.sandbox import Host
from tests.conftest import factory
from tests.e2e import own
from tests.e2e import site as small
from tests.plugins.apt_repository import run

pytestmark = [pytest.mark.host("bookworm", "trixie"), pytest.mark.network, pytest.mark.long]
GPU = "10de:2684"  # a GeForce RTX 4090, which the profile says is going to be there
LIMIT = 1500  # seconds: 2 GB of packages, and a kernel module to build
CUDNN = "8.6.0"
COMPONENTS = ["base", "codehub", "data_links", "gpu_sources", "nvidia_driver", "cuda", "cudnn", "tensorrt", "nccl",
              "python_env"]  # fmt: skip
TOOLKIT_ALONE = ["base", "gpu_sources", "cuda"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> small.Site:
    return small.Site(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def host(site: small.Site) -> Iterator[Host]:
    """A host that has been bare: driver, toolkit, and cuDNN's wheel in an environment."""
    binds = [small.cached("uv", "/var/cache/aimlsetup/uv"), small.cached("apt-bookworm", "/var/cache/apt/archives")]
    binds += own.BINDS
    with factory() as make:
        made = make("bookworm", binds=binds)
        site.write(
            {
                "version": 1,
                "hosts": {made.name: {"connection": "sandbox", "gpus": [GPU]}},
                "components": COMPONENTS,
                "requests": {"device": "gpu", "channel": "distro", "cuda": "11.8"},
                "nvidia_driver": {"kernels": "installed"},  # the running one is that of the machine around
                "python_env": {"envs": [{"name": "py_3", "requirements": [f"nvidia-cudnn-cu11=={CUDNN}.163"]}]},
            }
        )
        site.run("apply", "--yes", limit=LIMIT)
        yield made


def test_dkms_has_built_the_driver_for_debians_kernel(host: Host) -> None:
    kernel = run(host, "ls /lib/modules").strip()
    assert f", {kernel}, x86_64: installed" in run(host, "dkms status")
    module = run(host, f"modinfo /lib/modules/{kernel}/updates/dkms/nvidia-current.ko")
    assert f"vermagic:       {kernel} " in module
    assert "license:        NVIDIA\n" in module
    assert run(host, "dpkg-query -W -f '${db:Status-Abbrev} ${Version}' nvidia-driver").startswith("hi  535.")
    assert "blacklist nouveau\n" in run(host, "modprobe -c")


def test_nvcc_compiles_and_the_program_finds_no_device(host: Host) -> None:
    program = """#include <cstdio>
        __global__ void kernel() {}
        int main() { int n; kernel<<<1, 1>>>(); puts(cudaGetErrorString(cudaGetDeviceCount(&n))); }"""
    said = run(host, "cd /root; cat > a.cu; nvcc -arch=sm_89 a.cu -o a; ./a; nvcc --version", program.encode())
    assert said.startswith("CUDA driver version is insufficient for CUDA runtime version\n") or "no CUDA" in said
    assert "release 11.8" in said


def test_cudnn_of_the_wheel_answers(host: Host) -> None:
    library = "/virtualmachines/virtualenvs/py_3/lib/python3.11/site-packages/nvidia/cudnn/lib/libcudnn.so.8"
    major, minor, patch = (int(part) for part in CUDNN.split("."))
    script = f"import ctypes; print(ctypes.CDLL({library!r}).cudnnGetVersion())"
    assert run(host, f'/usr/bin/python3 -c "{script}"').strip() == str(major * 1000 + minor * 100 + patch)


def test_everything_is_proven_and_nothing_is_left_to_do(host: Host, site: small.Site) -> None:
    proofs = json.loads(site.run("verify", "--json"))["proofs"]
    assert {proof["component"]: proof["ok"] for proof in proofs} == dict.fromkeys(COMPONENTS, True)
    assert json.loads(site.run("apply", "--yes", "--json"))["hosts"][host.name]["applied"] == []


def test_a_host_that_is_its_own_controller_goes_on_after_its_reboot(host: Host, site: small.Site) -> None:
    here = own.Own(host)
    here.write(site, reboot_ok=True)
    here.reboots()
    assert here.until_resumed() == "inactive", run(host, f"journalctl -u {own.UNIT}")
    said = here.run("verify", "--json")
    proofs = json.loads(said[said.index("{") : said.rindex("}") + 1])["proofs"]
    assert {proof["component"]: proof["ok"] for proof in proofs} == dict.fromkeys(COMPONENTS, True)


def test_the_power_fails_while_it_goes_on(host: Host, site: small.Site) -> None:
    """The boot after that is an ordinary one, and the same command finishes."""
    here = own.Own(host)
    here.write(site, reboot_ok=True, persistence=False)
    here.reboots()
    here.until("going on", lambda: here.resuming() == "activating")
    sandbox.kill(host)
    sandbox.up([host.name], host.release)
    assert here.resuming() == "inactive"
    assert here.run("apply", "--yes").endswith("exit 0\n")
    assert "nothing to do" in here.run("apply", "--yes")


def test_the_toolkit_of_debian_13(tmp_path: Path) -> None:
    """CUDA 12.4 alone; its role compiles and runs a program when it is verified."""
    with factory() as make:
        made = make("trixie", binds=[small.cached("apt-trixie", "/var/cache/apt/archives")])
        site = small.Site(tmp_path)
        site.write(
            {
                "version": 1,
                "hosts": {made.name: {"connection": "sandbox", "gpus": [GPU]}},
                "components": TOOLKIT_ALONE,
                "requests": {"device": "gpu", "channel": "distro", "cuda": "12.4"},
            }
        )
        site.run("apply", "--yes", limit=LIMIT)
        assert "release 12.4" in run(made, "nvcc --version")
        proofs = json.loads(site.run("verify", "--json"))["proofs"]
        assert {proof["component"]: proof["ok"] for proof in proofs} == dict.fromkeys(TOOLKIT_ALONE, True)
