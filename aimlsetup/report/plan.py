"""A plan as lines to read: per host and component what, why, what it costs, and how it is taken back."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from aimlsetup.models.plan import Action, Cost, Effects, HostPlan, Met, Plan, Planned
from aimlsetup.report.made import counted, sort_out
from aimlsetup.report.table import folded, size
from aimlsetup.ui import Line, Style

# What of the diffs is shown: none, those of what changes (what is made anew is counted and named), or all.
Detail = Literal["none", "changes", "all"]
STYLES: dict[Action, Style] = {"+": "add", "~": "change", "-": "remove", "=": "dim"}
REASONS = 6
NAME_LINES, FILE_LINES, DIFF_LINES = 2, 6, 200  # a new host's plan is to be about a screen
DIFF_STYLES: dict[str, Style] = {"+": "add", "~": "change", "-": "remove"}
NEW = ": absent → "
INDENT = " " * 6


def lines(plan: Plan, *, detail: Detail = "changes", undo: bool = True, width: int = 100) -> list[Line]:
    """The whole plan for a screen of a width; `undo` tells how each kind of change is taken back."""
    shown = [line for name, host in sorted(plan.hosts.items()) for line in _host(name, host, detail, width)]
    more = [Line("all that is new, line by line: aimlsetup plan --diff", "dim")] * (detail != "all" and _folds(plan))
    return [*shown, *more, *(_undo(plan) if undo else ()), Line(summary(plan), "bold")]


def summary(plan: Plan) -> str:
    """One line: how much there is to do."""
    parts = [part for host in plan.hosts.values() for part in host.drifts]
    counts = {sign: sum(part.action == sign for part in parts) for sign in "+~-="}
    text = f"{counts['+']} to make, {counts['~']} to change, {counts['-']} to remove, {counts['=']} as they should be"
    costs = told_costs(Cost.of(host.cost for host in plan.hosts.values()))
    reboots = sorted(name for name, host in plan.hosts.items() if any(part.effects.reboot for part in host.drifts))
    return "; ".join([text, *costs, *([f"reboots {', '.join(reboots)}"] if reboots else [])])


def _host(name: str, host: HostPlan, detail: Detail, width: int) -> Iterator[Line]:
    costs = told_costs(host.cost)
    yield Line(f"{name}: {', '.join(costs)}" if costs else name, "bold")
    for part in host.drifts:
        yield from _component(part, detail, width)
    most = None if detail == "all" else NAME_LINES
    yield from _listed("keeps what no receipt owns", host.keeps, "  ", width, most)


def _component(drift: Planned, detail: Detail, width: int) -> Iterator[Line]:
    head = f"  {drift.action} {drift.component}"
    reasons = drift.reasons[:REASONS]
    if len(drift.reasons) > REASONS:
        reasons.append(f"and {len(drift.reasons) - REASONS} more")
    if len(reasons) == 1:
        yield Line(f"{head}: {reasons.pop()}", STYLES[drift.action])
    else:
        yield Line(head, STYLES[drift.action])
    for reason in reasons:
        yield Line(INDENT + reason)
    yield from (_everything if detail == "all" else _outline)(drift.effects, width, detail)


def _everything(effects: Effects, width: int, _detail: Detail) -> Iterator[Line]:
    yield from (Line(f"{INDENT}would change: {task}") for task in effects.tasks)
    yield from (Line(f"{INDENT}package {line}") for line in effects.packages)
    yield from _unowned(effects, width, None)
    yield from _consequences(effects)
    yield from (line for text in effects.diffs for line in _diff(text))


def _outline(effects: Effects, width: int, detail: Detail) -> Iterator[Line]:
    made, changed = sort_out(effects.diffs)
    new = [line.replace(NEW, " ") for line in effects.packages if NEW in line]
    if new:
        made = {counted(len(new), "new package"): new, **made}
    if effects.untold:
        made["would change"] = effects.untold
    yield from (Line(f"{INDENT}package {line}") for line in effects.packages if NEW not in line)
    for head, names in made.items():
        most = FILE_LINES if head.endswith(("file", "files")) else NAME_LINES
        yield from (Line(text) for text in folded(head, names, INDENT, width, most))
    yield from _unowned(effects, width, NAME_LINES)
    yield from _consequences(effects)
    if detail == "changes":
        yield from (line for text in changed for line in _diff(text, DIFF_LINES))


def _unowned(effects: Effects, width: int, most: int | None) -> Iterator[Line]:
    """What is there and no receipt owns: what is merely taken over in few lines, the rest one by one."""
    yield from _listed("adopts", [met for met in effects.unowned if met.mark == "adopt"], INDENT, width, most)
    for met in effects.unowned:
        if met.mark == "replace":
            yield Line(f"{INDENT}replaces {met.name}, which no receipt owns: {met.why}", "change")
        elif met.mark == "in the way":
            yield Line(f"{INDENT}in the way: {met.name}: {met.why}", "bad")


def _listed(head: str, marks: Sequence[Met], indent: str, width: int, most: int | None) -> Iterator[Line]:
    if marks:
        names = [met.name for met in marks]
        yield from (Line(text) for text in folded(head, names, indent, width, most or len(names)))


def _consequences(effects: Effects) -> Iterator[Line]:
    costs = told_costs(effects)
    if costs:
        yield Line(INDENT + ", ".join(costs))
    yield from (Line(f"{INDENT}restarts {unit}") for unit in effects.restarts)
    if effects.reboot:
        yield Line(f"{INDENT}reboots the host")
    yield from (Line(f"{INDENT}can't be undone: {line}", "change") for line in effects.lost)


def told_costs(cost: Effects | Cost) -> list[str]:
    """What is downloaded and needed on disk; `~` marks an estimate."""
    found = []
    if cost.download or cost.disk:
        found = [f"downloads {size(cost.download)}", f"needs {'~' if cost.estimated else ''}{size(cost.disk)} on disk"]
    if cost.unsized:
        found.append(f"and what {', '.join(cost.unsized)} takes, which the index does not tell")
    return found


def _folds(plan: Plan) -> bool:
    effects = [part.effects for host in plan.hosts.values() for part in host.drifts]
    return any(sort_out(found.diffs)[0] or NEW in "\n".join(found.packages) for found in effects)


def _undo(plan: Plan) -> Iterator[Line]:
    """How each kind of change is taken back, once."""
    ways = {part.action: part.undo for host in plan.hosts.values() for part in host.drifts if part.undo}
    return (Line(f"undo {action}  {ways[action]}", "dim") for action in STYLES if action in ways)


def _diff(text: str, most: int | None = None) -> Iterable[Line]:
    found = text.splitlines()
    shown = found[:most]
    if len(found) > len(shown):
        shown.append(f"… {len(found) - len(shown)} more lines: see them with --diff")
    return [Line(f"        {line}", DIFF_STYLES.get(line[:1], "dim")) for line in shown]
