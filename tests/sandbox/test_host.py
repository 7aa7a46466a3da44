"""Names, numbers, addresses and bind mounts."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.sandbox import host

SUBNET = IPv4Network("10.77.0.0/16")


@pytest.mark.parametrize("name", ["a", "web-1", "t123-4", "a" * 31])
def test_good_names_pass(name: str) -> None:
    assert host.check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "-a", "a_b", "a.b", "a" * 32, "a/b", "..", "a\n", "{{ x }}", "a;id", "é"]
)
def test_bad_names_are_usage_errors(name: str) -> None:
    with pytest.raises(AimlsetupError) as caught:
        host.check_name(name)
    assert caught.value.exit_code == Exit.USAGE


@given(st.text())
def test_only_harmless_names_pass(name: str) -> None:
    try:
        host.check_name(name)
    except AimlsetupError:
        return
    assert name.isascii()
    assert name == name.lower().strip()
    assert name.replace("-", "").isalnum()
    assert len(name) <= 31


def test_addresses_follow_the_index() -> None:
    assert [str(host.address(SUBNET, index)) for index in (1, 2, 256)] == ["10.77.0.1", "10.77.0.2", "10.77.1.0"]


@pytest.mark.parametrize("index", [0, 65535, 70000])
def test_an_index_outside_the_network_is_an_error(index: int) -> None:
    with pytest.raises(AimlsetupError):
        host.address(SUBNET, index)


@given(st.integers(1, 65534), st.integers(1, 65534))
def test_hardware_addresses_are_as_distinct_as_addresses(one: int, other: int) -> None:
    macs = {host.mac(host.address(SUBNET, index)) for index in (one, other)}
    assert len(macs) == len({one, other})


def test_the_hardware_address_is_the_address_in_hexadecimal() -> None:
    assert host.mac(IPv4Address("10.77.1.2")) == "02:77:0a:4d:01:02"


@given(st.sets(st.integers(2, 60)))
def test_the_free_index_is_the_lowest_one(taken: set[int]) -> None:
    index = host.free_index(taken)
    assert index not in taken
    assert set(range(2, index)) <= taken


def test_the_preferred_network_is_kept_unless_something_overlaps_it() -> None:
    preferred = IPv4Network("10.90.0.0/16")
    assert host.free_subnet([], preferred) == preferred
    assert host.free_subnet([IPv4Network("10.90.7.0/24")], preferred) == SUBNET
    assert host.free_subnet([preferred, SUBNET], preferred) == IPv4Network("10.78.0.0/16")


def test_no_free_network_is_an_error_that_names_what_is_in_the_way() -> None:
    with pytest.raises(AimlsetupError, match="no network is free") as caught:
        host.free_subnet([IPv4Network("10.0.0.0/8")], SUBNET)
    assert any("10.0.0.0/8" in line for line in caught.value.context)


def test_binds_are_read_only_unless_told_otherwise() -> None:
    assert host.parse_bind("/a:/b") == host.Bind(Path("/a"), Path("/b"), writable=False)
    assert host.parse_bind("/a:/b:ro") == host.parse_bind("/a:/b")
    assert host.parse_bind("/a:/b:rw").writable


@pytest.mark.parametrize(
    "text", ["", "/a", "/a:", ":/b", "a:/b", "/a:b", "/a:/", "/a:/b:", "/a:/b:x", "/a:/b:rw:x", "/a:/../b", "/a\n:/b"]
)
def test_other_binds_are_usage_errors(text: str) -> None:
    with pytest.raises(AimlsetupError) as caught:
        host.parse_bind(text)
    assert caught.value.exit_code == Exit.USAGE


PATHS = st.text(st.characters(exclude_characters=":/", exclude_categories=("Cc", "Cs")), min_size=1).filter(
    lambda part: part not in {".", ".."}
).map(lambda part: Path("/", part))


@given(PATHS, PATHS, st.booleans())
def test_a_bind_written_out_reads_as_itself(source: Path, target: Path, writable: bool) -> None:
    bind = host.Bind(source, target, writable)
    assert host.parse_bind(str(bind)) == bind
