"""What a new lock pins otherwise than the old one. Pure."""

from aimlsetup.models.lock import Change, Lock, Pin

ABSENT = Pin(version="", because=[])


def changes(old: Lock | None, new: Lock) -> list[Change]:
    """All of them, by class and pin."""
    found = []
    for name in sorted({*new.classes, *(old.classes if old else ())}):
        before, after = _pins(old, name), _pins(new, name)
        for pin in sorted({*before, *after}):
            was, now = before.get(pin, ABSENT), after.get(pin, ABSENT)
            if was.version != now.version:
                change = Change(
                    host_class=name, pin=pin, before=was.version or None, after=now.version or None, because=now.because
                )
                found.append(change)
    return found


def _pins(lock: Lock | None, name: str) -> dict[str, Pin]:
    return lock.classes[name].pins if lock and name in lock.classes else {}
