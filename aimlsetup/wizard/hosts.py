"""Where it runs: the questions about hosts, and the part of the profile that holds the answers. Pure."""

from collections.abc import Mapping
from typing import Any

from aimlsetup.models.profile import UserName
from aimlsetup.wizard import validators
from aimlsetup.wizard.kinds import INTEGER, WORDS
from aimlsetup.wizard.question import WHERE, Choice, Question, Scene, fixed, when


def _where(scene: Scene) -> tuple[Choice, ...]:
    keep = () if scene.fresh else (Choice("keep", "The hosts as the profile has them"),)
    return (
        *keep,
        Choice("sandbox", "A disposable sandbox host on this machine (try it without risk)", scene.around.sandbox_lack),
        Choice("local", "This machine"),
        Choice("ssh", "Other machines, over ssh"),
    )


HOSTS = (
    Question(
        "where",
        WHERE,
        "Where shall it run?",
        default=lambda scene: "local" if scene.around.sandbox_lack else "sandbox",
        choices=_where,
        first=True,
    ),
    Question(
        "sandbox.name",
        WHERE,
        "Name of the sandbox host",
        when=when("where", "sandbox"),
        default=fixed("quickstart"),
        validator=validators.matches(r"[a-z][a-z0-9-]{0,30}", "up to 31 lower-case letters, digits and dashes are"),
    ),
    Question(
        "sandbox.release",
        WHERE,
        "Its distribution",
        when=when("where", "sandbox"),
        default=fixed("bookworm"),
        choices=lambda scene: tuple(Choice(name, title) for name, title in scene.around.releases.items()),
    ),
    Question(
        "hosts",
        WHERE,
        "Names or addresses of the hosts",
        help="Several are separated by blanks. Names of your ssh configuration work too.",
        kind=WORDS,
        when=when("where", "ssh"),
        validator=validators.addresses,
        first=True,
    ),
    Question(
        "ssh.user",
        WHERE,
        "User to sign in as",
        help="Empty: as your ssh configuration says.",
        when=when("where", "ssh"),
        default=fixed(None),
        first=True,
        validator=validators.fits(UserName, optional=True),
    ),
    Question(
        "ssh.port",
        WHERE,
        "Port of ssh",
        help="Empty: as your ssh configuration says.",
        kind=INTEGER,
        when=when("where", "ssh"),
        default=fixed(None),
        first=True,
        validator=lambda value, _scene: (
            None if value is None or 1 <= value <= 65535 else "a port from 1 to 65535 is expected"
        ),
    ),
    Question(
        "become",
        WHERE,
        "How is root reached there?",
        when=when("where", "ssh", "local"),
        first=True,
        default=fixed("sudo-password"),
        choices=fixed(
            (
                Choice("none", "Not at all: already root, or nothing may need it"),
                Choice("sudo", "sudo, without a password"),
                Choice("sudo-password", "sudo, with a password (asked when it is needed, kept nowhere)"),
            )
        ),
    ),
)

NAMES = {question.name for question in HOSTS}
LOCAL = "localhost"
Document = dict[str, Any]
BECOME: dict[str, Document] = {
    "none": {},
    "sudo": {"method": "sudo"},
    "sudo-password": {"method": "sudo", "password": "prompt:sudo password"},
}


def get(document: Mapping[str, Any]) -> dict[str, Any]:
    """Answers about hosts: `keep` where the document says more than the questions can."""
    hosts = document.get("hosts") or {}
    if not hosts:
        return {}
    for answers in (_as_local(hosts), _as_sandbox(hosts), _as_ssh(hosts)):
        if answers is not None and _part(answers, hosts) == hosts:
            return answers
    return {"where": "keep"}


def _become(host: Document) -> str | None:
    return next((name for name, become in BECOME.items() if host.get("become", {}) == become), None)


def _as_local(hosts: Mapping[str, Document]) -> dict[str, Any] | None:
    become = _become(hosts.get(LOCAL, {}))
    return {"where": "local", "become": become} if become else None


def _as_sandbox(hosts: Mapping[str, Document]) -> dict[str, Any] | None:
    name, host = next(iter(hosts.items()))
    release = host.get("release")
    return {"where": "sandbox", "sandbox.name": name, "sandbox.release": release} if release else None


def _as_ssh(hosts: Mapping[str, Document]) -> dict[str, Any] | None:
    host = next(iter(hosts.values()))
    addresses = [other.get("address") for other in hosts.values()]
    answers = {
        "where": "ssh",
        "hosts": addresses,
        "ssh.user": host.get("user"),
        "ssh.port": host.get("port"),
        "become": _become(host),
    }
    return answers if answers["become"] and all(addresses) else None


def put(document: Document, answers: Mapping[str, Any]) -> None:
    """Write the answers into the document's `hosts`."""
    if answers["where"] != "keep":
        document["hosts"] = _part(answers, document.get("hosts") or {})


def _part(answers: Mapping[str, Any], before: Mapping[str, Document]) -> Document:
    """The `hosts` part; what the questions don't ask of a host (`identity`, `python` …) is kept from `before`."""
    if answers["where"] == "sandbox":
        return {answers["sandbox.name"]: {"connection": "sandbox", "release": answers["sandbox.release"]}}
    if answers["where"] == "local":
        return {LOCAL: _host({"connection": "local"}, answers, before.get(LOCAL, {}))}
    names = {host.get("address"): name for name, host in before.items()}
    result = {}
    for address in answers["hosts"]:
        name = names.get(address, validators.host_name(address))
        asked = {"connection": "ssh", "address": address, "user": answers["ssh.user"], "port": answers["ssh.port"]}
        result[name] = _host(asked, answers, before.get(name, {}))
    return result


def _host(asked: Document, answers: Mapping[str, Any], before: Document) -> Document:
    """One host: what was asked, then what else the document said of it."""
    asked = asked | {"become": BECOME[answers["become"]] or None}
    same = before.get("connection", "ssh") == asked["connection"]
    kept = {key: value for key, value in before.items() if same and key not in asked}
    return {key: value for key, value in asked.items() if value is not None} | kept


def to_look_at(answers: Mapping[str, Any], document: Mapping[str, Any]) -> Document:
    """The `hosts` part that these answers make, for one who only wants to look: without a way to root."""
    before = document.get("hosts") or {}
    if answers["where"] == "keep":
        return {name: {key: value for key, value in host.items() if key != "become"} for name, host in before.items()}
    return _part({**{name: answers[name] for name in NAMES if name in answers}, "become": "none"}, before)
