"""What goes with a thing no longer wanted: never somebody's edit, always what an unfinished run has left."""

from pathlib import Path
from typing import Any

import pytest

INPUTS = ("sha256:1", {"salt": "00", "prints": {}})


@pytest.fixture
def retire(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.modules import retire

    return retire


def receipt_of(retire: Any, path: Path) -> dict[str, Any]:
    """A finished receipt that owns a file."""
    owns = {"paths": [str(path)]}
    begun = retire.receipts.begin(None, "demo", "1", owns)
    path.write_text("written by aimlsetup")
    finished: dict[str, Any] = retire.receipts.committed(begun, INPUTS, retire.state.take(owns), {}, {})
    return finished


def test_what_was_not_changed_may_go(retire: Any, tmp_path: Path) -> None:
    path = tmp_path / "unit"
    receipt = receipt_of(retire, path)
    assert retire.edits(retire.receipts.begin(receipt, "demo", "2", {}), [str(path)]) == ([], [])


def test_an_edit_is_somebodys(retire: Any, tmp_path: Path) -> None:
    path = tmp_path / "unit"
    receipt = receipt_of(retire, path)
    path.write_text("edited")
    assert retire.edits(retire.receipts.begin(receipt, "demo", "2", {}), [str(path)]) == ([str(path)], [])


def test_what_an_unfinished_run_wrote_is_not_an_edit(retire: Any, tmp_path: Path) -> None:
    path = tmp_path / "unit"
    begun = retire.receipts.begin(receipt_of(retire, path), "demo", "2", {"paths": [str(path)]})
    path.write_text("written by a run that failed")
    again = retire.receipts.begin(begun, "demo", "3", {})
    assert retire.edits(again, [str(path)]) == ([], [str(path)])
