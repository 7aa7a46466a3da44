"""The proof table."""

from aimlsetup.models.observation import ReceiptState
from aimlsetup.models.plan import Drift
from aimlsetup.report import proof

DRIFTS = [
    Drift(component="base", action="="),
    Drift(component="codehub", action="~", reasons=["path /x: mode is 0700, was 0755", "another"]),
    Drift(component="repos", action="="),
    Drift(component="old", action="-"),
    Drift(component="ai_service", action="+", reasons=["not there yet"]),
]
RECEIPTS = {"base": ReceiptState(owned={"paths": ["/x"], "packages": ["git", "curl"], "units": []})}


def test_each_component_says_what_was_wanted_and_what_was_found() -> None:
    found = {row.component: row for row in proof.prove("one", DRIFTS, RECEIPTS, {"repos": "git is broken"}, {})}
    assert [row.ok for row in found.values()] == [True, False, False, False, False]
    assert (found["base"].wanted, found["base"].found) == ("2 packages, 1 path; works", "all as wanted; works")
    assert found["codehub"].found == "path /x: mode is 0700, was 0755; and 1 more"
    assert (found["repos"].wanted, found["repos"].found) == ("as locked; works", "git is broken")
    assert (found["old"].wanted, found["old"].found) == ("absent", "present")


def test_what_could_not_be_checked_is_said_and_is_no_failure() -> None:
    row = proof.prove("one", DRIFTS[:1], RECEIPTS, {}, {"base": "no GPU on the bus"})[0]
    assert (row.found, row.ok) == ("all as wanted; works; no GPU on the bus", True)


def test_the_table_lines_up() -> None:
    shown = [line.text for line in proof.lines(proof.prove("one", DRIFTS, RECEIPTS, {}, {}))]
    assert {
        line.index(component) for line, component in zip(shown, ["component", "base", "codehub"], strict=False)
    } == {6}


def test_the_document_is_versioned_and_says_the_same() -> None:
    document = proof.document(proof.prove("one", DRIFTS[:1], RECEIPTS, {}, {}))
    assert document == {
        "version": 1,
        "kind": "verify",
        "ok": True,
        "proofs": [
            {
                "host": "one",
                "component": "base",
                "wanted": "2 packages, 1 path; works",
                "found": "all as wanted; works",
                "ok": True,
            }
        ],
    }
    assert proof.document(proof.prove("one", DRIFTS, RECEIPTS, {}, {}))["ok"] is False
