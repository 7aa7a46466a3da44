"""What a new lock pins otherwise: by version, and by packages where the version stays."""

from aimlsetup.locking.changes import between
from aimlsetup.models.lock import Pin


def pins(**versions: tuple[str, dict[str, str | None]]) -> dict[str, Pin]:
    return {name: Pin(version=version, because=[], packages=packages) for name, (version, packages) in versions.items()}


def test_pins_come_go_and_change() -> None:
    before = pins(gone=("1", {"a": "1-1"}), moved=("1", {"a": "1-1"}), same=("1", {"a": "1-1", "b": None}))
    after = pins(come=("1", {}), moved=("2", {"a": "2-1"}), same=("1", {"a": "1-1", "b": None}))
    found = {change.pin: (change.before, change.after) for change in between("x", before, after)}
    assert found == {"come": (None, "1"), "gone": ("1", None), "moved": ("1", "2")}


def test_of_a_version_that_stays_its_packages_are_told() -> None:
    before = pins(driver=("580.65.06", {"cuda-drivers": "580.65.06-1", "gone": "1", "open": None, "same": "1"}))
    after = pins(driver=("580.65.06", {"cuda-drivers": "580.65.06-2", "come": "1", "open": "1", "same": "1"}))
    found = {change.pin: (change.before, change.after) for change in between("x", before, after)}
    assert found == {
        "driver.come": (None, "1"),
        "driver.cuda-drivers": ("580.65.06-1", "580.65.06-2"),
        "driver.gone": ("1", None),
        "driver.open": ("any version", "1"),
    }
