"""The screen: plain lines without a terminal, a live table on one."""

import io
import os
import sys

import pexpect
import pytest
from rich.console import Console

from aimlsetup.ui import Cell, Progress, progress, width


def test_without_a_terminal_each_component_and_failure_is_a_line() -> None:
    said = io.StringIO()
    shown = Progress("applying", stream=said)
    shown.started("one", "base", "Begin")
    shown.started("one", "base", "Install")
    shown.started("one", "codehub", "Begin")
    shown.failed("one", "codehub", "the disk is full")
    shown.finished("one")
    lines = said.getvalue().splitlines()
    assert lines[0] == "one: base …"
    assert lines[1].startswith("one: base done in ")
    assert lines[2:] == ["one: codehub …", "one: codehub: the disk is full"]


def test_the_table_has_every_component_with_its_state_and_task() -> None:
    shown = Progress("applying", {("one", name): Cell() for name in ("base", "codehub", "repos")}, live=True)
    shown.started("one", "base", "Begin")
    shown.started("one", "codehub", "Install | Packages [bold]")
    drawn = io.StringIO()
    Console(file=drawn, width=100).print(shown)
    rows = [line.split() for line in drawn.getvalue().splitlines()]
    assert rows[0] == ["applying"]
    assert rows[1][:3] == ["✓", "one", "base"]
    assert rows[2][:3] == ["▸", "one", "codehub"]
    assert rows[2][-4:] == ["Install", "|", "Packages", "[bold]"]
    assert rows[3] == ["·", "one", "repos"]


def test_a_failed_component_stays_failed() -> None:
    shown = Progress("applying", stream=io.StringIO())
    shown.started("one", "base", "Begin")
    shown.failed("one", "base", "no")
    shown.finished("one")
    assert shown.cells["one", "base"].state == "failed"


def test_off_a_terminal_nothing_is_drawn(capsys: object) -> None:
    with progress("applying", {"one": ["base"]}) as shown:
        assert not shown.live
        assert shown.cells["one", "base"].state == "waiting"


COLOURED = """
import click
from aimlsetup import __main__, ui
__main__.cli = click.Command("coloured", callback=lambda: ui.show([ui.Line("text", "bad")]))
__main__.main([])
"""


@pytest.mark.parametrize(("switch", "expected"), [("", "\x1b[31m\x1b[1mtext\x1b[0m"), ("1", "text")])
def test_colours_can_be_switched_off(switch: str, expected: str) -> None:
    shown = pexpect.spawn(
        sys.executable, ["-c", COLOURED], env={**os.environ, "NO_COLOR": switch, "TERM": "xterm"}, timeout=60
    )
    assert shown.read().decode().strip() == expected
    shown.close()


def test_the_width_is_the_terminals_or_a_screens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "133")
    assert width() == 133
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("os.get_terminal_size", lambda *_descriptor: os.terminal_size((0, 0)))
    assert width() == 100
