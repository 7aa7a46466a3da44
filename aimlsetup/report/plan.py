"""A plan as lines to read: per host and component what, why, what it costs, and how it is taken back."""

from aimlsetup.models.plan import Action, Effects, HostPlan, Plan, Planned
from aimlsetup.report.table import size
from aimlsetup.ui import Line, Style

STYLES: dict[Action, Style] = {"+": "add", "~": "change", "-": "remove", "=": "dim"}
REASONS = 6
DIFF_STYLES: dict[str, Style] = {"+": "add", "~": "change", "-": "remove"}


def lines(plan: Plan, *, diffs: bool = True, undo: bool = True) -> list[Line]:
    """The whole plan; `diffs` includes those of files, `undo` how each part is taken back."""
    shown = [line for name, host in sorted(plan.hosts.items()) for line in _host(name, host, diffs, undo)]
    return [*shown, Line(summary(plan), "bold")]


def summary(plan: Plan) -> str:
    """One line: how much there is to do."""
    parts = [part for host in plan.hosts.values() for part in host.drifts]
    counts = {sign: sum(part.action == sign for part in parts) for sign in "+~-="}
    download = sum(part.effects.download for part in parts)
    disk = sum(part.effects.disk for part in parts)
    text = f"{counts['+']} to make, {counts['~']} to change, {counts['-']} to remove, {counts['=']} as they should be"
    costs = [f"download {size(download)}"] * bool(download) + [f"disk {size(disk)}"] * bool(disk)
    reboots = sorted(name for name, host in plan.hosts.items() if any(part.effects.reboot for part in host.drifts))
    return "; ".join([text, *costs, *([f"reboots {', '.join(reboots)}"] if reboots else [])])


def _host(name: str, host: HostPlan, diffs: bool, undo: bool) -> list[Line]:
    return [Line(name, "bold"), *(line for part in host.drifts for line in _component(part, diffs, undo))]


def _component(drift: Planned, diffs: bool, undo: bool) -> list[Line]:
    reasons = drift.reasons[:REASONS] + (
        [f"and {len(drift.reasons) - REASONS} more"] if len(drift.reasons) > REASONS else []
    )
    head = Line(f"  {drift.action} {drift.component}", STYLES[drift.action])
    if drift.action == "=":
        return [head]
    return [
        head,
        *(Line(f"      {reason}") for reason in reasons),
        *(Line(f"      {fact}") for fact in _facts(drift.effects)),
        *([Line(f"      undo: {drift.undo}", "dim")] if undo and drift.undo else []),
        *(line for text in (drift.effects.diffs if diffs else ()) for line in _diff(text)),
    ]


def _facts(effects: Effects) -> list[str]:
    facts = [f"would change: {task}" for task in effects.tasks]
    facts += [f"package {line}" for line in effects.packages]
    if effects.download or effects.disk:
        facts.append(f"downloads {size(effects.download)}, needs {size(effects.disk)} on disk")
    facts += [f"restarts {unit}" for unit in effects.restarts]
    return facts + (["reboots the host"] if effects.reboot else [])


def _diff(text: str) -> list[Line]:
    return [Line(f"        {line}", DIFF_STYLES.get(line[:1], "dim")) for line in text.splitlines()]
