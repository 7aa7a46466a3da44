"""What a new lock pins otherwise than the old one. Pure."""

from collections.abc import Iterator, Mapping

from aimlsetup.models.lock import Change, Lock, Pin

ABSENT = Pin(version="", because=[])
ANY = "any version"  # of a package of which only the index can say it


def changes(old: Lock | None, new: Lock) -> list[Change]:
    """All of them, by class and pin."""
    names = sorted({*new.classes, *(old.classes if old else ())})
    return [change for name in names for change in between(name, _pins(old, name), _pins(new, name))]


def between(host_class: str, before: Mapping[str, Pin], after: Mapping[str, Pin]) -> Iterator[Change]:
    """Those of one class; of a pin that kept its version those of its packages, as `driver.nvidia-driver`."""
    for name in sorted({*before, *after}):
        was, now = before.get(name, ABSENT), after.get(name, ABSENT)
        found = {name: (was.version or None, now.version or None)}
        if was.version == now.version:
            packages = sorted({*was.packages, *now.packages})
            found = {f"{name}.{package}": (_version(was, package), _version(now, package)) for package in packages}
        for pin, (earlier, later) in found.items():
            if earlier != later:
                yield Change(host_class=host_class, pin=pin, before=earlier, after=later, because=now.because)


def _version(pin: Pin, package: str) -> str | None:
    return (pin.packages[package] or ANY) if package in pin.packages else None


def _pins(lock: Lock | None, name: str) -> dict[str, Pin]:
    return lock.classes[name].pins if lock and name in lock.classes else {}
