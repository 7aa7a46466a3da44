"""Whatever stands in a plan, a reader of the page sees it as text: nothing of it is markup, and nothing is unseen."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from aimlsetup.report.page import hypertext, markdown
from aimlsetup.report.page.blocks import Block, Fold, Heading, Items, Literal, Paragraph, Table, Verbatim, line, lines

HOSTILE = [
    "<script>alert(1)</script>",
    "</pre></details><img src=x onerror=alert(1)>",
    "```\n# broken out",
    "````` ~~~~ `",
    "</summary>\n\n# broken out",
    "[a](javascript:alert(1)) ![b](http://x/y.png)",
    "| a | b |\n| --- | --- |",
    "\\| \\` a\\",
    "&lt;b&gt; &amp; &#64;",
    "# a #",
    "1. one",
    "2) two",
    "+ plus",
    "- [ ] todo",
    "---",
    "***",
    "=====",
    "    indented",
    "a\r\n\r\nb",
    "user\u202egnp.exe\u202c \u200b",
    "half \udcff",
    "\x1b[31mred\x00",
    "http://example.org/*_*",
    "' onclick=\"x\" '",
]
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.text(alphabet="`~|\\<>[]()*_#+-=&!1. \n\ta", max_size=40),
)
PAGE = MarkdownIt("commonmark").enable("table")


class Seen(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.found: dict[str, list[str]] = {}
        self.inside: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.found.setdefault(tag, []).append("")
        if tag != "meta":
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag, "elements are closed in their order"

    def handle_data(self, data: str) -> None:
        for tag in set(self.inside):
            self.found[tag][-1] += data


def one_of_each(text: str) -> list[Block]:
    """Every kind of block, with a text in every place of it."""
    return [
        Heading(2, text, note=text),
        Heading(3, Literal(text), "+"),
        Paragraph(text),
        Items(text, [text, Literal(text)]),
        Table((text, "b"), [(text, Literal(text))]),
        Verbatim(text, "diff"),
        Fold(text, [Verbatim(text, "diff")]),
    ]


def shape(page: Seen) -> list[str]:
    """The elements without those that only say how a text looks; an empty one has none."""
    return [tag for tag in page.elements if tag not in ("span", "code", "small")]


BENIGN = Seen(hypertext.render("a", one_of_each("a")))


@settings(deadline=None)
@given(TEXT)
@example("-a\n+b\n@c")
def test_html_has_the_same_elements_whatever_the_text(text: str) -> None:
    source = hypertext.render(text, one_of_each(text))
    source.encode()
    found = Seen(source)
    assert shape(found) == shape(BENIGN)
    assert found.attributes == BENIGN.attributes
    assert found.found["title"] == [line(text)]
    assert found.found["li"] == [line(text)] * 2
    assert found.found["td"] == [line(text)] * 2
    assert found.found["pre"] == ["\n".join(lines(text))] * 2
    assert found.found["summary"] == [line(text)]


def inner(tokens: Any) -> list[tuple[str, str]]:
    """(type, text) of what is in an inline token."""
    return [(token.type, token.content) for token in tokens.children]


def spaced(text: str) -> str:
    """As Markdown sees blanks: those around a text are nothing."""
    return text.strip(" \t")


@pytest.mark.parametrize("kind", [str, Literal])
@settings(deadline=None)
@given(text=TEXT.filter(line))
def test_markdown_items_and_cells_are_one_text(kind: type[str], text: str) -> None:
    value = kind(text)
    source = markdown.render("a", [Items("head", [value]), Table(("x", "y"), [(value, "z")])])
    source.encode()
    tokens = [token for token in PAGE.parse(source) if token.type == "inline"]
    title, _head, item, x, y, cell, z = tokens
    assert [token.content for token in (title, x, y, z)] == ["a", "x", "y", "z"]
    for token in (item, cell):
        kinds = {kind for kind, _ in inner(token)}
        assert kinds <= ({"code_inline"} if kind is Literal else {"text", "text_special"}) | {"text"}
        assert spaced("".join(part for _, part in inner(token))) == spaced(line(text))


@settings(deadline=None)
@given(TEXT)
def test_markdown_headings_and_paragraphs_are_one_text(text: str) -> None:
    blocks = PAGE.parse(markdown.render(f"t {text}", [Heading(2, f"h {text}"), Paragraph(f"p {text}")]))
    assert [token.type for token in blocks if token.nesting == 1] == ["heading_open", "heading_open", "paragraph_open"]
    said = [spaced("".join(part for _, part in inner(token))) for token in blocks if token.type == "inline"]
    assert said == [spaced(line(f"{letter} {text}")) for letter in "thp"]


@settings(deadline=None)
@given(TEXT)
def test_a_diff_does_not_get_out_of_its_fence_nor_a_summary_out_of_its_element(text: str) -> None:
    fold, after = Fold(text, [Verbatim(text, "diff")]), Paragraph("after")
    opened, fence, closed, *rest = PAGE.parse(markdown.render("a", [fold, after]))[3:]
    assert (opened.type, fence.type, closed.type) == ("html_block", "fence", "html_block")
    assert fence.content == "\n".join(lines(text)) + "\n"
    assert Seen(opened.content + closed.content).found["summary"] == [line(text)]
    assert [token.content for token in rest if token.type == "inline"] == ["after"]


def test_what_cannot_be_seen_is_spelled() -> None:
    assert line("user\u202egnp \x1b[31m \udcff\n") == r"user\u202egnp \x1b[31m \udcff\n"
    assert lines("a\tb\r\n  c") == ["a\tb\\r", "  c"]


def test_a_page_fetches_and_runs_nothing() -> None:
    source = hypertext.render("a", one_of_each("a"))
    assert "default-src 'none'" in source
    assert not {"script", "link", "img", "iframe", "base"} & set(BENIGN.elements)
    assert not re.search(r"url\(|@import|https?:", source)
    assert {"href", "src", "style"}.isdisjoint(BENIGN.attributes)


def test_a_page_is_for_light_dark_and_paper() -> None:
    for part in ("color-scheme: light dark", "prefers-color-scheme: dark", "@media print", "details::details-content"):
        assert part in hypertext.STYLE
