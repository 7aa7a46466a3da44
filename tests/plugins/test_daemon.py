"""What decides what a unit needs, and whether a service says that it is ready."""

from importlib import import_module
from typing import Any

import pytest

PLACE = "ansible_collections.codehub.aimlsetup.plugins.modules."
UNIT = "a.service"


@pytest.fixture(scope="module")
def module() -> Any:
    return import_module(PLACE + "daemon")


def params(**more: Any) -> dict[str, Any]:
    files = [{"path": "/etc/a", "reload": False}, {"path": "/etc/live", "reload": True}]
    return {"unit": UNIT, "files": files, "reload": False, **more}


@pytest.mark.parametrize(
    ("unit", "paths", "reload", "needs"),
    [
        (None, [], False, "restart"),
        ({"active": "inactive", "current": None}, [], False, "restart"),
        ({"active": "active", "current": False}, [], False, "restart"),
        ({"active": "active", "current": True}, [], False, None),
        ({"active": "active", "current": True}, ["/etc/a", "/etc/live"], False, "restart"),
        ({"active": "active", "current": True}, ["/etc/live"], False, "reload"),
        ({"active": "active", "current": True}, [], True, "reload"),
        ({"active": "active", "current": None}, [], False, None),
        ({"active": "active", "current": None}, [], True, "restart"),
    ],
)
def test_what_a_unit_needs(
    module: Any, monkeypatch: pytest.MonkeyPatch, unit: Any, paths: list[str], reload: bool, needs: str | None
) -> None:
    monkeypatch.setattr(module.state, "units", lambda _names: {UNIT: unit})
    assert module.needed(params(reload=reload), paths) == needs


@pytest.mark.parametrize(
    ("argv", "says", "given", "answer"),
    [
        (["true"], None, None, None),
        (["cat"], "PONG", "PONG\n", None),
        (["cat"], "PONG", "LOADING\n", "LOADING"),
        (["false"], None, None, "exit status 1"),
        (["/nowhere"], None, None, "No such file"),
    ],
)
def test_what_a_command_says(module: Any, argv: list[str], says: str | None, given: str | None, answer: Any) -> None:
    said = module.said_by({"argv": argv, "says": says}, given)
    assert said is None if answer is None else answer in said


def test_settings_of_redis_are_read_as_it_reads_them() -> None:
    carry = import_module(PLACE + "redis_carry")
    ours = 'include /etc/redis/redis.conf\nport 6380\nrequirepass "a \\"b\\" # c"\n'
    found = carry.settings([ours, "# requirepass none\nport 6379\nbind 127.0.0.1 -::1\n"])
    assert found["port"] == ["6380"]
    assert found["requirepass"] == ['a "b" # c']
    assert found["bind"] == ["127.0.0.1", "-::1"]
