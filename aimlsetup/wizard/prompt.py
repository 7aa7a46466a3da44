"""Questions on a terminal. The only door to questionary."""

import shutil
from typing import Any

import questionary
from questionary import Choice, Separator, Style

from aimlsetup.wizard.kinds import WORDS, YES_NO, Value
from aimlsetup.wizard.question import Missing, Question, Scene

STYLE = Style(
    [
        ("qmark", "fg:ansicyan bold"),
        ("question", "bold"),
        ("answer", "fg:ansicyan"),
        ("pointer", "fg:ansicyan bold"),
        ("highlighted", "fg:ansicyan"),
        ("selected", "fg:ansicyan"),
        ("separator", "fg:ansibrightblack"),
        ("disabled", "fg:ansibrightblack italic"),
        ("instruction", "fg:ansibrightblack"),
        ("bottom-toolbar", "noreverse"),
    ]
)
DIM = "fg:ansibrightblack"
LABEL_WIDTH = 44


class Terminal:
    """The screen of a conversation (see `aimlsetup.wizard.interview.Screen`)."""

    def section(self, title: str) -> None:
        """A heading."""
        questionary.print(f"\n{title}", style="bold fg:ansicyan")

    def note(self, text: str) -> None:
        """Say something."""
        questionary.print(text)

    def ask(self, question: Question, offer: Value | Missing, scene: Scene) -> Value:
        """Put one question; what it does not accept can't be entered."""
        if question.help:
            questionary.print(f"  {question.help}", style=DIM)
        good = not isinstance(offer, Missing) and question.fault(offer, scene) is None
        if question.choices(scene):
            return _checkbox(question, offer, scene) if question.kind is WORDS else _select(question, offer, scene)
        if question.kind is YES_NO:
            asked = questionary.confirm(question.prompt, default=good and bool(offer), style=STYLE)
            return bool(asked.unsafe_ask())
        return _text(question, offer if good and not isinstance(offer, Missing) else None, scene)

    def choose(self, message: str, options: list[str]) -> int:
        """Put a choice that is no answer."""
        choices = [Choice(title, index) for index, title in enumerate(options)]
        return int(questionary.select(message, choices, style=STYLE, instruction=" ").unsafe_ask())

    def summary(self, rows: list[Question], scene: Scene) -> Question | None:
        """Every answer on a line of its own, to be chosen and changed."""
        choices: list[Choice | Separator] = [Choice("All right: go on", -1)]
        section = None
        for index, question in enumerate(rows):
            if question.section != section:
                section = question.section
                choices.append(Separator(f"── {section}"))
            choices.append(Choice(_row(question, scene), index))
        questionary.print("")
        picked = questionary.select(
            "Go on, or choose a line to change it",
            choices,
            style=STYLE,
            instruction="(arrow keys, Enter)",
            erase_when_done=True,
        ).unsafe_ask()
        return None if picked < 0 else rows[picked]

    def password(self, message: str) -> str:
        """Ask for something that is not shown."""
        return str(questionary.password(message, style=STYLE).unsafe_ask())

    def confirm(self, message: str) -> bool:
        """Yes or no; Enter is no."""
        return bool(questionary.confirm(message, default=False, style=STYLE).unsafe_ask())


def _select(question: Question, offer: Value | Missing, scene: Scene) -> Value:
    offered = question.choices(scene)
    choices = [Choice(choice.title, index, disabled=choice.lack) for index, choice in enumerate(offered)]
    default = next((index for index, choice in enumerate(offered) if choice.value == offer and not choice.lack), None)
    asked = questionary.select(
        question.prompt, choices, default=None if default is None else choices[default], style=STYLE, instruction=" "
    )
    index: int = asked.unsafe_ask()
    return offered[index].value


def _checkbox(question: Question, offer: Value | Missing, scene: Scene) -> list[str]:
    marked = offer if isinstance(offer, list) else []
    choices = [
        Choice(choice.title, choice.value, disabled=choice.lack, checked=choice.value in marked)
        for choice in question.choices(scene)
    ]
    asked = questionary.checkbox(question.prompt, choices, style=STYLE, instruction="(space marks, Enter goes on)")
    return [str(value) for value in asked.unsafe_ask()]


def _text(question: Question, offer: Value, scene: Scene) -> Value:
    def check(text: str) -> bool | str:
        try:
            fault = question.fault(question.kind.read(text), scene)
        except ValueError as error:
            fault = str(error)
        return fault or True

    asked = questionary.text(question.prompt, default=question.kind.show(offer), validate=check, style=STYLE)
    return question.kind.read(str(asked.unsafe_ask()))


def _row(question: Question, scene: Scene) -> str:
    """A summary line: the question and its answer, cut to the terminal's width."""
    value: Any = scene.answers[question.name]
    titles = (choice.title for choice in question.choices(scene) if choice.value == value)
    shown = next(titles, None) or question.kind.show(value) or ("left open" if value is None else "none")
    room = shutil.get_terminal_size().columns - LABEL_WIDTH - 6
    label = question.prompt.rstrip("?")
    label = label if len(label) < LABEL_WIDTH else f"{label[: LABEL_WIDTH - 2]}…"
    return f"{label:<{LABEL_WIDTH}}{shown if len(shown) <= room else shown[: room - 1] + '…'}"
