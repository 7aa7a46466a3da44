"""The conversation: what is asked when, and how answers are changed before they are used. Screens are given."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from aimlsetup.errors import AimlsetupError
from aimlsetup.wizard.kinds import Value
from aimlsetup.wizard.profile import HOST_ANSWERS
from aimlsetup.wizard.question import MISSING, Missing, Question, Scene
from aimlsetup.wizard.session import Session

Facts = Mapping[str, Any]
Look = Callable[[Mapping[str, Any]], Facts | None]
"""Takes a profile's `hosts`, returns the facts of the first; raises `AimlsetupError` when it can't be reached."""

TARGET = HOST_ANSWERS - {"become"}


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


def interview(session: Session, screen: Screen, look: Look) -> None:
    """Ask until the session's answers are complete and approved. They are found in the session, also after Ctrl-C."""
    _Conversation(session, screen, look).run()


class _Conversation:
    def __init__(self, session: Session, screen: Screen, look: Look) -> None:
        self.session = session
        self.screen = screen
        self.look = look
        self.seen: object = None
        self.section: str | None = None
        self.done: set[str] = set()
        self.again: set[str] = set()

    def run(self) -> None:
        self._ask(lambda question: question.first)
        thorough = self.screen.choose(
            "How shall we go on?", ["Take the recommended answers and show them to me", "Ask me question by question"]
        )
        self._ask(lambda _question: bool(thorough))
        while True:
            if not self._observe():
                self._ask(lambda _question: False)
                continue
            self.section = None
            rows = [question for question in self.session.applicable() if self._shown(question)]
            chosen = self.screen.summary(rows, self.session.scene)
            if chosen is None:
                return
            self._put(chosen)
            self._ask(partial(_unsettled_of, self.session, chosen.section))

    def _ask(self, wanted: Callable[[Question], bool]) -> None:
        """Put every open question that is wanted or has no usable answer, as long as answers open new ones."""
        while question := next((found for found in self.session.applicable() if self._open(found, wanted)), None):
            if question.name not in TARGET and not self._observe():
                continue
            self._put(question)

    def _open(self, question: Question, wanted: Callable[[Question], bool]) -> bool:
        if question.name in self.again or self.session.fault(question):
            return True
        if question.name in self.done or self.session.settled(question.name):
            return False
        return question.asked(self.session.scene) and wanted(question)

    def _put(self, question: Question) -> None:
        if question.section != self.section:
            self.section = question.section
            self.screen.section(question.section)
        offer = self.session.answers.get(question.name, MISSING)
        self.session.asked[question.name] = self.screen.ask(question, offer, self.session.scene)
        self.done.add(question.name)
        self.again.discard(question.name)

    def _shown(self, question: Question) -> bool:
        return question.asked(self.session.scene) or self.session.answers[question.name] != question.absent

    def _observe(self) -> bool:
        """Look at the target once it is known; False if the person wants another one."""
        hosts = self.session.hosts()
        if self.seen == hosts:
            return True
        self.seen = hosts
        try:
            self.session.facts = self.look(hosts)
        except AimlsetupError as error:
            self.session.facts = None
            self.screen.note(str(error))
            if self.screen.choose("It could not be looked at.", ["Change where it runs", "Go on all the same"]) == 0:
                first = (question.name for question in self.session.applicable() if question.first)
                self.again = TARGET.intersection(first)
                self.seen = None
                return False
        return True


def _unsettled_of(session: Session, section: str, question: Question) -> bool:
    return question.section == section and not session.settled(question.name)
