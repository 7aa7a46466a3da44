"""Kinds of answers: how each is read from text and shown. Pure."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

Value = str | int | bool | list[str] | None


@dataclass(frozen=True)
class Kind:
    """`read` turns text (a prompt, `--set`) into a value or raises ValueError saying what was expected;
    `show` is its inverse; `holds` tells whether a value of a document is of this kind.
    """

    name: str
    read: Callable[[str], Value]
    show: Callable[[Value], str]
    holds: Callable[[Value], bool]


def _integer(text: str) -> int:
    if not text.strip().isdecimal():
        raise ValueError("a whole number is expected")
    return int(text)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ValueError(f"words separated by blanks are expected, quoted as in a shell ({error})") from None


def _named(names: dict[str, Value]) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        if text.strip().lower() not in names:
            raise ValueError(f"one of {', '.join(names)} is expected")
        return names[text.strip().lower()]

    return read


def _show(value: Value) -> str:
    return "" if value is None else str(value)


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[^\s'\"\\]+", word) else shlex.quote(word)


def _show_words(value: Value) -> str:
    return " ".join(map(_quoted, value)) if isinstance(value, list) else _show(value)


def _show_named(names: dict[str, Value]) -> Callable[[Value], str]:
    return lambda value: next(name for name, named in names.items() if named is value)


_YES_NO: dict[str, Value] = {"yes": True, "no": False}
_CONSENT: dict[str, Value] = {"ask": None, "yes": True, "no": False}

TEXT = Kind("text", lambda text: text or None, _show, lambda value: value is None or isinstance(value, str))
INTEGER = Kind(
    "whole number",
    lambda text: _integer(text) if text.strip() else None,
    _show,
    lambda value: value is None or (isinstance(value, int) and not isinstance(value, bool)),
)
WORDS = Kind(
    "list of words",
    _words,
    _show_words,
    lambda value: isinstance(value, list) and all(isinstance(word, str) for word in value),
)
YES_NO = Kind("yes or no", _named(_YES_NO), _show_named(_YES_NO), lambda value: isinstance(value, bool))
CONSENT = Kind(
    "ask, yes or no", _named(_CONSENT), _show_named(_CONSENT), lambda value: value is None or isinstance(value, bool)
)
