"""A load test as one HTML file: tables, and plots of latency, throughput, errors and memory. Nothing is fetched."""

from collections.abc import Iterator, Sequence

from aimlsetup.models.load import Asked, LoadReport, Second
from aimlsetup.report.load import told
from aimlsetup.report.load.plots import STYLE, Axis, Series, plot
from aimlsetup.report.page.blocks import Block, Heading, Items, Literal, Paragraph, Table
from aimlsetup.report.page.hypertext import page, written
from aimlsetup.report.table import size

SECONDS = Axis("seconds since the start")
MILLISECONDS = Axis("milliseconds")
EXPLAINED = (
    "An image is to be answered with 200; a body that is damaged, empty or not a number with a 4xx. Everything else is"
    " an error, as is no answer. Latencies are those of requests that were answered or timed out."
)


def render(report: LoadReport, version: str) -> str:
    """The whole text of the file."""
    return page("Load test", _parts(report, version), STYLE)


def _parts(report: LoadReport, version: str) -> Iterator[str]:
    for block in _top(report, version):
        yield written(block)
    yield _spread(report.targets)
    yield from _memory(report)
    for asked in report.targets:
        yield written(Heading(2, Literal(asked.target.name)))
        if asked.target.name != asked.target.url:
            yield written(Paragraph(Literal(asked.target.url)))
        yield _percentiles(asked.timeline)
        yield _throughput(asked.timeline)


def _top(report: LoadReport, version: str) -> Iterator[Block]:
    yield Paragraph(told.summary(report))
    pressure = report.pressure
    yield Table(
        ("started", "requests/s of each target", "users of each", "seconds", "hung after", "scenario", "by"),
        [
            (
                report.started, f"{pressure.rate:g}", str(pressure.users), str(pressure.seconds),
                f"{pressure.timeout} s", report.scenario, f"aimlsetup {version}",
            )
        ],
    )  # fmt: skip
    yield Heading(2, "Requests")
    yield Table(
        told.HEAD, [(Literal(row[0]), *row[1:]) for asked in report.targets for row in told.rows(asked)]
    )
    yield Paragraph(EXPLAINED)
    remarks = told.remarks(report)
    if remarks:
        yield Items("To be known", remarks)


def _spread(targets: Sequence[Asked]) -> str:
    series = [
        Series(asked.target.name, [(ms, share * 100) for ms, share in asked.spread]) for asked in targets
    ]
    return plot(
        "Answered within", Axis("milliseconds, each step ten times the one before", powers=True), Axis("% of answers"),
        series,
    )  # fmt: skip


def _memory(report: LoadReport) -> Iterator[str]:
    if not report.memory:
        return
    yield written(Heading(2, "Memory"))
    yield written(Table(told.MEMORY, [(Literal(row[0]), *row[1:]) for row in told.memory(report)]))
    series = [Series(each.service, [(at, float(value)) for at, value in each.samples]) for each in report.memory]
    yield plot("Memory of each service", SECONDS, Axis("", lambda value: size(int(value))), series)


def _percentiles(timeline: Sequence[Second]) -> str:
    series = [
        Series("p50", [(each.second, each.latency.p50) for each in timeline]),
        Series("p95", [(each.second, each.latency.p95) for each in timeline]),
        Series("p99", [(each.second, each.latency.p99) for each in timeline]),
    ]
    return plot("Latency", SECONDS, MILLISECONDS, series)


def _throughput(timeline: Sequence[Second]) -> str:
    series = [
        Series("requests/s", [(each.second, float(each.requests)) for each in timeline]),
        Series("errors/s", [(each.second, float(each.errors)) for each in timeline]),
    ]
    # The third colour is red.
    return plot("Requests and errors", SECONDS, Axis("each second"), [series[0], Series("", []), series[1]])
