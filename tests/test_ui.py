"""The screen: plain lines without a terminal, a live table on one."""

import io

from rich.console import Console

from aimlsetup.ui import Cell, Progress, progress


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
