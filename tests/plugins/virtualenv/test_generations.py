"""The decisions: dated names, what is a build's input, what may go, which lines are requirements."""

import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Utils = Callable[[str], Any]
NOON = time.strptime("2026-11-21 14:30:59", "%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("py_3", "3.11.2", ["py_3-11_2026-11-21", "py_3-11_2026-11-21_143059", "py_3-11_2026-11-21_143100"]),
        ("tools", "3.6.15", ["tools-3-6_2026-11-21", "tools-3-6_2026-11-21_143059", "tools-3-6_2026-11-21_143100"]),
    ],
)
def test_dated_names(utils: Utils, name: str, version: str, expected: list[str]) -> None:
    assert list(islice(utils("generations").candidates(name, version, NOON), 3)) == expected


def test_inputs_are_requirements_in_any_order_python_and_installer(utils: Utils) -> None:
    digest = utils("generations").inputs_digest
    base = {"name": "py_3", "python": "3.11", "requirements": ["a", "b"], "installer": "uv", "keep": 1}
    assert digest(base) == digest({**base, "requirements": ["b", "a"], "keep": 7})
    others = [{"python": "3.12"}, {"installer": "pip"}, {"requirements": ["a"]}]
    assert len({digest({**base, **other}) for other in others} | {digest(base)}) == 4


@pytest.mark.parametrize(
    ("keep", "currents", "used", "expected"),
    [
        ({"a": 1}, {"a3"}, set(), ["a1", "b1"]),
        ({"a": 0, "b": 0}, {"a3", "b1"}, set(), ["a2", "a1"]),
        ({"a": 0, "b": 0}, {"a3", "b1"}, {"a1"}, ["a2"]),
        ({"a": 1, "b": 0}, {"a1", "b1"}, set(), ["a2"]),
        ({}, set(), {"b1"}, ["a3", "a2", "a1"]),
    ],
)
def test_what_may_go(
    utils: Utils, keep: dict[str, int], currents: set[str], used: set[str], expected: list[str]
) -> None:
    known = {key: {"name": key[0], "built": int(key[1])} for key in ("a1", "a2", "a3", "b1")}
    assert utils("generations").superfluous(known, keep, currents, used) == expected


@pytest.fixture
def module(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.modules import virtualenv

    return virtualenv


HASH = " --hash=sha256:" + "0" * 64


@pytest.mark.parametrize(
    "line",
    ["six==1.17.0" + HASH, "uvicorn[standard]==0.1rc1+cpu" + HASH * 2, "a-b_c==1!2 ; python_version < '3.12'" + HASH],
)
def test_requirement_lines(module: Any, line: str) -> None:
    module.check("/nowhere", [{"name": "py_3", "requirements": [line], "indexes": []}])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # a module does not change
@given(
    line=st.one_of(
        st.text(),
        st.sampled_from(
            [
                "six",
                "six>=1" + HASH,
                "six==1",
                "-r /etc/passwd",
                "--index-url=x",
                "six==1" + HASH + "\n-r x",
                "six @ file:///x" + HASH,
                "six==1 --hash=md5:00",
                "$(id)==1" + HASH,
                "{{ x }}==1" + HASH,
            ]
        ),
    )
)
def test_anything_else_is_refused(module: Any, line: str) -> None:
    with pytest.raises(module.Refused, match="expected name==version"):
        module.check("/nowhere", [{"name": "py_3", "requirements": [line], "indexes": []}])


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "a\nb", "{{ x }}"])
def test_names_that_are_no_names(module: Any, name: str) -> None:
    with pytest.raises(module.Refused, match="environment name"):
        module.check("/nowhere", [{"name": name, "requirements": [], "indexes": []}])


@pytest.mark.parametrize(
    "url", ["", "x", "--help", "https://a b", "https://u:secret@host/simple", "ftp://host/simple", "https://a\n"]
)
def test_indexes_that_are_none(module: Any, url: str) -> None:
    with pytest.raises(module.Refused, match=r"py_3: indexes\[0\] is not accepted") as refused:
        module.check("/nowhere", [{"name": "py_3", "requirements": [], "indexes": [url]}])
    assert "secret" not in str(refused.value)


