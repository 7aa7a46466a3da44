"""What a replica is told of its GPU, and what it is called."""

from typing import Any

import pytest

from aimlsetup.content import util

serving = util("serving")
SERVICE = {"model_key": "a-b-1", "port": 4100, "queue": False, "workers": 1, "gpus": None}


def told(**more: Any) -> dict[str, str]:
    (replica, *_others) = serving.instances([SERVICE | more])
    found: dict[str, str] = serving.framework_variables(replica)
    return found


def test_replicas_have_names_ports_and_gpus_of_their_own() -> None:
    found = serving.instances([SERVICE | {"gpus": ["0", "MIG-1"]}])
    assert [(one["instance"], one["port"], one["gpu"]) for one in found] == [
        ("a-b-1", 4100, "0"),
        ("a-b-1.2", 4101, "MIG-1"),
    ]


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert told() == {}


def test_none_at_all_hides_every_gpu() -> None:
    assert told(gpus=[])["CUDA_VISIBLE_DEVICES"] == "-1"


def test_a_budget_is_shared_by_the_workers() -> None:
    found = told(gpus=["1"], gpu_memory="6G", gpu_fraction=0.5, workers=2)
    assert found == {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "1",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "AI_GPU_MEMORY_MB": "3072",
        "AI_GPU_MEMORY_FRACTION": "0.2500",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.2500",
    }


def test_with_a_queue_the_model_server_alone_has_the_gpu() -> None:
    (replica,) = serving.instances([SERVICE | {"gpus": ["1"], "queue": True}])
    assert serving.framework_variables(replica)["CUDA_VISIBLE_DEVICES"] == "-1"
    assert serving.framework_variables(replica, True)["CUDA_VISIBLE_DEVICES"] == "1"


@pytest.mark.parametrize(("text", "size"), [("4G", 4 << 30), ("5M", 5 << 20), ("7", 7), ("50%", None), (None, None)])
def test_sizes(text: str | None, size: int | None) -> None:
    assert serving.size(text) == size
