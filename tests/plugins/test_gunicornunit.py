"""Hand-written units, read as what they serve."""

from typing import Any

import pytest

from aimlsetup import content

EVERY = "0.0.0.0"  # noqa: S104 - what units say
APP = """"web_server:main(API_MODEL_KEY='vidteq-rld-1', QUEUE='true')\""""


@pytest.fixture
def unit() -> Any:
    return content.util("gunicornunit")


def text(command: str, *more: str) -> str:
    return "\n".join(["[Unit]", "Description=x", "[Service]", *more, f"ExecStart={command}", "[Install]", ""])


@pytest.mark.parametrize(
    ("command", "address", "port"),
    [
        (f"/v/bin/gunicorn -b 0.0.0.0:4100 {APP}", EVERY, 4100),
        (f"/v/bin/gunicorn -b:4100 --timeout 60 {APP}", EVERY, 4100),
        (f"-/v/bin/gunicorn --preload --bind=[::1]:4100 {APP} --access-logfile -", "::1", 4100),
        (f"/v/bin/gunicorn --workers 2 \\\n    --bind 127.0.0.1:4100 \\\n    {APP}", "127.0.0.1", 4100),
        ("""/bin/bash -c 'source /v/bin/activate; /v/bin/gunicorn -b :4100 "web_server:main()"'""", EVERY, 4100),
        (f"/v/bin/gunicorn -c /etc/g.py {APP}", "10.0.0.1", 4110),
        (f"/v/bin/gunicorn {APP}", "127.0.0.1", 8000),
    ],
)
def test_served(unit: Any, command: str, address: str, port: int) -> None:
    found = unit.served(text(command, "User=dev"), {"/etc/g.py": 'bind = "10.0.0.1:4110"\n'}.get)
    assert (found["address"], found["port"], found["app"]) == (address, port, "web_server:main")
    assert (found["user"], found["program"]) == ("dev", "/v/bin/gunicorn")


def test_the_model_key_is_the_calls_or_the_environments(unit: Any) -> None:
    found = unit.served(text(f"/v/bin/gunicorn {APP}"))
    assert (found["model_key"], found["queue"]) == ("vidteq-rld-1", True)
    found = unit.served(text("/v/bin/gunicorn a:b", 'Environment="API_MODEL_KEY=acme-rld-1" TOKEN=secret'))
    assert (found["model_key"], found["queue"]) == ("acme-rld-1", False)
    assert found["environment"] == ["API_MODEL_KEY", "TOKEN"], "names alone, values may be secrets"


def test_another_unit_is_none(unit: Any) -> None:
    assert unit.served(text("/usr/bin/nginx")) is None


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/v/bin/gunicorn --preload", "names no application"),
        ("/v/bin/gunicorn 'a:b", "can't be read"),
        ("/v/bin/gunicorn -b unix:/run/x a:b", "no TCP port"),
        ("/opt/start-gunicorn-somehow", "can't be read"),
    ],
)
def test_what_can_not_be_told(unit: Any, command: str, why: str) -> None:
    with pytest.raises(unit.Unclear, match=why):
        unit.served(text(command))
