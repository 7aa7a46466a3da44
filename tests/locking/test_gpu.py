"""Locks of hosts with GPUs, made with the real uv from an index on disk."""

import pytest

from aimlsetup import locking
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.lock import Lock

from .conftest import Index, Observe, Read

NOBLE = {"id": "ubuntu", "version": "24.04", "codename": "noble", "name": "Ubuntu"}
PYTHON = {"/usr/bin/python3.12": "3.12.3"}
ADA, PASCAL = {"id": "10de:2684"}, {"id": "10de:1b06"}
AND_CUDA = {
    "nvidia-cublas-cu12": "12.5.3.2", "nvidia-cuda-cupti-cu12": "12.5.82", "nvidia-cuda-nvcc-cu12": "12.5.82",
    "nvidia-cuda-nvrtc-cu12": "12.5.82", "nvidia-cuda-runtime-cu12": "12.5.82", "nvidia-cudnn-cu12": "9.3.0.75",
    "nvidia-cufft-cu12": "11.2.3.61", "nvidia-curand-cu12": "10.3.6.82", "nvidia-cusolver-cu12": "11.6.3.83",
    "nvidia-cusparse-cu12": "12.5.1.3", "nvidia-nccl-cu12": "2.25.1", "nvidia-nvjitlink-cu12": "12.5.82",
}  # fmt: skip


@pytest.fixture
def wheels(index: Index) -> Index:
    """TensorFlow with its extra, and the wheels of CUDA, newer ones too."""
    for version in ("2.20.0", "2.21.0"):
        index.publish(
            "tensorflow", version, [f'{name}>={least}; extra == "and-cuda"' for name, least in AND_CUDA.items()]
        )
    for name, least in AND_CUDA.items():
        index.publish(name, least)
        index.publish(name, f"{least.split('.')[0]}.99")
    index.publish("nvidia-nccl-cu12", "2.27.7")
    return index


def lines(lock: Lock, name: str = "ubuntu-24.04-x86_64") -> list[str]:
    env = lock.classes[name].components["python_env"]["python_env_envs"][0]
    return [line.split(" --hash")[0] for line in env["requirements"]]


def holders(lock: Lock, name: str = "ubuntu-24.04-x86_64") -> dict[str, str]:
    """{library: what brings it}, as the first environment is verified by."""
    use = lock.classes[name].components["python_env"]["python_env_envs"][0]["gpu"]
    return {library["name"]: library["package"] for library in use["libraries"]}


def test_tensorflow_brings_cuda_as_wheels_of_the_versions_it_was_tested_with(
    profile: Read, observation: Observe, wheels: Index
) -> None:
    host = observation(release=NOBLE, pythons=PYTHON, gpus=[ADA])
    lock = locking.make(profile(more="requests: {device: gpu, framework: {tensorflow: '2.20'}}\n"), {"web": host})
    found = lock.classes["ubuntu-24.04-x86_64"]
    assert {f"{name}=={version}" for name, version in AND_CUDA.items()} <= set(lines(lock))
    assert [line for line in lines(lock) if line.startswith("tensorflow")] == ["tensorflow==2.20.0"]
    pins = {name: pin.version for name, pin in found.pins.items()}
    assert (pins["py_3.channel"], pins["py_3.cuda"], pins["flavour"]) == ("pip", "12.5", "open")
    assert pins["driver"] > "580"
    assert any("was" in reason.text or reason.source for reason in found.pins["py_3.cuda"].because)
    assert found.gpus == {"web": "compute capability 8.9"}
    use = found.components["python_env"]["python_env_envs"][0]["gpu"]
    assert use["frameworks"] == ["tensorflow"]
    assert holders(lock) == {
        "libcuda.so.1": f"NVIDIA driver {pins['driver']}",
        "libcudart.so.12": "nvidia-cuda-runtime-cu12==12.5.82",
        "libcublas.so.12": "nvidia-cublas-cu12==12.5.3.2",
        "libcublasLt.so.12": "nvidia-cublas-cu12==12.5.3.2",
        "libcufft.so.11": "nvidia-cufft-cu12==11.2.3.61",
        "libcurand.so.10": "nvidia-curand-cu12==10.3.6.82",
        "libcusolver.so.11": "nvidia-cusolver-cu12==11.6.3.83",
        "libcusparse.so.12": "nvidia-cusparse-cu12==12.5.1.3",
        "libcudnn.so.9": "nvidia-cudnn-cu12==9.3.0.75",
    }


def test_with_libraries_from_apt_the_wheel_comes_alone(profile: Read, observation: Observe, wheels: Index) -> None:
    host = observation(release=NOBLE, pythons=PYTHON, gpus=[ADA])
    more = "requests: {device: gpu, channel: nvidia, framework: {tensorflow: '2.20'}}\n"
    lock = locking.make(profile(more=more), {"web": host})
    assert lines(lock) == ["tensorflow==2.20.0"]
    cuda = lock.classes["ubuntu-24.04-x86_64"].pins["py_3.cuda"]
    assert cuda.version == "12.5"
    assert any("no index was read (file:///nowhere" in reason.text for reason in cuda.because), cuda.because
    assert holders(lock)["libcudart.so.12"] == "cuda-toolkit-12-5=12.5.1-1", "its parts come with it"
    assert holders(lock)["libcudnn.so.9"] == "libcudnn9-cuda-12=9.3.0.75-1"


