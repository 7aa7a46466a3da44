"""What a question is, and what its functions may look at. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimlsetup.catalog.presets import Preset
from aimlsetup.wizard.kinds import CONSENT, TEXT, Kind, Value

Place = tuple[str | int, ...]
"""Where in the profile's document a value stands: `("requests", "python")`, `("python_env", "envs", 0, "name")`."""


WHERE, WHAT, ROOTS, PYTHON, REPOS, SERVICES, CONSENTS, MORE = SECTIONS = (
    "Where it runs",
    "What is set up",
    "Root directories",
    "Python",
    "Repositories",
    "Services",
    "Consent",
    "Other settings",
)


class Missing:
    """There is no value; unlike None, which is one."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()


@dataclass(frozen=True)
class Component:
    """What the catalog and its role's argument spec say of a component."""

    name: str
    title: str
    options: Mapping[str, Mapping[str, Any]]
    """`argument_specs.main.options` by name without the component's prefix."""
    device: str | None = None
    """It is only for hosts that compute on this."""
    rootless: bool = False
    """It can be set up without root, below a prefix."""
    implied: bool = False
    """It comes by itself where the profile has what it is for."""
    optional: bool = False
    """It is there only where it is asked for."""


@dataclass(frozen=True)
class Surroundings:
    """What does not depend on answers."""

    components: tuple[Component, ...]
    releases: Mapping[str, str] = field(default_factory=dict)
    """Sandbox releases: name to title."""
    sandbox_lack: str | None = None
    """Why no sandbox host can be booted here."""
    presets: Mapping[str, Preset] = field(default_factory=dict)
    """The catalog's, by name."""


@dataclass(frozen=True)
class Scene:
    """What a question's functions look at."""

    answers: Mapping[str, Any]
    around: Surroundings
    facts: Mapping[str, Any] | None = None
    """Facts of the first target, as plugins/module_utils/facts.py documents them; None before it was seen."""
    fresh: bool = True
    """No profile is there to start from."""
    declared: bool = False
    """The profile to start from says that some host has GPUs."""

    def has(self, *components: str) -> bool:
        """Whether any of these components was chosen."""
        return not set(components).isdisjoint(self.answers["components"])

    @property
    def gpus(self) -> int:
        """How many GPUs of NVIDIA's the first target has."""
        return sum(gpu["id"].startswith("10de:") for gpu in self.seen("gpus") or ())

    def seen(self, *path: str) -> Any:
        """A fact by its path, None while the target was not observed."""
        found: Any = self.facts
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


@dataclass(frozen=True)
class Choice:
    """One of several values; `lack` says why it can't be chosen now."""

    value: Value
    title: str
    lack: str | None = None

    @property
    def name(self) -> str:
        """How `--set` names it."""
        return CONSENT.show(self.value) if self.value is None or isinstance(self.value, bool) else str(self.value)


def _always(_scene: Scene) -> bool:
    return True


def _none(_scene: Scene) -> Value | Missing:
    return MISSING


def _free(_scene: Scene) -> tuple[Choice, ...]:
    return ()


def _anything(_value: Any, _scene: Scene) -> None:
    return None


@dataclass(frozen=True)
class Question:
    """One question. `name` is the key of its answer, in `--set`, in answer files and in between.

    `default` may look at earlier answers; MISSING means that the user has to say. `validator` returns what was
    expected instead, without repeating a value that may be secret. `at` are the places of the profile that hold
    the answer; what stands at none of them is read as `absent`, and MISSING leaves it open. Where `when` is false there
    is no such answer; where `asked` is false there is, but nobody is bothered with it. `first` questions are put even
    to those who take every recommended answer.
    """

    name: str
    section: str
    prompt: str
    help: str = ""
    kind: Kind = TEXT
    when: Callable[[Scene], bool] = _always
    asked: Callable[[Scene], bool] = _always
    default: Callable[[Scene], Value | Missing] = _none
    choices: Callable[[Scene], tuple[Choice, ...]] = _free
    validator: Callable[[Any, Scene], str | None] = _anything
    at: tuple[Place, ...] = ()
    absent: Value | Missing = MISSING
    first: bool = False

    def fault(self, value: Value, scene: Scene) -> str | None:
        """What was expected instead of this value, None if it is good."""
        if not self.kind.holds(value):
            return f"{self.kind.name} is expected"
        offered = self.choices(scene)
        if offered:
            for one in value if isinstance(value, list) else [value]:
                if one not in [choice.value for choice in offered if not choice.lack]:
                    return _refusal(one, offered)
        return self.validator(value, scene)


def _refusal(value: Value, offered: tuple[Choice, ...]) -> str:
    lack = next((choice.lack for choice in offered if choice.value == value), None)
    if lack:
        return f"{value} can't be chosen: {lack}"
    return f"one of {', '.join(choice.name for choice in offered if not choice.lack)} is expected"


@dataclass(frozen=True)
class Group:
    """Questions asked once per item of a list in the profile; `count` asks how many there are.

    Answers of item N are named `<group>.<N>.<field>`, from 1. Fields stand at a key of the item.
    """

    count: Question
    fields: Callable[[int], tuple[Question, ...]]

    @property
    def name(self) -> str:
        """The list's name: that of the question for its length."""
        return self.count.name

    @property
    def place(self) -> Place:
        """The list in the profile."""
        return self.count.at[0]


def fixed(value: Any) -> Callable[[Scene], Any]:
    """A default or choices that depend on nothing."""
    return lambda _scene: value


def when(name: str, *values: Value) -> Callable[[Scene], bool]:
    """Where another answer is one of these."""
    return lambda scene: scene.answers.get(name) in values


def having(*components: str) -> Callable[[Scene], bool]:
    """Where one of these components was chosen."""
    return lambda scene: scene.has(*components)
