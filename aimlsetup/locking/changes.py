"""What a new lock pins otherwise than the old one. Pure."""

from collections.abc import Iterator, Mapping

from aimlsetup.models.lock import Change, Lock, Pin

ABSENT = Pin(version="", because=[])


def changes(old: Lock | None, new: Lock) -> list[Change]:
    """All of them, by class and pin."""
    names = sorted({*new.classes, *(old.classes if old else ())})
    return [change for name in names for change in between(name, _pins(old, name), _pins(new, name))]


def between(host_class: str, before: Mapping[str, Pin], after: Mapping[str, Pin]) -> Iterator[Change]:
    """Those of one class."""
    for name in sorted({*before, *after}):
        was, now = before.get(name, ABSENT), after.get(name, ABSENT)
        if was.version != now.version:
            yield Change(
                host_class=host_class,
                pin=name,
                before=was.version or None,
                after=now.version or None,
                because=now.because,
            )


def _pins(lock: Lock | None, name: str) -> dict[str, Pin]:
    return lock.classes[name].pins if lock and name in lock.classes else {}
