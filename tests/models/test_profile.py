"""The profile's own fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from aimlsetup.models.profile import AbsolutePath, HostName, Profile, SecretReference, layered

PATH, NAME, SECRET = (TypeAdapter(kind) for kind in (AbsolutePath, HostName, SecretReference))


@given(st.text())
def test_a_path_is_absolute_and_stays_below_itself(text: str) -> None:
    try:
        PATH.validate_python(text)
    except ValidationError:
        return
    assert text.startswith("/")
    assert ".." not in text.split("/")
    assert not {"\n", "\0"} & set(text)


@given(st.text())
def test_a_host_name_can_be_neither_an_option_nor_a_path_nor_a_pattern(text: str) -> None:
    try:
        NAME.validate_python(text)
    except ValidationError:
        return
    assert text[0].isalnum()
    assert not set(text) & set("/*?[]{}:;,!&~ \n'\"\\$")


@given(st.text() | st.integers() | st.lists(st.text()))
def test_a_secret_is_a_reference_or_refused_without_being_shown(value: object) -> None:
    if isinstance(value, str) and value.partition(":")[0] in ("env", "file", "prompt", "vault", "host"):
        return
    with pytest.raises(ValidationError) as caught:
        SECRET.validate_python(value)
    assert [row["type"] for row in caught.value.errors()] == ["literal_secret"]


@pytest.mark.parametrize(
    "wrong", [{"roots": {"codehub": 1}}, {"version": "1"}, {"components": "base"}, {"reboot_ok": 1}]
)
def test_values_are_not_coerced(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Profile.model_validate(wrong)


def test_groups_are_laid_over_the_profile_in_their_order() -> None:
    profile = Profile.model_validate(
        {
            "components": ["base"],
            "roots": {"data": "/data", "rpt": "/rpt"},
            "requests": {"python": "3.11", "framework": {"tensorflow": "2.20"}, "driver": {"track": "lts"}},
            "sections": {"codehub": {"exports": {"A": "1"}}},
            "hosts": {"a": {"groups": ["gpus", "unknown", "rack"]}, "b": {}},
            "groups": {
                "rack": {"roots": {"data": "/rack"}, "sections": {"codehub": {"exports": {"B": "2"}}}},
                "gpus": {
                    "components": ["base", "cuda"],
                    "roots": {"data": "/gpus"},
                    "requests": {"device": "gpu", "framework": {"pytorch": None}, "driver": {"flavour": "open"}},
                    "reboot_ok": True,
                },
            },
        }
    )
    assert profile.of(profile.groups_of("b")) == profile
    assert profile.groups_of("nobody") == ()
    made = profile.of(profile.groups_of("a"))
    assert (made.components, made.reboot_ok) == (["base", "cuda"], True)
    assert (made.roots.data, made.roots.rpt, made.roots.mnt) == ("/rack", "/rpt", "/aimldl-mnt")
    assert made.requests.model_dump(exclude_unset=True) == {
        "device": "gpu",
        "python": "3.11",
        "framework": {"tensorflow": "2.20", "pytorch": None},
        "driver": {"track": "lts", "flavour": "open"},
    }
    assert made.sections == {"codehub": {"exports": {"A": "1", "B": "2"}}}
    assert (profile.roots.data, profile.sections["codehub"]["exports"]) == ("/data", {"A": "1"})


TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=8)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), TREES)


@given(MAPPINGS, MAPPINGS)
def test_what_is_laid_over_counts_and_nothing_else_is_lost(below: dict[str, object], above: dict[str, object]) -> None:
    made = layered(below, above)
    assert layered(made, above) == made
    assert layered(below, {}) == below
    assert made.keys() == below.keys() | above.keys()
    assert all(made[key] == below[key] for key in below.keys() - above.keys())
    assert all(made[key] == value for key, value in above.items() if not isinstance(value, dict))