CONFIGURED = {"index-url": "u:pip", "cert": "/c"}


@pytest.mark.parametrize(
    ("base", "sources", "configured", "expected"),
    [
        ({}, (None, []), {}, {"UV_DEFAULT_INDEX": None, "PIP_INDEX_URL": None, "UV_INDEX": None}),
        ({}, (None, []), CONFIGURED, {"UV_DEFAULT_INDEX": "u:pip", "PIP_CERT": "/c"}),
        ({"UV_DEFAULT_INDEX": "u:uv"}, (None, []), CONFIGURED, {"UV_DEFAULT_INDEX": "u:uv"}),
        ({"PIP_INDEX_URL": "u:env"}, (None, []), CONFIGURED, {"UV_DEFAULT_INDEX": "u:env"}),
        ({"UV_INDEX_URL": "u:uv", "UV_INDEX": "u:more"}, ("u:wished", []), CONFIGURED,
         {"UV_DEFAULT_INDEX": "u:wished", "PIP_INDEX_URL": "u:wished", "UV_INDEX_URL": None, "UV_INDEX": None}),
        ({"UV_INDEX": "u:host", "UV_INDEX_STRATEGY": "unsafe-best-match"}, (None, ["u:1", "u:2"]), {},
         {"UV_INDEX": "u:1 u:2 u:host", "PIP_EXTRA_INDEX_URL": "u:1 u:2", "UV_INDEX_STRATEGY": "first-index"}),
        ({"UV_INDEX": "u:host"}, ("u:wished", ["u:1"]), {}, {"UV_INDEX": "u:1", "UV_DEFAULT_INDEX": "u:wished"}),
        ({"PYTHONPATH": "/x", "VIRTUAL_ENV": "/y"}, (None, []), {}, {"PYTHONPATH": None, "VIRTUAL_ENV": None}),
        ({"SSL_CERT_FILE": "/s"}, (None, []), {}, {"PIP_CERT": "/s", "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}),
    ],
)  # fmt: skip
def test_an_installers_environment(
    utils: Utils,
    base: dict[str, str],
    sources: tuple[str | None, list[str]],
    configured: dict[str, str],
    expected: dict[str, str | None],
) -> None:
    found = utils("installers").environment(base, *sources, configured, {})
    assert {name: found.get(name) for name in expected} == expected


def test_an_installer_goes_the_hosts_way_out(utils: Utils) -> None:
    accounts = [{"url": "https://index", "username": "me", "password": "p w"}]
    way_out = {"proxy": "http://proxy:3128", "no_proxy": ["near"], "credentials": accounts}
    found = utils("installers").environment({}, "https://index/simple", ["https://near/simple"], {}, way_out)
    assert found["UV_DEFAULT_INDEX"] == found["PIP_INDEX_URL"] == "https://me:p%20w@index/simple"
    assert found["UV_INDEX"] == "https://near/simple"
    assert (found["https_proxy"], found["NO_PROXY"]) == ("http://proxy:3128", "localhost,127.0.0.1,near")


@pytest.mark.parametrize("kind", ["uv", "pip"])
def test_every_install_requires_hashes(utils: Utils, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    installers, ran = utils("installers"), []
    monkeypatch.setattr(installers.Installer, "_run", lambda _self, argv, _directory: ran.append(argv))
    installers.Installer(kind, sys.executable, None, (None, []), 0)("/usr/bin/python3", "/nowhere", "requirements.txt")
    filling = [argv for argv in ran if {"install", "sync"} & set(argv)]
    assert filling
    assert all("--require-hashes" in argv for argv in filling)


def test_no_password_of_a_url_is_shown(utils: Utils) -> None:
    said = utils("installers").explained("Looking in indexes: https://me:secret@host/simple, https://host/whl/cu126\n")
    assert said == "Looking in indexes: https://****@host/simple, https://host/whl/cu126"


def test_pip_settings(utils: Utils, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    assert utils("installers").pip_settings(tmp_path / "pip.conf") == {"index-url": "https://mirror.example/simple"}
    assert utils("installers").pip_settings(tmp_path / "none") == {}
