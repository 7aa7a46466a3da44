"""The judgement alone, from evidence as data: what a booted host here can't have, and what must not be said."""

from typing import Any

import pytest

from aimlsetup import catalog, doctor
from aimlsetup.models.finding import Finding

CATALOG = catalog.load()
VERSION = "580.95.05"


def evidence(**changes: Any) -> dict[str, Any]:
    """A Debian host with an RTX 4090 that works, but for the changes."""
    healthy = {
        "version": 1,
        "release": {"id": "debian", "version": "12", "codename": "bookworm", "name": "Debian 12"},
        "arch": "x86_64",
        "uid": 1000,
        "kernel": "6.1.0-40-amd64",
        "kernels": {"6.1.0-40-amd64": True},
        "wsl": {"is": False, "library": False},
        "gpus": [{"address": "0000:01:00.0", "id": "10de:2684", "subsystem": "1458:4090", "driver": "nvidia"}],
        "nvswitches": [],
        "modules": {"nvidia": VERSION},
        "nvidia": nvidia(),
        "module_file": {"version": VERSION, "flavour": "open", "signer": "DKMS module signing key"},
        "answering": {"gpus": 1, "failure": None},
        "recommended": None,
        "dkms": {"modules": [dkms()], "log": []},
        "secure_boot": {"state": "on", "validated": True, "enrolled": True},
        "unfinished": [],
        "sources": [],
        "keyrings": {},
        "toolkits": {"installed": [], "link": None, "auto": False},
        "libraries": {"libcuda.so.1": "/usr/lib/x86_64-linux-gnu/libcuda.so.1"},
        "dangling": {},
        "environment": None,
        "holders": [],
    }
    assert set(changes) <= set(healthy)
    return healthy | changes


def nvidia(**changes: Any) -> dict[str, Any]:
    return {"driver": VERSION, "flavour": "open", "loaded": True, "library": VERSION, "packages": {}} | changes


def dkms(**changes: Any) -> dict[str, Any]:
    row = {"module": "nvidia", "version": VERSION, "kernel": "6.1.0-40-amd64", "arch": "x86_64", "state": "installed"}
    return row | {"warning": None} | changes


def package(version: str, **changes: Any) -> dict[str, Any]:
    return {"version": version, "hold": False, "status": "i"} | changes


def environment(**framework: Any) -> dict[str, Any]:
    built = {"name": "tensorflow", "distribution": "tensorflow", "version": "2.17.0", "cuda": "12.3", "cudnn": "8"}
    return {"path": "/e", "frameworks": [built | {"gpu": True} | framework], "wheels": {}, "libraries": {}}


def found(**changes: Any) -> dict[str, Finding]:
    return {finding.ref: finding for finding in doctor.judge(evidence(**changes), CATALOG)}


def test_a_host_that_works_has_no_findings() -> None:
    assert found() == {}


UNLOADED = {"loaded": False, "flavour": None, "library": None}

