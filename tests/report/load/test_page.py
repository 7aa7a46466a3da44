"""The page of a load test: one well-formed file that fetches nothing and in which no text means anything to HTML."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from aimlsetup.models.load import Asked, Latency, LoadReport, Memory, Pressure, Row, Second, Target
from aimlsetup.report.load import page, told
from aimlsetup.report.load.plots import Axis, Series, nice, plot

EVIL = "<script>alert(1)</script>&\"'\u202e"
VOID = {"meta"}


def latency(value: float | None) -> Latency:
    return Latency(p50=value, p95=value, p99=value, longest=value)


def report(name: str = "gpu1/a-b-1", seconds: int = 5) -> LoadReport:
    asked = Asked(
        target=Target(name=name, url="http://gpu1/predict", service=name),
        rows=[Row(scenario="all", requests=9, rate=1.8, latency=latency(12.5), errors={f"HTTP 500 {EVIL}": 2})],
        timeline=[
            Second(second=at, requests=2, errors=at % 2, latency=latency(None if at == 2 else 10.0 * at))
            for at in range(seconds)
        ],
        spread=[(1.0, 0.2), (30.0, 1.0)] if seconds else [],
    )
    return LoadReport(
        started="2026-01-01 00:00:00 UTC", took=5, interrupted=False, pressure=Pressure(rate=5, users=3, seconds=5),
        scenario="all", targets=[asked, asked],
        memory=[
            Memory(service=name, before=10**8, peak=3 * 10**8, after=None, samples=[(-1.0, 10**8), (2.0, 3 * 10**8)])
        ],
    )  # fmt: skip


class Balanced(HTMLParser):
    """Raises unless every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """One that holds nothing."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("found", [report(), report(EVIL), report(seconds=0)], ids=["usual", "evil", "nothing"])
def test_the_page_is_well_formed_and_alone(found: LoadReport) -> None:
    text = page.render(found, "1.0")
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "<script" not in text
    assert "\u202e" not in text
    assert not re.search(r"\b(src|href)=|url\(|@import", text)
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(svg)  # noqa: S314 - our own


def test_gaps_are_not_drawn_over() -> None:
    drawn = plot("x", Axis("s"), Axis("ms"), [Series("a", [(0, 1), (1, None), (2, 3), (3, 4)])])
    [path] = re.findall(r' d="([^"]+)"', drawn)
    assert [word[0] for word in path.split() if word[0] in "ML"] == ["M", "M", "L"]


@pytest.mark.parametrize("points", [[(0.0, 0.0)], [(0.0, 5.0)], [(3.0, 1e-9), (3.0, 1e12)], [(-4.0, 2.0), (1e6, 2.0)]])
@pytest.mark.parametrize("powers", [False, True])
def test_any_numbers_stay_on_the_drawing(points: list[tuple[float, float]], powers: bool) -> None:
    drawn = plot("x", Axis("s", powers=powers), Axis("ms", powers=powers), [Series("a", points)])
    [path] = re.findall(r' d="([^"]+)"', drawn)
    places = [float(number) for number in re.findall(r"-?\d+\.\d", path)]
    assert all(-1 <= place <= 921 for place in places)
    assert len(re.findall("<text", drawn)) < 30


def test_steps_are_round() -> None:
    assert [nice(value) for value in (0.03, 1, 1.1, 4.9, 70)] == [0.05, 1, 2, 5, 100]


def test_the_screen_has_the_same_numbers() -> None:
    lines = [line.text for line in told.lines(report())]
    assert lines[0].split() == " ".join(told.HEAD).split()
    assert lines[1].startswith("gpu1/a-b-1  all       9         1.8         12.5    12.5    12.5    2 HTTP 500")
    assert any("1.8 of 5 requests/s were reached" in line for line in lines)
    assert lines[-1] == "18 requests in 5 s, 4 errors"
