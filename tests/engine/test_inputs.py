"""What a role is given, and which of its secrets are compared with the receipt."""

import pytest

from aimlsetup.engine import inputs
from aimlsetup.engine.secrets import Secrets

PATH = "codehub_databases.REDISCFG.password"


def wished(reference: str) -> dict[str, dict[str, object]]:
    """A component with one secret."""
    return {"codehub": {"codehub_databases": {"REDISCFG": {"password": reference}}}}


def test_a_prompted_secret_is_compared_once_it_was_asked_for() -> None:
    """Nobody is asked only to compare; what a run was given counts for the look that follows it."""
    secrets = Secrets(ask=lambda _label: "typed")
    before = inputs.expected(wished("prompt:redis"), secrets)["codehub"]
    assert before.secrets == {}
    inputs.given(wished("prompt:redis"), secrets, "one")
    after = inputs.expected(wished("prompt:redis"), secrets)["codehub"]
    assert after.secrets == {PATH: '"typed"'}
    assert after.digest == before.digest


def test_where_a_secret_comes_from_is_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """So one that is prompted for can be named otherwise for a run that brings in a new value."""
    monkeypatch.setenv("REDIS", "other")
    named = inputs.expected(wished("env:REDIS"), Secrets())["codehub"]
    assert named.digest == inputs.expected(wished("prompt:redis"), Secrets())["codehub"].digest
    assert named.secrets == {PATH: '"other"'}
