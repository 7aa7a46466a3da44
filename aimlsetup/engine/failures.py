"""What Ansible says when something fails → one screen: what, where, expected, what to do. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aimlsetup.engine.runner import Event
from aimlsetup.errors import AimlsetupError, Exit

NOISE = ("(traceback unavailable)", "Module result deserialization failed: No start of json char found")
RESUMES = "reboot-resumes"  # the error that only says: it goes on by itself
LINES = 12  # of a message; its first ones say what happened, its last ones why and what to do
FIRST = 2


@dataclass(frozen=True)
class Known:
    """A failure that is recognised by its words."""

    pattern: str
    ref: str
    message: str
    hint: str
    exit_code: Exit = Exit.FAILED


CONNECTION = (
    Known(
        r"UNKNOWN port 65535|stdio forwarding failed|banner exchange: Connection to UNKNOWN",
        "bastion-unreachable",
        "the host that ssh jumps through does not let it pass",
        "Try `ssh -v` by hand with the same options; the lines above are what ssh said of it.",
    ),
    Known(
        r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No \S+ host key is known",
        "host-key",
        "its ssh host key is not the one that is known, or none is known",
        "Log in once with `ssh` and check the fingerprint; after a reinstallation `ssh-keygen -R` removes the old key.",
    ),
    Known(
        r"Permission denied \(|Too many authentication failures",
        "host-login",
        "ssh does not accept this user and key",
        "Check `user` and `identity` of the host in the profile (in an inventory `ansible_user` and "
        "`ansible_ssh_private_key_file`), and that `ssh` logs in without a question.",
        Exit.USAGE,
    ),
    Known(
        r"Could not resolve hostname|Name or service not known",
        "host-name",
        "its address is unknown",
        "Check `address` of the host in the profile (`ansible_host` in an inventory), or give it an entry in your ssh "
        "configuration.",
        Exit.USAGE,
    ),
    Known(
        r"Connection refused|[Cc]onnection timed out|No route to host|unreachable|Connection (closed|reset)|timed out",
        "host-unreachable",
        "it does not answer on ssh",
        "Check that it is up, and `address` and `port` in the profile (`ansible_host` and `ansible_port` in an "
        "inventory).",
    ),
)
BECOME = (
    Known(
        r"[Ii]ncorrect (sudo|su|become) password|Sorry, try again|incorrect (password|authentication) attempt"
        r"|Authentication failed|Timeout .*privilege escalation",
        "become-password",
        "the password for sudo is wrong",
        "Check the reference in `become: {password: …}` of the host in the profile (`ansible_become_password` in an "
        "inventory).",
        Exit.USAGE,
    ),
    Known(
        r"[Mm]issing sudo password|a password is required|interactive authentication is required",
        "become-password-missing",
        "sudo wants a password",
        'Give the host `become: {method: sudo, password: "prompt:sudo password"}` in the profile '
        "(`ansible_become_password`, in a vault, in an inventory).",
        Exit.USAGE,
    ),
    Known(
        r"not in the sudoers|is not allowed to|may not run sudo",
        "become-denied",
        "this user may not become root",
        "Add the user to the group sudo, or use another `user` in the profile.",
        Exit.USAGE,
    ),
    Known(
        r"sudo(-rs)?: (command )?not found|sudo: No such file",
        "become-missing",
        "there is no sudo on it",
        "Log in as root (`user: root`, `become: {method: none}`), or install sudo.",
        Exit.USAGE,
    ),
    Known(
        r"(?m)^sudo(-rs)?: ",  # in whatever language
        "become-refused",
        "sudo does not let us in",
        "Try `sudo true` there by hand; if it asks, give the host a password reference under `become`.",
        Exit.USAGE,
    ),
)
NO_PYTHON = re.compile(r"python[\d.]*: (command )?not found|python[\d.]*: No such file or directory", re.IGNORECASE)
# What ansible-core's own sources are to a Python that is older than they are written for.
OLD_PYTHON = re.compile(r"requires a minimum of Python version|SyntaxError: (future feature|invalid syntax)")


def words(result: Mapping[str, Any]) -> str:
    """All that a module result says about its failure."""
    parts = (result.get(key) for key in ("msg", "module_stderr", "module_stdout", "stderr", "exception"))
    return "\n".join(str(part) for part in parts if part)


def lacks_python(event: Event) -> bool:
    """Whether a module could not run because there is no interpreter where it is expected."""
    return event.kind == "failed" and bool(NO_PYTHON.search(words(event.result)))


def refuses_python(event: Event) -> bool:
    """Whether a module could not run because the interpreter is too old for it."""
    return event.kind == "failed" and bool(OLD_PYTHON.search(words(event.result)))


def python_old(host: str, found: str, minimum: str) -> AimlsetupError:
    """A host whose interpreter calls itself `found` and is older than `minimum`."""
    return AimlsetupError(
        "python-old",
        f"{host}: its {found} is too old for this controller's ansible-core",
        context=[f"expected: Python {minimum} or newer"],
        hint="Name a newer interpreter with `python:` of the host in the profile. Facts alone can be had with "
        "`aimlsetup observe --script`.",
        exit_code=Exit.USAGE,
    )


def python_missing(host: str, path: str) -> AimlsetupError:
    """A host that lacks the interpreter which the profile names."""
    return AimlsetupError(
        "python-missing",
        f"{host}: there is no Python {path}",
        context=["expected: `python:` of the host in the profile is the path of an interpreter there"],
        hint="Correct it; left out, it is /usr/bin/python3, which aimlsetup installs where it is missing.",
        exit_code=Exit.USAGE,
    )


def no_answer(host: str, output: str) -> AimlsetupError:
    """A host of which Ansible said nothing; `output` is what it said of all."""
    return AimlsetupError("ansible-failed", f"{host}: Ansible ended without an answer", context=_tail(output))


def access_error(host: str, event: Event, scrub: Callable[[str], str] = str) -> AimlsetupError:
    """Why a host cannot be observed; `scrub` hides secrets."""
    text = scrub(words(event.result))
    for known in (*BECOME, *(CONNECTION if event.kind == "unreachable" else ())):
        if re.search(known.pattern, text):
            return AimlsetupError(
                known.ref, f"{host}: {known.message}", context=_tail(text), hint=known.hint, exit_code=known.exit_code
            )
    if event.kind == "unreachable":
        silent = CONNECTION[-1]
        return AimlsetupError(silent.ref, f"{host}: {silent.message}", context=_tail(text), hint=silent.hint)
    hint = "Log in and start its Python by hand: the host's `python:` in the profile, or /usr/bin/python3."
    return AimlsetupError("host-failed", f"{host}: it could not be observed", hint=hint, context=_tail(text))


def not_root(host: str, uid: int) -> AimlsetupError:
    """A host where we are somebody else than root."""
    return AimlsetupError(
        "no-root",
        f"{host}: root is needed, and this is user id {uid}",
        context=["expected: `user: root`, or `become: {method: sudo}` (in an inventory `ansible_become: true`)"],
        hint="Run as root, or let aimlsetup become root by sudo; without either, `scope: user` in the profile makes "
        "everything below this user's home.",
        exit_code=Exit.USAGE,
    )


def is_root(host: str) -> AimlsetupError:
    """A host where we are root, and everything is to be made without."""
    return AimlsetupError(
        "is-root",
        f"{host}: the profile has `scope: user`, and this is root",
        context=["expected: a user whose home everything is made in, and no `become`"],
        hint="Log in as that user, or leave `scope` out.",
        exit_code=Exit.USAGE,
    )


def task_error(
    host: str, failures: list[Event], *, again: str, log: str, scrub: Callable[[str], str]
) -> AimlsetupError:
    """Why an apply stopped on a host. `again` is the command that goes on from here; `scrub` hides secrets."""
    if not failures:
        return AimlsetupError(
            "apply-failed", f"{host}: Ansible stopped without naming a task", context=[f"log: {log}"], hint=again
        )
    # What failed in no component, such as giving the lease back, followed from what failed in one.
    event = next((found for found in reversed(failures) if found.component), failures[-1])
    if event.kind == "unreachable":
        error = access_error(host, event, scrub)
        context = [f"component: {event.component}", f"task: {event.task}", *error.context, f"log: {log}"]
        return AimlsetupError(error.ref, error.message, context=context, hint=f"{error.hint} Then: {again}")
    if unit := event.result.get("resumes"):
        return AimlsetupError(
            RESUMES,
            f"{host}: it has to be rebooted now, and goes on by itself afterwards",
            context=scrub(words(event.result)).splitlines(),
            hint=f"Follow it after the reboot: journalctl -fu {unit}",
            exit_code=Exit.INTERRUPTED,
        )
    where = f"{host}: {event.component} failed" if event.component else f"{host}: failed"
    consent = Exit.CONSENT if event.result.get("consent") else Exit.FAILED
    return AimlsetupError(
        "apply-failed",
        where,
        context=[f"task: {event.task}", *map(scrub, _message(event, failures)), f"log: {log}"],
        hint=f"Nothing is lost. Set this right, then go on with: {again}",
        exit_code=consent,
    )


def broken(failures: list[Event], components: list[str], scrub: Callable[[str], str]) -> dict[str, str]:
    """{component: the first line of what its functional check said} of those that failed."""
    said: dict[str, str] = {}
    for event in failures:
        if event.component in components:
            lines = _message(event, failures) or ["failed without a word"]
            said[event.component] = scrub(lines[0])
    return said


def _message(event: Event, failures: list[Event]) -> list[str]:
    """The failure's words; of a loop, those of the item that failed."""
    looped = "one or more items failed" in str(event.result.get("msg", "")).lower()
    items = [found for found in failures if found.task == event.task and found is not event]
    return _tail(words(items[-1].result if looped and items else event.result))


def _tail(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip() and line.strip() not in NOISE]
    unique = list(dict.fromkeys(lines))
    return unique if len(unique) <= LINES else [*unique[:FIRST], "…", *unique[FIRST - LINES :]]
