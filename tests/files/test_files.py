"""Reading with positions, refusing, writing."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from aimlsetup import files
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.base import Document
from aimlsetup.models.profile import SecretReference

HERE = Path("some.yml")


class Inner(Document):
    """A part of a document."""

    port: int
    name: str = ""
    password: SecretReference | None = None


class Outer(Document):
    """A document."""

    title: str = ""
    inner: Inner | None = None
    many: list[Inner] = Field(default_factory=list)
    named: dict[str, Inner] = Field(default_factory=dict)


# text, the error's first line (after the path), and whether a hint says this
REFUSED = [
    ("tilte: x", ":1:1: unknown key 'tilte'", "did you mean 'title'?"),
    ("inner:\n  prot: 1\n  port: 2", ":2:3: unknown key 'prot'", "did you mean 'port'?"),
    ("many:\n  - {port: 1}\n  - {port: 1, nmae: x}", ":3:15: unknown key 'nmae'", "did you mean 'name'?"),
    ("named: {a: {zzz: 1, port: 1}}", ":1:13: unknown key 'zzz'", "known here: name, password, port"),
    ("inner: {name: x}", ":1:1: inner: 'port' is missing", None),
    ("many:\n- title: x", ":2:3: many.0: 'port' is missing", None),  # and an unknown key at the same place
    ("inner:\n  port: '80'", ":2:9: inner.port: expected a whole number, found text", None),
    ("title: 2.16", ":1:8: title: expected text, found a number", "put the value in quotes"),
    ("title: yes", ":1:8: title: expected text, found true or false", "put the value in quotes"),
    ("title:", ":1:7: title: expected text, found nothing", None),
    ("many: {a: 1}", ":1:7: many: expected a list, found a mapping", None),
    ("named:\n- 1", ":2:1: named: expected a mapping, found a list", None),
    ("- 1", ":1:1: the file: expected a mapping, found a list", None),
    ("title: a\ntitle: b", ":2:1: 'title' a second time (first in line 1)", None),
    ("title: [1,\n}", ":2:1: not valid YAML", None),
    ("title: !python/object:os.system x", ":1:8: not valid YAML", None),
    ("80: x", ":1:1: a key that is not text is not supported", "put the key in quotes"),
    ("many: &a [*a]", ":1:7: an alias that contains itself is not supported", None),
    ('title: "\\ud800"', ":1:11: not valid YAML", None),
]


@pytest.mark.parametrize(("text", "line", "hint"), REFUSED)
def test_refusal_names_line_and_column(text: str, line: str, hint: str | None) -> None:
    with pytest.raises(AimlsetupError) as caught:
        files.check(files.parse(text, HERE), Outer, "outer")
    assert caught.value.message.startswith(f"some.yml{line}"), caught.value
    assert caught.value.exit_code == 2
    if hint:
        assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "inner:\n  port: 1\n  password: hunter2",
        "inner: {port: 1, password: hunter2}",
        "inner: {pasword: hunter2, port: 'x'}",
        "inner: {password: hunter2, port: 'x'}",
        "inner: {port: 1, password: [hunter2]}",
        "inner:\n  port: 1\n  password: |\n    hunter2\n",
    ],
)
def test_no_refusal_shows_a_secret(text: str) -> None:
    with pytest.raises(AimlsetupError) as caught:
        files.check(files.parse(text, HERE), Outer, "outer")
    assert "hunter2" not in str(caught.value) + str(caught.value.document())


def test_excerpt_points_at_the_value() -> None:
    with pytest.raises(AimlsetupError) as caught:
        files.check(files.parse("title: x\ninner: {name: a, port: 'b'}", HERE), Outer, "outer")
    assert caught.value.context[:2] == ("   2 | port: 'b'", "     |       ^")


def test_many_problems_stay_on_one_screen() -> None:
    text = "\n".join(f"key{number}: 1" for number in range(50))
    with pytest.raises(AimlsetupError) as caught:
        files.check(files.parse(text, HERE), Outer, "outer")
    assert len(str(caught.value).splitlines()) < 12
    assert "… and 45 more" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path, words in [("none", "No such file"), (".", "Is a directory"), ("binary", "not UTF-8")]:
        with pytest.raises(AimlsetupError, match=words) as caught:
            files.read(tmp_path / path)
        assert caught.value.exit_code == 2


def test_merge_keys_and_dates() -> None:
    text = "base: &base {a: 1, b: 2}\nmore: {<<: *base, b: 3}\nday: 2026-11-21\n"
    assert files.parse(text, HERE).data == {"base": {"a": 1, "b": 2}, "more": {"a": 1, "b": 3}, "day": "2026-11-21"}


def test_nothing_is_an_empty_document() -> None:
    assert files.check(files.parse("# only this\n", HERE), Outer, "outer") == Outer()


texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_written_is_read_again(data: dict[str, object]) -> None:
    text = files.dump(data, header=["a comment"])
    assert files.parse(text, HERE).data == data
    assert files.dump(files.parse(text, HERE).data, header=["a comment"]) == text


def test_writing_keeps_a_link_and_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.yml"
    link.symlink_to("real/file.yml")
    files.write(link, "a: 1\n", 0o600)
    assert link.is_symlink()
    assert (tmp_path / "real" / "file.yml").read_text() == "a: 1\n"
    assert (tmp_path / "real" / "file.yml").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["file.yml"]


def test_writing_where_nothing_can_be_written() -> None:
    with pytest.raises(AimlsetupError, match="/proc/nothing/here"):
        files.write(Path("/proc/nothing/here"), "")
