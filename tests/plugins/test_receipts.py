"""Receipts: true or dirty, never false; the state before survives interruption."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

INPUTS = ("sha256:1", {"salt": "00", "prints": {}})


@pytest.fixture
def receipts(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import receipts

    return receipts


def owns(*paths: Path) -> dict[str, list[str]]:
    return {"paths": [str(path) for path in paths]}


def finish(receipts: Any, begun: dict[str, Any], names: dict[str, list[str]]) -> dict[str, Any]:
    committed: dict[str, Any] = receipts.committed(begun, INPUTS, receipts.before.state.take(names), {}, {})
    return committed


def test_a_receipt_is_roots_alone_and_reads_back(receipts: Any, tmp_path: Path) -> None:
    directory = tmp_path / "receipts"
    receipts.save(str(directory), {"version": 1, "component": "demo", "owned": {}})
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / "demo.json").stat().st_mode) == 0o600
    assert receipts.load_all(str(directory)) == {"demo": {"version": 1, "component": "demo", "owned": {}}}


@pytest.mark.parametrize("text", ["", "{", '{"version": 7}'])
def test_what_is_no_receipt_is_an_error_naming_the_file(receipts: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "demo.json").write_text(text)
    with pytest.raises(ValueError, match=r"demo\.json"):
        receipts.load(str(tmp_path), "demo")


def test_before_first_stays_while_before_last_moves(receipts: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    states = []
    receipt = None
    for content in ("one", "two"):
        begun = receipts.begin(receipt, "demo", "run", owns(file))
        file.write_text(content)
        receipt = finish(receipts, begun, owns(file))
        states.append(receipts.before.state.path_state(str(file)))
    assert receipt is not None
    assert receipt["before_first"]["paths"][str(file)] is None
    assert receipt["before_last"]["paths"][str(file)] == states[0]
    assert receipt["owned"]["paths"][str(file)] == states[1]


def test_an_apply_that_changed_nothing_keeps_what_there_is_to_undo(receipts: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    begun = receipts.begin(None, "demo", "run", owns(file))
    file.write_text("one")
    first = finish(receipts, begun, owns(file))
    second = finish(receipts, receipts.begin(first, "demo", "run", owns(file)), owns(file))
    assert second == first


def test_interrupted_runs_keep_the_true_state_before(receipts: Any, tmp_path: Path) -> None:
    """The second begin sees half-changed things; what the first one saw is what was there."""
    file = tmp_path / "file"
    file.write_text("the user's")
    original = receipts.before.state.path_state(str(file))
    killed = receipts.begin(None, "demo", "run-1", owns(file))
    file.write_text("half")
    begun = receipts.begin(killed, "demo", "run-2", owns(file))
    file.write_text("ours")
    assert finish(receipts, begun, owns(file))["before_first"]["paths"][str(file)] == original


def test_contents_from_before_are_kept(receipts: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    begun = receipts.begin(None, "demo", "run", owns(file))
    receipts.keep_contents(str(tmp_path / "receipts"), begun["dirty"]["before"])
    digest = begun["dirty"]["before"]["paths"][str(file)]["sha256"]
    copy = tmp_path / "receipts" / "before" / digest
    assert copy.read_text() == "precious"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_consumed_outputs_of_others(receipts: Any, tmp_path: Path) -> None:
    receipts.save(str(tmp_path), {"version": 1, "component": "python_env", "outputs": {"py_3": "py_3-11_2026-11-21"}})
    assert receipts.consumed_outputs(str(tmp_path), ["python_env.py_3", "python_env.other", "repos.x"]) == {
        "python_env.py_3": "py_3-11_2026-11-21",
        "python_env.other": None,
        "repos.x": None,
    }


def test_every_field_that_differs_is_a_row(receipts: Any, tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("one")
    link.symlink_to(file)
    names = {**owns(file, link), "packages": ["no-such-package"], "accounts": ["user:root"]}
    before = receipts.before.state.take(names)
    file.write_text("two")
    file.chmod(0o600)
    link.unlink()
    rows = receipts.before.state.differences(before, receipts.before.state.take(names))
    assert {(row["name"], row["field"]) for row in rows} == {
        (str(file), "mode"),
        (str(file), "sha256"),
        (str(link), ""),
    }
    assert json.dumps(rows)


def test_a_virtualenvs_missing_package_is_named(receipts: Any, tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("falcon-4.0.0", "gunicorn-23.0.0"):
        (site / f"{name}.dist-info").mkdir(parents=True)
        (site / f"{name}.dist-info" / "RECORD").write_text(f"{name},,\n")
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n")
    before = receipts.before.state.take({"venvs": [str(tmp_path)]})
    (site / "falcon-4.0.0.dist-info" / "RECORD").unlink()
    (site / "falcon-4.0.0.dist-info").rmdir()
    rows = receipts.before.state.differences(before, receipts.before.state.take({"venvs": [str(tmp_path)]}))
    assert [row["field"] for row in rows] == ["packages falcon"]
