"""What Ansible says → one screen with what, where, expected, hint, and the documented exit code."""

import re

import pytest

from aimlsetup.engine import failures
from aimlsetup.engine.observe import oldest_python
from aimlsetup.engine.runner import Event, Kind
from aimlsetup.errors import Exit


def event(message: str, kind: Kind = "unreachable", **more: object) -> Event:
    given = {"task": "Install | Packages", "component": "base", "action": "x", "result": {"msg": message}, **more}
    return Event(kind=kind, host="gpu1", **given)  # type: ignore[arg-type]


SEEN = {
    "Data could not be sent: ssh: connect to host 10.1.1.1 port 22: No route to host": (
        "host-unreachable",
        Exit.FAILED,
    ),
    "ssh: connect to host 10.1.1.1 port 22: Connection refused": ("host-unreachable", Exit.FAILED),
    "ssh: connect to host 10.1.1.1 port 22: Connection timed out": ("host-unreachable", Exit.FAILED),
    "ssh: Could not resolve hostname gpu9: Name or service not known": ("host-name", Exit.USAGE),
    "No ED25519 host key is known for 10.1.1.1\nHost key verification failed.": ("host-key", Exit.FAILED),
    "me@10.1.1.1: Permission denied (publickey,password).": ("host-login", Exit.USAGE),
    "Incorrect sudo password": ("become-password", Exit.USAGE),
    "Missing sudo password": ("become-password-missing", Exit.USAGE),
    "me is not in the sudoers file.": ("become-denied", Exit.USAGE),
    "/bin/sh: 1: sudo: not found": ("become-missing", Exit.USAGE),
}


@pytest.mark.parametrize("message", SEEN)
def test_known_reasons_have_their_own_words_and_exit_code(message: str) -> None:
    error = failures.access_error("gpu1", event(message))
    assert (error.ref, error.exit_code) == SEEN[message]
    assert error.message.startswith("gpu1: ")
    assert error.hint


@pytest.mark.parametrize(
    "text",
    [
        "ansible-core requires a minimum of Python version 3.8. Current version: 3.7.3 (default, Jan 1)",
        '  File "<stdin>", line 3\nSyntaxError: future feature annotations is not defined',
        "    def import_controller_module(_module_name: str, /) -> t.Any:\n    ^\nSyntaxError: invalid syntax",
    ],
)
def test_a_python_that_is_too_old_is_told_from_one_that_fails(text: str) -> None:
    assert failures.refuses_python(event("x", "failed", result={"msg": "failed", "module_stdout": text}))
    assert not failures.refuses_python(event("no space left", "failed"))


def test_an_old_python_names_both_versions() -> None:
    error = failures.python_old("gpu1", "Python 3.6.15", oldest_python())
    assert (error.ref, error.exit_code) == ("python-old", Exit.USAGE)
    assert "Python 3.6.15" in error.message
    assert re.fullmatch(r"expected: Python 3\.\d+ or newer", error.context[0])


@pytest.mark.parametrize(
    "text", ["/bin/sh: 1: /usr/bin/python3: not found", "bash: /usr/bin/python3: No such file or directory"]
)
def test_a_host_without_python_is_told_from_one_that_fails(text: str) -> None:
    assert failures.lacks_python(event("x", "failed", result={"msg": "x", "module_stdout": text}))
    assert not failures.lacks_python(event("no space left", "failed"))


def error_of(*events: Event) -> failures.AimlsetupError:
    return failures.task_error(
        "gpu1", list(events), again="aimlsetup apply", log="/log", scrub=lambda text: text.replace("canary", "***")
    )


def test_a_failed_task_is_told_with_component_task_message_log_and_next_command() -> None:
    error = error_of(event("E: no canary space", "failed"))
    assert str(error).splitlines() == [
        "error: gpu1: base failed [apply-failed]",
        "  task: Install | Packages",
        "  E: no *** space",
        "  log: /log",
        "hint: Nothing is lost. Set this right, then go on with: aimlsetup apply",
    ]


def test_of_a_loop_the_item_that_failed_is_told() -> None:
    error = error_of(event("the disk is full", "failed"), event("One or more items failed", "failed"))
    assert "the disk is full" in error.context


def test_what_needs_consent_says_so_by_its_exit_code() -> None:
    error = error_of(event("a reboot is needed", "failed", result={"msg": "a reboot is needed", "consent": True}))
    assert error.exit_code == Exit.CONSENT


def test_a_host_lost_half_way_is_told_with_what_to_do() -> None:
    error = error_of(event("ssh: connect to host 10.1.1.1 port 22: Connection refused"))
    assert error.ref == "host-unreachable"
    assert "component: base" in error.context
    assert error.hint is not None
    assert error.hint.endswith("aimlsetup apply")


def test_a_long_message_stays_on_one_screen() -> None:
    assert len(str(error_of(event("\n".join(map(str, range(500))), "failed"))).splitlines()) < 24


def test_broken_components_are_named_once_with_what_was_said() -> None:
    found = failures.broken(
        [event("canary down", "failed"), event("other", "failed", component="repos")], ["base"], lambda text: text
    )
    assert found == {"base": "canary down"}


def test_of_a_broken_loop_the_item_that_failed_is_told() -> None:
    said = [event("py_3 can't use a GPU: x", "failed"), event("One or more items failed", "failed")]
    assert failures.broken(said, ["base"], lambda text: text) == {"base": "py_3 can't use a GPU: x"}
