"""Hosts of several groups, and hosts of inventories, in one lock."""

from collections.abc import Iterable

import pytest

from aimlsetup import locking
from aimlsetup.models.inventory import Inventories, Listed
from aimlsetup.models.profile import Profile

from .conftest import Observe


@pytest.fixture
def profile() -> Profile:
    """Three hosts, two of them in a group of other roots."""
    return Profile.model_validate(
        {
            "components": ["base"],
            "hosts": {"a": {}, "b": {"groups": ["racks"]}, "c": {"groups": ["racks"]}},
            "groups": {"racks": {"roots": {"rpt": "/srv/rpt"}}, "empty": {}},
        }
    )


def listed(profile: Profile, *names: str, groups: Iterable[str] = ()) -> Profile:
    """The profile with hosts of an inventory."""
    host = Listed(inventories=Inventories(), groups=[*groups])
    return profile.model_copy(update={"hosts": {**profile.hosts, **dict.fromkeys(names, host)}})


def test_hosts_of_a_group_are_a_class_of_their_own(profile: Profile, observation: Observe) -> None:
    seen = {name: observation() for name in "abc"}
    lock = locking.make(profile, seen)
    assert {name: (found.hosts, found.groups) for name, found in lock.classes.items()} == {
        "debian-12-x86_64": (["a"], {}),
        "debian-12-x86_64-2": (["b", "c"], {"b": ["racks"], "c": ["racks"]}),
    }
    roots = [str(found.components["base"]["base_roots"]) for found in lock.classes.values()]
    assert ["/srv/rpt" in text for text in roots] == [False, True]
    assert locking.current(lock, profile, seen)


def test_a_host_that_goes_to_another_group_is_solved_again(profile: Profile, observation: Observe) -> None:
    seen = {"d": observation()}
    before = listed(profile, "d")
    lock = locking.make(before, seen)
    assert locking.current(lock, before, seen)
    assert not locking.current(lock, listed(profile, "d", groups=["racks"]), seen)


def test_groups_that_wish_for_nothing_make_no_difference(profile: Profile, observation: Observe) -> None:
    seen = {name: observation() for name in "ad"}
    lock = locking.make(listed(profile, "d", groups=["empty", "others"]), seen)
    assert [(found.hosts, found.groups) for found in lock.classes.values()] == [(["a", "d"], {"d": ["empty"]})]


def test_hosts_of_an_inventory_come_and_go_without_the_others(profile: Profile, observation: Observe) -> None:
    lock = locking.make(listed(profile, "d", "e"), {name: observation() for name in "ade"})
    more = locking.make(listed(profile, "e", "f"), {"f": observation()}, lock)
    assert more.profile == lock.profile == locking.profile_digest(profile)
    assert {host for found in more.classes.values() for host in found.hosts} == {"a", "e", "f"}
    alone = locking.make(profile, {"b": observation()}, more)
    assert {host for found in alone.classes.values() for host in found.hosts} == {"a", "b", "e", "f"}
