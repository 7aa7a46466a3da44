"""A page as one HTML file: no scripts, nothing fetched, light and dark, and all of it unfolded on paper."""

from collections.abc import Iterable, Sequence
from html import escape

from aimlsetup.models.plan import Action
from aimlsetup.report.page.blocks import Block, Fold, Heading, Items, Literal, Paragraph, Table, Verbatim, line, lines

CLASSES: dict[Action, str] = {"+": "add", "~": "change", "-": "remove", "=": "hold"}
DIFFED = {"+": "add", "-": "remove", "@": "hold"}
STYLE = """\
:root { color-scheme: light dark; --text: #1b1f24; --back: #fff; --soft: #59636e; --line: #d1d9e0; --code: #f3f5f7;
  --add: #116329; --change: #7d4e00; --remove: #a40e26; --hold: #59636e; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ec; --back: #14181d; --soft: #9aa4af; --line: #3a424b;
  --code: #1f252c; --add: #5fd07f; --change: #e3b341; --remove: #ff8f87; --hold: #9aa4af; } }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--text); background: var(--back); overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); } h3 { margin-top: 1.8rem; }
h2, h3 { font-size: 1.25rem; padding-bottom: .2rem; } h3 { font-size: 1.05rem; }
h3 small { font-weight: normal; color: var(--soft); }
.add { color: var(--add); } .change { color: var(--change); } .remove { color: var(--remove); }
.hold { color: var(--hold); } .sign { font-family: ui-monospace, monospace; }
code, pre { font: .875em/1.45 ui-monospace, monospace; background: var(--code); border-radius: 4px; }
code { padding: .1em .3em; } pre { padding: .7rem .9rem; white-space: pre-wrap; }
table { border-collapse: collapse; } th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--line); overflow-wrap: break-word; } th { font-weight: 600; }
@media (max-width: 50rem) { td { overflow-wrap: anywhere; } }
.head { margin: .8rem 0 .2rem; font-weight: 600; } ul { margin: .2rem 0; padding-left: 1.4rem; }
details { margin: .35rem 0; } summary { cursor: pointer; }
@media print { :root { --text: #000; --back: #fff; --soft: #333; --line: #999; --code: #f3f5f7; --add: #116329;
  --change: #7d4e00; --remove: #a40e26; --hold: #333; } body { max-width: none; margin: 0; font-size: 11px; }
  h2, h3, summary, .head { break-after: avoid; } details::details-content { content-visibility: visible;
  display: block; block-size: auto; } }
"""
HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<h1>{title}</h1>
"""


def render(title: str, blocks: Sequence[Block]) -> str:
    """The whole text of the file."""
    return page(title, map(written, blocks))


def page(title: str, parts: Iterable[str], style: str = "") -> str:
    """A file of parts that are HTML already, with more style on wish."""
    head = HEAD.format(title=text(title), style=STYLE + style)
    return head + "\n".join(parts) + "\n</body>\n</html>\n"


def written(block: Block) -> str:
    """A block as HTML."""
    match block:
        case Heading(level, words, sign, note):
            mark = f'<span class="sign {CLASSES[sign]}">{escape(sign)}</span> ' if sign else ""
            more = f" <small>{text(note)}</small>" if note else ""
            return f"<h{level}>{mark}{inline(words)}{more}</h{level}>"
        case Paragraph(words):
            return f"<p>{inline(words)}</p>"
        case Items(head, texts):
            items = "".join(f"<li>{inline(words)}</li>" for words in texts)
            return f'<p class="head">{text(head)}</p>\n<ul>{items}</ul>'
        case Table(header, rows):
            return "\n".join(["<table>", _row("th", header), *(_row("td", row) for row in rows), "</table>"])
        case Verbatim(words, language):
            return f"<pre>{_verbatim(words, diff=language == 'diff')}</pre>"
        case Fold(summary, inside):
            return "\n".join([f"<details><summary>{text(summary)}</summary>", *map(written, inside), "</details>"])


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{inline(words)}</{tag}>' for words in cells)}</tr>"


def _verbatim(words: str, *, diff: bool) -> str:
    return "\n".join(
        f'<span class="{DIFFED[part[0]]}">{escape(part)}</span>' if diff and part[:1] in DIFFED else escape(part)
        for part in lines(words)
    )


def inline(words: str) -> str:
    """Text, or code where it is literal."""
    return f"<code>{text(words)}</code>" if isinstance(words, Literal) and words.strip() else text(words)


def text(words: str) -> str:
    """Text in which no character means anything to HTML."""
    return escape(line(words))
