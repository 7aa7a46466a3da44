"""Locks made with the real uv from an index on disk."""

import pytest

from aimlsetup import catalog, locking
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import builds, changes, file, wheels
from aimlsetup.models.lock import HostClass, Lock
from aimlsetup.models.observation import Observation

from .conftest import Index, Observe, Read

DEBIAN_12 = "debian-12-x86_64"


def env_of(lock: Lock, name: str = DEBIAN_12) -> dict[str, object]:
    envs = lock.classes[name].components["python_env"]["python_env_envs"]
    assert isinstance(envs, list)
    first: dict[str, object] = envs[0]
    return first


def versions(lock: Lock, name: str = DEBIAN_12) -> dict[str, str]:
    pins = {pin.removeprefix("py_3."): found.version for pin, found in lock.classes[name].pins.items()}
    return {pin: version for pin, version in pins.items() if pin != builds.PIN}


def test_every_argument_of_every_role_has_a_value(profile: Read, observation: Observe) -> None:
    lock = locking.make(profile("falcon"), {"web": observation()})
    known = catalog.load()
    components = lock.classes[DEBIAN_12].components
    assert list(components) == ["network", "base", "codehub", "python_env"]  # the index moves the archives
    for component, arguments in components.items():
        assert set(arguments) == set(known.options[component])
        required = {name for name, option in known.options[component].items() if option.get("required")}
        assert all(arguments[name] is not None for name in required)


def test_requirements_are_exact_hashed_and_reasoned(profile: Read, observation: Observe, index: Index) -> None:
    index.publish("app", "1.0", ["falcon<4.1"])
    lock = locking.make(profile("app"), {"web": observation()})
    env = env_of(lock)
    assert env["python"] == "3.11"
    assert env["installer"] == "uv"
    requirements = env["requirements"]
    assert isinstance(requirements, list)
    assert [line.split(" --hash=sha256:")[0] for line in requirements] == ["app==1.0", "falcon==4.0.0"]
    assert all(len(line.split(" --hash=sha256:")[1]) == 64 for line in requirements)
    pins = lock.classes[DEBIAN_12].pins
    assert [reason.text for reason in pins["py_3.app"].because] == ["python_env.envs.py_3: app"]
    assert [(reason.text, reason.pin) for reason in pins["py_3.falcon"].because] == [("required by app", "py_3.app")]
    assert all(pin.because for pin in pins.values())
    assert (
        lock.classes[DEBIAN_12].components["python_env"]["python_env_uv_requirement"][0].startswith("uv==0.9.0 --hash=")
    )


