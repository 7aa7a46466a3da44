"""A check-mode run's events → effects."""

from typing import Any

from aimlsetup.engine.harvest import effects, notes, undoings
from aimlsetup.engine.runner import Event, Kind


def changed(
    task: str, component: str | None = "base", *, handler: bool = False, action: str = "x", **result: Any
) -> Event:
    return Event("ok", "one", task, component, action, handler, result={"changed": True, **result})


def test_only_tasks_that_would_change_something_count() -> None:
    quiet = Event("ok", "one", "Look", "base", "x", result={"changed": False, "diff": {"before": "a", "after": "b"}})
    receipt = changed("Commit", action="codehub.aimlsetup.receipt")
    assert effects([quiet, receipt, changed("Nobody's", None)], str) == {}


def test_a_file_is_shown_as_a_unified_diff() -> None:
    diff = {"before": "a\nb\n", "after": "a\nc\n", "before_header": "/f", "after_header": "/f"}
    found = effects([changed("Write", diff=[diff])], str)["one", "base"]
    assert found.diffs == ["--- /f\n+++ /f\n@@ -1,2 +1,2 @@\n a\n-b\n+c"]
    assert found.tasks == ["Write"]


def test_attributes_take_one_line() -> None:
    header = {"before_header": "/d", "after_header": "/d"}
    new, mode, gone = (
        {**header, "before": None, "after": {"mode": "0755", "type": "directory"}},
        {**header, "before": {"mode": "0700", "owner": "a"}, "after": {"mode": "0755", "owner": "a"}},
        {**header, "before": {"mode": "0700"}, "after": None},
    )
    found = effects([changed("Make", diff=[new, mode, gone])], str)["one", "base"]
    assert found.diffs == ["+ /d: mode 0755, type directory", "~ /d: mode 0700 → 0755", "- /d"]


def test_a_package_transaction_is_told_once_with_its_size() -> None:
    plan = {"packages": [{"name": "git", "from": None, "to": "1:2"}], "download": 7, "disk": 9}
    found = effects([changed("Install", plan=plan, diff={"before": "", "after": "git 1:2"})], str)["one", "base"]
    assert (found.packages, found.download, found.disk, found.diffs) == (["git: absent → 1:2"], 7, 9, [])


def test_restarts_come_from_handlers_and_from_modules() -> None:
    service = "ansible.builtin.systemd_service"
    events = [
        changed("Restart x", handler=True, action=service, name="x.service"),
        changed("Enable y", action=service, name="y.service"),
        changed("Flip", plan={"restarts": ["z.service"], "reboot": True}),
    ]
    found = effects(events, str)["one", "base"]
    assert found.restarts == ["x.service", "z.service"]
    assert found.reboot


def test_a_secret_in_a_diff_is_hidden() -> None:
    found = effects(
        [changed("Write", diff={"before": "", "after": "canary\n"})], lambda text: text.replace("canary", "*")
    )
    assert "canary" not in found["one", "base"].model_dump_json()


def test_a_diff_is_kept_whole() -> None:
    after = "".join(f"{number}\n" for number in range(5000))
    (text,) = effects([changed("Write", diff={"before": "", "after": after})], str)["one", "base"].diffs
    assert len(text.splitlines()) == 5003


def test_tasks_that_nothing_else_tells_about_are_named() -> None:
    events = [
        changed("Write", diff={"before": "", "after": "x"}),
        changed("Install", plan={"packages": [{"name": "git", "to": "1"}]}),
        changed("Group"),
    ]
    found = effects(events, str)["one", "base"]
    assert (found.tasks, found.untold) == (["Write", "Install", "Group"], ["Group"])


def test_estimates_and_claims_of_space_are_kept() -> None:
    claim = {"path": "/", "device": 1, "free": 9, "need": 5, "least": 2}
    plan = {"packages": [], "download": 2, "disk": 5, "estimated": True, "unsized": ["py_2"]}
    found = effects([changed("Build", plan=plan, space=[claim])], str)["one", "base"]
    assert (found.estimated, found.unsized) == (True, ["py_2"])
    assert [one.model_dump() for one in found.space] == [claim]


def test_what_a_check_could_not_check_is_noted_by_component() -> None:
    def event(component: str, result: dict[str, Any], kind: Kind = "ok", host: str = "h") -> Event:
        return Event(kind=kind, host=host, task="Verify | x", component=component, action="x", result=result)

    events = [
        event("base", {"note": None}),
        event("python_env", {"results": [{"note": "py_3: no GPU"}, {"note": None}, {"note": "secret"}]}),
        event("cuda", {"note": "n"}, kind="failed"),
        event("cuda", {"note": "n"}, host="other"),
    ]
    assert notes(events, "h", lambda text: text.replace("secret", "*")) == {"python_env": "py_3: no GPU; *"}


def test_what_can_not_be_taken_back_is_told() -> None:
    plan = {"packages": [{"name": "a", "from": "1", "to": "2"}], "lost": ["a 1"]}
    events = [
        changed("Install", plan=plan),
        changed("x : Serve | Make the release", action="ansible.builtin.command"),
        changed("Write", lost=["/f: its content is not kept"]),
    ]
    assert effects(events, str)["one", "base"].lost == [
        "a 1: neither apt's cache nor a source has this version to go back to",
        "what “Serve | Make the release” makes stays",
        "/f: its content is not kept",
    ]


def test_what_was_taken_back_is_told_per_host() -> None:
    gone = {"before_header": "/f (file)", "after_header": "/f (file)", "before": {"mode": "0644"}, "after": None}
    row = {"kind": "paths", "name": "/d", "why": "it holds x"}
    event = changed(
        "Take back", action="codehub.aimlsetup.restore", components=["base"], left=[row], diff=[gone],
        plan={"packages": [{"name": "git", "from": "2", "to": None}], "restarts": ["a.service"]},
    )  # fmt: skip
    found = undoings([event], str)["one"]
    assert (found.components, found.left) == (["base"], ["/d: it holds x"])
    assert found.effects.packages == ["git: 2 → absent"]
    assert found.effects.diffs == ["- /f (file)"]
    assert found.effects.restarts == ["a.service"]
