"""Role arguments that are refused before anything is changed, and ports that are somebody else's."""

from importlib import import_module
from typing import Any

import pytest

PLUGINS = "ansible_collections.codehub.aimlsetup.plugins"
GOOD = [
    ("port", 1), ("port", 65535), ("seconds", 86400), ("address", "::1"), ("address", "127.0.0.1"),
    ("path_prefix", "/"), ("path_prefix", "/a/b-c/"),
    ("client", "localhost"), ("client", "10.0.0.0/8"), ("client", "192.0.2.7"),
    ("token", "0123456789abcdef"), ("tensorflow_model", "digits.next"), ("memory", None),
]  # fmt: skip
BAD = [
    ("port", 0), ("port", 65536), ("port", "80"), ("port", True), ("seconds", 0), ("address", "everywhere"),
    ("path_prefix", ""), ("path_prefix", "lab"), ("path_prefix", "/a b"), ("path_prefix", "/a/../b"),
    ("path_prefix", "/$x"),
    ("client", "any"), ("client", "10.0.0.0/40"), ("client", "10.0.0.1 0.0.0.0/0"), ("token", ""),
    ("token", "short"), ("token", "with blanks in it, and long"), ("token", "0123456789abcdef\n"),
    ("tensorflow_model", "a/b"),
]  # fmt: skip


@pytest.fixture(scope="module")
def problems() -> Any:
    return import_module(f"{PLUGINS}.filter.value_problems").value_problems


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_what_is_in_order_is_not_complained_about(problems: Any, kind: str, value: Any) -> None:
    assert problems({"x": [kind, value]}) == []


@pytest.mark.parametrize(("kind", "value"), BAD)
def test_what_is_not_is_said_with_its_name(problems: Any, kind: str, value: Any) -> None:
    (said,) = problems({"x": [kind, value]})
    assert said.startswith("x")
    assert "expected" in said


def test_a_secret_is_not_said(problems: Any) -> None:
    assert "hunter2" not in problems({"jupyter_token": ["token", "hunter2"]})[0]


def test_a_port_is_free_or_the_units_own() -> None:
    taken = import_module(f"{PLUGINS}.modules.free_ports").taken
    held = {22: "sshd, pid 9, unit ssh.service", 8501: "server, pid 7, unit mine.service"}
    assert taken([8500, 8501], held, "mine.service") == []
    assert taken([22, 8501], held, "mine.service") == ["port 22 is in use by sshd, pid 9, unit ssh.service"]
    assert taken([8501], held, "ine.service") == ["port 8501 is in use by server, pid 7, unit mine.service"]
