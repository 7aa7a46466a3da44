"""CUDA and its libraries from NVIDIA's repositories, from a profile to a proof, on Ubuntu 22.04: up, down, and refused.

The repository is the stand-in of tests/gpu, named in the profile as a mirror that signs by itself; all else is real.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from aimlsetup.sandbox import Host
from tests.conftest import factory
from tests.e2e import site as small
from tests.gpu.nvidia_repository import NvidiaRepository
from tests.plugins.apt_repository import run

pytestmark = [pytest.mark.host("jammy"), pytest.mark.network]
COMPONENTS = ["base", "gpu_sources", "cuda", "cudnn", "tensorrt", "nccl"]
OLDER = {"cuda": "11.8", "cudnn": "8.9", "nccl": "2.15"}
NEWER = {"cuda": "12.4", "cudnn": ">=9", "nccl": "2.21"}


class Machine(small.Site):
    """A site of one host, with other wishes each time."""

    host: Host
    repository: NvidiaRepository
    source: dict[str, Any]

    def wish(self, **requests: Any) -> None:
        self.write(
            {
                "version": 1,
                "hosts": {self.host.name: {"connection": "sandbox", "gpus": ["10de:2684"]}},
                "components": COMPONENTS,
                "sources": {"nvidia_cuda": self.source},
                "requests": {"device": "gpu", "channel": "nvidia", **requests},
            }
        )

    def installed(self) -> dict[str, str]:
        """Packages of the stand-in: {name: dpkg's word for it and its version}."""
        script = "dpkg-query -W -f '${db:Status-Abbrev}|${Package}|${Version}\\n'"
        rows = [line.split("|") for line in run(self.host, script).splitlines()]
        names = {path.name.partition("_")[0] for path in self.repository.root.glob("*.deb")}
        return {name: f"{word[:2]} {version}" for word, name, version in rows if name in names and word[1] == "i"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    directory = tmp_path_factory.mktemp("nvidia")
    repository = NvidiaRepository(directory / "stand-in")
    with factory() as make:
        made = Machine(directory)
        made.host, made.repository = make("jammy"), repository
        with repository.served(made.host) as url:
            key = repository.keys["first"]
            made.source = {"url": url, "key": f"{url}/{key.file}", "fingerprints": [key.fingerprint]}
            yield made


@pytest.mark.long
def test_up_and_down_again_is_where_it_was(machine: Machine) -> None:
    machine.wish(**OLDER)
    machine.run("apply", "--yes")
    first = machine.installed()
    assert first["cuda-toolkit-11-8"] == "hi 11.8.0-1"
    assert first["libcudnn8"] == "hi 8.9.6.50-1+cuda11.8"
    assert first["libnccl2"] == "hi 2.15.5-1+cuda11.8"
    assert not any("+cuda12" in version for version in first.values())
    assert run(machine.host, "readlink -f /usr/local/cuda").strip() == "/usr/local/cuda-11.8"
    assert "libcudnn.so.8" in run(machine.host, "ldconfig -p")

    machine.wish(**NEWER)
    machine.run("apply", "--yes")
    second = machine.installed()
    assert "cuda-toolkit-11-8" not in second, "it is no longer wanted, and nobody else needs it"
    assert run(machine.host, "readlink -f /usr/local/cuda").strip() == "/usr/local/cuda-12.4"
    proofs = json.loads(machine.run("verify", "--json"))["proofs"]
    assert {proof["component"]: proof["ok"] for proof in proofs} == dict.fromkeys(COMPONENTS, True)

    machine.wish(**OLDER)
    machine.run("apply", "--yes")
    assert machine.installed() == first


def test_what_is_in_the_way_is_named_before_anything_changes(machine: Machine) -> None:
    before = machine.installed()
    machine.wish(cuda="11.9")
    said = machine.run("apply", "--yes", expect=4)
    assert "11.8" in said, "the nearest one"
    machine.wish(**OLDER, tensorrt="8.6")
    assert "TensorRT 8.6.1 is not packaged for ubuntu2204" in machine.run("apply", "--yes", expect=4)
    assert machine.installed() == before


def test_another_key_is_refused_and_named(machine: Machine) -> None:
    before = machine.installed()
    wished = machine.repository.keys["retired"]
    machine.source, right = {**machine.source, "fingerprints": [wished.fingerprint]}, machine.source
    machine.wish(**NEWER)
    said = machine.run("lock", expect=1)
    machine.source = right
    assert wished.fingerprint in said
    assert machine.repository.keys["first"].fingerprint in said
    assert machine.installed() == before