def test_the_download_is_the_size_of_the_pinned_files(
    profile: Read, observation: Observe, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.publish("app", "1.0", ["falcon<4.1"])
    wished, hosts = profile("app"), {"web": observation()}
    lock = locking.make(wished, hosts)
    sizes = {path.name.split("-py3")[0]: path.stat().st_size for path in index.root.rglob("*.whl")}
    assert env_of(lock)["download"] == sizes["app-1.0"] + sizes["falcon-4.0.0"]
    arguments = lock.classes[DEBIAN_12].components["python_env"]
    assert arguments["python_env_uv_download"] == sizes["uv-0.9.0"]
    monkeypatch.setattr(wheels, "SCHEMES", ())  # nobody can be asked any more
    assert locking.make(wished, hosts, lock) == lock, "the same files are not asked for again"
    assert env_of(locking.make(wished, hosts))["download"] is None


def test_the_same_again_is_the_same_file(profile: Read, observation: Observe) -> None:
    wished = profile("falcon", "numpy")
    first = locking.make(wished, {"web": observation()})
    assert file.text(locking.make(wished, {"web": observation()})) == file.text(first)
    assert file.text(locking.make(wished, {"web": observation()}, first)) == file.text(first)


def test_locked_versions_stay_until_upgraded_or_unfit(profile: Read, observation: Observe, index: Index) -> None:
    hosts = {"web": observation()}
    old = locking.make(profile("falcon<5"), hosts)
    index.publish("falcon", "4.2.0")
    index.publish("uv", "0.9.1")
    assert versions(locking.make(profile("falcon<5"), hosts, old)) == {
        "python": "3.11",
        "falcon": "4.1.0",
        "uv": "0.9.0",
    }
    upgraded = locking.make(profile("falcon<5"), hosts, old, upgrade=True)
    assert versions(upgraded) == {"python": "3.11", "falcon": "4.2.0", "uv": "0.9.1"}
    assert versions(locking.make(profile("falcon>4.1"), hosts, old))["falcon"] == "4.2.0"
    found = [(change.pin, change.before, change.after) for change in changes.changes(old, upgraded)]
    assert found == [("py_3.falcon", "4.1.0", "4.2.0"), ("uv", "0.9.0", "0.9.1")]


# What the pinned lists of old were known to hold, with the bounds that the packages declare.
CONFLICTS = [
    ("jupyter-console", "6.0.0", "prompt-toolkit>=2.0.0,<2.1.0", "prompt-toolkit", "3.0.2"),
    ("locustio", "0.13.5", "gevent==1.5a2", "gevent", "1.4.0"),
]
OTHERS = {"prompt-toolkit": ["2.0.10"], "gevent": ["1.5a2"]}


@pytest.mark.parametrize(("name", "version", "needs", "other", "pinned"), CONFLICTS)
def test_a_conflict_names_both_parents(
    profile: Read, observation: Observe, index: Index, name: str, version: str, needs: str, other: str, pinned: str
) -> None:
    index.publish(name, version, [needs])
    for there in (pinned, *OTHERS[other]):
        index.publish(other, there)
    with pytest.raises(AimlsetupError) as caught:
        locking.make(profile(f"{name}=={version}", f"{other}=={pinned}"), {"web": observation()})
    assert caught.value.exit_code == 4
    shown = " ".join(str(caught.value).split())
    assert f"on {needs} and you require {name}=={version}" in shown
    assert f"{other}=={pinned}" in shown


@pytest.mark.network
@pytest.mark.parametrize(("name", "version", "needs", "other", "pinned"), CONFLICTS)
def test_the_configured_index_knows_these_conflicts(
    profile: Read, observation: Observe, name: str, version: str, needs: str, other: str, pinned: str
) -> None:
    wished = profile(f"{name}=={version}", f"{other}=={pinned}").model_copy(update={"sources": {}})
    with pytest.raises(AimlsetupError, match=rf"{name}=={version} depends on") as caught:
        locking.make(wished, {"web": observation()})
    assert caught.value.exit_code == 4


def test_the_framework_goes_where_it_is_named_else_into_the_first(
    profile: Read, observation: Observe, index: Index
) -> None:
    index.publish("tensorflow-cpu", "2.20.0", ["numpy>=1.26"])
    index.publish("tensorflow-cpu", "2.21.0", ["numpy>=1.26"])
    index.publish("tensorflow-cpu", "9.9.9")  # newer than the catalog knows
    more = "requests: {framework: {tensorflow: '>=2.20'}}\n"
    lock = locking.make(profile("falcon", more=more), {"web": observation()})
    assert versions(lock)["tensorflow-cpu"] == "2.21.0"
    pin = lock.classes[DEBIAN_12].pins["py_3.tensorflow-cpu"]
    assert pin.because[0].text == "requests.framework.tensorflow: tensorflow-cpu>=2.20"
    assert pin.because[-1].source


def test_bounds_of_the_catalog_reach_the_index(profile: Read, observation: Observe, index: Index) -> None:
    index.publish("tensorflow-cpu", "2.14.0", ["numpy>=1.23.5"])
    lock = locking.make(profile("tensorflow-cpu==2.14.0"), {"web": observation()})
    assert versions(lock)["numpy"] == "1.26.4"
    because = [reason.text for reason in lock.classes[DEBIAN_12].pins["py_3.numpy"].because]
    assert any("numpy 2 breaks every TensorFlow before 2.18" in text for text in because)


def test_old_pythons_are_installed_by_pip(profile: Read, observation: Observe) -> None:
    path = "/opt/python/3.7/bin/python3.7"
    wished = profile("falcon", python=path)
    env = env_of(locking.make(wished, {"web": observation(pythons={path: "3.7.16"})}))
    assert (env["python"], env["installer"]) == (path, "pip")


def test_hosts_of_one_solution_share_a_class(profile: Read, observation: Observe) -> None:
    hosts = {
        "a": observation(),
        "b": observation(),
        "c": observation(release={"id": "debian", "version": "13", "codename": "trixie", "name": "Debian"}, pythons={}),
        "d": observation(cpu={"count": 1, "model": "x", "flags": []}),
        "bare": Observation(version=1, facts={key: observation().facts[key] for key in ("release", "arch")}),
    }
    lock = locking.make(profile("falcon", hosts=hosts), hosts)
    found = {name: entry.hosts for name, entry in lock.classes.items()}
    assert found == {DEBIAN_12: ["a", "b", "bare", "d"], "debian-13-x86_64": ["c"]}
    assert lock.classes["debian-13-x86_64"].pins["py_3.python"].version == "3.13"


def test_an_unsupported_release_is_named(profile: Read, observation: Observe) -> None:
    host = observation(release={"id": "centos", "version": "7", "codename": "", "name": "CentOS"})
    with pytest.raises(AimlsetupError, match=r"web: centos 7 is not supported") as caught:
        locking.make(profile("falcon"), {"web": host})
    assert caught.value.exit_code == 2
    assert "debian 12 (bookworm)" in caught.value.context[0]


def test_hosts_not_looked_at_keep_what_they_had(profile: Read, observation: Observe, index: Index) -> None:
    hosts = {"a": observation(), "b": observation()}
    wished = profile("falcon", hosts=hosts)
    old = locking.make(wished, hosts)
    assert locking.make(wished, {"a": observation()}, old) == old
    index.publish("falcon", "4.2.0")
    moved = locking.make(wished, {"a": observation()}, old, upgrade=True)
    assert host(moved, "b") == host(old, "b")
    assert host(moved, "a").pins["py_3.falcon"].version == "4.2.0"
    other = profile("falcon>1", hosts=hosts)
    assert locking.make(other, {"a": observation()}, old).class_of("b") is None


def test_a_lock_is_current_for_its_profile_and_hosts(profile: Read, observation: Observe) -> None:
    wished = profile("falcon")
    hosts = {"web": observation()}
    lock = locking.make(wished, hosts)
    assert locking.current(lock, wished, hosts)
    assert not locking.current(lock, wished, {**hosts, "other": observation()})
    upgraded = observation(release={"id": "debian", "version": "13", "codename": "trixie", "name": "Debian"})
    assert not locking.current(lock, wished, {"web": upgraded})
    assert not locking.current(lock, profile("falcon>1"), hosts)
    lock.classes[DEBIAN_12].components["base"]["base_of_old"] = 1
    assert not locking.current(lock, wished, hosts)


def test_an_index_out_of_reach(profile: Read, observation: Observe) -> None:
    wished = profile("falcon").model_copy(update={"sources": {"pypi": "http://127.0.0.1:9/simple"}})
    with pytest.raises(AimlsetupError, match="could not resolve") as caught:
        locking.make(wished, {"web": observation()})
    assert caught.value.exit_code == 1
    assert "sources: pypi" in str(caught.value.hint)


def test_an_argument_nobody_gives_is_named(profile: Read, observation: Observe) -> None:
    known = catalog.load()
    with pytest.raises(AimlsetupError, match=r"python_env.uv_requirement has no value"):
        locking.fill(
            "python_env", {}, {}, {"roots": {"virtualenvs": "/v"}, "requests": {}, "sources": {"pypi": None}}, known
        )


def host(lock: Lock, name: str) -> HostClass:
    found = lock.class_of(name)
    assert found is not None
    return found.model_copy(update={"hosts": []})