# What is changed -> the finding, and a part of its next command.
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"gpus": []}, "gpu-none", "lspci"),
    ({"gpus": [{"address": "a", "id": "10de:ffff", "subsystem": "", "driver": None}]}, "gpu-unknown", "lspci"),
    ({"nvidia": nvidia(flavour="proprietary"), "gpus": [{"id": "10de:2b85", "address": "", "driver": None}]},
     "driver-flavour", "apt-cache"),
    ({"nvidia": nvidia(driver=None, **UNLOADED), "module_file": None, "recommended": "nvidia-driver-580-open"},
     "driver-missing", "sudo apt-get install nvidia-driver-580-open"),
    ({"nvidia": nvidia(driver=None, **UNLOADED)}, "driver-missing", "aimlsetup init"),
    ({"nvidia": nvidia(**UNLOADED | {"library": VERSION})}, "driver-not-loaded", "modprobe"),
    ({"answering": {"gpus": 0, "failure": "silent"}}, "gpu-silent", "xid"),
    ({"answering": {"gpus": 0, "failure": None}}, "gpu-lost", "xid"),
    ({"nvidia": nvidia(driver="580.65.06")}, "nvml-mismatch", "sudo reboot"),
    ({"nvidia": nvidia(driver="580.65.06"), "module_file": {"version": "580.65.06", "signer": None}},
     "nvml-mismatch", "sudo dkms autoinstall -k 6.1.0-40-amd64"),
    ({"nvswitches": ["10de:22a3"]}, "fabric-manager", "nvidia-fabricmanager-580"),
    ({"holders": [{"pid": 7, "user": "ai", "command": "python3"}]}, "gpu-held", "ps -fp 7"),
    ({"wsl": {"is": True, "library": False}}, "wsl-no-driver", "wsl.exe"),
    ({"dkms": {"modules": [dkms(warning="WARNING! Diff")], "log": []}}, "dkms-differs", "dkms install --force"),
    ({"dkms": {"modules": [dkms(state="broken", kernel=None)], "log": []}}, "dkms-broken", "rm -r /var/lib/dkms"),
    ({"kernels": {"6.1.0-40-amd64": True, "6.1.0-41-amd64": True}}, "dkms-not-built", "-k 6.1.0-41-amd64"),
    ({"kernels": {"6.1.0-41-amd64": False}}, "headers-missing", "linux-headers-6.1.0-41-amd64"),
    ({"nvidia": nvidia(loaded=False), "secure_boot": {"state": "on", "validated": True, "enrolled": False}},
     "secure-boot-key", "mokutil --import"),
    ({"nvidia": nvidia(packages={"libcudnn8": package("8.9.7.29-1+cuda12.2"),
                                 "libcudnn8-dev": package("8.9.7.29-1+cuda11.8")})},
     "siblings-mixed", "sudo apt-get install --allow-downgrades"),
    ({"unfinished": [{"name": "dkms", "status": "iHR"}]}, "packages-unfinished", "--reinstall dkms"),
    ({"environment": environment(gpu=False, distribution="tensorflow-cpu")}, "framework-cpu-only",
     "/e/bin/pip uninstall -y tensorflow-cpu && /e/bin/pip install --force-reinstall 'tensorflow[and-cuda]==2.17.0'"),
    ({"environment": environment()}, "library-missing", "/e/bin/pip install 'tensorflow[and-cuda]==2.17.0'"),
    ({"environment": environment(version="1.13.1", distribution="tensorflow-gpu", cuda=None, cudnn=None)},
     "library-missing", "cuda-toolkit-10-0"),
    ({"environment": environment(version="9.9.9", cuda="99.0", cudnn=None)}, "libraries-unknown", "/e/bin/python"),
    ({"toolkits": {"installed": [{"path": "/usr/local/cuda-11.8", "release": "11.8"},
                                 {"path": "/usr/local/cuda-12.4", "release": "12.4"}],
                   "link": "/usr/local/cuda-12.4", "auto": True}}, "cuda-link", "--set cuda /usr/local/cuda-12.4"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "ref", "then"), CASES, ids=[f"{ref}-{n}" for n, (_, ref, _) in enumerate(CASES)])
def test_a_finding_and_its_next_command(changes: dict[str, Any], ref: str, then: str) -> None:
    finding = found(**changes)[ref]
    assert then in finding.next
    assert finding.title
    assert finding.why.endswith((".", ")"))


def test_siblings_of_different_majors_stand_side_by_side() -> None:
    installed = {"libcudnn8": package("8.9.7.29-1+cuda12.2"), "libcudnn9-cuda-12": package("9.1.0.70-1")}
    assert found(nvidia=nvidia(packages=installed)) == {}


def test_wheels_bring_the_libraries_of_a_release_that_uses_them() -> None:
    names = [*CATALOG.sonames.of("cuda", "12.3"), *CATALOG.sonames.of("cudnn", "8")]
    there = environment() | {"wheels": {name: f"/e/{name}" for name in names}}
    assert "library-missing" not in found(environment=there)
    old = environment(version="2.12.0", cuda="11.8") | {"wheels": {n: n for n in CATALOG.sonames.of("cuda", "11.8")}}
    assert "libcudart.so.11.0" in found(environment=old)["library-missing"].title  # 2.12 does not look there


def test_what_a_host_names_is_one_word_of_the_next_command() -> None:
    sources = [
        {"file": f, "line": 1, "uri": "http://a", "suite": "/", "components": [], "signed_by": key}
        for f, key in (("/etc/apt/sources.list.d/a; id.sources", "/k1"), ("/etc/apt/sources.list.d/b.list", "/k2"))
    ]
    finding = found(sources=sources, keyrings={"/k1": [], "/k2": []})["source-two-owners"]
    assert "'/etc/apt/sources.list.d/a; id.sources'" in finding.next


def test_sonames_have_their_source() -> None:
    known = CATALOG.sonames
    used = {series.source for part in known.parts.values() for series in part}
    assert used == set(known.sources)
    for version in ("9.0", "10.0", "10.1", "11.2", "11.8", "12.4"):
        assert known.of("cuda", version)
