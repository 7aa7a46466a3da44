"""What nginx's configuration could not hold is refused; which hosts are asked is changed line by line."""

import datetime
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PLUGINS = "ansible_collections.codehub.aimlsetup.plugins"
Problems = Callable[..., list[str]]
SERVERS = [{"host": "gpu1", "address": "10.0.0.1", "port": 4100}, {"host": "gpu_2", "address": "::1", "port": 4100}]
MODEL: dict[str, Any] = {"model_key": "a-b-1", "servers": SERVERS, "health_path": "/api/vision/v2/health"}
SETTINGS: dict[str, Any] = {
    "address": "0.0.0.0", "ports": [8100], "default_model": None, "base_path": "/api/vision/v2", "body_size": "8M",  # noqa: S104
    "user": "codehub-gateway", "tools": [], "allow": [], "numbers": {"max_fails": 1, "read_timeout": 60},
}  # fmt: skip
TOOL: dict[str, Any] = {"path": "/tensorboard/", "url": "http://127.0.0.1:6006", "allow": []}
CONFIGURATION = """http {
    upstream a-b-1 {
        zone a-b-1 64k;
        server 10.0.0.1:1 max_fails=2; # host gpu1
        server 10.0.0.1:2 max_fails=2; # host gpu1
        server 10.0.0.2:1 max_fails=2; # host gpu2
    }
    upstream a-b-2 {
        server 10.0.0.1:3 max_fails=2; # host gpu1
    }
}
"""


@pytest.fixture(scope="module")
def problems() -> Problems:
    found: Problems = import_module(f"{PLUGINS}.filter.gateway_problems").gateway_problems
    return found


@pytest.fixture(scope="module")
def tls_pair() -> Callable[[dict[str, str]], dict[str, Any]]:
    found: Callable[[dict[str, str]], dict[str, Any]] = import_module(f"{PLUGINS}.filter.tls_pair").tls_pair
    return found


@pytest.fixture(scope="module")
def marked() -> Callable[..., tuple[str, list[str], list[str]]]:
    found: Callable[..., tuple[str, list[str], list[str]]] = import_module(
        f"{PLUGINS}.modules.gateway_rotation"
    ).marked
    return found


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ({}, {}),
        ({"servers": [{"host": "a", "address": "gpu1.lab.example", "port": 1}]}, {"default_model": "a-b-1"}),
        ({}, {"tools": [TOOL], "allow": ["10.0.0.0/8", "::1"], "ports": [443, 80]}),
    ],
)
def test_what_can_be_served(problems: Problems, model: dict[str, Any], changes: dict[str, Any]) -> None:
    assert problems([MODEL | model], SETTINGS | changes) == []


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"model_key": "a-b-1 { }"}, "<org>-<problem_id>-<rel_num>"),
        ({"servers": []}, "no server is named"),
        ({"health_path": "/health; }"}, "a path such as"),
        ({"health_path": "/$host"}, "a path such as"),
        ({"servers": [SERVERS[0] | {"address": "1.2.3.4; }"}]}, "an IP address, or the name"),
        ({"servers": [SERVERS[0] | {"host": "gpu1\n}"}]}, "the name of a host"),
        ({"servers": [SERVERS[0] | {"port": 0}]}, "a number from 1 to 65535"),
        ({"servers": [SERVERS[0], SERVERS[0]]}, "is given 2 times"),
    ],
)
def test_a_model_that_cannot(problems: Problems, model: dict[str, Any], said: str) -> None:
    found = problems([MODEL | model], SETTINGS)
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"address": "localhost"}, "an IP address"),
        ({"ports": [0]}, "a number from 1 to 65535"),
        ({"ports": [80, 80]}, "is given 2 times"),
        ({"base_path": "/api/"}, "without a slash at its end"),
        ({"base_path": "/api/{"}, "a path such as"),
        ({"body_size": "8M; }"}, "a size as nginx writes it"),
        ({"body_size": "0"}, "a size as nginx writes it"),
        ({"user": "root;"}, "the name of an account"),
        ({"default_model": "a-b-2"}, "expected one of a-b-1"),
        ({"allow": ["all; }"]}, "an IP address or a network"),
        ({"allow": ["10.0.0.1/8"]}, "an IP address or a network"),
        ({"numbers": {"max_fails": 0}}, "a number from 1"),
        ({"numbers": {"max_fails": True}}, "a number from 1"),
        ({"tools": [TOOL | {"path": "/x"}]}, "a slash at both ends"),
        ({"tools": [TOOL | {"path": "/gateway/x/"}]}, "are the gateway's"),
        ({"tools": [TOOL | {"path": "/api/"}]}, "are the gateway's"),
        ({"tools": [TOOL | {"url": "http://a/b"}]}, "a server as http"),
        ({"tools": [TOOL | {"allow": ["x"]}]}, "an IP address or a network"),
        ({"tools": [TOOL, TOOL]}, "is given 2 times"),
    ],
)
def test_settings_that_cannot(problems: Problems, changes: dict[str, Any], said: str) -> None:
    found = problems([MODEL], SETTINGS | changes)
    assert len(found) == 1
    assert said in found[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.sampled_from(["base_path", "body_size", "address"]))
