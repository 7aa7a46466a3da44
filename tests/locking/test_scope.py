"""Locks of profiles without root."""

import pytest

from aimlsetup import locking
from aimlsetup.errors import AimlsetupError

from .conftest import Index, Observe, Read

ACCOUNT = {"name": "ann", "group": "users", "home": "/home/ann"}
GPU = "requests: {device: gpu, framework: {tensorflow: '2.21'}}\n"


def working(version: str) -> dict[str, object]:
    """A driver that somebody else has installed."""
    return {"driver": version, "flavour": "open", "loaded": True, "library": version}


@pytest.fixture
def supervisor(index: Index) -> Index:
    index.publish("supervisor", "4.3.0")
    return index


def test_everything_lies_below_the_home_and_belongs_to_who_applies(
    profile: Read, observation: Observe, supervisor: Index
) -> None:
    wished = profile("falcon", more="scope: user\n")
    wished = wished.model_copy(update={"components": []})
    lock = locking.make(wished, {"web": observation(account=ACCOUNT, user_services=False)})
    found = next(iter(lock.classes.values()))
    assert list(found.components) == ["base", "codehub", "data_links", "python_env", "repos", "ai_service"]
    arguments = {name: value for part in found.components.values() for name, value in part.items()}
    assert arguments["codehub_home"] == "/home/ann/aimlsetup/codehub"
    assert arguments["codehub_exports_file"] == "/home/ann/aimlsetup/codehub-config/codehub.sh"
    assert arguments["base_packages_only_checked"]
    assert not any(value for name, value in arguments.items() if name.endswith(("_owner", "_group", "_user")))
    paths = [value for value in arguments.values() if isinstance(value, str) and value.startswith("/")]
    assert [path for path in paths if not path.startswith("/home/ann/")] == []


def test_what_runs_services_follows_from_the_host(profile: Read, observation: Observe, supervisor: Index) -> None:
    wished = profile("falcon", hosts=["a", "b"], more="scope: user\n")
    hosts = {
        "a": observation(account=ACCOUNT, user_services=False),
        "b": observation(account={**ACCOUNT, "home": "/home/ben"}, user_services=True),
    }
    lock = locking.make(wished.model_copy(update={"components": []}), hosts)
    managers = {}
    for name in hosts:
        found = lock.class_of(name)
        assert found is not None
        envs = [env["name"] for env in found.components["python_env"]["python_env_envs"]]
        managers[name] = (found.components["ai_service"]["ai_service_service_manager"], envs)
    assert managers == {"a": ("supervisord", ["py_3", "supervisor"]), "b": ("systemd", ["py_3"])}


def test_a_prefix_and_roots_of_ones_own(profile: Read, observation: Observe, supervisor: Index) -> None:
    wished = profile("falcon", more="scope: user\nprefix: /scratch/ann/\nroots: {data: /datasets}\n")
    lock = locking.make(wished, {"web": observation(account=ACCOUNT)})
    found = next(iter(lock.classes.values())).components["codehub"]
    assert (found["codehub_home"], found["codehub_data_dir"]) == ("/scratch/ann/codehub", "/datasets")


@pytest.mark.parametrize(
    ("nvidia", "words"),
    [
        (working("470.256.02"), "let who administers the host install driver 525.* or a newer one"),
        ({"driver": None, "loaded": False}, "Let who administers the host install the driver branch"),
    ],
    ids=["too old", "none"],
)
def test_a_driver_that_does_not_do_is_told_with_the_one_to_ask_for(
    profile: Read, observation: Observe, nvidia: dict[str, object], words: str
) -> None:
    host = observation(account=ACCOUNT, gpus=[{"id": "10de:2684"}], nvidia=nvidia)
    with pytest.raises(AimlsetupError, match=words) as caught:
        locking.make(profile(more=f"scope: user\n{GPU}"), {"web": host})
    assert caught.value.exit_code == 4


def test_without_a_python_there_is_nothing_to_do(profile: Read, observation: Observe) -> None:
    with pytest.raises(AimlsetupError, match="without root nothing can be installed"):
        locking.make(profile("falcon", more="scope: user\n"), {"web": observation()})
