"""Answers → profile document → answers. Pure.

The two are a lens: what no question asks about stays in the document untouched, so that `put(get(p), p) == p`, and
every answer that applies is found again: `get(put(a, p)) == a`.
"""

from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from typing import Any

from aimlsetup.wizard import hosts
from aimlsetup.wizard.items import LISTS
from aimlsetup.wizard.kinds import Value
from aimlsetup.wizard.places import read, write
from aimlsetup.wizard.question import MISSING, Group, Missing, Place, Question

Document = dict[str, Any]
ORDER = ("version", "preset", "hosts", "components", "roots", "requests", "reboot_ok")


def get(document: Mapping[str, Any], questions: Iterable[Question]) -> dict[str, Any]:
    """The answers that this document holds, those of list items included. What it leaves open is left out."""
    answers = hosts.get(document) | _framework(document)
    for question in questions:
        if question.at:
            _take(answers, question, document)
    for group in LISTS:
        items = read(document, group.place)
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
    if changed.keys() & hosts.NAMES:
        hosts.put(result, answers)
    if changed.keys() & {"framework", "framework_version"}:
        _put_framework(result, answers)
    elif (
        "preset" in changed and "framework" not in answers
    ):  # a wish of the profile's own would stand above the preset's
        write(result, ("requests", "framework"), None, remove=True)
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


def _take(answers: dict[str, Any], question: Question, document: Mapping[str, Any]) -> None:
    values = (read(document, place) for place in _places(question, document.get("components") or ()))
    found = next((value for value in values if value is not MISSING), question.absent)
    if found is not MISSING:
        answers[question.name] = found


def _places(question: Question, components: Collection[str]) -> tuple[Place, ...]:
    """Where an answer stands: of several places those that belong to chosen components."""
    if len(question.at) == 1:
        return question.at
    return tuple(place for place in question.at if place[0] in components)


def _give(document: Document, place: Place, value: Any, absent: Value | Missing) -> None:
    write(document, place, value, remove=value == absent)


def _put_items(document: Document, group: Group, answers: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
    found = read(document, group.place)
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
                write(item, question.at[0], None, remove=True)
    write(document, group.place, items)


def _framework(document: Mapping[str, Any]) -> dict[str, Any]:
    wishes = read(document, ("requests", "framework"))
    if isinstance(wishes, Missing):
        return {}
    name, version = next(iter(wishes.items()), ("none", None))
    return {"framework": name} | ({"framework_version": version} if wishes else {})


def _put_framework(document: Document, answers: Mapping[str, Any]) -> None:
    name = answers["framework"]
    wish = {} if name == "none" else {name: answers.get("framework_version")}
    write(document, ("requests", "framework"), wish)
