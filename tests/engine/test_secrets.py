"""References become values, and values never show."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup.engine.secrets import HIDDEN, Secrets, references, substitute
from aimlsetup.errors import AimlsetupError, Exit

OPTIONS = {
    "plain": {"type": "str"},
    "key": {"type": "str", "no_log": True},
    "databases": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str"}, "password": {"type": "str", "no_log": True}},
    },
}
ARGUMENTS = {
    "plain": "env:NOT_A_SECRET",
    "key": "file:/k",
    "databases": [{"name": "a", "password": "env:A"}, {"name": "b", "password": None}],
}


def test_references_are_found_where_the_spec_says_no_log_and_nowhere_else() -> None:
    assert references(ARGUMENTS, OPTIONS) == {"key": "file:/k", "databases[0].password": "env:A"}


def test_substitution_replaces_those_and_leaves_all_else() -> None:
    filled = substitute(ARGUMENTS, {"type": "dict", "options": OPTIONS}, lambda reference: f"<{reference}>")
    assert filled == {
        "plain": "env:NOT_A_SECRET",
        "key": "<file:/k>",
        "databases": [{"name": "a", "password": "<env:A>"}, {"name": "b", "password": None}],
    }


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "{{ value }}")
    secrets = Secrets(declared={"env:CANARY", "file:/x"})
    assert secrets.resolve("env:CANARY") == "{{ value }}"
    assert secrets.environment_names() == {"CANARY"}


@pytest.mark.parametrize(("content", "secret"), [("one\n", "one"), ("one", "one"), ("a\nb\n", "a\nb\n"), ("", "")])
def test_a_single_line_is_taken_without_its_end_and_a_key_whole(tmp_path: Path, content: str, secret: str) -> None:
    path = tmp_path / "secret"
    path.write_text(content)
    assert Secrets().resolve(f"file:{path}") == secret


@pytest.mark.parametrize("reference", ["env:NO_SUCH_VARIABLE", "file:/no/such/file", "vault:/no/such/file"])
def test_what_is_not_there_is_bad_input(reference: str) -> None:
    with pytest.raises(AimlsetupError) as raised:
        Secrets().resolve(reference)
    assert raised.value.exit_code == Exit.USAGE
    assert reference in str(raised.value)


def test_without_a_terminal_nothing_is_asked() -> None:
    with pytest.raises(AimlsetupError, match="no terminal"):
        Secrets().resolve("prompt:sudo password")


def test_a_prompt_is_asked_once() -> None:
    asked: list[str] = []
    secrets = Secrets(ask=lambda label: asked.append(label) or "typed")  # type: ignore[func-returns-value]
    assert [secrets.resolve("prompt:sudo") for _ in range(2)] == ["typed", "typed"]
    assert asked == ["sudo"]


def test_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password, vault = tmp_path / "password", tmp_path / "vault"
    password.write_text("vault password\n")
    vault.write_text("in the vault\n")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))
    subprocess.run([Path(sys.executable).with_name("ansible-vault"), "encrypt", vault], check=True, capture_output=True)
    assert "in the vault" not in vault.read_text()
    assert Secrets().quietly(f"vault:{vault}") == "in the vault"
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE")
    assert Secrets().quietly(f"vault:{vault}") is None


def test_only_what_needs_nobody_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE", "x")
    secrets = Secrets(ask=lambda _label: pytest.fail("asked"))
    assert [secrets.quietly(reference) for reference in ("env:THERE", "env:GONE", "prompt:x", "host:/x")] == [
        "x",
        None,
        None,
        None,
    ]


def test_a_secret_on_the_host_is_read_per_host() -> None:
    secrets = Secrets(read_host=lambda host, path: f"{host} {path}\n")
    assert [secrets.resolve("host:/s", name) for name in ("a", "b")] == ["a /s", "b /s"]


@given(st.text(min_size=4).filter(lambda text: text.strip(" *") == text), st.text(max_size=20))
def test_no_spelling_of_a_secret_survives_the_log(secret: str, around: str) -> None:
    secrets = Secrets(ask=lambda _label: secret)
    secrets.resolve("prompt:x")
    spellings = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
        quote(secret),
    }
    for spelling in spellings:
        assert secrets.scrub(spelling) == HIDDEN
        assert HIDDEN in secrets.scrub(f"{around}\n{spelling}\n")


def test_each_line_of_a_key_is_hidden() -> None:
    secrets = Secrets(ask=lambda _label: "-----BEGIN KEY-----\nAAAABBBBCCCC\n-----END KEY-----\n")
    secrets.resolve("prompt:x")
    assert secrets.scrub("see AAAABBBBCCCC here") == f"see {HIDDEN} here"


@pytest.mark.parametrize(("keys", "value"), [("A.B", "{{ x }}"), ("A.N", None), ("A.B.C", None), ("gone", None)])
def test_one_value_of_a_file_on_the_host(keys: str, value: str | None) -> None:
    secrets = Secrets(read_host=lambda *_: "A: {B: '{{ x }}', N: 1}\n")
    if value is not None:
        assert secrets.resolve(f"host:/app.yml#{keys}", "one") == value
        return
    with pytest.raises(AimlsetupError, match="no such value") as raised:
        secrets.resolve(f"host:/app.yml#{keys}", "one")
    assert "{{ x }}" not in str(raised.value)
