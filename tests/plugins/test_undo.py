"""What going back takes: decided from receipts and what is there, before anything is done."""

import json
from pathlib import Path
from typing import Any

import pytest

INPUTS = ("sha256:1", {"salt": "00", "prints": {}})
FILE = {"type": "file", "mode": "0644", "owner": "root", "group": "root", "sha256": "a"}
DIRECTORY = {"type": "directory", "mode": "0755", "owner": "root", "group": "root"}
LINK = {"type": "link", "target": "d-1"}


@pytest.fixture
def undo(_collection: None) -> Any:
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import undo

    return undo


def part(undo: Any, wanted: dict[str, Any], owned: dict[str, Any], *, serial: int = 1, **more: Any) -> Any:
    """A component of which one change is to be taken back."""
    fields = {"component": "demo", "noted": lambda *_: serial, "unfinished": False, "then": None, "file": None}
    return undo.Part(wanted=wanted, owned=owned, serial=serial, **{**fields, **more})


def decide(undo: Any, was: Any, now: Any, ours: Any = None, *, kind: str = "paths", **more: Any) -> Any:
    """What is done about one thing called /x: the step's verb, or (left or refused, why)."""
    facts = undo.Facts(more.pop("kept", set()), more.pop("dated", {}), more.pop("work", {}), more.pop("half", set()))
    others = more.pop("others", [])
    one = part(undo, {kind: {"/x": was}}, {kind: {"/x": ours}} if ours else {}, **more)
    found = undo.decide([one], others, {kind: {"/x": now}}, facts)
    if found.steps:
        return found.steps[0]["do"]
    rows = [("left", row["why"]) for row in found.left] + [("refused", row["why"]) for row in found.refused]
    return rows[0] if rows else None


def changed(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**state, **fields}


PATHS: list[tuple[str, Any, Any, Any, Any]] = [
    ("a new file goes", None, FILE, FILE, "remove"),
    ("a new link goes", None, LINK, LINK, "remove"),
    ("a new directory goes if it is empty", None, DIRECTORY, DIRECTORY, "remove"),
    ("and so does one made on the way", None, DIRECTORY, None, "remove"),
    ("a new file is there as before", FILE, FILE, FILE, None),
    ("an edited file", None, changed(FILE, sha256="b"), FILE, "refused"),
    ("a file that somebody else made", None, FILE, None, "sweep"),
    ("a link that somebody has turned", None, changed(LINK, target="d-2"), LINK, "refused"),
    ("a changed file gets its content", FILE, changed(FILE, sha256="b"), changed(FILE, sha256="b"), "content"),
    ("a file that was removed comes back", FILE, None, None, "content"),
    ("a file edited after it was changed", FILE, changed(FILE, sha256="c"), changed(FILE, sha256="b"), "refused"),
    ("a file that is a directory now", FILE, DIRECTORY, DIRECTORY, "refused"),
    ("a file's mode", FILE, changed(FILE, mode="0600"), changed(FILE, mode="0600"), "attributes"),
    ("a directory's owner", DIRECTORY, changed(DIRECTORY, owner="x"), changed(DIRECTORY, owner="x"), "attributes"),
    ("a directory that was removed", DIRECTORY, None, None, "directory"),
    ("a directory behind its link", DIRECTORY, LINK, LINK, "back"),
    ("a directory where a file is", DIRECTORY, FILE, FILE, "refused"),
    ("a link that was turned", LINK, changed(LINK, target="d-2"), changed(LINK, target="d-2"), "link"),
    ("a link that is gone", LINK, None, None, "link"),
    ("a link that is a file now", LINK, FILE, FILE, "refused"),
]


@pytest.mark.parametrize(("was", "now", "ours", "done"), [case[1:] for case in PATHS], ids=[case[0] for case in PATHS])
def test_paths(undo: Any, was: Any, now: Any, ours: Any, done: Any) -> None:
    found = decide(undo, was, now, ours, kept={"a"}, dated={"/x": ""})
    assert (found[0] if isinstance(found, tuple) else found) == done


def test_a_content_that_was_too_large_to_keep_is_named(undo: Any) -> None:
    other = changed(FILE, sha256="b")
    assert "not kept" in decide(undo, FILE, other, other)[1]


def test_what_a_run_that_did_not_finish_wrote_is_no_edit(undo: Any) -> None:
    half = changed(FILE, sha256="half")
    assert decide(undo, FILE, half, FILE, kept={"a"}, unfinished=True) == "content"
    assert decide(undo, None, half, None, unfinished=True) == "remove"


def test_a_directory_whose_disk_is_another_stays_where_it_is(undo: Any) -> None:
    assert decide(undo, DIRECTORY, LINK, LINK, dated={"/x": "/d lies on another file system"})[0] == "refused"


def test_what_another_component_has_too_stays(undo: Any) -> None:
    others = [{"owned": {"paths": {"/x": DIRECTORY}}}]
    assert decide(undo, None, DIRECTORY, DIRECTORY, others=others) == ("left", "another component has it too")


