"""Plots as plain SVG that takes its colours from the page's style. Every text is escaped here."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from aimlsetup.report.page.hypertext import text

WIDTH, HEIGHT = 920, 250
LEFT, RIGHT, TOP, BOTTOM = 82, 16, 10, 40
TICKS = 5
LEGEND_ROW = 18
STYLE = """\
:root { --s0: #0550ae; --s1: #9a5b00; --s2: #a40e26; --s3: #116329; --s4: #6639ba; --s5: #1b7c83; --s6: #99286e;
  --s7: #57606a; }
@media (prefers-color-scheme: dark) { :root { --s0: #79b8ff; --s1: #e3b341; --s2: #ff8f87; --s3: #5fd07f;
  --s4: #d2a8ff; --s5: #56d4dd; --s6: #ff9bce; --s7: #9aa4af; } }
@media print { :root { --s0: #0550ae; --s1: #9a5b00; --s2: #a40e26; --s3: #116329; --s4: #6639ba; --s5: #1b7c83;
  --s6: #99286e; --s7: #57606a; } }
figure { margin: 1rem 0; break-inside: avoid; } figcaption { font-weight: 600; }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif; } svg text { fill: var(--soft); }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .series { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
td { font-variant-numeric: tabular-nums; }
"""
DASHES = ("", "6 3", "2 3")  # beyond as many series as there are colours

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """A named line. A None in between is a gap: there was nothing to measure."""

    name: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True)
class Axis:
    """What is on an axis, how its numbers are written, and whether each step of it is ten times the one before."""

    label: str
    written: Callable[[float], str] = "{:g}".format
    powers: bool = False


def plot(caption: str, x: Axis, y: Axis, series: Sequence[Series]) -> str:
    """A figure with lines, a grid and a legend; words instead where there is nothing to draw."""
    drawn = [(index, each) for index, each in enumerate(series) if any(value is not None for _, value in each.points)]
    if not drawn:
        return f"<figure><figcaption>{text(caption)}</figcaption><p>Nothing was measured.</p></figure>"
    points = [(at, value) for _, each in drawn for at, value in each.points if value is not None]
    across = _Scale(x, [at for at, _ in points], LEFT, WIDTH - RIGHT)
    up = _Scale(y, [0.0, *(value for _, value in points)], HEIGHT - BOTTOM, TOP)
    legend = list(_legend([(index, each.name) for index, each in drawn]))
    height = HEIGHT + LEGEND_ROW * len(drawn)
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f"<figure><figcaption>{text(caption)}</figcaption>",
        f'<svg {size} role="img" aria-label="{text(caption)}">',
        *_grid(across, up),
        *(_line(index, each, across, up) for index, each in drawn),
        *legend,
        "</svg></figure>",
    ]
    return "\n".join(parts)


class _Scale:
    """Where a value lies on the drawing, and which values are written beside it."""

    def __init__(self, axis: Axis, values: Sequence[float], start: float, end: float) -> None:
        self.axis, self.start, self.end = axis, start, end
        low, high = min(values), max(values)
        step = 1.0
        if axis.powers:
            low, high = math.log10(max(low, 0.01)), math.log10(max(high, 0.01))
        elif high > low:
            step = nice((high - low) / TICKS)
        first = math.floor(low / step)
        numbers = range(first, max(math.ceil(high / step), first + 1) + 1)
        self.low, self.high = numbers[0] * step, numbers[-1] * step
        self.ticks = [10.0**number if axis.powers else number * step for number in numbers]

    def place(self, value: float) -> float:
        """The coordinate of a value."""
        known = math.log10(max(value, 10.0**self.low)) if self.axis.powers else value
        return self.start + (known - self.low) / (self.high - self.low) * (self.end - self.start)


def nice(step: float) -> float:
    """The next of 1, 2, 5, 10, 20 … that is at least this step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999999)


def _grid(across: _Scale, up: _Scale) -> Iterator[str]:
    for value in up.ticks:
        y = up.place(value)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text(up.axis.written(value))}</text>'
    for value in across.ticks:
        x, below = across.place(value), HEIGHT - BOTTOM
        yield f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{below}"/>'
        yield f'<text x="{x:.1f}" y="{below + 15}" text-anchor="middle">{text(across.axis.written(value))}</text>'
    middle, bottom = (LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 31
    yield f'<text x="{middle:.1f}" y="{bottom}" text-anchor="middle">{text(across.axis.label)}</text>'
    y = (TOP + HEIGHT - BOTTOM) / 2
    yield f'<text transform="translate(12 {y:.1f}) rotate(-90)" text-anchor="middle">{text(up.axis.label)}</text>'


def _line(index: int, series: Series, across: _Scale, up: _Scale) -> str:
    words, pen = [], "M"
    for at, value in series.points:
        if value is None:
            pen = "M"
        else:
            words.append(f"{pen}{across.place(at):.1f} {up.place(value):.1f}")
            if pen == "M":
                words.append("h0")  # a point between two gaps is seen too
            pen = "L"
    return f'<path class="series" {_stroke(index)} d="{" ".join(words)}"/>'


def _stroke(index: int) -> str:
    dash = DASHES[index // 8 % len(DASHES)]
    return f'style="stroke: var(--s{index % 8})"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _legend(names: Sequence[tuple[int, str]]) -> Iterator[str]:
    for row, (index, name) in enumerate(names):
        y = HEIGHT + 8 + LEGEND_ROW * row
        yield f'<line x1="{LEFT}" y1="{y}" x2="{LEFT + 26}" y2="{y}" stroke-width="2.5" {_stroke(index)}/>'
        yield f'<text x="{LEFT + 34}" y="{y + 4}">{text(name)}</text>'
