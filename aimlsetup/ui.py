"""The screen: the only door to rich, and that is opened on a terminal alone. All of it goes to standard error.

Standard output belongs to results (tables, documents); what is under way, warnings and questions come here.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO

import click

if TYPE_CHECKING:
    from rich.table import Table

Style = Literal["plain", "bold", "dim", "add", "change", "remove", "good", "bad"]
State = Literal["waiting", "running", "done", "failed"]
COLOURS: dict[Style, dict[str, object]] = {
    "plain": {},
    "bold": {"bold": True},
    "dim": {"dim": True},
    "add": {"fg": "green"},
    "change": {"fg": "yellow"},
    "remove": {"fg": "red"},
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
}
SIGNS: dict[State, str] = {"waiting": "·", "running": "▸", "done": "✓", "failed": "✗"}
SIGN_STYLES: dict[State, str] = {"waiting": "dim", "running": "cyan", "done": "green", "failed": "bold red"}
TASK_WIDTH = 60
TICK = 5  # seconds


class Line(NamedTuple):
    """A line of a report, and how it looks where there are colours."""

    text: str
    style: Style = "plain"


def show(lines: Sequence[Line], *, to_stderr: bool = False) -> None:
    """Print lines, coloured on a terminal."""
    for line in lines:
        click.secho(line.text, err=to_stderr, **COLOURS[line.style])  # type: ignore[arg-type]


def warn(text: str) -> None:
    """A warning that does not stop anything."""
    click.secho(f"warning: {text}", err=True, fg="yellow")


def width() -> int:
    """Columns of the terminal; 100 where the output goes elsewhere."""
    return max(40, shutil.get_terminal_size((100, 40)).columns)


def interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """Ask yes or no; what was typed before the question is no answer to it."""
    import termios  # only with a terminal

    termios.tcflush(sys.stdin, termios.TCIFLUSH)
    return click.confirm(question, default=False, err=True)


@dataclass
class Cell:
    """One component of one host on the screen."""

    state: State = "waiting"
    task: str = ""
    began: float = 0.0
    took: float = 0.0


@dataclass
class Progress:
    """What happens, as it happens: a live table on a terminal, otherwise a line per component and failure."""

    title: str
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    live: bool = False
    _running: dict[str, str] = field(default_factory=dict)

    def started(self, host: str, component: str, task: str) -> None:
        """A task of a component began on a host; the host's earlier component is thereby done."""
        earlier = self._running.get(host)
        if earlier and earlier != component:
            self._end(host, earlier, "done")
        cell = self.cells.setdefault((host, component), Cell())
        if cell.state == "waiting" or earlier != component:
            cell.state, cell.began = "running", time.monotonic()
            self._say(f"{host}: {component} …")
        cell.task = task
        self._running[host] = component

    def failed(self, host: str, component: str, text: str) -> None:
        """A task failed; `text` is what the module said."""
        self._end(host, component, "failed")
        self._running.pop(host, None)
        click.secho(f"{host}: {component}: {text}", file=self.stream, err=True, fg="red")

    def warned(self, host: str, component: str, text: str) -> None:
        """A module did what it should, and has something to say about it."""
        click.secho(f"{host}: {component}: {text}", file=self.stream, err=True, fg="yellow")

    def finished(self, host: str) -> None:
        """The host has got to its end."""
        running = self._running.pop(host, None)
        if running:
            self._end(host, running, "done")

    def _end(self, host: str, component: str, state: State) -> None:
        cell = self.cells.setdefault((host, component), Cell(began=time.monotonic()))
        if cell.state == "failed":
            return
        cell.state, cell.took = state, time.monotonic() - cell.began
        if state == "done":
            self._say(f"{host}: {component} done in {cell.took:.1f} s")

    def _say(self, text: str) -> None:
        if not self.live:
            click.echo(text, file=self.stream, err=True)

    def __rich__(self) -> "Table":
        """The table as it stands now; rich asks for it several times a second."""
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self.title, title_justify="left", box=None, pad_edge=False, show_header=False)
        now = time.monotonic()
        for (host, component), cell in self.cells.items():
            elapsed = now - cell.began if cell.state == "running" else cell.took
            table.add_row(
                Text(SIGNS[cell.state], style=SIGN_STYLES[cell.state]),
                Text(host, style="bold"),
                Text(component),
                Text(f"{elapsed:.0f} s" if cell.state != "waiting" else "", justify="right"),
                Text(cell.task[:TASK_WIDTH] if cell.state == "running" else "", style="dim", no_wrap=True),
            )
        return table


@contextmanager
def progress(title: str, components: Mapping[str, Sequence[str]]) -> Iterator[Progress]:
    """Show a run over these hosts and their components while it lasts."""
    cells = {(host, component): Cell() for host, names in components.items() for component in names}
    if not sys.stderr.isatty():
        yield Progress(title, cells)
        return
    from rich.console import Console
    from rich.live import Live

    shown = Progress(title, cells, live=True)
    with Live(shown, console=Console(stderr=True), refresh_per_second=8, redirect_stdout=False):
        shown.stream = sys.stderr  # rich's own while it draws: what is written there appears above the table
        yield shown


@contextmanager
def ticker() -> Iterator[Callable[[str], None]]:
    """Show what changes all the time: one line that is written anew on a terminal, elsewhere one every few seconds."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.text import Text

        with Console(stderr=True).status("") as status:
            yield lambda text: status.update(Text(text))
        return
    said = [time.monotonic()]

    def line(text: str) -> None:
        if time.monotonic() - said[0] >= TICK:
            said[0] = time.monotonic()
            click.echo(text, err=True)

    yield line


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Say what is waited for, on a terminal alone, and take it away again."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield
