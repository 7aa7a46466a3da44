"""A run's events → what it found, per host and component. Pure."""

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aimlsetup.engine.runner import Event
from aimlsetup.models.plan import Claim, Effects, Flipped, Mark, Met, Undoing

SERVICES = (
    "ansible.builtin.systemd",
    "ansible.builtin.systemd_service",
    "ansible.builtin.service",
    "systemd",
    "service",
)
COMMAND = "ansible.builtin.command"
FLIP = "codehub.aimlsetup.flip"
RESTORE = "codehub.aimlsetup.restore"
MARKS: list[Mark] = ["keep", "adopt", "replace", "in the way"]  # by strength
RECEIPT = "codehub.aimlsetup.receipt"  # that it will be written goes without saying


def effects(events: Iterable[Event], scrub: Callable[[str], str]) -> dict[tuple[str, str], Effects]:
    """{(host, component): effects} of the tasks that would change something. `scrub` hides secrets in diffs.

    A module may return `plan` with `packages` ([{name, from, to}]), `download` and `disk` (bytes), `estimated` (whether
    `disk` is), `unsized` (names), `restarts` (units) and `reboot`, and `space`, its claims on file systems. Where it
    names packages, its diff would only say the same again. `unowned` are marks as plugins/module_utils/unowned.py makes
    them.
    """
    grouped: dict[tuple[str, str], list[Event]] = defaultdict(list)
    marks: dict[tuple[str, str], list[Met]] = defaultdict(list)
    for event in events:
        if not event.component:
            continue
        key = event.host, event.component
        if event.changed and event.action != RECEIPT:
            grouped[key].append(event)
        if found := event.result.get("unowned"):
            marks[key] += map(Met.model_validate, found)
    return {
        key: _effects(grouped[key], scrub).model_copy(update={"unowned": _strongest(marks[key])})
        for key in [*grouped, *(key for key in marks if key not in grouped)]
    }


def _strongest(marks: Iterable[Met]) -> list[Met]:
    """One mark per thing: what is met first is only there, a later task may say what becomes of it."""
    found: dict[tuple[str, str], Met] = {}
    for met in marks:
        before = found.get((met.kind, met.name))
        if before is None or MARKS.index(met.mark) > MARKS.index(before.mark):
            found[met.kind, met.name] = met
    return list(found.values())


def notes(events: Iterable[Event], host: str, scrub: Callable[[str], str]) -> dict[str, str]:
    """{component: what its functional check could not check on a host}, which modules return as `note`."""
    found: dict[str, str] = {}
    for event in events:
        if event.kind == "ok" and event.host == host and event.component:
            results = [event.result, *(event.result.get("results") or ())]
            texts = [scrub(str(result["note"])) for result in results if result.get("note")]
            found |= {event.component: "; ".join(texts)} if texts else {}
    return found


def undoings(events: Iterable[Event], scrub: Callable[[str], str]) -> dict[str, Undoing]:
    """{host: what was, or would be, taken back}."""
    return {
        event.host: Undoing(
            components=list(event.result["components"]),
            effects=_effects([event], scrub),
            left=[f"{row['name']}: {scrub(str(row['why']))}" for row in event.result.get("left") or ()],
        )
        for event in events
        if event.kind == "ok" and event.action == RESTORE
    }


def flips(events: Iterable[Event]) -> dict[str, Flipped]:
    """{host: what was, or would be, flipped}."""
    return {
        event.host: Flipped.model_validate({key: event.result[key] for key in Flipped.model_fields})
        for event in events
        if event.kind == "ok" and event.action == FLIP
    }


def _effects(events: list[Event], scrub: Callable[[str], str]) -> Effects:
    plans = [plan for event in events if isinstance(plan := event.result.get("plan"), dict)]
    started = [unit for event in events if (unit := _restarted(event))]
    return Effects(
        tasks=list(dict.fromkeys(event.task for event in events)),
        untold=list(dict.fromkeys(event.task for event in events if not _tells(event))),
        diffs=[scrub(text) for event in events for text in _diffs(event.result)],
        packages=[_package(entry) for plan in plans for entry in plan.get("packages") or ()],
        download=sum(int(plan.get("download") or 0) for plan in plans),
        disk=sum(int(plan.get("disk") or 0) for plan in plans),
        estimated=any(plan.get("estimated") for plan in plans),
        unsized=[str(name) for plan in plans for name in plan.get("unsized") or ()],
        space=[Claim.model_validate(claim) for event in events for claim in event.result.get("space") or ()],
        restarts=list(dict.fromkeys([*started, *(str(unit) for plan in plans for unit in plan.get("restarts") or ())])),
        reboot=any(plan.get("reboot") for plan in plans) or any(event.action.endswith("reboot") for event in events),
        lost=[line for event in events for line in _lost(event)],
    )


def _lost(event: Event) -> list[str]:
    """What no undo brings back: packages that are nowhere to be had, files too large to keep, what a command makes."""
    if event.action == COMMAND:
        return [f"what “{event.task.partition(' : ')[2] or event.task}” makes stays"]
    packages = (event.result.get("plan") or {}).get("lost") or ()
    told = [f"{name}: neither apt's cache nor a source has this version to go back to" for name in packages]
    return told + [str(line) for line in event.result.get("lost") or ()]


def _tells(event: Event) -> bool:
    """Whether the plan shows what this one would do."""
    return bool(_restarted(event) or _diffs(event.result) or (event.result.get("plan") or {}).get("packages"))


def _restarted(event: Event) -> str | None:
    """The unit that a handler would restart."""
    return event.result.get("name") if event.handler and event.action in SERVICES else None


def _package(entry: Mapping[str, Any]) -> str:
    """One package of a transaction: what there is, and what there will be."""
    return f"{entry['name']}: {entry.get('from') or 'absent'} → {entry.get('to') or 'absent'}"


def _diffs(result: Mapping[str, Any]) -> list[str]:
    """Unified diffs of what Ansible puts under `diff`: one mapping or a list of them, before and after or prepared."""
    texts, found = [], result.get("diff")
    if isinstance(found, Mapping) and (result.get("plan") or {}).get("packages"):
        return []
    for part in found if isinstance(found, list) else [found]:
        if isinstance(part, Mapping):
            text = part.get("prepared") or _unified(part)
            if text:
                texts.append(str(text))
    return texts


def _unified(part: Mapping[str, Any]) -> str:
    before, after = part.get("before"), part.get("after")
    names = (str(part.get("before_header") or "before"), str(part.get("after_header") or "after"))
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        return _attributes(names[1], before or {}, after or {})
    return "\n".join(difflib.unified_diff(_lines(before), _lines(after), *names, lineterm="", n=1))


def _attributes(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """One line for a thing that is described by its attributes, such as a directory."""
    keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    if not before:
        return f"+ {name}: " + ", ".join(f"{key} {after[key]}" for key in keys)
    if not after:
        return f"- {name}"
    return f"~ {name}: " + ", ".join(f"{key} {before.get(key)} → {after.get(key)}" for key in keys)


def _lines(side: Any) -> list[str]:
    return [] if side is None else str(side).splitlines()
