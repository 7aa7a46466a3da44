"""What can't be served is said before anything is changed; what can be is not complained about."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PLUGINS = "ansible_collections.codehub.aimlsetup.plugins"
Problems = Callable[..., list[str]]
GOOD: dict[str, Any] = {
    "model_key": "vidteq-rld-1", "port": 4100, "address": "0.0.0.0", "env": "py_3", "app": "web_server:main",  # noqa: S104
    "app_dir": "/codehub/apps/www/od/wsgi-bin", "health_path": "/api/vision/v2/health", "memory_max": None,
    "workers": 1, "timeout": 60, "ready_seconds": 120, "environment": {}, "release": None,
}  # fmt: skip
SETTINGS: dict[str, list[str]] = {"paths": ["/codehub-config"], "accounts": ["codehub-ai"], "devices": []}


@pytest.fixture(scope="module")
def problems() -> Problems:
    found: Problems = import_module(f"{PLUGINS}.filter.service_problems").service_problems
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"address": "::1", "memory_max": "4G"},
        {"app_dir": "/srv/two words; {{ x }} 'y' 100%", "environment": {"A": '$(id)\n"{{ x }}"'}},
        {"release": {"creates": "net/weights/x", "command": ["python", "train.py", "$(id)", "--x=1"]}},
    ],
)
def test_what_can_be_served(problems: Problems, changes: dict[str, Any]) -> None:
    assert problems([GOOD | changes], SETTINGS) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_key": "vidteq-rld"}, "<org>-<problem_id>-<rel_num>"),
        ({"model_key": "a-b-1\n"}, "<org>-<problem_id>-<rel_num>"),
        ({"model_key": "../b-c-1"}, "<org>-<problem_id>-<rel_num>"),
        ({"port": 0}, "a number from 1 to 65535"),
        ({"port": 70000}, "a number from 1 to 65535"),
        ({"address": "localhost"}, "an IP address"),
        ({"address": "0.0.0.0\nExecStartPre=/bin/id"}, "an IP address"),
        ({"env": "../py_3"}, "common name"),
        ({"app": "web_server:main()"}, "module:function"),
        ({"app": "web_server:main\n[Service]"}, "module:function"),
        ({"app_dir": "relative"}, "an absolute path"),
        ({"app_dir": "/a/../b"}, "an absolute path"),
        ({"health_path": "/x y"}, "path of a URL"),
        ({"memory_max": "4G\nExecStartPre=/bin/id"}, "a size"),
        ({"workers": 0}, "a number from 1"),
        ({"environment": {"A B": "1"}}, "a variable's name"),
        ({"environment": {"A": "\0"}}, "without NUL"),
        ({"release": {"creates": "/etc/x", "command": ["x"]}}, "inside the release's directory"),
        ({"release": {"creates": "x/../../y", "command": ["x"]}}, "inside the release's directory"),
        ({"release": {"creates": "x", "command": []}}, "a program and its arguments"),
        ({"release": {"creates": "x", "command": ["A=b", "x"]}}, "a program and its arguments"),
    ],
)
def test_what_cannot(problems: Problems, changes: dict[str, Any], said: str) -> None:
    found = problems([GOOD | changes], SETTINGS)
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("paths", "relative"), ("paths", "/a\nb"), ("paths", "/a*"), ("accounts", "root\nx"), ("accounts", "a b"),
     ("devices", "/dev/nvidia0 rw\nExecStart=/bin/id"), ("devices", "/etc/passwd")],
)  # fmt: skip
def test_settings_that_a_unit_file_cannot_hold(problems: Problems, kind: str, value: str) -> None:
    assert len(problems([GOOD], SETTINGS | {kind: [value]})) == 1


def test_services_in_each_others_way(problems: Problems) -> None:
    found = problems([GOOD, GOOD | {"model_key": "vidteq-rbd-1"}, GOOD | {"port": 4110}], SETTINGS)
    assert found == [
        "model_key 'vidteq-rld-1' is wanted by 2 services; each needs its own",
        "port 4100 is wanted by 2 services; each needs its own",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(["model_key", "address", "env", "app", "app_dir", "health_path"]), text=st.text())
def test_no_value_that_passes_holds_a_line_break(problems: Problems, key: str, text: str) -> None:
    if not problems([GOOD | {key: text}], SETTINGS):
        assert not set(text) & set('\n\r\0"\\')