@pytest.mark.parametrize(
    ("kind", "was", "now", "ours", "done"),
    [
        ("venvs", None, {"python": "3.11"}, {"python": "3.11"}, "discard"),
        ("venvs", None, {"python": "3.11", "packages": {"a": "1"}}, {"python": "3.11", "packages": {}}, "left"),
        ("venvs", {"python": "3.11"}, None, None, "refused"),
        ("checkouts", None, {"head": "a"}, {"head": "a"}, "delete"),
        ("checkouts", None, {"head": "b"}, {"head": "a"}, "left"),
        ("checkouts", {"head": "a"}, {"head": "b"}, {"head": "b"}, "move"),
        ("checkouts", {"head": "a"}, {"head": "c"}, {"head": "b"}, "refused"),
        ("checkouts", {"head": "a"}, None, {"head": "b"}, "left"),
        ("units", None, {"enabled": "enabled", "active": "active"}, None, "stop"),
        ("units", {"enabled": "enabled", "active": "active"}, {"enabled": "disabled", "active": "active"}, None, "set"),
        ("units", {"active": "active", "current": True}, {"active": "active", "current": False}, None, None),
        ("accounts", None, {"gid": 7}, {"gid": 7}, "delete"),
        ("accounts", {"gid": 8}, {"gid": 7}, {"gid": 7}, "modify"),
        ("accounts", {"gid": 8}, None, {"gid": 7}, "left"),
        ("alternatives", {"mode": "auto"}, {"mode": "manual"}, None, "choose"),
        ("alternatives", None, {"mode": "manual"}, None, "left"),
        ("caches", None, {}, {}, "empty"),
        ("caches", {}, {}, {}, None),
    ],
)  # fmt: skip
def test_other_things(undo: Any, kind: str, was: Any, now: Any, ours: Any, done: Any) -> None:
    found = decide(undo, was, now, ours, kind=kind)
    assert (found[0] if isinstance(found, tuple) else found) == done


def test_work_that_is_nowhere_else_keeps_a_checkout(undo: Any) -> None:
    work = {"/x": ["file    ?? weights"]}
    assert decide(undo, None, {"head": "a"}, {"head": "a"}, kind="checkouts", work=work)[0] == "left"
    assert decide(undo, {"head": "a"}, {"head": "b"}, {"head": "b"}, kind="checkouts", work=work)[0] == "refused"


def test_a_half_removed_virtualenv_goes_on_going(undo: Any) -> None:
    whole, rest = {"python": "3.11", "packages": {"a": "1"}}, {"python": "3.11", "packages": {}}
    assert decide(undo, None, rest, whole, kind="venvs", half={"/x"}) == "discard"


def test_of_several_components_the_earliest_state_counts(undo: Any) -> None:
    """The second one changed the mode of what the first had made: nothing was there before both."""
    other = changed(DIRECTORY, mode="2775")
    first = part(undo, {"paths": {"/x": None}}, {"paths": {"/x": DIRECTORY}}, serial=1)
    second = part(undo, {"paths": {"/x": DIRECTORY}}, {"paths": {"/x": other}}, serial=2)
    found = undo.decide([second, first], [], {"paths": {"/x": other}}, undo.Facts(set(), {}, {}, set()))
    assert [step["do"] for step in found.steps] == ["remove"]


def test_packages_with_all_that_changed_around_them(undo: Any) -> None:
    plain = {"version": "1", "hold": False, "auto": True}
    was = {"a": None, "b": plain, "c": changed(plain, hold=True)}
    now = {"a": changed(plain, version=None), "b": changed(plain, version="2"), "c": was["c"]}
    nothing = undo.Facts(set(), {}, {}, set())
    one = part(undo, {"packages": was}, {})
    assert undo.decide([one], [], {"packages": now}, nothing).packages == {"a": None, "b": was["b"]}
    others = [{"owned": {"packages": {"b": {}}}}]
    assert undo.decide([one], others, {"packages": now}, nothing).packages == {"a": None}


def test_the_newest_run_is_told_by_the_hosts_own_count(undo: Any) -> None:
    known = {
        "base": {"serial": 1, "run": "one"},
        "codehub": {"serial": 3, "run": "two"},
        "repos": {"serial": 4, "run": "two"},
    }
    assert undo.newest(known) == ["codehub", "repos"]
    known["base"]["dirty"] = {"run": "three"}  # type: ignore[assignment]
    assert undo.newest(known) == ["base"]
    assert undo.newest({}) == []


def test_an_output_that_something_else_was_made_with(undo: Any) -> None:
    before = {"component": "python_env", "outputs": {"py_3": "old"}}
    known = {"python_env": {"outputs": {"py_3": "new"}}, "ai_service": {"consumed": {"python_env.py_3": "new"}}}
    environment = part(undo, {}, {}, component="python_env", then=before)
    service = part(undo, {}, {}, component="ai_service", then={"consumed": {"python_env.py_3": "old"}})
    (name, why), *others = undo.unsatisfied([environment], known)
    assert (name, others) == ("ai_service", [])
    assert "made with py_3 of python_env" in why
    assert undo.unsatisfied([environment, service], known) == []


