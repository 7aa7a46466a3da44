"""The lock as a document."""

from aimlsetup.models.lock import HostClass, Lock, Pin, Reason


def test_a_hosts_class() -> None:
    pins = {"py_3.python": Pin(version="3.11", because=[Reason(kind="fact", text="default", source="somewhere")])}
    found = HostClass(
        hosts=["a"], platform={"id": "debian"}, pins=pins, components={"base": {"base_packages": ["git"]}}
    )
    lock = Lock(profile="sha256:0", classes={"debian": found})
    assert lock.class_of("a") == found
    assert lock.class_of("b") is None
    assert Lock.model_validate(lock.model_dump(mode="json")) == lock