def test_no_value_that_passes_ends_a_directive(problems: Problems, text: str, key: str) -> None:
    if not problems([MODEL], SETTINGS | {key: text}):
        assert not set(text) & set(" ;{}\n\r\t\0\"'$\\#")


def test_out_and_in_again(marked: Callable[..., tuple[str, list[str], list[str]]]) -> None:
    out, made, left = marked(CONFIGURATION, ["gpu1"], "out")
    assert (made, left) == (["a-b-1"], ["a-b-2"])
    assert [line for line in out.splitlines() if " down;" in line] == [
        "        server 10.0.0.1:1 max_fails=2 down; # host gpu1",
        "        server 10.0.0.1:2 max_fails=2 down; # host gpu1",
    ]
    assert marked(out, ["gpu1"], "out")[0] == out
    assert marked(out, ["gpu1"], "in") == (CONFIGURATION, ["a-b-1", "a-b-2"], [])


def test_the_last_one_stays(marked: Callable[..., tuple[str, list[str], list[str]]]) -> None:
    out, _made, _left = marked(CONFIGURATION, ["gpu1"], "out")
    assert marked(out, ["gpu2"], "out") == (out, [], ["a-b-1"])
    assert marked(CONFIGURATION, ["gpu1", "gpu2"], "out") == (CONFIGURATION, [], ["a-b-1", "a-b-2"])
    assert marked(CONFIGURATION, ["gpu3"], "out") == (CONFIGURATION, [], [])
    assert marked("", ["gpu1"], "out") == ("", [], [])


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def certificate(key: ec.EllipticCurvePrivateKey, days: tuple[int, int]) -> str:
    """One that is valid between these days from today."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.example")])
    first, last = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=number) for number in days)
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, first, last).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_a_pair(tls_pair: Callable[[dict[str, str]], dict[str, Any]], tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    text = certificate(key, (-1, 1))
    made = tls_pair({"certificate": text, "key": pem(key)})
    (tmp_path / "crt").write_text(text)
    assert made["problems"] == []
    assert made["certificate"] == text
    assert tls_pair({"certificate": str(tmp_path / "crt"), "key": pem(key)}) == made
    assert tls_pair({"certificate": certificate(key, (-2, 1)), "key": pem(key)})["name"] != made["name"]


@pytest.mark.parametrize(
    ("days", "own", "says"),
    [((-2, -1), True, "has expired on 20"), ((1, 2), True, "is valid from 20"), ((-1, 1), False, "does not belong")],
)
def test_no_pair(
    tls_pair: Callable[[dict[str, str]], dict[str, Any]], days: tuple[int, int], own: bool, says: str
) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    made = tls_pair({"certificate": certificate(key, days), "key": pem(key if own else other)})
    assert len(made["problems"]) == 1
    assert says in made["problems"][0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is none in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "is none in PEM"),
        ("/nowhere", "No such file"),
    ],
)
def test_no_certificate(tls_pair: Callable[[dict[str, str]], dict[str, Any]], text: str, says: str) -> None:
    assert says in tls_pair({"certificate": text, "key": ""})["problems"][0]


def test_what_is_no_key_is_not_quoted(tls_pair: Callable[[dict[str, str]], dict[str, Any]]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = tls_pair({"certificate": certificate(key, (-1, 1)), "key": "c4nary"})
    assert made["problems"] == ["the key is no private key in PEM"]
