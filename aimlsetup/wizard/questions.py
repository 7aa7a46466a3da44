"""All questions. Their order is the order of asking; what depends on an answer comes after it."""

from collections.abc import Iterable, Iterator, Mapping

from aimlsetup.models.profile import Roots
from aimlsetup.wizard import validators
from aimlsetup.wizard.hosts import HOSTS
from aimlsetup.wizard.items import LISTS
from aimlsetup.wizard.kinds import CONSENT, WORDS, YES_NO
from aimlsetup.wizard.question import (
    CONSENTS,
    MORE,
    PYTHON,
    ROOTS,
    SECTIONS,
    WHAT,
    WHERE,
    Choice,
    Component,
    Group,
    Question,
    Scene,
    Surroundings,
    fixed,
    having,
    when,
)
from aimlsetup.wizard.settings import settings

SYSTEM, USER = "system", "user"
NONE, ANY = "none", "any"  # answers that leave it open

ROOT_TITLES = {
    "codehub": "Code and applications",
    "config": "Configuration",
    "data": "Data, logs and released models",
    "mnt": "Mounts",
    "doc": "Documents",
    "rpt": "Reports",
    "kbank": "Knowledge bank",
    "virtualenvs": "Virtual environments",
}


def _starts(scene: Scene) -> tuple[Choice, ...]:
    boxed = scene.answers["where"] == "sandbox"
    return (
        Choice(
            "example",
            "The quickstart example: a small model that reads handwritten digits",
            None if boxed else "it is for a sandbox host",
        ),
        Choice("own", "My own application, from git repositories"),
        Choice("none", "Nothing yet: prepare the machine"),
    )


def _device(scene: Scene) -> tuple[Choice, ...]:
    seen = f" ({scene.gpus} found)" if scene.gpus else ""
    blind = scene.facts is None or scene.declared or scene.gpus
    lack = None if blind else "no NVIDIA GPU was found there, and the profile declares none"
    return (Choice("cpu", "CPU"), Choice("gpu", f"GPU{seen}", lack))


def _maybe_without_root(scene: Scene) -> bool:
    """Where nothing brings root; a sandbox host's user is."""
    return scene.answers["where"] in ("local", "ssh") and scene.answers["become"] == "none"


def _fits(component: Component, scene: Scene) -> bool:
    """Whether it is for the device, and can be had in the scope."""
    return component.device in (None, scene.answers["device"]) and (
        component.rootless or scene.answers["scope"] == SYSTEM
    )


def _components(scene: Scene) -> tuple[Choice, ...]:
    """Those that fit, and what is there."""
    return tuple(
        Choice(component.name, f"{component.name}: {component.title}")
        for component in scene.around.components
        if _fits(component, scene) or component.name in scene.answers["components"]
    )


def _usual_device(scene: Scene) -> str:
    preset = scene.around.presets.get(scene.answers["preset"])
    return preset.requests.device if preset else "cpu"


def _presets(scene: Scene) -> tuple[Choice, ...]:
    """Those for GPUs, and the one that is there."""
    offered = [
        Choice(name, preset.title)
        for name, preset in scene.around.presets.items()
        if preset.requests.device == "gpu" or name == scene.answers["preset"]
    ]
    return (Choice(NONE, "None: choose a framework myself"), *offered)


def _has_preset(scene: Scene) -> bool:
    return bool(scene.answers["preset"] != NONE)


def _on_gpu(scene: Scene) -> bool:
    return bool(scene.answers["device"] == "gpu")


def _plain_channel(scene: Scene) -> bool:
    """On GPUs, and not where a profile has the channel as `{prefer: …}`, which no choice says."""
    return _on_gpu(scene) and isinstance(scene.answers["channel"], str)


def _own_framework(scene: Scene) -> bool:
    """Where environments are made, and no preset brings their framework."""
    return scene.has("python_env") and not _has_preset(scene)


def _plain_version(scene: Scene) -> bool:
    """Of a framework, and not where a profile has the wish as `{prefer: …}`, which no text says."""
    chosen = _own_framework(scene) and scene.answers["framework"] != NONE
    return chosen and not isinstance(scene.answers["framework_version"], Mapping)


BASICS = (
    Question(
        "scope",
        WHERE,
        "How far does it reach?",
        at=(("scope",),),
        absent=SYSTEM,
        asked=_maybe_without_root,
        default=fixed(SYSTEM),
        choices=fixed(
            (
                Choice(SYSTEM, "The whole machine, as root"),
                Choice(USER, "That account alone, below its home (shared machines, containers)"),
            )
        ),
    ),
    Question(
        "start",
        WHAT,
        "What shall it serve?",
        when=lambda scene: scene.fresh,
        first=True,
        choices=_starts,
        default=lambda scene: "example" if scene.answers["where"] == "sandbox" else "own",
    ),
    Question(
        "device",
        WHAT,
        "Computes on",
        help="For GPUs the whole stack is solved; `aimlsetup lock` says what of it nothing here sets up yet.",
        at=(("requests", "device"),),
        asked=lambda scene: scene.gpus > 0 or scene.declared,
        default=_usual_device,
        choices=_device,
    ),
    Question(
        "preset",
        WHAT,
        "A known combination",
        when=lambda scene: _on_gpu(scene) or _has_preset(scene),
        at=(("preset",),),
        absent=NONE,
        default=fixed(NONE),
        choices=_presets,
    ),
    Question(
        "channel",
        WHAT,
        "CUDA and its libraries come from",
        when=_plain_channel,
        at=(("requests", "channel"),),
        absent=ANY,
        default=fixed(ANY),
        choices=fixed(
            (
                Choice(ANY, "Wherever fits best"),
                Choice("pip", "Wheels in the environment; only the driver is on the host"),
                Choice("nvidia", "NVIDIA's apt repositories"),
                Choice("distro", "The distribution's packages"),
            )
        ),
    ),
    Question(
        "driver_track",
        WHAT,
        "Driver track",
        help="How long NVIDIA supports the branch. A driver that is there and works is kept.",
        when=_on_gpu,
        at=(("requests", "driver", "track"),),
        absent=ANY,
        default=fixed(ANY),
        choices=fixed(
            (
                Choice(ANY, "The newest that is supported"),
                Choice("lts", "Long-term support"),
                Choice("production", "Production"),
                Choice("newest", "The newest of all"),
            )
        ),
    ),
    Question(
        "components",
        WHAT,
        "Components",
        kind=WORDS,
        at=(("components",),),
        default=lambda scene: [
            item.name
            for item in scene.around.components
            if _fits(item, scene) and not item.implied and not item.optional
        ],
        choices=_components,
    ),
)