def test_pytorch_comes_from_the_index_of_its_cuda(
    profile: Read, observation: Observe, index: Index, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = Index(tmp_path_factory.mktemp("pytorch") / "cu126")
    own.publish("torch", "2.11.0+cu126")
    index.publish("torch", "2.11.0")
    wished = profile("falcon", more="requests: {device: gpu, framework: {pytorch: '2.11'}}\n")
    sources = {**wished.sources, "pytorch": own.url.replace("cu126", "{cuda}")}
    host = observation(release=NOBLE, pythons=PYTHON, gpus=[PASCAL])
    lock = locking.make(wished.model_copy(update={"sources": sources}), {"web": host})
    assert lines(lock) == ["falcon==4.1.0", "torch==2.11.0+cu126"]
    env = lock.classes["ubuntu-24.04-x86_64"].components["python_env"]["python_env_envs"][0]
    assert env["indexes"] == [own.url], "hosts ask where the lock did"
    assert env["gpu"]["frameworks"] == ["torch"]
    assert "libcudnn.so.9" in holders(lock)


def test_an_environments_own_indexes_come_first(
    profile: Read, observation: Observe, index: Index, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = Index(tmp_path_factory.mktemp("own"))
    own.publish("falcon", "4.0.0+acme")
    lock = locking.make(profile("falcon", indexes=[own.url]), {"web": observation()})
    assert lines(lock, "debian-12-x86_64") == ["falcon==4.0.0+acme"]
    env = lock.classes["debian-12-x86_64"].components["python_env"]["python_env_envs"][0]
    assert (env["indexes"], env["gpu"]) == ([own.url], None)


def test_hosts_of_one_solution_share_a_lock(profile: Read, observation: Observe) -> None:
    def host(*gpus: dict[str, str], **facts: object) -> object:
        return observation(release=NOBLE, pythons=PYTHON, gpus=list(gpus), **facts)

    hosts = {
        "a": host(ADA),
        "b": host({"id": "10de:1eb8"}),
        "c": host(PASCAL),
        "d": host(ADA, kernel="6.8.0-40-generic"),
    }
    wished = profile("falcon", hosts=hosts, more="requests: {device: gpu}\n")
    lock = locking.make(wished, hosts)  # type: ignore[arg-type]
    assert sorted(found.hosts for found in lock.classes.values()) == [["a", "b", "d"], ["c"]]
    assert locking.current(lock, wished, hosts)  # type: ignore[arg-type]
    assert not locking.current(lock, wished, {"a": host(PASCAL)})  # type: ignore[dict-item]
    working = {"driver": "595.112.07", "flavour": "open", "loaded": True, "library": "595.112.07"}
    assert locking.current(lock, wished, {"a": host(ADA, nvidia=working)})  # type: ignore[dict-item]


def test_a_preferred_framework_that_does_not_fit_gives_way_and_that_is_told(
    profile: Read, observation: Observe, wheels: Index
) -> None:
    """TensorFlow 2.17 has no wheels for Debian 13's Python."""
    trixie = {"id": "debian", "version": "13", "codename": "trixie", "name": "Debian"}
    host = observation(release=trixie, pythons={"/usr/bin/python3.13": "3.13.5"}, gpus=[ADA])
    wished = profile(more="requests: {device: gpu, channel: pip, framework: {tensorflow: {prefer: '2.17'}}}\n")
    pin = locking.make(wished, {"web": host}).classes["debian-13-x86_64"].pins["py_3.tensorflow"]
    assert pin.version == "2.21.0"
    assert "could not be followed: requests.framework.tensorflow: tensorflow==2.17.*" in [
        reason.text for reason in pin.because
    ]


def test_a_preset_stands_beneath_the_profile(profile: Read, observation: Observe, index: Index) -> None:
    index.publish("tensorflow-cpu", "2.20.0")
    index.publish("tensorflow-cpu", "2.21.0")
    host = observation()
    lock = locking.make(profile("falcon", more="preset: cpu\n"), {"web": host})
    assert lines(lock, "debian-12-x86_64") == ["falcon==4.1.0", "tensorflow-cpu==2.21.0"]
    more = "preset: cpu\nrequests: {framework: {tensorflow: '2.20'}}\n"
    lock = locking.make(profile("falcon", more=more), {"web": host})
    assert lines(lock, "debian-12-x86_64") == ["falcon==4.1.0", "tensorflow-cpu==2.20.0"]


def test_no_solution_is_told_before_any_index_is_asked(profile: Read, observation: Observe, index: Index) -> None:
    wished = profile("falcon", more="requests: {device: gpu, cuda: '10.0'}\n")
    wished = wished.model_copy(update={"sources": {"pypi": "http://127.0.0.1:9/simple"}})
    host = observation(release=NOBLE, pythons=PYTHON, gpus=[ADA])
    with pytest.raises(AimlsetupError, match=r"CUDA 10\.0 cannot drive GeForce RTX 4090") as caught:
        locking.make(wished, {"web": host})
    assert caught.value.exit_code == 4
