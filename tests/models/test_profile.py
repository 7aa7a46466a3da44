"""The profile's own fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from aimlsetup.models.profile import AbsolutePath, HostName, Profile, SecretReference

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
