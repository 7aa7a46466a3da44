"""CUDA toolkits and GPU libraries on a host: whose link it is, what a program's answer means, what is missing."""

import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimlsetup import content
from tests.gpu.elf import shared_object


@pytest.fixture
def alternative(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.modules import alternative

    return alternative


@pytest.fixture
def nvcc(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.modules import nvcc

    return nvcc


@pytest.fixture
def installed(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.modules import installed

    return installed


def test_a_group_is_read_from_its_file(alternative: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "cuda"
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups" / "cuda").write_text(f"manual\n{link}\n\n/usr/local/cuda-11.8\n118\n\n")
    link.symlink_to("/usr/local/cuda-11.8")
    monkeypatch.setattr(alternative.state, "ALTERNATIVES", str(tmp_path / "groups"))
    found = alternative.state.take({"alternatives": ["cuda", "other"]})["alternatives"]
    assert found == {"cuda": {"mode": "manual", "link": str(link), "path": "/usr/local/cuda-11.8"}, "other": None}


def test_only_what_update_alternatives_made_or_what_leads_there_already_may_be_replaced(
    alternative: Any, tmp_path: Path
) -> None:
    link, toolkit = tmp_path / "cuda", tmp_path / "cuda-11.8"
    toolkit.mkdir()

    def found() -> str:
        text: str = alternative.in_the_way(str(link), "/etc/alternatives/cuda", str(toolkit))
        return text

    assert found() == ""
    link.symlink_to("/etc/alternatives/cuda")
    assert found() == ""
    link.unlink()
    link.symlink_to(toolkit)
    assert found() == ""
    link.unlink()
    link.symlink_to(tmp_path / "mine")
    assert found() == f"a link to {tmp_path / 'mine'}"
    link.unlink()
    link.mkdir()
    assert found() == "a directory"
    link.rmdir()
    link.write_text("")
    assert found() == "a file"
    assert "mv" in alternative.refusal("cuda", str(link), str(toolkit), None)


def test_a_group_with_another_link_is_refused(alternative: Any) -> None:
    before = {"mode": "auto", "link": "/usr/local/cuda", "path": "/usr/local/cuda-12.4"}
    said = alternative.refusal("cuda", "/opt/cuda", "/usr/local/cuda-12.4", before)
    assert "name /usr/local/cuda as the link" in said


@pytest.mark.parametrize(
    ("said", "gpus", "meaning"),
    [
        ("none 100 no CUDA-capable device is detected\n", 0, "no device (100 no CUDA-capable device is detected)"),
        ("none 35 CUDA driver version is insufficient\n", 0, "no device (35 CUDA driver version is insufficient)"),
        ("ran 1 no error\n", 1, "ran on 1 GPU"),
        ("ran 8 no error\n", 8, "ran on 8 GPUs"),
        ("ran 1 no error\n", 0, "ran on 1 GPU"),
    ],
)
def test_answers_that_are_right(nvcc: Any, said: str, gpus: int, meaning: str) -> None:
    assert nvcc.judge(said, gpus).endswith(meaning)


@pytest.mark.parametrize(
    ("said", "gpus", "meaning"),
    [
        ("none 100 no CUDA-capable device is detected\n", 1, "module is not loaded"),
        ("none 35 CUDA driver version is insufficient\n", 2, "driver is older"),
        ("failed 803 system has unsupported display driver / cuda driver combination\n", 0, "reboot"),
        ("failed 802 system not yet initialized\n", 8, "fabric"),
        ("failed 999 unknown error\n", 1, "aimlsetup doctor"),
        ("", 0, "understood"),
    ],
)
def test_answers_that_are_wrong(nvcc: Any, said: str, gpus: int, meaning: str) -> None:
    with pytest.raises(nvcc.Failed, match=meaning):
        nvcc.judge(said, gpus)


def compiler(directory: Path, body: str) -> Path:
    """A toolkit whose nvcc is this script."""
    path = directory / "bin" / "nvcc"
    path.parent.mkdir()
    version = "echo Cuda compilation tools, release 11.8, V11.8.89"
    path.write_text(f"#!/bin/sh\nif [ $1 = --version ]; then {version}; exit; fi\n{body}\n")
    path.chmod(0o755)
    return directory


def test_a_toolkit_compiles_in_a_directory_that_does_not_stay(nvcc: Any, tmp_path: Path) -> None:
    (scratch := tmp_path / "scratch").mkdir()
    body = 'grep -q cudaGetDeviceCount "$5"; printf "#!/bin/sh\\necho ran 2 no error\\n" >"$4"; chmod +x "$4"'
    toolkit = compiler(tmp_path, body)
    assert nvcc.check("11.8", str(toolkit), 2, str(scratch)) == "nvcc 11.8.89 compiles; the program ran on 2 GPUs"
    assert list(scratch.iterdir()) == []
    with pytest.raises(nvcc.Failed, match=r"is of release 11\.8, expected 12\.4"):
        nvcc.check("12.4", str(toolkit), 2, str(scratch))


def test_a_compiler_that_fails_is_quoted_and_what_may_not_run_explained(nvcc: Any, tmp_path: Path) -> None:
    (scratch := tmp_path / "scratch").mkdir()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    toolkit = compiler(tmp_path / "one", "echo 'unsupported GNU version! gcc 13' >&2; exit 1")
    with pytest.raises(nvcc.Failed, match=r"ended with 1\n  unsupported GNU version"):
        nvcc.check("11.8", str(toolkit), 0, str(scratch))
    with pytest.raises(nvcc.Failed, match="noexec"):
        nvcc.check("11.8", str(compiler(tmp_path / "two", ': >"$4"')), 0, str(scratch))
    assert list(scratch.iterdir()) == []


def test_a_toolkit_without_a_compiler_is_passed_over(nvcc: Any, tmp_path: Path) -> None:
    assert nvcc.check("11.8", str(tmp_path), 0, str(tmp_path)) == "it has no compiler"


def test_versions_and_holds_are_compared(installed: Any) -> None:
    wishes = {"one": "1", "two": "2", "three": None, "four": "4"}
    found = {
        "one": {"version": "1", "hold": False}, "two": {"version": "3", "hold": True},
        "three": {"version": "7", "hold": True}, "four": None,
    }  # fmt: skip
    assert installed.package_problems(wishes, found, True) == [
        "four is not installed, expected 4",
        "one is not held, expected held",
        "two is 3, expected 2",
    ]
    assert installed.package_problems({"one": "1*", "three": None}, found, None) == []


def test_libraries_are_those_files_of_packages_that_the_loader_knows(installed: Any, tmp_path: Path) -> None:
    real, other = tmp_path / "libcudnn.so.8.9.6", tmp_path / "libcudnn_ops_infer.so.8.9.6"
    for path in (real, other):
        path.write_bytes(shared_object(path.name))
    link = tmp_path / "libcudnn.so.8"
    link.symlink_to(real.name)
    files = [str(tmp_path), str(link), str(real), str(other), str(tmp_path / "copyright")]
    known = {"libcudnn.so.8": str(link), "libcublas.so.11": "/usr/lib/libcublas.so.11"}
    assert installed.of_files(files, known) == ({"libcudnn.so.8": str(link)}, [str(other)])


def test_what_can_not_be_loaded_says_why(installed: Any, tmp_path: Path) -> None:
    good, short = tmp_path / "libnccl.so.2", tmp_path / "libnccl.so.3"
    good.write_bytes(shared_object(good.name))
    short.write_bytes(shared_object(good.name)[:4])
    assert installed.trouble(str(good)) == ""
    assert "too short" in installed.trouble(str(short))
    assert "No such file" in installed.trouble("libnccl.so.99")


DRIVERS = (
    "cuda-drivers", "cuda-drivers-550", "nvidia-driver", "nvidia-driver-535", "nvidia-driver-550-open",
    "nvidia-driver-cuda", "nvidia-tesla-470-driver", "nvidia-legacy-390xx-driver", "nvidia-384", "nvidia-open",
    "nvidia-open-580", "nvidia-dkms-550-open", "nvidia-kernel-dkms", "nvidia-kernel-open-dkms",
    "nvidia-kernel-common-550", "nvidia-headless-535", "nvidia-tesla-470-kernel-dkms", "linux-image-amd64",
    "linux-image-6.1.0-50-amd64", "linux-modules-nvidia-550-generic",
)  # fmt: skip
NOT_DRIVERS = (  # what toolkits do bring
    "libcuda1", "libnvidia-ml1", "libnvidia-ptxjitcompiler1", "nvidia-alternative", "nvidia-cuda-dev",
    "nvidia-profiler", "nvidia-installer-cleanup", "nvidia-legacy-check", "nvidia-opencl-dev",
    "nvidia-support", "glx-alternative-nvidia", "linux-libc-dev", "cuda-nvcc-12-4", "cuda-driver-dev-12-4",
)  # fmt: skip


def test_drivers_and_kernels_are_refused_and_nothing_else() -> None:
    patterns = yaml.safe_load((content.role("cuda") / "vars" / "main.yml").read_text())["__cuda_refuses"]
    refused = [name for name in DRIVERS + NOT_DRIVERS if any(fnmatch.fnmatchcase(name, one) for one in patterns)]
    assert refused == list(DRIVERS)
