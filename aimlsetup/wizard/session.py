"""One run of the wizard: where answers come from, which questions are open, what the profile becomes. Pure."""

import difflib
import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.wizard import profile, questions
from aimlsetup.wizard.hosts import to_look_at
from aimlsetup.wizard.items import LISTS
from aimlsetup.wizard.question import MISSING, Question, Scene, Surroundings

Answers = dict[str, Any]

# Which document to start from depends on these, so it can't answer them.
BEFORE_BASE = ("where", "start")
ITEM = re.compile(r"(?P<group>[a-z]+)\.(?P<item>[1-9]\d{0,1})\.\w+")


class Lookup(Mapping[str, Any]):
    """Answers that are worked out when they are looked up, since they depend on others."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    def __getitem__(self, name: str) -> Any:
        value = self._find(name)
        if value is MISSING:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass
class Session:
    """Answers by precedence (see `answers`). `document` is the profile to start from, None when there is none;
    `example` is what `start: example` starts from instead.
    """

    around: Surroundings
    flags: Answers = field(default_factory=dict)
    given: Answers = field(default_factory=dict)
    document: Mapping[str, Any] | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    asked: Answers = field(default_factory=dict)
    facts: Mapping[str, Any] | None = None

    @cached_property
    def answers(self) -> ChainMap[str, Any]:
        """Every answer there is: just asked, `--set`, `--answers`, profile, observed, default."""
        layers = (self._of_base, self._of_target, self._of_default)
        return ChainMap(self.asked, self.flags, self.given, *(Lookup(find) for find in layers))  # type: ignore[arg-type]

    @property
    def base(self) -> Mapping[str, Any]:
        """The document that the answers are written into."""
        if self.document is not None:
            return self.document
        return self.example if self.answers["start"] == "example" else {}

    def _of_base(self, name: str) -> Any:
        if self.document is not None:
            return self._held(self._in_document, name)
        if name in BEFORE_BASE or self.answers["start"] != "example":
            return MISSING
        return self._held(self._in_example, name)

    def _held(self, held: Answers, name: str) -> Any:
        """What a document says; what went with another answer goes on with it when that changes: components with the
        device, a service with the common name that it ran from.
        """
        value = held.get(name, MISSING)
        if name == "components" and value is not MISSING:
            return self._components(value, held.get("device"))
        follows = name.startswith("services.") and name.endswith(".env") and value == held.get("env_name")
        return self.answers["env_name"] if follows and "env_name" in self.answers else value

    def _components(self, names: list[str], before: str | None) -> list[str]:
        """A document's components: those of the device it was for give way to those of the one that is asked for."""
        device = self.answers["device"]
        if before in (None, device):
            return names
        known = {item.name: item.device for item in self.around.components}
        return [name for name, own in known.items() if own == device or (own is None and name in names)]

    @cached_property
    def _in_document(self) -> Answers:
        return profile.get(self.document or {}, self._scalars.values())

    @cached_property
    def _in_example(self) -> Answers:
        return profile.get(self.example, self._scalars.values())

    def _of_target(self, name: str) -> Any:
        return observed(self.facts).get(name, MISSING)

    def _of_default(self, name: str) -> Any:
        question = self.question(name)
        return question.default(self.scene) if question else MISSING

    @property
    def scene(self) -> Scene:
        """What questions look at, as it is now."""
        declared = any(host.get("gpus") for host in (self.document or {}).get("hosts", {}).values())
        return Scene(self.answers, self.around, self.facts, fresh=self.document is None, declared=declared)

    @cached_property
    def _scalars(self) -> dict[str, Question]:
        return {question.name: question for question in questions.scalars(self.around)}

    def question(self, name: str) -> Question | None:
        """The question of this name, those of list items included."""
        item = ITEM.fullmatch(name)
        for group in LISTS:
            if name == group.name:
                return group.count
            if item and item["group"] == group.name:
                return next((found for found in group.fields(int(item["item"])) if found.name == name), None)
        return self._scalars.get(name)

    def applicable(self) -> list[Question]:
        """The questions that the present answers call for, up to the first list whose length is not known."""
        return list(questions.applicable(self.scene, self._scalars.values()))

    def fault(self, question: Question) -> str | None:
        """What keeps the present answer from being used; None if it is good."""
        value = self.answers.get(question.name, MISSING)
        return "an answer is needed" if value is MISSING else question.fault(value, self.scene)

    def settled(self, name: str) -> bool:
        """Whether a person, a flag or a file has given this answer."""
        return any(name in layer for layer in (self.asked, self.flags, self.given))

    def answered(self) -> Answers:
        """What a person, a flag or a file has said and a question accepts, in the order of asking."""
        found = (question for question in self.applicable() if self.settled(question.name))
        return {question.name: self.answers[question.name] for question in found if not self.fault(question)}

    def complete(self) -> Answers:
        """All answers; `AimlsetupError` names the flag of each that is missing or not usable."""
        found = self.applicable()
        faults = {question.name: fault for question in found if (fault := self.fault(question))}
        idle = sorted(self.flags.keys() - {question.name for question in found} - faults.keys())
        if idle and not faults:
            faults = dict.fromkeys(idle, "not asked with these answers; leave it away, or change what it depends on")
        if faults:
            raise AimlsetupError(
                "answers-incomplete",
                "these answers are not enough for a profile",
                context=[f"--set {name}=…: {fault}" for name, fault in faults.items()],
                hint="Give them by --set NAME=VALUE or in a file by --answers FILE, or run this in a terminal.",
                exit_code=Exit.USAGE,
            )
        return {question.name: self.answers[question.name] for question in found}

    def hosts(self) -> Mapping[str, Any]:
        """The profile's `hosts` as far as they are needed to look at them: without a way to root."""
        return to_look_at(self.answers, self.base)

    def profile(self) -> profile.Document:
        """The profile that these answers make."""
        return profile.put(self.complete(), self.base, self._scalars.values())

    def accept(self, texts: Mapping[str, str]) -> Answers:
        """Read `--set` values as the questions' kinds."""
        answers: Answers = {}
        for name, text in texts.items():
            question = self.question(name)
            if question is None:
                raise self._unknown(name)
            try:
                answers[name] = question.kind.read(text)
            except ValueError as error:
                raise AimlsetupError("answer-invalid", f"--set {name}: {error}", exit_code=Exit.USAGE) from None
        return answers

    def check(self, answers: Mapping[str, Any], where: str) -> Answers:
        """The answers of a file, refused where there is no such question or another kind of answer is expected."""
        for name, value in answers.items():
            question = self.question(name)
            if question is None:
                raise self._unknown(name, where)
            if not question.kind.holds(value):
                raise AimlsetupError(
                    "answer-invalid", f"{where}: {name}: {question.kind.name} is expected", exit_code=Exit.USAGE
                )
        return dict(answers)

    def _unknown(self, name: str, where: str = "--set") -> AimlsetupError:
        items = (field.name for group in LISTS for field in (group.count, *group.fields(1)))
        known = [*self._scalars, *items]
        near = difflib.get_close_matches(name, known, n=1)
        return AimlsetupError(
            "answer-unknown",
            f"{where}: there is no question named {name!r}",
            hint=f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known[:24])} …",
            exit_code=Exit.USAGE,
        )


def lengthened(answers: Answers, document: Mapping[str, Any]) -> Answers:
    """The answers, with the length of a list that `repos.2.url` and the like ask for beyond what the document has."""
    counts = profile.get(document, ())
    for name in list(answers):
        item = ITEM.fullmatch(name)
        if item and item["group"] in counts and item["group"] not in answers:
            counts[item["group"]] = max(counts[item["group"]], int(item["item"]))
    named = {item["group"] for name in answers if (item := ITEM.fullmatch(name))}
    return {name: count for name, count in counts.items() if name in named} | answers


def observed(facts: Mapping[str, Any] | None) -> Answers:
    """Answers that the target itself suggests. `facts` are as plugins/module_utils/facts.py documents them."""
    if facts is None:
        return {}
    own = (version for path, version in facts["pythons"].items() if path.startswith("/usr/bin/"))
    minors = sorted({tuple(int(part) for part in version.split(".")[:2]) for version in own})
    python = {"python": ".".join(map(str, minors[-1]))} if minors else {}
    return python | {"become": "none" if facts["uid"] == 0 else "sudo-password"}
