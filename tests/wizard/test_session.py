"""Which answer counts, what is missing, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.wizard import kinds
from aimlsetup.wizard.session import Session, lengthened
from tests.wizard.cases import EXAMPLE, HOSTILE, session

LOCAL = {"where": "local", "start": "none"}
OBSERVED = {
    "uid": 1000,
    "pythons": {"/usr/bin/python3.9": "3.9.2", "/usr/bin/python3.13": "3.13.5", "/opt/x": "3.14.0"},
}


def refused(made: Session) -> str:
    with pytest.raises(AimlsetupError) as caught:
        made.complete()
    assert caught.value.exit_code == Exit.USAGE
    return str(caught.value)


def test_each_source_of_answers_goes_before_the_next() -> None:
    made = session(
        document={
            "version": 1,
            "requests": {"python": "3.10"},
            "hosts": {"localhost": {"connection": "local"}},
        }
    )
    made.facts = OBSERVED
    assert made.answers["python"] == "3.10"
    for layer, value in ((made.given, "3.11"), (made.flags, "3.12"), (made.asked, "3.13")):
        layer["python"] = value
        assert made.answers["python"] == value


def test_what_was_observed_goes_before_defaults() -> None:
    made = session(flags=LOCAL)
    assert (made.answers["python"], made.answers["become"]) == (None, "sudo-password")
    made.facts = OBSERVED
    assert (made.answers["python"], made.answers["become"]) == ("3.13", "sudo-password")
    made.facts = OBSERVED | {"uid": 0}
    assert made.answers["become"] == "none"


def test_nothing_given_is_the_quickstart_on_a_sandbox_host() -> None:
    assert session().profile()["hosts"] == {"quickstart": {"connection": "sandbox", "release": "bookworm"}}
    assert {key: value for key, value in session().profile().items() if key != "hosts"} == EXAMPLE


def test_missing_answers_are_named_with_their_flags() -> None:
    text = refused(session(flags={"where": "ssh", "start": "own"}))
    for name in ("hosts", "repos.1.url", "services.1.model_key"):
        assert f"--set {name}=" in text


def test_an_answer_without_effect_is_refused() -> None:
    assert "--set hosts=…: not asked with these answers" in refused(session(flags=LOCAL | {"hosts": ["a"]}))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("where", "moon", "one of sandbox, local, ssh is expected"),
        ("device", "tpu", "one of cpu, gpu is expected"),
        ("roots.codehub", "relative/dir", "an absolute path without"),
        ("roots.codehub", "/a/../b", "an absolute path without"),
        ("python", "three", "a version such as 3.11"),
        ("requirements", ["falcon >= 4 and more"], "requirements such as falcon>=4"),
        ("components", ["codehub", "cuda"], "one of base, codehub"),
        ("reboot_ok", "maybe", "ask, yes or no is expected"),
        ("env_name", "../py", "the common name of a virtualenv"),
        ("repos", 51, "a number up to 50"),
        ("codehub.owner", "Some One", "the name of an account"),
    ],
)
def test_an_answer_a_question_does_not_accept_is_refused(name: str, value: object, expected: str) -> None:
    assert expected in refused(session(flags=LOCAL | {name: value}))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("url", "--upload-pack=touch x", "https://HOST/PATH, ssh://"),
        ("url", "ext::sh -c id", "https://HOST/PATH, ssh://"),
        ("url", "https://me:hunter2@example.org/a.git", "https://HOST/PATH, ssh://"),
        ("version", "--force", "a branch, tag or commit"),
        ("version", "a..b", "a branch, tag or commit"),
        ("dest", "apps", "an absolute path"),
    ],
)
def test_a_repository_git_would_misread_is_refused(field: str, value: str, expected: str) -> None:
    answers = LOCAL | {"repos": 1, "repos.1.url": "/srv/a.git", f"repos.1.{field}": value}
    text = refused(session(flags=answers))
    assert expected in text
    assert "hunter2" not in text


def test_a_literal_key_is_refused_and_not_shown() -> None:
    answers = LOCAL | {
        "repos": 1,
        "repos.1.url": "/srv/a.git",
        "repos.1.credentials": "deploy_key",
        "repos.1.key": "BEGIN KEY",
    }
    made = session(flags=answers)
    text = refused(made)
    assert "a secret is a reference" in text
    assert "BEGIN KEY" not in text
    assert "repos.1.key" not in made.answered(), "what is not accepted is not kept either"


def test_two_services_cannot_have_one_port() -> None:
    answers = LOCAL | {
        "services": 2,
        "services.1.model_key": "a-b-1",
        "services.2.model_key": "a-b-2",
        "services.2.port": 4100,
    }
    assert "--set services.2.port=…: a port of its own is expected: service 1 has this one" in refused(
        session(flags=answers)
    )


def test_ports_are_suggested_that_no_other_service_has() -> None:
    answers = LOCAL | {"services": 2, "services.1.model_key": "a-b-1", "services.2.model_key": "a-b-2"}
    assert [entry["port"] for entry in session(flags=answers).profile()["ai_service"]["services"]] == [
        4100,
        4110,
    ]


def test_a_flag_for_an_item_makes_the_list_long_enough() -> None:
    assert lengthened({"repos.2.url": "/x"}, {})["repos"] == 2
    assert lengthened({"repos.1.version": "v2"}, {"repos": {"checkouts": [{}, {}, {}]}})["repos"] == 3
    assert lengthened({"repos.3.url": "/x", "repos": 5}, {})["repos"] == 5


@pytest.mark.parametrize(
    ("name", "hint"), [("wher", "where"), ("repos.1.ulr", "repos.1.url"), ("codehub.onte", "codehub.note")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(AimlsetupError) as caught:
        session().accept({name: "x"})
    assert hint in str(caught.value.hint)


def test_a_file_with_another_kind_of_answer_is_refused() -> None:
    with pytest.raises(AimlsetupError, match="components: list of words is expected"):
        session().check({"components": "base"}, "answers.yml")


def test_settings_come_from_argument_specs() -> None:
    made = session(flags=LOCAL | {"codehub.note": "me", "python_env.index_password": "env:PW", "ai_service.workers": 2})
    document = made.profile()
    assert document["codehub"]["note"] == "me"
    assert document["python_env"]["index_password"] == "env:PW"
    assert "workers" not in document.get("ai_service", {}), "what is the role's default anyway is not written"
    question = made.question("codehub.note")
    assert question is not None
    assert question.prompt == "codehub: What people should know"
    assert made.question("codehub.env_name") is None, "a question of its own asks that"
    assert made.question("codehub.databases") is None, "nothing one could enter on a line"
    assert "a secret is a reference" in refused(session(flags=LOCAL | {"python_env.index_password": "pw"}))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_data(hostile: str) -> None:
    made = session()
    made.flags |= LOCAL | made.accept({"codehub.note": hostile})
    assert made.profile()["codehub"]["note"] == hostile


words = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), max_size=4)


@given(words)
def test_words_are_read_as_they_are_shown(value: list[str]) -> None:
    assert kinds.WORDS.read(kinds.WORDS.show(value)) == value


@given(st.one_of(st.none(), st.integers(0), st.text(min_size=1), st.booleans()))
def test_values_are_read_as_they_are_shown(value: object) -> None:
    fitting = [kind for kind in (kinds.TEXT, kinds.INTEGER, kinds.YES_NO, kinds.CONSENT) if kind.holds(value)]  # type: ignore[arg-type]
    assert fitting
    for kind in fitting:
        assert kind.read(kind.show(value)) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kinds.INTEGER, "4 1"),
        (kinds.INTEGER, "-1"),
        (kinds.YES_NO, "perhaps"),
        (kinds.WORDS, "'open"),
        (kinds.CONSENT, ""),
    ],
)
def test_text_that_is_no_value_says_what_was_expected(kind: kinds.Kind, text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        kind.read(text)


def test_no_framework_is_wished_for_where_there_is_no_environment() -> None:
    assert "framework" not in session(flags=LOCAL | {"components": ["base"]}).profile()["requests"]


ADA = {"id": "10de:2684", "driver": None}


def names(made: Session) -> set[str]:
    """The questions that a person would be asked."""
    return {question.name for question in made.applicable() if question.asked(made.scene)}


def test_only_where_a_gpu_was_seen_or_declared_is_a_person_asked_about_it() -> None:
    other = OBSERVED | {"gpus": [{"id": "1002:744c", "driver": None}]}
    assert "device" not in names(session(flags=LOCAL, facts=other))
    assert "no NVIDIA GPU was found" in refused(session(flags=LOCAL | {"device": "gpu"}, facts=other))
    assert "device" in names(session(flags=LOCAL, facts=OBSERVED | {"gpus": [ADA]}))
    declared = {"hosts": {"box": {"connection": "local", "gpus": ["10de:2684"]}}}
    assert "device" in names(session(document=declared, facts=OBSERVED | {"gpus": []}))


def test_a_gpu_brings_its_own_questions() -> None:
    made = session(flags=LOCAL | {"device": "gpu"}, facts=OBSERVED | {"gpus": [ADA]})
    assert {"preset", "channel", "driver_track", "framework"} <= names(made)
    requests = made.profile()["requests"]
    assert (requests["device"], requests.keys() & {"channel", "driver"}) == ("gpu", set())


def test_a_preset_takes_the_place_of_the_framework() -> None:
    flags = {"where": "sandbox", "device": "gpu", "preset": "mask-rcnn-prediction", "driver_track": "lts"}
    made = session(flags=flags | {"channel": "nvidia"})
    assert made.answers["start"] == "example"
    assert "framework" not in names(made)
    document = made.profile()
    assert document["preset"] == "mask-rcnn-prediction"
    assert document["requests"] == {"device": "gpu", "channel": "nvidia", "driver": {"track": "lts"}}
    assert session(document=document).profile() == document


def test_a_preset_decides_what_it_computes_on_unless_told_otherwise() -> None:
    document = {"hosts": {"box": {"connection": "local"}}, "preset": "pytorch-current"}
    assert session(document=document).answers["device"] == "gpu"


def test_a_preferred_channel_is_left_as_it_is() -> None:
    requests = {"device": "gpu", "channel": {"prefer": "nvidia"}}
    made = session(document={"hosts": {"box": {"connection": "local"}}, "requests": requests})
    assert "channel" not in names(made)
    assert made.profile()["requests"]["channel"] == {"prefer": "nvidia"}


@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_a_preferred_framework_is_left_as_it_is(framework: str) -> None:
    wish = {framework: {"prefer": "2.17"}}
    there = EXAMPLE | {"hosts": {"box": {"connection": "local"}}, "requests": {"device": "gpu", "framework": wish}}
    made = session(document=there)
    assert "framework_version" not in names(made)
    assert made.profile()["requests"]["framework"] == wish
    assert session(document=there, flags={"framework": "none"}).profile()["requests"]["framework"] == {}


def test_what_belongs_to_a_device_comes_and_goes_with_it() -> None:
    there = EXAMPLE | {"hosts": {"box": {"connection": "local"}}}
    on_gpu = session(document=there, flags={"device": "gpu"}).profile()
    assert set(on_gpu["components"]) - set(EXAMPLE["components"]) == {"gpu_sources"}
    assert session(document=on_gpu, flags={"device": "cpu"}).profile()["components"] == EXAMPLE["components"]
    without = on_gpu | {"components": EXAMPLE["components"]}
    assert session(document=without).profile() == without, "who left it out wants it so"
