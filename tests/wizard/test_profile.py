"""Answers and profile are a lens: nothing is lost in either direction."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimlsetup import files
from aimlsetup.wizard import profile, questions
from aimlsetup.wizard.session import Session
from tests.wizard.cases import EXAMPLE, HOSTILE, answered, session

SCALARS = questions.scalars(session().around)
GATES = {"start", "change_roots", "more"}  # they steer the conversation, and say nothing of the profile
bounded = settings(max_examples=50, deadline=None)


@bounded
@given(answered())
def test_answers_are_found_again_in_the_profile_they_made(made: Session) -> None:
    answers = made.complete()
    found = profile.get(made.profile(), SCALARS)
    assert {name: found.get(name) for name in answers.keys() - GATES} == {
        name: value for name, value in answers.items() if name not in GATES
    }


@bounded
@given(answered())
def test_the_profile_is_its_own_replay_byte_for_byte(made: Session) -> None:
    written = made.profile()
    text = files.dump(written, sort=False)
    again = Session(made.around, document=files.parse(text, files.Path("x")).data)
    assert files.dump(again.profile(), sort=False) == text


@bounded
@given(
    answered(),
    st.dictionaries(
        st.sampled_from(["base", "repos", "codehub"]),
        st.dictionaries(
            st.sampled_from(["extra", "lists"]),
            st.one_of(st.sampled_from(HOSTILE), st.lists(st.sampled_from(HOSTILE))),
        ),
    ),
)
def test_what_is_not_asked_about_stays(made: Session, extra: dict[str, Any]) -> None:
    document = made.profile()
    for section, more in extra.items():
        document.setdefault(section, {}).update(more)
    for host in document["hosts"].values():
        host["identity"] = "/keys/it's {{ mine }}"
    for item in document.get("repos", {}).get("checkouts", []):
        item["known_hosts"] = HOSTILE
    before = deepcopy(document)
    assert profile.put(profile.get(document, SCALARS), document, SCALARS) == before
    assert document == before, "the given document is left alone"


@bounded
@given(answered(document=deepcopy(EXAMPLE) | {"hosts": {"box": {"connection": "local", "address": "x"}}}))
def test_changed_answers_over_an_existing_profile_are_found_again(made: Session) -> None:
    answers = made.complete()
    found = profile.get(made.profile(), SCALARS)
    for name in answers.keys() - GATES:
        assert found.get(name) == answers[name]


def test_hosts_that_say_more_than_the_questions_are_kept() -> None:
    hosts = {
        "a": {"connection": "ssh", "address": "a", "user": "x"},
        "b": {"connection": "ssh", "address": "b", "user": "y"},
    }
    found = profile.get({"hosts": hosts}, ())
    assert found["where"] == "keep"
    assert profile.put({"where": "keep"}, {"hosts": hosts}, ())["hosts"] == hosts


def test_a_host_keeps_its_key_when_the_user_changes() -> None:
    hosts = {
        "web": {
            "connection": "ssh",
            "address": "10.0.0.5",
            "identity": "/keys/web",
            "become": {"method": "sudo"},
        }
    }
    found = profile.get({"hosts": hosts}, ())
    changed = profile.put(found | {"ssh.user": "ops", "hosts": ["10.0.0.5", "10.0.0.6"]}, {"hosts": hosts}, ())
    assert changed["hosts"]["web"] == hosts["web"] | {"user": "ops"}
    assert changed["hosts"]["10.0.0.6"] == {
        "connection": "ssh",
        "address": "10.0.0.6",
        "user": "ops",
        "become": {"method": "sudo"},
    }


def test_nothing_of_a_sandbox_host_stays_when_it_becomes_one_over_ssh() -> None:
    document = {"hosts": {"box": {"connection": "sandbox", "release": "bookworm"}}}
    answers = {"where": "ssh", "hosts": ["box"], "ssh.user": None, "ssh.port": None, "become": "none"}
    assert profile.put(answers, document, ())["hosts"] == {"box": {"connection": "ssh", "address": "box"}}


def test_fewer_repositories_drop_the_last_and_keep_what_else_the_first_says() -> None:
    document = deepcopy(EXAMPLE)
    document["repos"]["checkouts"].append({"url": "/srv/b.git", "dest": "/b", "version": "main"})
    made = session(document=document | {"hosts": {"localhost": {"connection": "local"}}}, flags={"repos": 1})
    assert made.profile()["repos"]["checkouts"] == EXAMPLE["repos"]["checkouts"]


def test_a_deploy_key_goes_with_the_need_for_it() -> None:
    document = deepcopy(EXAMPLE) | {"hosts": {"localhost": {"connection": "local"}}}
    document["repos"]["checkouts"][0]["credentials"] = {"kind": "deploy_key", "key": "file:/k"}
    made = session(document=document, flags={"repos.1.credentials": "none"})
    assert made.profile()["repos"]["checkouts"] == EXAMPLE["repos"]["checkouts"]


@pytest.mark.parametrize("name", ["sudo", "sudo-password", "none"])
def test_the_way_to_root_is_a_reference_never_a_password(name: str) -> None:
    made = session(flags={"where": "local", "start": "none", "become": name})
    become = made.profile()["hosts"]["localhost"].get("become", {})
    assert become.get("password") == ("prompt:sudo password" if name == "sudo-password" else None)
