"""What the lock decides of services and of the gateway before them, and when that is outdated."""

import pytest

from aimlsetup import locking
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.profile import Profile

from .conftest import Index, Observe, Read

MORE = """
groups:
  front: {components: [base, gateway], gateway: {port: 8100}}
  second: {ai_service: {services: [{model_key: acme-rld-1, memory_max: 1G}]}}
ai_service:
  services:
    - {model_key: acme-rld-1, memory_max: 1G, replicas: 2}
    - {model_key: acme-xyz-1, needs: [{kind: mongodb, config: ANNONCFG}]}
"""
MEMORY = {"total": 4 << 30, "available": 1 << 30, "swap": 0}


def site(profile: Read, more: str = MORE) -> Profile:
    """Two hosts that serve, and a gateway."""
    made = profile("falcon", hosts=["gpu1", "gpu2", "gw"], more=more)
    hosts = {name: host.model_copy() for name, host in made.hosts.items()}
    hosts["gpu2"] = hosts["gpu2"].model_copy(update={"groups": ["second"], "address": "gpu2.lab"})
    hosts["gw"] = hosts["gw"].model_copy(update={"groups": ["front"]})
    return made.model_copy(update={"hosts": hosts, "components": ["base", "codehub", "python_env", "ai_service"]})


@pytest.fixture
def published(index: Index) -> Index:
    for name, version in [("pymongo", "4.10.0"), ("pyyaml", "6.0.2")]:
        index.publish(name, version)
    return index


def test_a_gateway_has_every_replica_of_every_host(profile: Read, observation: Observe, published: Index) -> None:
    wished = site(profile)
    hosts = {name: observation(memory=MEMORY, address=f"10.0.0.{number}") for number, name in enumerate(wished.hosts)}
    lock = locking.make(wished, hosts)
    front = lock.class_of("gw")
    assert front is not None
    served = {
        model["model_key"]: [(server["host"], server["address"], server["port"]) for server in model["servers"]]
        for model in front.components["gateway"]["gateway_models"]
    }
    assert served == {
        "acme-rld-1": [("gpu1", "10.0.0.0", 4100), ("gpu1", "10.0.0.0", 4101), ("gpu2", "gpu2.lab", 4100)],
        "acme-xyz-1": [("gpu1", "10.0.0.0", 4200)],
    }
    assert locking.current(lock, wished, hosts)
    moved = {**hosts, "gpu1": observation(memory=MEMORY, address="10.0.0.9")}
    assert not locking.current(lock, wished, moved), "the gateway would ask at the old address"
    alone = locking.make(wished, {"gw": hosts["gw"]}, lock).class_of("gw")
    assert alone is not None
    assert alone.components["gateway"] == front.components["gateway"], "the others were not looked at this time"


def test_environments_get_what_services_are_asked_with(profile: Read, observation: Observe, published: Index) -> None:
    lock = locking.make(site(profile), {"gpu1": observation(memory=MEMORY, address="10.0.0.1")})
    found = lock.class_of("gpu1")
    assert found is not None
    assert {"py_3.pymongo", "py_3.pyyaml", "py_3.falcon"} <= set(found.pins)


def test_a_machine_that_has_lost_memory_is_told(profile: Read, observation: Observe, published: Index) -> None:
    wished = site(profile)
    before = {"gpu1": observation(memory=MEMORY, address="10.0.0.1")}
    lock = locking.make(wished, before)
    less = {"gpu1": observation(memory={**MEMORY, "total": 2 << 30}, address="10.0.0.1")}
    with pytest.raises(AimlsetupError, match="more memory than there is"):
        locking.current(lock, wished, less)
