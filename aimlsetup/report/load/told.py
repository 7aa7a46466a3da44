"""A load test as lines for the screen, and the words and numbers that the page has too."""

from collections.abc import Sequence

from aimlsetup.models.load import Asked, Latency, LoadReport, Row
from aimlsetup.report.table import columns, size
from aimlsetup.ui import Line

HEAD = ("target", "scenario", "requests", "requests/s", "p50 ms", "p95 ms", "p99 ms", "errors")
MEMORY = ("service", "before", "peak", "after")
SHORT = 0.9  # of the wished rate


def lines(report: LoadReport) -> list[Line]:
    """The whole report."""
    table = columns([HEAD, *(row for asked in report.targets for row in rows(asked))])
    wrong = [any(row.errors.values()) for asked in report.targets for row in asked.rows]
    shown = [Line(table[0], "bold")]
    shown += [Line(text, "bad" if bad else "plain") for text, bad in zip(table[1:], wrong, strict=True)]
    if report.memory:
        head, *rest = columns([MEMORY, *memory(report)])
        shown += [Line(""), Line(head, "bold"), *map(Line, rest)]
    shown += [Line(text, "change") for text in remarks(report)]
    return [*shown, Line(summary(report), "bad" if report.errors else "good")]


def rows(asked: Asked) -> list[Sequence[str]]:
    """One target's cells, its name on the first row alone."""
    return [
        (asked.target.name if not index else "", row.scenario, *counted(row), errors(row))
        for index, row in enumerate(asked.rows)
    ]


def counted(row: Row) -> tuple[str, ...]:
    """The numbers of a row."""
    return str(row.requests), f"{row.rate:.1f}", *latencies(row.latency)


def latencies(latency: Latency) -> tuple[str, str, str]:
    """The three percentiles."""
    return milliseconds(latency.p50), milliseconds(latency.p95), milliseconds(latency.p99)


def milliseconds(value: float | None) -> str:
    """A time, with a decimal where it tells something."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def errors(row: Row) -> str:
    """How many of which kind."""
    return ", ".join(f"{count} {kind}" for kind, count in row.errors.items()) or "0"


def memory(report: LoadReport) -> list[Sequence[str]]:
    """Each service's cells."""
    return [
        (each.service, *("-" if value is None else size(value) for value in (each.before, each.peak, each.after)))
        for each in report.memory
    ]


def summary(report: LoadReport) -> str:
    """The test in one line."""
    ended = "interrupted after" if report.interrupted else "in"
    return f"{report.requests} requests {ended} {report.took:.0f} s, {report.errors} errors"


def remarks(report: LoadReport) -> list[str]:
    """What a reader of the numbers should know."""
    said = [f"no memory of services: {report.unmeasured}"] if report.unmeasured else []
    wished = report.pressure.rate
    for asked in report.targets:
        rate = next((row.rate for row in asked.rows if row.scenario == "all"), 0.0)
        if rate < SHORT * wished and not report.interrupted:
            said.append(
                f"{asked.target.name}: {rate:.1f} of {wished:g} requests/s were reached, since all its users"
                f" ({report.pressure.users}) waited for answers; more --users ask more at once"
            )
    return said
