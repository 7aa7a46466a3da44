"""Answers → profile document → answers. Pure.

The two are a lens: what no question asks about stays in the document untouched, so that `put(get(p), p) == p`, and
every answer that applies is found again: `get(put(a, p)) == a`.
"""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from typing import Any

from aimlsetup.wizard.items import LISTS
from aimlsetup.wizard.kinds import Value
from aimlsetup.wizard.question import MISSING, Group, Missing, Place, Question

Document = dict[str, Any]
ORDER = ("version", "hosts", "components", "roots", "requests", "reboot_ok")
LOCAL = "localhost"


def get(document: Mapping[str, Any], questions: Iterable[Question]) -> dict[str, Any]:
    """The answers that this document holds, those of list items included. What it leaves open is left out."""
    answers = _hosts(document) | _framework(document)
    for question in questions:
        if question.at:
            _take(answers, question, document)
    for group in LISTS:
        items = _read(document, group.place)
        count = 0 if isinstance(items, Missing) else len(items)
        answers[group.name] = count
        for item in range(1, count + 1):
            for question in group.fields(item):
                _take(answers, question, items[item - 1])
    return answers


def put(answers: Mapping[str, Any], document: Mapping[str, Any], questions: Iterable[Question]) -> Document:
    """The document with these answers in it. Only what differs from `get(document)` is written."""
    known = list(questions)
    before = get(document, known)
    changed = {name: value for name, value in answers.items() if name not in before or before[name] != value}
    result: Document = {"version": 1} | deepcopy(dict(document))
    if changed.keys() & HOST_ANSWERS:
        _put_hosts(result, answers)
    if changed.keys() & {"framework", "framework_version"}:
        _put_framework(result, answers)
    chosen = set(answers.get("components", ()))
    added = chosen.difference(document.get("components") or ())
    for question in known:
        for place in _places(question, chosen):
            if question.name in changed or (question.name in answers and len(question.at) > 1 and place[0] in added):
                _give(result, place, answers[question.name], question.absent)
    for group in LISTS:
        if group.name in answers:
            _put_items(result, group, answers, changed)
    return {key: result[key] for key in (*ORDER, *result) if key in result}


def hosts(answers: Mapping[str, Any], document: Mapping[str, Any]) -> Document:
    """The `hosts` part that these answers make, for one who only wants to look: without a way to root."""
    before = document.get("hosts") or {}
    if answers["where"] == "keep":
        return {name: {key: value for key, value in host.items() if key != "become"} for name, host in before.items()}
    return _hosts_of({**{name: answers[name] for name in HOST_ANSWERS if name in answers}, "become": "none"}, before)


def _take(answers: dict[str, Any], question: Question, document: Mapping[str, Any]) -> None:
    values = (_read(document, place) for place in _places(question, document.get("components") or ()))
    found = next((value for value in values if value is not MISSING), question.absent)
    if found is not MISSING:
        answers[question.name] = found


def _places(question: Question, components: Collection[str]) -> tuple[Place, ...]:
    """Where an answer stands: of several places those that belong to chosen components."""
    if len(question.at) == 1:
        return question.at
    return tuple(place for place in question.at if place[0] in components)


def _give(document: Document, place: Place, value: Any, absent: Value | Missing) -> None:
    _write(document, place, value, remove=value == absent)


def _put_items(document: Document, group: Group, answers: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
    found = _read(document, group.place)
    items: list[Document] = [] if isinstance(found, Missing) else found
    count = answers[group.name]
    if isinstance(found, Missing) and not count:
        return
    del items[count:]
    items.extend({} for _ in range(len(items), count))
    for index, item in enumerate(items):
        for question in group.fields(index + 1):
            if question.name in changed:
                _give(item, question.at[0], changed[question.name], question.absent)
            elif question.name not in answers:
                _write(item, question.at[0], None, remove=True)
    _write(document, group.place, items)


def _read(document: Any, place: Place) -> Any:
    for key in place:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return document


def _write(document: Any, place: Place, value: Any, *, remove: bool = False) -> None:
    """Set or remove what stands at a place; mappings and lists on the way are made, emptied mappings removed."""
    key, rest = place[0], place[1:]
    if remove and _read(document, place) is MISSING:
        return
    if rest:
        inner = _read(document, (key,))
        if not isinstance(inner, dict | list):
            inner = [] if isinstance(rest[0], int) else {}
        _write(inner, rest, value, remove=remove)
        if remove and inner == {}:
            del document[key]
            return
        value = inner
    elif remove:
        del document[key]
        return
    if isinstance(document, list) and key == len(document):
        document.append(value)
    else:
        document[key] = value


def _framework(document: Mapping[str, Any]) -> dict[str, Any]:
    wishes = _read(document, ("requests", "framework"))
    if isinstance(wishes, Missing):
        return {}
    name, version = next(iter(wishes.items()), ("none", None))
    return {"framework": name} | ({"framework_version": version} if wishes else {})


def _put_framework(document: Document, answers: Mapping[str, Any]) -> None:
    name = answers["framework"]
    wish = {} if name == "none" else {name: answers.get("framework_version")}
    _write(document, ("requests", "framework"), wish)


HOST_ANSWERS = {"where", "hosts", "ssh.user", "ssh.port", "become", "sandbox.name", "sandbox.release"}
BECOME: dict[str, Document] = {
    "none": {},
    "sudo": {"method": "sudo"},
    "sudo-password": {"method": "sudo", "password": "prompt:sudo password"},
}


def _hosts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Answers about hosts: `keep` where the document says more than the questions can."""
    hosts = document.get("hosts") or {}
    if not hosts:
        return {}
    for answers in (_as_local(hosts), _as_sandbox(hosts), _as_ssh(hosts)):
        if answers is not None and _hosts_of(answers, hosts) == hosts:
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


def _put_hosts(document: Document, answers: Mapping[str, Any]) -> None:
    if answers["where"] != "keep":
        document["hosts"] = _hosts_of(answers, document.get("hosts") or {})


def _hosts_of(answers: Mapping[str, Any], before: Mapping[str, Document]) -> Document:
    """The `hosts` part; what the questions don't ask of a host (`identity`, `python` …) is kept from `before`."""
    if answers["where"] == "sandbox":
        return {answers["sandbox.name"]: {"connection": "sandbox", "release": answers["sandbox.release"]}}
    if answers["where"] == "local":
        return {LOCAL: _host({"connection": "local"}, answers, before.get(LOCAL, {}))}
    names = {host.get("address"): name for name, host in before.items()}
    result = {}
    for address in answers["hosts"]:
        name = names.get(address, address.replace(":", "-"))
        asked = {"connection": "ssh", "address": address, "user": answers["ssh.user"], "port": answers["ssh.port"]}
        result[name] = _host(asked, answers, before.get(name, {}))
    return result


def _host(asked: Document, answers: Mapping[str, Any], before: Document) -> Document:
    """One host: what was asked, then what else the document said of it."""
    asked = asked | {"become": BECOME[answers["become"]] or None}
    kept = {key: value for key, value in before.items() if key not in asked}
    return {key: value for key, value in asked.items() if value is not None} | kept
