"""Services beside the API: they are there where they are asked for, and have in their environment what they need."""

from typing import Any

import pytest

from aimlsetup import catalog, locking
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking.tools import equipped
from aimlsetup.models.lock import HostClass
from aimlsetup.models.profile import Profile

from .conftest import Index, Observe, Read

MODELS = "tf_serving: {models: [{model_key: acme-digits-1, dnnarch: mlp}]}\n"


def wished(profile: Profile, *names: str) -> Profile:
    return profile.model_copy(update={"components": ["base", "python_env", *names]})


def locked(profile: Profile, host: Any) -> HostClass:
    return next(iter(locking.make(profile, {"web": host}).classes.values()))


def test_optional_components_are_there_where_they_have_a_section_or_a_name(profile: Read, index: Index) -> None:
    known = catalog.load()
    everything = profile("falcon").model_copy(update={"components": []})
    assert "ai_service" in locking.components(everything, known)
    assert not {"tensorboard", "jupyter", "tf_serving", "monitoring"} & set(locking.components(everything, known))
    with_section = profile("falcon", more="tensorboard: {port: 6007}\n").model_copy(update={"components": []})
    assert "tensorboard" in locking.components(with_section, known)
    assert "monitoring" in locking.components(wished(everything, "monitoring"), known)
    assert "tensorboard" not in locking.components(wished(with_section), known)


def requirements(found: Profile) -> list[list[str]]:
    return [list(env.get("requirements") or []) for env in found.sections["python_env"]["envs"]]


@pytest.mark.parametrize(
    ("own", "lines", "expected"),
    [
        ("", ["falcon"], ["falcon", "jupyterlab"]),
        ("", ["JupyterLab==4.4.9"], ["JupyterLab==4.4.9"]),
        ("command: jupyter-server", [], ["jupyter-server"]),
        ("command: jupyter-server", ["jupyter_server<3"], ["jupyter_server<3"]),
    ],
)
def test_the_package_is_added_where_it_is_not_named(
    profile: Read, own: str, lines: list[str], expected: list[str]
) -> None:
    found = profile(*lines, more=f"jupyter: {{token: 'env:TOKEN', env: py_3{', ' + own if own else ''}}}\n")
    assert requirements(equipped(found, ["jupyter"])) == [expected]
    assert requirements(equipped(found, [])) == [lines]


def test_an_environment_that_others_keep_up_stays_as_it_is(profile: Read) -> None:
    found = profile(existing="/opt/theirs")
    assert equipped(found, ["tensorboard"]) is found


def test_the_lock_has_the_package_and_the_environment_by_name(
    profile: Read, observation: Observe, index: Index
) -> None:
    index.publish("tensorboard", "2.21.0")
    found = locked(wished(profile("falcon"), "tensorboard"), observation())
    (env,) = found.components["python_env"]["python_env_envs"]
    assert [line.partition(" ")[0] for line in env["requirements"]] == ["falcon==4.1.0", "tensorboard==2.21.0"]
    assert found.components["tensorboard"]["tensorboard_env"] == "py_3"


def test_jupyter_without_a_token_is_refused(profile: Read, observation: Observe, index: Index) -> None:
    index.publish("jupyterlab", "4.6.6")
    with pytest.raises(AimlsetupError, match=r"jupyter\.token has no value"):
        locked(wished(profile("falcon"), "jupyter"), observation())


def test_tensorflow_serving_comes_from_its_repository_by_its_key(
    profile: Read, observation: Observe, index: Index
) -> None:
    found = locked(wished(profile("falcon", more=MODELS), "tf_serving"), observation()).components["tf_serving"]
    repository = found["tf_serving_repository"]
    assert (repository["suites"], repository["architectures"]) == (["stable"], ["amd64"])
    assert repository["key"]["fingerprints"] == ["916E2B2FEBC274930BACA9D9544B7F63BF9E4D5F"]
    assert found["tf_serving_package"] == "tensorflow-model-server"


def test_a_cpu_without_avx_gets_the_build_for_it(profile: Read, observation: Observe, index: Index) -> None:
    old = observation(cpu={"count": 2, "model": "x", "flags": ["sse4_2"]})
    site = wished(profile("falcon", more=MODELS), "tf_serving")
    assert locked(site, old).components["tf_serving"]["tf_serving_package"] == "tensorflow-model-server-universal"


def test_tensorflow_serving_where_it_is_not_built_is_refused(
    profile: Read, observation: Observe, index: Index
) -> None:
    arm = observation(arch="aarch64")
    with pytest.raises(AimlsetupError, match="not built for debian-12-aarch64") as caught:
        locked(wished(profile("falcon", more=MODELS), "tf_serving"), arm)
    assert caught.value.exit_code == 4
