"""What is there and no receipt owns: whose it is, and that nothing of it is touched without consent."""

from typing import Any

import pytest


class Module:
    """What a ledger needs of an AnsibleModule."""

    def __init__(self, receipts: str, adopt: list[str] | None, check_mode: bool = False) -> None:
        self.params = {"adopt": adopt, "receipts": receipts}
        self.check_mode = check_mode


@pytest.fixture
def unowned(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import unowned

    return unowned


@pytest.fixture
def foreign_accounts(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.modules import foreign_accounts

    return foreign_accounts


RECEIPTS = {
    "codehub": {"owned": {"paths": {"/owned": {}}}, "dirty": None},
    "repos": {"owned": {}, "dirty": {"run": "1", "before": {"paths": {"/made": None, "/there": {"type": "file"}}}}},
}


def test_ours_is_what_receipts_own_and_what_an_unfinished_run_made(unowned: Any) -> None:
    assert unowned.ours(RECEIPTS) == {"paths": {"/owned", "/made"}}


def test_what_is_there_is_adopted_unless_a_task_says_otherwise(unowned: Any) -> None:
    found = {"paths": {"/owned": {}, "/made": {}, "/there": {}, "/absent": None}}
    assert [mark["name"] for mark in unowned.existing(found, RECEIPTS)] == ["/there"]


@pytest.mark.parametrize(
    ("adopt", "mark", "check_mode", "stops"),
    [
        ([], "replace", False, True),
        ([], "replace", True, False),
        (["/x"], "replace", False, False),
        (["/x"], "in the way", False, True),
        (None, "in the way", False, False),
    ],
)
def test_consent(
    unowned: Any, tmp_path: Any, adopt: list[str] | None, mark: str, check_mode: bool, stops: bool
) -> None:
    ledger = unowned.Ledger(Module(str(tmp_path), adopt, check_mode))
    if stops:
        with pytest.raises(unowned.Unasked, match=r"/x is there, no receipt owns it"):
            ledger.meet("paths", "/x", mark, "why")
    else:
        assert ledger.meet("paths", "/x", mark, "why") == (adopt is not None)
    assert [found["mark"] for found in ledger.marks] == ([mark] if adopt is not None else [])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"name": "x"}, []),
        ({"name": "x", "shell": "/bin/bash", "home": None, "groups": ["a"]}, []),
        ({"name": "x", "shell": "/bin/sh", "groups": ["a", "b"]}, ["shell /bin/bash → /bin/sh", "joins b"]),
    ],
)
def test_accounts_that_would_be_changed(foreign_accounts: Any, wanted: dict[str, Any], words: list[str]) -> None:
    now = {"uid": 1, "group": "x", "home": "/home/x", "shell": "/bin/bash", "groups": ["a"]}
    assert foreign_accounts.alterations(wanted, now) == words
