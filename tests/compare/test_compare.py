"""Lock and observation → drift: each kind of drift, and each alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup import compare, content
from aimlsetup.models.observation import Observation, Row
from aimlsetup.models.plan import Claim, Drift, Effects, Expected, HostPlan, Planned

DIGEST = "sha256:one"


def receipt(**changes: Any) -> dict[str, Any]:
    return {"input_digest": DIGEST, "secrets": None, "owned": {}, **changes}


def observed(receipts: dict[str, Any], **facts: Any) -> Observation:
    return Observation.model_validate({"version": 1, "facts": {"uid": 0, **facts}, "receipts": receipts})


def signs(drifts: list[Drift]) -> dict[str, str]:
    return {drift.component: drift.action for drift in drifts}


def test_what_holds_is_no_drift() -> None:
    found = compare.compare({"base": Expected(DIGEST)}, observed({"base": receipt()}))
    assert found == [Drift(component="base", action="=")]


CASES = {
    "no receipt": ({}, "+", "not there yet"),
    "other inputs": ({"base": receipt(input_digest="sha256:two")}, "~", "its arguments or its role changed"),
    "killed in between": ({"base": receipt(dirty=True)}, "~", "an apply of it did not finish"),
    "killed the first time": (
        {"base": receipt(dirty=True, input_digest=None)},
        "+",
        "an apply of it did not finish",
    ),
    "something owned differs": (
        {
            "base": receipt(
                differences=[{"kind": "paths", "name": "/x", "field": "mode", "expected": "0755", "found": "0700"}]
            )
        },
        "~",
        "path /x: mode is 0700, was 0755",
    ),
    "something owned is gone": (
        {
            "base": receipt(
                differences=[{"kind": "packages", "name": "git", "field": "", "expected": "present", "found": "absent"}]
            )
        },
        "~",
        "package git is absent, was present",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_drift_says_why(case: str) -> None:
    receipts, action, reason = CASES[case]
    (drift,) = compare.compare({"base": Expected(DIGEST)}, observed(receipts))
    assert (drift.action, drift.reasons) == (action, [reason])


def test_an_output_that_changed_makes_its_consumer_drift_and_nobody_else() -> None:
    receipts = {
        "python_env": receipt(outputs={"py_3": "new"}),
        "repos": receipt(outputs={"/a.b/c": "head"}),
        "ai_service": receipt(consumed={"python_env.py_3": "old", "repos./a.b/c": "head"}),
    }
    found = compare.compare(dict.fromkeys(receipts, Expected(DIGEST)), observed(receipts))
    assert signs(found) == {"python_env": "=", "repos": "=", "ai_service": "~"}
    assert found[-1].reasons == ["python_env.py_3 changed from old to new"]


def test_an_output_that_is_gone_makes_its_consumer_drift() -> None:
    receipts = {"ai_service": receipt(consumed={"python_env.py_3": "old"})}
    (drift,) = compare.compare({"ai_service": Expected(DIGEST)}, observed(receipts))
    assert drift.reasons == ["python_env.py_3 changed from old to None"]


def test_what_the_lock_no_longer_names_goes_first_and_backwards() -> None:
    receipts = {name: receipt() for name in ("base", "codehub", "repos")}
    found = compare.compare({"base": Expected(DIGEST)}, observed(receipts))
    assert [(drift.action, drift.component) for drift in found] == [("-", "repos"), ("-", "codehub"), ("=", "base")]
    assert compare.to_apply(found) == ([], ["repos", "codehub"])


def test_a_host_without_python_gets_base_and_its_way_out_alone() -> None:
    found = compare.compare({"base": Expected(DIGEST), "codehub": Expected(DIGEST)}, observed({}, python=None))
    assert signs(found) == {"base": "+"}


def test_secrets_are_compared_by_fingerprint_and_only_those_at_hand() -> None:
    prints = content.util("digest").fingerprint({"db": '"one"'}, "00" * 16)
    receipts = {"base": receipt(secrets=prints)}
    for secrets, action in (({"db": '"one"'}, "="), ({"db": '"two"'}, "~"), ({}, "=")):
        assert signs(compare.compare({"base": Expected(DIGEST, secrets)}, observed(receipts))) == {"base": action}


def test_a_plan_rests_on_receipts_and_wishes_but_not_on_free_memory() -> None:
    expected = {"base": Expected(DIGEST)}
    ground = compare.basis(expected, observed({"base": receipt()}, memory={"available": 1}))
    assert ground == compare.basis(expected, observed({"base": receipt()}, memory={"available": 2}))
    assert ground != compare.basis({"base": Expected("sha256:two")}, observed({"base": receipt()}))
    assert ground != compare.basis(expected, observed({"base": receipt(dirty=True)}))


def test_a_package_is_told_by_its_version_and_a_touched_one_as_such() -> None:
    row = Row(kind="venvs", name="/v", field="packages gunicorn", expected="23.0 812@17", found=None)
    assert str(row) == "venv /v: packages gunicorn is absent, was 23.0"
    assert str(row.model_copy(update={"found": "22.0 9@1"})) == "venv /v: packages gunicorn is 22.0, was 23.0"
    touched = row.model_copy(update={"found": "23.0 9@1"})
    assert str(touched) == "venv /v: packages gunicorn is no longer as it was installed"


VALUES = st.none() | st.text() | st.integers() | st.lists(st.text())


@given(kind=st.text(), name=st.text(), field=st.text(), expected=VALUES, found=VALUES)
def test_any_difference_can_be_said_on_one_screen(
    kind: str, name: str, field: str, expected: object, found: object
) -> None:
    assert len(str(Row(kind=kind, name=name[:200], field=field[:50], expected=expected, found=found))) < 600 + len(kind)


def test_what_is_out_of_reach_is_the_drift_of_what_is_gone() -> None:
    def gone(path: str) -> dict[str, Any]:
        return receipt(
            differences=[{"kind": "paths", "name": path, "field": "", "expected": "present", "found": "absent"}]
        )

    receipts = {"data_links": gone("/data/logs"), "ai_service": gone("/data/logs/model"), "repos": gone("/data/other")}
    found = compare.compare({name: Expected(DIGEST) for name in receipts}, observed(receipts))
    assert signs(found) == {"data_links": "~", "ai_service": "=", "repos": "~"}


CLAIM = {"path": "/a", "device": 1, "free": 10_000_000, "need": 9_000_000, "least": 4_000_000}


@pytest.mark.parametrize(
    ("second", "certain", "likely"),
    [
        ({"device": 2}, "", ""),
        ({}, "", "/a has 10 MB free, and 18 MB are needed"),
        ({"least": 7_000_000}, "/a has 10 MB free, and 11 MB are needed", "/a has 10 MB free, and 18 MB are needed"),
    ],
)
def test_components_share_the_room_of_a_host(second: dict[str, int], certain: str, likely: str) -> None:
    claims = [Claim.model_validate(CLAIM), Claim.model_validate(CLAIM | second)]
    drifts = [Planned(component=str(claim.least), action="+", effects=Effects(space=[claim])) for claim in claims]
    host = HostPlan(observed="x", drifts=drifts)
    assert compare.shortage(host) == certain
    assert compare.shortage(host, likely=True) == likely


@pytest.mark.parametrize(
    ("free", "size", "receipts", "said"),
    [
        ([1, 6_000_000], 5_000_000, {}, ""),
        ([1, 4_000_000], 5_000_000, {}, "/1 has 4 MB free, and the environments need 5 MB at least"),
        ([1, 4_000_000], 5_000_000, {"python_env": receipt(dirty=True, input_digest=None)}, ""),
        ([1, 4_000_000], None, {}, ""),
        ([], 5_000_000, {}, ""),
    ],
)
def test_environments_that_fit_nowhere_are_not_begun(
    free: list[int], size: int | None, receipts: dict[str, Any], said: str
) -> None:
    here = observed(receipts, disks=[{"mount": f"/{number}", "free": room} for number, room in enumerate(free)])
    drifts = compare.compare({"python_env": Expected(DIGEST)}, here)
    assert compare.hopeless(drifts, {"python_env": {"python_env_envs": [{"download": size}]}}, here) == said
    assert compare.hopeless([], {}, here) == ""


@pytest.mark.parametrize(
    ("facts", "words"),
    [({}, "the host has no Python yet"), ({"python_old": "3.6.9"}, "the host's Python is 3.6.9, too old for modules")],
)
def test_a_host_that_modules_do_not_run_on_gets_base_and_its_way_out_alone(facts: dict[str, str], words: str) -> None:
    wanted = {"base": Expected(DIGEST), "codehub": Expected(DIGEST)}
    (drift,) = compare.compare(wanted, observed({}, python=None, **facts))
    assert (drift.component, drift.action) == ("base", "+")
    assert drift.reasons[0].startswith(words)
    assert compare.compare({}, observed({}, python=None, **facts)) == []
    closed = {"network": Expected(DIGEST), **wanted}
    assert signs(compare.compare(closed, observed({}, python=None, **facts))) == {"network": "+", "base": "+"}
