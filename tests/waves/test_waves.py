"""Which hosts are changed together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup.waves import Serial, waves

SERIALS = st.none() | st.builds(Serial, st.integers(1, 30)) | st.builds(Serial, st.integers(1, 100), st.just(True))


@given(st.lists(st.text(min_size=1), unique=True), SERIALS)
def test_one_comes_first_and_every_host_has_its_turn_once(hosts: list[str], serial: Serial | None) -> None:
    made = waves(hosts, serial)
    assert [name for wave in made for name in wave] == hosts
    assert [len(wave) for wave in made[:1]] == [1] * bool(hosts)
    assert all(made)
    if serial:
        assert all(len(wave) <= serial.size(len(hosts)) for wave in made)
    else:
        assert len(made) <= 2


NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(NAMES, st.lists(NAMES), st.sets(st.sampled_from("abcdefgh")))
def test_behind_a_gateway_somebody_is_left_who_serves(
    hosts: list[str], sharing: list[list[str]], last: set[str]
) -> None:
    made = waves(hosts, sharing=sharing, last=last)
    assert sorted(name for wave in made for name in wave) == sorted(hosts)
    assert all(len(set(wave) & set(group)) <= len(group) // 2 for wave in made for group in sharing if len(group) > 1)
    assert [name for wave in made for name in wave if name in last] == [name for name in hosts if name in last]
    assert not any(set(wave) & last for wave in made[: len(made) - len(last.intersection(hosts))])


@pytest.mark.parametrize(
    ("sharing", "last", "made"),
    [
        ([], "", ["a", "bcde"]),
        (["abcd"], "", ["a", "bc", "de"]),
        (["ab", "cd"], "", ["a", "bc", "de"]),
        (["a"], "", ["a", "bcde"]),
        (["bcde"], "a", ["b", "cd", "e", "a"]),
    ],
)
def test_waves_behind_a_gateway(sharing: list[str], last: str, made: list[str]) -> None:
    found = ["".join(wave) for wave in waves("abcde", sharing=sharing, last=last)]
    assert found == made


def test_a_size_that_is_asked_for_counts() -> None:
    assert waves("abc", Serial(2), sharing=["abc"]) == [["a"], ["b", "c"]]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("1", [1] * 10), ("3", [1, 3, 3, 3]), ("30%", [1, 3, 3, 3]), ("1%", [1] * 10), ("99", [1, 9]), ("100%", [1, 9])],
)
def test_sizes_of_ten_hosts(text: str, sizes: list[int]) -> None:
    assert [len(wave) for wave in waves("abcdefghij", Serial.of(text))] == sizes


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "-1", "1.5", "x", "%", "1%%", "٣%x", "9999999999"])
def test_what_is_no_size_of_a_wave(text: str) -> None:
    with pytest.raises(ValueError, match="a number of hosts from 1, or a percentage from 1% to 100%"):
        Serial.of(text)
