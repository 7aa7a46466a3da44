"""Ports, GPUs and memory are assigned as anybody would expect, and what does not fit is refused with the arithmetic."""

from collections.abc import Sequence
from typing import Any

import pytest

from aimlsetup import serving
from aimlsetup.catalog import load
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking.services import conventions

GIB = 1 << 30
TWO = (serving.Gpu("0", "RTX 4090", 24 * GIB), serving.Gpu("1", "RTX 4000", 8 * GIB))
USUAL = conventions(load())


def service(key: str = "acme-xyz-1", **more: Any) -> dict[str, Any]:
    return {"model_key": key, **more}


def assigned(services: Sequence[dict[str, Any]], **has: Any) -> list[dict[str, Any]]:
    options = {name: has.pop(name) for name in ("device", "kept") if name in has}
    return serving.assign("gpu1", services, serving.Resources(**has), USUAL, **options)


def refused(services: Sequence[dict[str, Any]], **has: Any) -> str:
    with pytest.raises(AimlsetupError) as caught:
        assigned(services, **has)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_ports_are_the_conventional_ones_or_the_first_that_are_free() -> None:
    keys = ["vidteq-rld-1", "vidteq-rbd-1", "acme-ods-7", "acme-xyz-1", "acme-xyz-2"]
    services = [service(key) for key in keys] + [service("acme-xyz-3", port=4201)]
    made = assigned(services, ports=((4202, "nginx, pid 1"),))
    assert [found["port"] for found in made] == [4100, 4110, 4040, 4200, 4203, 4201]


def test_replicas_take_ports_in_a_row() -> None:
    made = assigned([service("acme-xyz-1", replicas=3), service("acme-xyz-2")])
    assert [found["port"] for found in made] == [4200, 4203]


def test_a_model_keeps_the_port_it_had() -> None:
    kept = {"acme-xyz-2": service("acme-xyz-2", port=4200)}
    made = assigned([service("acme-xyz-3"), service("acme-xyz-2")], kept=kept)
    assert [found["port"] for found in made] == [4201, 4200]
    made = assigned([service("acme-xyz-3", port=4200), service("acme-xyz-2")], kept=kept)
    assert [found["port"] for found in made] == [4200, 4201], "but where another one is to have it"


@pytest.mark.parametrize(
    "services",
    [
        [service("acme-xyz-1", port=4100), service("acme-xyz-2", port=4100)],
        [service("acme-xyz-1", port=4099, replicas=2), service("acme-rld-1")],
        [service("acme-rld-1"), service("vidteq-rld-1")],
    ],
)
def test_two_on_one_port_are_refused(services: list[dict[str, Any]]) -> None:
    assert "are both to be served on port 4100" in refused(services)


def test_gpus_are_spread_by_the_memory_that_is_left() -> None:
    services = [service(f"acme-xyz-{number}", gpu_memory="6G") for number in range(1, 5)]
    made = assigned(services, gpus=TWO, device="gpu")
    assert [found["gpus"] for found in made] == [["0"], ["0"], ["0"], ["1"]]
    assert [found["gpu_fraction"] for found in made] == [0.25, 0.25, 0.25, 0.75]


def test_replicas_without_a_budget_are_spread_too() -> None:
    (made,) = assigned([service(replicas=4)], gpus=(TWO[0], serving.Gpu("1", "RTX 4090", 24 * GIB)), device="gpu")
    assert sorted(made["gpus"]) == ["0", "0", "1", "1"]


def test_what_is_said_of_gpus_stands() -> None:
    made = assigned([service(gpus=[]), service("acme-xyz-2", gpus=["1"])], gpus=TWO, device="gpu")
    assert [found["gpus"] for found in made] == [[], ["1"]]


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are() -> None:
    said = refused([service(gpus=["2"])], gpus=TWO)
    assert "is to compute on GPU 2, and there is none" in said
    assert "1: RTX 4000, 8.0 GiB" in said
    assert "the host has no GPU" in refused([service(gpus=["0"])])


def test_more_memory_than_there_is_is_refused_with_the_arithmetic() -> None:
    services = [service(memory_max="4G", replicas=2), service("acme-xyz-2", memory_max="2G", queue=True)]
    assert len(assigned(services, memory=16 * GIB)) == 2
    said = refused(services, memory=13 * GIB)
    for line in ("4.0 GiB  acme-xyz-1.2", "2.0 GiB  acme-xyz-2 (model server)", "12.0 GiB  together", "free: 11.7"):
        assert line in said


def test_more_gpu_memory_than_there_is_is_refused() -> None:
    said = refused([service(gpu_memory="5G", gpus=["1"], replicas=2)], gpus=TWO)
    assert "GPU 1 (RTX 4000) has 8.0 GiB" in said


def test_the_model_server_has_the_gpu() -> None:
    made = assigned([service(queue=True, gpu_memory="4G")], gpus=TWO, device="gpu")
    web, model = serving.usage("gpu1", made, serving.Resources(gpus=TWO)).shares
    assert (web.gpu, web.port, model.gpu, model.gpu_memory) == (None, 4200, "0", 4 * GIB)


def test_parts_of_a_gpu_are_taken_as_they_are_found() -> None:
    parts = [{"uuid": "MIG-2", "name": "1g.10gb"}]
    facts = {
        "memory": {"total": 64 * GIB},
        "gpu_devices": [
            {"index": 0, "uuid": "GPU-1", "name": "A100", "memory": 81920, "mig": parts},
            {"index": 1, "uuid": "GPU-3", "name": "RTX 4090", "memory": 24564, "mig": []},
        ],
    }
    found = serving.resources(facts)
    assert [(gpu.id, gpu.memory) for gpu in found.gpus] == [("MIG-2", 10 * GIB), ("1", 24564 << 20)]


def test_gpus_without_a_driver_have_no_known_memory() -> None:
    found = serving.resources({"gpus": [{"id": "10de:2684"}, {"id": "8086:1234"}]})
    assert [(gpu.id, gpu.memory) for gpu in found.gpus] == [("0", None)]
    made = serving.assign("gpu1", [service(gpu_memory="4G")], found, USUAL, device="gpu")
    assert (made[0]["gpus"], made[0].get("gpu_fraction")) == (["0"], None)