ENVIRONMENT = (
    Question(
        "environment",
        PYTHON,
        "Kind of environment",
        help="What AIMLDL_ENV says to applications.",
        when=having("codehub", "ai_service"),
        default=fixed("production"),
        at=(("codehub", "environment"), ("ai_service", "environment")),
        choices=fixed((Choice("production", "production"), Choice("development", "development"))),
    ),
    Question(
        "env_name",
        PYTHON,
        "Common name of the virtual environment",
        help="A link to the current one; each build is dated, such as py_3-11_2026-11-21.",
        when=having("python_env"),
        default=fixed("py_3"),
        at=(("python_env", "envs", 0, "name"), ("codehub", "env_name")),
        validator=validators.shaped("common_name"),
    ),
    Question(
        "python",
        PYTHON,
        "Python version",
        help="Empty: the newest that everything else allows.",
        default=fixed(None),
        at=(("requests", "python"),),
        absent=None,
        validator=validators.version_wish,
    ),
    Question(
        "framework",
        PYTHON,
        "Framework",
        when=_own_framework,
        default=fixed("tensorflow"),
        choices=fixed((Choice("tensorflow", "TensorFlow"), Choice("pytorch", "PyTorch"), Choice(NONE, NONE))),
    ),
    Question(
        "framework_version",
        PYTHON,
        "Its version",
        help="Such as 2.21 or >=2.16. Empty: the newest that fits.",
        when=_plain_version,
        default=fixed(None),
        validator=validators.version_wish,
    ),
    Question(
        "requirements",
        PYTHON,
        "Python packages",
        help="Such as: falcon>=4 gunicorn.",
        kind=WORDS,
        when=having("python_env"),
        default=fixed([]),
        at=(("python_env", "envs", 0, "requirements"),),
        absent=[],
        validator=validators.requirements,
    ),
)

CHANGE_ROOTS = Question(
    "change_roots",
    ROOTS,
    "Change the root directories?",
    kind=YES_NO,
    default=fixed(False),
    help="Usual are " + ", ".join(str(field.default) for field in Roots.model_fields.values()) + ".",
)

DIRECTORIES = tuple(
    Question(
        f"roots.{name}",
        ROOTS,
        ROOT_TITLES.get(name, name),
        at=(("roots", name),),
        absent=field.default,
        default=fixed(field.default),
        validator=validators.shaped("path"),
        asked=when("change_roots", True),
    )
    for name, field in Roots.model_fields.items()
)

CONSENT_TO_REBOOT = Question(
    "reboot_ok",
    CONSENTS,
    "May a host be rebooted when that is needed?",
    kind=CONSENT,
    at=(("reboot_ok",),),
    absent=None,
    default=fixed(None),
    choices=fixed(
        (
            Choice(None, "Stop and explain, then I decide"),
            Choice(True, "Yes"),
            Choice(False, "No, only say that it is needed"),
        )
    ),
)

CHANGE_MORE = Question(
    "more",
    MORE,
    "Change other settings of",
    kind=WORDS,
    default=fixed([]),
    choices=lambda scene: tuple(Choice(name, name) for name in scene.answers["components"]),
)


def scalars(around: Surroundings) -> tuple[Question, ...]:
    """All questions whose place does not depend on a list's length, in the order of asking."""
    return (
        *HOSTS,
        *BASICS,
        *ENVIRONMENT,
        CHANGE_ROOTS,
        *DIRECTORIES,
        CONSENT_TO_REBOOT,
        CHANGE_MORE,
        *settings(around.components, (*BASICS, *ENVIRONMENT, *(group.count for group in LISTS))),
    )


def applicable(scene: Scene, known: Iterable[Question]) -> Iterator[Question]:
    """The questions that these answers call for, in the order of asking. `known` are the `scalars`."""
    lists = {group.count.section: group for group in LISTS}
    for section in SECTIONS:
        if section in lists:
            yield from _items(lists[section], scene)
        for question in known:
            if question.section == section and question.when(scene):
                yield question


def _items(group: Group, scene: Scene) -> Iterator[Question]:
    if group.count.when(scene):
        yield group.count
        for item in range(1, min(scene.answers[group.name] or 0, validators.LONGEST) + 1):
            yield from (question for question in group.fields(item) if question.when(scene))
