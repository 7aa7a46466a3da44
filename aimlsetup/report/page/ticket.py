"""A plan with what a change ticket asks for: who made it of what, how it is applied, and what it can't take back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.plan import Action, HostPlan, Mark, Met, Plan, Planned
from aimlsetup.report.made import counted, recognised
from aimlsetup.report.page.blocks import Block, Fold, Heading, Items, Literal, Paragraph, Table, Verbatim
from aimlsetup.report.page.consents import Consent
from aimlsetup.report.plan import summary, told_costs

WORDS: dict[Action, str] = {"+": "to be made", "~": "differs", "-": "to be removed", "=": "is as it should be"}
MARKS: dict[Mark, str] = {
    "replace": "Replaces what no receipt owns",
    "in the way": "In the way",
    "adopt": "Adopts what is there",
}
SAID = {True: "given", False: "refused", None: "not given"}
MOST = 12  # rows; longer lists are folded
PACKAGE = re.compile(r"(?P<name>.+?): (?P<before>.+) → (?P<after>.+)")
NONE = "absent"
SAVED = "This does exactly what stands here, or nothing (exit code 3) if hosts or lock have moved on. It asks first."
UNSAVED = (
    "This plans anew, shows it and asks. To have exactly this done or nothing, save the plan beside its page: "
    "aimlsetup plan -o change.plan -o change.html"
)
STOPPED = (
    "Not every host could be planned, so nothing is to be applied yet. Set right what is said of those and plan again."
)
ASKS = "Where one is not given and it comes to that, apply stops there and explains (exit code 5)."


@dataclass(frozen=True)
class Ticket:
    """A plan, and what is told with it. `command` applies it, from the file it was `saved` to or else anew.

    `errors` are why hosts could not be planned; `consents` are those of each host's components.
    """

    plan: Plan
    profile: str
    made: datetime
    version: str
    command: str
    saved: bool = False
    errors: Mapping[str, AimlsetupError] = field(default_factory=dict)
    consents: Mapping[str, Mapping[str, Sequence[Consent]]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the page is called."""
        return f"Planned change: {self.profile}"


def blocks(ticket: Ticket) -> list[Block]:
    """The whole page below its title."""
    names = sorted({*ticket.plan.hosts, *ticket.errors})
    return [*_top(ticket), *(block for name in names for block in _host(name, ticket))]


def _top(ticket: Ticket) -> Iterator[Block]:
    yield Paragraph(summary(ticket.plan))
    yield Table(
        ("profile", "lock", "planned", "by"),
        [
            (
                Literal(ticket.profile),
                Literal(ticket.plan.lock),
                f"{ticket.made:%Y-%m-%d %H:%M %Z}",
                f"aimlsetup {ticket.version}",
            )
        ],
    )
    if ticket.errors:
        yield Paragraph(STOPPED)
    elif ticket.plan.drifted:
        yield Heading(2, "How it is applied")
        yield Verbatim(ticket.command, "sh")
        yield Paragraph(SAVED if ticket.saved else UNSAVED)


def _host(name: str, ticket: Ticket) -> Iterator[Block]:
    host, error = ticket.plan.hosts.get(name), ticket.errors.get(name)
    yield Heading(2, Literal(name), note=_note(host, error))
    if error:
        yield Verbatim(str(error), "text")
    drifts = host.drifts if host else []
    consents = ticket.consents.get(name, {})
    for drift in drifts:
        if drift.action != "=":
            yield from _component(drift, consents.get(drift.component, ()))
    yield from _listed("Keeps what no receipt owns", [Literal(met.name) for met in host.keeps] if host else [])
    yield from _listed("As they should be", [Literal(drift.component) for drift in drifts if drift.action == "="])


def _note(host: HostPlan | None, error: AimlsetupError | None) -> str:
    if error:
        return "asks for consent first" if error.exit_code == Exit.CONSENT else "could not be planned"
    return ", ".join(told_costs(host.cost)) if host else ""


def _component(drift: Planned, consents: Sequence[Consent]) -> Iterator[Block]:
    effects = drift.effects
    yield Heading(3, Literal(drift.component), drift.action, WORDS[drift.action])
    yield from _listed("Why", drift.reasons)
    yield from _packages(effects.packages)
    yield from _files(effects.diffs)
    for mark, head in MARKS.items():
        yield from _listed(head, [_met(met) for met in effects.unowned if met.mark == mark])
    yield from _listed("Also changes", effects.untold)
    yield from _listed("Costs", told_costs(effects))
    yield from _listed("Restarts", [*map(Literal, effects.restarts), *(["the host"] if effects.reboot else [])])
    if consents and drift.action in "+~":
        yield Table(
            ("consent", "in the profile", "to what"),
            [(Literal(asked.name), SAID[asked.given], asked.meaning) for asked in consents],
        )
        if any(asked.given is None for asked in consents):
            yield Paragraph(ASKS)
    yield from _listed("Can't be taken back", _losses(drift))
    yield from _listed("Way back", [drift.undo] if drift.undo else [])


def _met(met: Met) -> str:
    return f"{met.name}: {met.why}" if met.why else Literal(met.name)


def _losses(drift: Planned) -> Iterator[str]:
    """What stays lost, as far as the plan knows."""
    yield from drift.effects.lost
    if drift.effects.reboot:
        yield "a reboot ends whatever runs on the host"
    if drift.action == "-":
        yield "named again, it is made anew: without what was changed by hand in what is removed"


def _packages(texts: Sequence[str]) -> Iterator[Block]:
    """What has another version afterwards is always seen; what is new is folded where it is much."""
    rows = [_package(text) for text in texts]
    new = [row for row in rows if row[1] == NONE]
    for found, head in (([row for row in rows if row not in new], ""), (new, counted(len(new), "new package"))):
        table = Table(("package", "from", "to"), found)
        if found:
            yield Fold(head, [table]) if head and len(found) > MOST else table


def _package(text: str) -> tuple[str, str, str]:
    found = PACKAGE.fullmatch(text)
    name, before, after = found.groups() if found else (text, "", "")
    return Literal(name), Literal(before), Literal(after)


def _files(diffs: Sequence[str]) -> Iterator[Block]:
    """Each text with its diff folded; other things take a line each."""
    short = [text for text in diffs if "\n" not in text]
    if short:
        listed = Verbatim("\n".join(short), "diff")
        yield Fold(f"{len(short)} directories, links and the like", [listed]) if len(short) > MOST else listed
    for text in diffs:
        if "\n" in text:
            yield Fold(_title(text), [Verbatim(text, "diff")])


def _title(text: str) -> str:
    """What a diff is of: `+ /etc/x (3 lines)` of a new file, `~ /etc/x: 1 line in, 2 lines out` of another."""
    made = recognised(text)
    if made:
        return f"+ {made.text}"
    rows = text.splitlines()
    old, new = (row[4:] for row in rows[:2])
    came, went = (sum(row.startswith(sign) for row in rows[2:]) for sign in "+-")
    return f"~ {new or old}: {counted(came, 'line')} in, {counted(went, 'line')} out"


def _listed(head: str, texts: Iterator[str] | Sequence[str]) -> Iterator[Block]:
    rows = list(texts)
    if len(rows) > MOST:
        yield Fold(f"{head} ({len(rows)})", [Items(head, rows)])
    elif rows:
        yield Items(head, rows)
