"""The conversation: what is asked when, and how answers are changed before they are used. Screens are given."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from aimlsetup.errors import AimlsetupError
from aimlsetup.wizard import hosts
from aimlsetup.wizard.kinds import Value
from aimlsetup.wizard.profile import Document
from aimlsetup.wizard.question import MISSING, Missing, Question, Scene
from aimlsetup.wizard.session import Session

Facts = Mapping[str, Any]
Pick = Callable[[Question], bool]
Look = Callable[[Mapping[str, Any]], Facts | None]
"""Takes a profile's `hosts`, returns the facts of the first; raises `AimlsetupError` when it can't be reached."""

Accept = Callable[[Document], object]
"""Takes the profile's document; raises `AimlsetupError` when it is none."""

TARGET = hosts.NAMES - {"become"}


class Screen(Protocol):
    """What a conversation needs. Each method raises KeyboardInterrupt when the person leaves."""

    def section(self, title: str) -> None:
        """Show that a new part begins."""

    def ask(self, question: Question, offer: Value | Missing, scene: Scene) -> Value:
        """Put one question with the offered answer; returns an answer the question accepts."""

    def choose(self, message: str, options: list[str]) -> int:
        """Put a choice that is no answer; returns its index. The first is offered."""

    def summary(self, rows: list[Question], scene: Scene) -> Question | None:
        """Show all answers; returns the question to be changed, None when all is well."""

    def note(self, text: str) -> None:
        """Say something."""


def interview(session: Session, screen: Screen, look: Look, accept: Accept) -> None:
    """Ask until the answers are complete, approved by the person, and accepted.

    They are found in the session, also after Ctrl-C.
    """
    _Conversation(session, screen, look, accept).run()


class _Conversation:
    def __init__(self, session: Session, screen: Screen, look: Look, accept: Accept) -> None:
        self.session = session
        self.screen = screen
        self.look = look
        self.accept = accept
        self.seen: object = None
        self.section: str | None = None
        self.done: set[str] = set()
        self.again: set[str] = set()

    def run(self) -> None:
        self._ask(self._wants, among=lambda question: question.first)
        thorough = self.screen.choose(
            "How shall we go on?", ["Take the recommended answers and show them to me", "Ask me question by question"]
        )
        self._ask(self._wants if thorough else _nothing)
        while True:
            if not self._observe():
                self._ask(_nothing)
                continue
            self.section = None
            rows = [question for question in self.session.applicable() if self._shown(question)]
            chosen = self.screen.summary(rows, self.session.scene)
            if chosen is None and self._accepted():
                return
            if chosen is None:
                continue
            before = self._asked()
            self._put(chosen)
            self.done |= before
            self._ask(self._wants)

    def _accepted(self) -> bool:
        try:
            self.accept(self.session.profile())
        except AimlsetupError as error:
            self.screen.note(str(error))
            return False
        return True

    def _ask(self, wanted: Pick, among: Pick = lambda _question: True) -> None:
        """Put every question that is wanted, or has no usable answer, as long as answers open new ones."""
        while question := next(self._open(wanted, among), None):
            if question.name not in TARGET and not self._observe():
                continue
            self._put(question)

    def _open(self, wanted: Pick, among: Pick) -> Iterator[Question]:
        for question in filter(among, self.session.applicable()):
            if question.name in self.again or self.session.fault(question) or wanted(question):
                yield question

    def _wants(self, question: Question) -> bool:
        """Whether a person would be asked this, and was not yet."""
        settled = question.name in self.done or self.session.settled(question.name)
        return not settled and question.asked(self.session.scene)

    def _put(self, question: Question) -> None:
        if question.section != self.section:
            self.section = question.section
            self.screen.section(question.section)
        offer = self.session.answers.get(question.name, MISSING)
        self.session.asked[question.name] = self.screen.ask(question, offer, self.session.scene)
        self.done.add(question.name)
        self.again.discard(question.name)

    def _asked(self) -> set[str]:
        """The questions a person would be asked with the answers as they are."""
        scene = self.session.scene
        return {question.name for question in self.session.applicable() if question.asked(scene)}

    def _shown(self, question: Question) -> bool:
        return question.asked(self.session.scene) or self.session.answers[question.name] != question.absent

    def _observe(self) -> bool:
        """Look at the target once it is known; False if the person wants another one."""
        found = self.session.hosts()
        if self.seen == found:
            return True
        self.seen = found
        try:
            self.session.facts = self.look(found)
        except AimlsetupError as error:
            self.session.facts = None
            self.screen.note(str(error))
            if self.screen.choose("It could not be looked at.", ["Change where it runs", "Go on all the same"]) == 0:
                first = (question.name for question in self.session.applicable() if question.first)
                self.again = TARGET.intersection(first)
                self.seen = None
                return False
        return True


def _nothing(_question: Question) -> bool:
    return False
