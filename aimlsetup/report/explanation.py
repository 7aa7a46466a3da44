"""Why pins are what they are, and whether one wish more would do: as lines to read and as documents."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aimlsetup.errors import CONTROL, AimlsetupError
from aimlsetup.models.lock import Change, Pin, Reason
from aimlsetup.report import lock
from aimlsetup.report.table import columns
from aimlsetup.ui import Line

SAYS = {"wish": "wished", "fact": "known", "observed": "observed", "index": "index", "remote": "remote"}
LABEL = 9  # columns, of the longest of them and a blank
ENDS = (
    "wish",
    "observed",
)  # where a chain ends; what else holds for a pin further up is told when that one is asked for


@dataclass(frozen=True)
class Solved:
    """Hosts that share a solution: what the lock calls them, who they are, their GPUs in words, and their pins."""

    name: str
    hosts: Sequence[str]
    gpus: str
    pins: Mapping[str, Pin]

    @property
    def title(self) -> str:
        """For a heading."""
        told = "; ".join(text for text in (", ".join(self.hosts), self.gpus) if text)
        return f"{self.name}: {told}" if told else self.name


@dataclass(frozen=True)
class Answer:
    """Whether a wish would do on these hosts: what it changes, or why not."""

    hosts: Solved
    changes: Sequence[Change] = ()
    refusal: AimlsetupError | None = None


@dataclass
class _Drawing:
    """Every pin is followed once, and a source not told twice in a row."""

    pins: Mapping[str, Pin]
    width: int
    followed: set[str] = field(default_factory=set)
    source: str | None = None


def matching(name: str, pins: Mapping[str, Pin]) -> list[str]:
    """The pins that are meant: `py_3.cuda` by its whole name, else all that are called `cuda`."""
    return [name] if name in pins else [found for found in pins if found.partition(".")[2] == name]


def reached(names: Sequence[str], pins: Mapping[str, Pin]) -> dict[str, Pin]:
    """These pins and all that their reasons lead to."""
    found: dict[str, Pin] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name in pins and name not in found:
            found[name] = pins[name]
            waiting += [reason.pin for reason in pins[name].because if reason.pin]
    return found


def tree(name: str, pins: Mapping[str, Pin], width: int) -> list[Line]:
    """A pin with its packages and reasons; below what another pin needs, why that one is there."""
    pin = pins[name]
    packages = [f"{package} {version or '(as the index has it)'}" for package, version in sorted(pin.packages.items())]
    told = textwrap.wrap(f"packages: {', '.join(packages)}", width - 3) if packages else []
    reasons = _reasons(name, _Drawing(pins, width, {name}), "")
    return [Line(f"{name} {pin.version}", "bold"), *(Line(f"│  {text}") for text in told), *reasons]


def _reasons(name: str, drawn: _Drawing, indent: str) -> Iterator[Line]:
    reasons = list(drawn.pins[name].because)
    if indent:
        reasons = [reason for reason in reasons if reason.kind in ENDS or reason.pin in drawn.pins]
    for index, reason in enumerate(reasons):
        last = index == len(reasons) - 1
        below = f"{indent}{'   ' if last else '│  '}"
        yield from _reason(reason, f"{indent}{'└─ ' if last else '├─ '}", below, drawn)
        again = reason.pin in {other.pin for other in reasons[index + 1 :]}
        if reason.pin and reason.pin in drawn.pins and reason.pin not in drawn.followed and not again:
            drawn.followed.add(reason.pin)
            yield from _reasons(reason.pin, drawn, below)


def _reason(reason: Reason, indent: str, below: str, drawn: _Drawing) -> Iterator[Line]:
    room = max(20, drawn.width - len(indent) - LABEL)
    under = f"{below}{'':<{LABEL}}"
    first, *rest = textwrap.wrap(_clean(reason.text), room)
    yield Line(f"{indent}{SAYS[reason.kind]:<{LABEL}}{first}", "good" if reason.kind in ENDS else "plain")
    yield from (Line(f"{under}{text}") for text in rest)
    if reason.source and reason.source != drawn.source:
        yield Line(under + textwrap.shorten(_clean(reason.source), room, placeholder=" …"), "dim")
        drawn.source = reason.source


def overview(pins: Mapping[str, Pin], width: int) -> list[Line]:
    """Every pin with its first reason, one line each."""
    rows = [(name, pin.version, _clean(pin.because[0].text) if pin.because else "") for name, pin in pins.items()]
    return [Line(text if len(text) <= width else f"{text[: width - 1]}…") for text in columns(sorted(rows))]


def answer(wish: str, found: Answer, width: int) -> list[Line]:
    """Whether the wish would do, and what it changes or what is in its way."""
    head = [Line(found.hosts.title, "bold")]
    if found.refusal:
        return [*head, *_refusal(wish, found.refusal, width)]
    if not found.changes:
        return [*head, Line(f"  {wish} would do, and nothing else would change", "good")]
    return [*head, Line(f"  {wish} would do; then:", "good"), *lock.lines(list(found.changes))[1:]]


def _refusal(wish: str, refusal: AimlsetupError, width: int) -> Iterator[Line]:
    lines = [(f"{wish} will not do: {refusal.message}", "bad"), *((text, "plain") for text in refusal.context)]
    lines += [(f"instead: {text}", "change") for text in (refusal.hint or "").split("; or ") if text]
    for text, style in lines:
        wrapped = textwrap.wrap(_clean(text), width - 2, subsequent_indent="  ")
        yield from (Line(f"  {part}", style) for part in wrapped)  # type: ignore[arg-type]


def _clean(text: str) -> str:
    """What a host said must not act on the terminal."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def document(solved: Sequence[Solved], wanted: str | None) -> dict[str, object]:
    """The pins that were asked for, with all that they lead to."""
    classes = {}
    for found in solved:
        names = matching(wanted, found.pins) if wanted else list(found.pins)
        pins = {name: pin.model_dump(mode="json") for name, pin in reached(names, found.pins).items()}
        classes[found.name] = {"hosts": list(found.hosts), "gpus": found.gpus, "asked": names, "pins": pins}
    return {"version": 1, "kind": "explanation", "classes": classes}


def answers_document(wish: str, answers: Sequence[Answer]) -> dict[str, object]:
    """For each class of hosts whether the wish would do."""
    classes = {
        found.hosts.name: {
            "hosts": list(found.hosts.hosts),
            "gpus": found.hosts.gpus,
            "solved": found.refusal is None,
            "refusal": found.refusal.document() if found.refusal else None,
            "changes": [change.model_dump(mode="json") for change in found.changes],
        }
        for found in answers
    }
    return {"version": 1, "kind": "alternative", "wish": wish, "classes": classes}
