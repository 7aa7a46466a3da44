"""What was found → a profile: what each thing becomes, and why others are left out."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from aimlsetup import adoption
from aimlsetup.adoption import Documents, Generated, Places, things, tree
from aimlsetup.catalog import profiles
from aimlsetup.files import parse
from aimlsetup.models.observation import Observation

DIRECTORY = {"type": "directory", "owner": "dev", "group": "staff", "mode": "0750"}
DATABASES = {"PXLCFG": {"dbname": "pxl", "host": "127.0.0.1", "port": 27017, "username": None, "password": None}}
GENERATED = Generated(
    {"DEVICE": "cpu", "GPU_ID": 0, "ARCHS": ["a"], "DBCFG": DATABASES},
    {"AI_HOME": "/codehub", "AI_DATA": "/aimldl-dat", "PYTHONPATH": {"AI_APP": "/codehub/apps"}},
    {"AI_HOME": "/codehub", "AI_ENVVARS": "AI_HOME"},
)
WHERE = Places(dict(tree.Roots().model_dump()), "dev", "staff")
HEAD = "6fa82d5e449b5f8b9c86cf51f59ae0989a68fc73"
UNIT = {
    "model_key": "acme-rld-1", "queue": False, "address": "10.0.0.1", "port": 4100, "app": "web_server:main",
    "app_dir": "/codehub/apps", "user": "dev", "group": "staff",
    "program": "/virtualmachines/virtualenvs/x/bin/gunicorn", "environment": [],
    "active": "active", "enabled": "enabled", "pid": "1",
}  # fmt: skip


def seen(**found: Any) -> Observation:
    return Observation(version=1, facts={}, found=found)


def overrides(**documents: Any) -> adoption.overrides.Overrides:
    return Documents(**documents).overrides(GENERATED, WHERE)


def test_edits_become_overrides_and_what_lacks_is_left_out_again() -> None:
    made = overrides(app={"DEVICE": "gpu", "GPU_ID": 0, "SITE": {"name": "x"}, "DBCFG": {"PXLCFG": {"port": 1}}})
    assert made.section == {
        "app": {"DEVICE": "gpu", "SITE": {"name": "x"}, "DBCFG": {"PXLCFG": {"port": 1}}},
        "app_omit": ["ARCHS", *(f"DBCFG.PXLCFG.{key}" for key in ("dbname", "host", "username", "password"))],
    }


@pytest.mark.parametrize("value", ["0", False, 0.0])
def test_equal_values_of_another_type_are_another_value(value: object) -> None:
    found = {**GENERATED.app, "GPU_ID": value}
    assert overrides(app=found).section == {"app": {"GPU_ID": value}}


def test_passwords_are_references_and_other_secrets_are_left() -> None:
    found = {**GENERATED.app, "DBCFG": {"PXLCFG": {**DATABASES["PXLCFG"], "password": "p"}}, "MAIL_PASSWORD": "q"}
    made = overrides(app=found)
    reference = "host:/codehub-config/app.yml#DBCFG.PXLCFG.password"
    assert made.section == {"databases": {"PXLCFG": {"password": reference}}}
    assert list(made.left) == ["/codehub-config/app.yml: MAIL_PASSWORD"]


def test_paths_and_exports() -> None:
    made = overrides(
        paths={"AI_HOME": "/srv", "AI_DATA": "/aimldl-dat", "PYTHONPATH": {"AI_APP": "/x"}, "N": 1},
        exports={"AI_HOME": "/srv", "MORE": "x", "API_TOKEN": "t", "AI_ENVVARS": "MORE"},
    )
    assert made.section == {"paths": {"AI_HOME": "/srv"}, "exports": {"MORE": "x"}}
    assert set(made.left) == {
        "/codehub-config/paths.yml: PYTHONPATH", "/codehub-config/paths.yml: N", "/etc/profile.d/codehub.sh: API_TOKEN",
    }  # fmt: skip


def test_a_file_that_can_not_be_read_is_named() -> None:
    assert overrides(app="/codehub-config/app.yml:3:1: not valid YAML").left == {
        "/codehub-config/app.yml": "/codehub-config/app.yml:3:1: not valid YAML"
    }


@pytest.mark.parametrize(
    ("target", "entry"),
    [
        ("logs-261121_143000", {"path": "/aimldl-dat/logs"}),
        ("/aimldl-dat/logs-261121_143000", {"path": "/aimldl-dat/logs"}),
        ("/big/logs-261121_143000", {"path": "/aimldl-dat/logs", "store": "/big"}),
        ("/big/anything", {"path": "/aimldl-dat/logs", "elsewhere_ok": True}),
    ],
)
def test_data_links(target: str, entry: dict[str, Any]) -> None:
    found = seen(paths={"/aimldl-dat/logs": {"type": "link", "target": target, "broken": False}})
    assert things.links(found, WHERE).section == {"links": [entry]}


def test_a_directory_that_would_be_moved_and_a_link_to_nowhere_are_left() -> None:
    broken = {"type": "link", "target": "/nowhere", "broken": True}
    part = things.links(seen(paths={"/aimldl-dat/logs": DIRECTORY, "/aimldl-dat/data-mongodb": broken}), WHERE)
    assert part.section == {}
    assert "would move" in part.left["/aimldl-dat/logs"]
    assert "leads nowhere" in part.left["/aimldl-dat/data-mongodb"]


@pytest.mark.parametrize(
    ("directory", "name"), [("py_3-6-9_2019-12-21", "py_3"), ("py_3_20200128_1342", "py_3"), ("tools", None)]
)
def test_a_virtualenv_gets_the_common_name_that_its_own_tells(directory: str, name: str | None) -> None:
    path = f"/virtualmachines/virtualenvs/{directory}"
    env = {"python": "3.6", "usable": True, "packages": {}, "links": []}
    part = things.environments(seen(venvs={path: env}), WHERE)
    assert [env["name"] for env in part.section.get("envs", [])] == ([name] if name else [])
    assert bool(part.left) == (name is None)


def test_the_linked_virtualenv_has_the_name_and_one_without_interpreter_none() -> None:
    root = "/virtualmachines/virtualenvs"
    env = {"python": "3.11", "usable": True, "packages": {}, "links": []}
    part = things.environments(
        seen(
            venvs={
                f"{root}/py_3-11_2021-01-01": env,
                f"{root}/py_3-11_2021-02-02": {**env, "links": [f"{root}/py_3"]},
                f"{root}/py_3-9_2020-01-01": {**env, "usable": False},
            }
        ),
        WHERE,
    )
    assert [entry["existing"] for entry in part.section["envs"]] == [f"{root}/py_3-11_2021-02-02"]
    assert part.left[f"{root}/py_3-9_2020-01-01"] == "its interpreter is gone"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"url": None}, "without a remote"),
        ({"owner": "other"}, "belongs to other"),
        ({"url": "http://x/y"}, "no URL of a repository that is accepted"),
        ({"head": "unborn"}, "unborn"),
    ],
)
def test_checkouts_that_are_left(change: dict[str, Any], why: str) -> None:
    fit = {"url": "https://host/a", "owner": "dev", "branch": "main", "head": HEAD, "changed": False}
    part = things.checkouts(seen(checkouts={"/a": fit, "/b": fit, "/c": {**fit, **change}}))
    assert [entry["dest"] for entry in part.section["checkouts"]] == ["/a", "/b"]
    assert why in part.left["/c"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"model_key": None}, "API_MODEL_KEY"),
        ({"model_key": "acme-rld-2"}, "port 4100 already"),
        ({"model_key": "a b-c-1", "port": 1}, "expected <org>"),
        ({"problem": "Permission denied"}, "Permission denied"),
    ],
)
def test_units_that_are_left(change: dict[str, Any], why: str) -> None:
    part = things.services(seen(units={"a.service": UNIT, "b.service": {**UNIT, **change}}))
    assert [entry["unit"] for entry in part.section["services"]] == ["a.service"]
    assert why in part.left["b.service"]


def test_roots_in_other_places_and_the_whole_is_a_valid_profile(tmp_path: Path) -> None:
    found = seen(
        paths={
            "/aimldl-cod": DIRECTORY, "/aimldl-dat": DIRECTORY, "/virtualmachines/virtualenvs":
            {"type": "link", "target": "/codehub/virtualmachines/virtualenvs", "broken": False},
            "/codehub/virtualmachines/virtualenvs": DIRECTORY,
        },
        accounts={"user:dev": {"uid": 1, "group": "staff", "home": "/home/dev", "shell": "/bin/sh", "groups": []}},
        units={"gunicorn.service": UNIT},
    )  # fmt: skip
    made = adoption.adopt({"one": {"connection": "local"}}, found, Documents(), GENERATED)
    assert made.profile["roots"] == {
        "codehub": "/aimldl-cod", "virtualenvs": "/codehub/virtualmachines/virtualenvs",
    }  # fmt: skip
    assert {"path": "/aimldl-cod", "owner": "dev", "group": "staff", "mode": "0750"} in made.profile["base"]["roots"]
    read = profiles.accept(parse(yaml.safe_dump(made.profile), tmp_path / "aimlsetup.yml"))
    assert read.components == ["base", "codehub", "ai_service"]
