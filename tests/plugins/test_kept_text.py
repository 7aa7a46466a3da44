"""A file's own text stays where it means what is to be written."""

import base64
from typing import Any

import pytest


@pytest.fixture
def kept_text(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.filter import kept_text

    return kept_text.kept_text


@pytest.fixture
def without(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.filter import without

    return without.without


@pytest.mark.parametrize(
    ("kind", "there", "kept"),
    [
        ("yaml", "# mine\n{a: 1, b: [x]}\n", True),
        ("yaml", "a: '1'\nb: [x]\n", False),
        ("yaml", "a: [\n", False),
        ("exports", "# mine\nexport a=\"1\"\nexport b='$x'\n", True),
        ("exports", "export a=1\nexport b=$x\n", False),
        ("exports", "if true; then export a=1; fi\n", False),
        ("exports", "export a=1\nexport b='$x'\n\xff", False),
    ],
)
def test_kept(kept_text: Any, kind: str, there: str, kept: bool) -> None:
    wanted = {"yaml": "---\na: 1\nb:\n- x\n", "exports": "export a=1\nexport b='$x'\n"}[kind]
    found = {"content": base64.b64encode(there.encode("latin-1")).decode()}
    assert kept_text(wanted, found, kind) == (there if kept else wanted)


def test_what_is_not_there_is_written(kept_text: Any) -> None:
    assert kept_text("text", {}, "yaml") == "text"


def test_without(without: Any) -> None:
    given = {"a": 1, "b": {"c": 2, "d": {"e": 3, "f": 4}}}
    assert without(given, ["a", "b.c", "b.d.f", "x.y"]) == {"b": {"d": {"e": 3}}}
    assert without(given, ["b.d", "b"]) == {"a": 1}