class History:
    """Changes of a file by a component, committed as the receipt module does."""

    def __init__(self, directory: Path) -> None:
        from ansible_collections.codehub.aimlsetup.plugins.module_utils import receipts

        self.receipts, self.directory, self.file = receipts, str(directory / "receipts"), directory / "file"

    def change(self, content: str, *, finish: bool = True, inputs: str = "sha256:1") -> None:
        owns = {"paths": [str(self.file)]}
        known = self.receipts.load_all(self.directory)
        begun = self.receipts.begin(known.get("demo"), "demo", f"run-{content}", owns, {}, known)
        self.receipts.keep_contents(self.directory, begun["dirty"]["before"])
        self.receipts.save(self.directory, begun)
        self.file.write_text(content)
        if finish:
            found = self.receipts.before.state.take(owns)
            after = self.receipts.committed(begun, (inputs, {}), found, {}, {}, {}, known)
            if begun["input_digest"] and begun.get("serial") != after["serial"]:
                self.receipts.remember(self.directory, dict(begun, dirty=None))
            self.receipts.save(self.directory, after)

    def part(self, undo: Any, to: str = "last") -> Any:
        known = self.receipts.load_all(self.directory)
        earlier = self.receipts.earlier(self.directory, "demo", known["demo"].get("serial", 0))
        return undo.part(known["demo"], to, {}, known, earlier)

    def was(self, undo: Any, to: str = "last") -> str | None:
        """Content of the file before, from what was kept."""
        state = self.part(undo, to).wanted["paths"][str(self.file)]
        return (Path(self.directory) / "before" / state["sha256"]).read_text() if state else None


@pytest.fixture
def history(tmp_path: Path, _collection: None) -> History:
    return History(tmp_path)


@pytest.mark.parametrize("killed", [False, True], ids=["to the end", "killed before it forgot"])
def test_undone_again_it_goes_one_change_further_back(undo: Any, history: History, *, killed: bool) -> None:
    for content in ("one", "two", "three", "three"):
        history.change(content)
    seen = []
    while True:
        one = history.part(undo)
        seen.append(history.was(undo))
        if one.then is None:
            break
        history.receipts.save(history.directory, one.then)
        if not killed:
            Path(one.file).unlink()
    assert seen == ["two", "one", None]


def test_what_no_receipt_tells_of_any_more_is_not_kept(undo: Any, history: History) -> None:
    for content in ("one", "two", "three"):
        history.change(content)
    kept = Path(history.directory) / "before"
    assert len(list(kept.iterdir())) == 2
    history.receipts.prune(history.directory)
    assert len(list(kept.iterdir())) == 2
    while (one := history.part(undo)).then:
        history.receipts.save(history.directory, one.then)
        Path(one.file).unlink()
    history.receipts.prune(history.directory)
    assert [path.name for path in Path(history.directory).iterdir()] == ["demo.json"]


def test_before_the_first_change(undo: Any, history: History) -> None:
    for content in ("one", "two"):
        history.change(content)
    assert history.was(undo, "first") is None
    assert history.part(undo, "first").then is None


def test_a_run_that_did_not_finish_is_what_is_taken_back(undo: Any, history: History) -> None:
    history.change("one")
    history.change("half", finish=False)
    one = history.part(undo)
    assert (history.was(undo), one.unfinished, one.then["dirty"]) == ("one", True, None)


def test_what_is_not_remembered_is_refused(undo: Any, history: History) -> None:
    for number in range(14):
        history.change(str(number))
    place = Path(history.receipts.history_of(history.directory, "demo"))
    assert len(list(place.iterdir())) == history.receipts.HISTORY
    for file in place.iterdir():
        file.unlink()
    with pytest.raises(undo.Refused, match="not kept any more"):
        history.part(undo)


@pytest.mark.parametrize("edit", [('"version": 1', '"version": 2'), ('"mode": "0644"', '"mode": "4755"')])
def test_a_receipt_edited_by_hand_or_of_another_version_is_named(history: History, edit: tuple[str, str]) -> None:
    history.file.touch(0o644)
    history.change("one")
    path = Path(history.directory) / "demo.json"
    assert edit[0] in path.read_text()
    path.write_text(path.read_text().replace(*edit))
    with pytest.raises(ValueError, match=r"demo\.json (was changed by something other|has version 2)"):
        history.receipts.load(history.directory, "demo")


def test_a_receipt_is_the_same_with_and_without_its_seal(history: History) -> None:
    history.change("one")
    kept = history.receipts.load(history.directory, "demo")
    assert "seal" not in kept
    assert "seal" in json.loads((Path(history.directory) / "demo.json").read_text())


@pytest.mark.usefixtures("_collection")
def test_a_content_is_told_without_its_digest() -> None:
    from ansible_collections.codehub.aimlsetup.plugins.modules import restore

    shown = restore.sides({"now": changed(FILE, sha256="b", mode="0600"), "was": FILE})
    assert "sha256" not in str(shown)
    assert (shown["before"]["content"], shown["after"]["content"]) == ("today's", "the earlier")
    assert restore.sides({"now": FILE, "was": None})["after"] is None
