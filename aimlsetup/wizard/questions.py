"""The questions, as data. Their order is the order of asking; what depends on an answer comes after it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aimlsetup.models.profile import AbsolutePath, Roots, SecretReference
from aimlsetup.wizard import validators
from aimlsetup.wizard.kinds import CONSENT, INTEGER, TEXT, WORDS, YES_NO, Kind, Value
from aimlsetup.wizard.question import Choice, Component, Group, Place, Question, Scene, Surroundings

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

ABSOLUTE_PATH = validators.fits(AbsolutePath)
REFERENCE = validators.fits(SecretReference)
OPTIONAL_REFERENCE = validators.fits(SecretReference, optional=True)

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


def _where(scene: Scene) -> tuple[Choice, ...]:
    keep = () if scene.fresh else (Choice("keep", "The hosts as the profile has them"),)
    return (
        *keep,
        Choice("sandbox", "A disposable sandbox host on this machine (try it without risk)", scene.around.sandbox_lack),
        Choice("local", "This machine"),
        Choice("ssh", "Other machines, over ssh"),
    )


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
    found = scene.seen("gpus") or ()
    seen = f" ({len(found)} found)" if found else ""
    return (
        Choice("cpu", "CPU"),
        Choice("gpu", f"GPU{seen}", lack="not yet: this version sets up serving on the CPU alone"),
    )


def _fixed(value: Any) -> Any:
    return lambda _scene: value


def _when(name: str, *values: Value) -> Any:
    return lambda scene: scene.answers.get(name) in values


def _with(*components: str) -> Any:
    return lambda scene: scene.has(*components)


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
        when=_when("where", "sandbox"),
        default=_fixed("quickstart"),
        validator=validators.matches(r"[a-z][a-z0-9-]{0,30}", "up to 31 lower-case letters, digits and dashes are"),
    ),
    Question(
        "sandbox.release",
        WHERE,
        "Its distribution",
        when=_when("where", "sandbox"),
        default=_fixed("bookworm"),
        choices=lambda scene: tuple(Choice(name, title) for name, title in scene.around.releases.items()),
    ),
    Question(
        "hosts",
        WHERE,
        "Names or addresses of the hosts",
        help="Several are separated by blanks. Names of your ssh configuration work too.",
        kind=WORDS,
        when=_when("where", "ssh"),
        validator=validators.addresses,
        first=True,
    ),
    Question(
        "ssh.user",
        WHERE,
        "User to sign in as",
        help="Empty: as your ssh configuration says.",
        when=_when("where", "ssh"),
        default=_fixed(None),
        first=True,
        validator=validators.user,
    ),
    Question(
        "ssh.port",
        WHERE,
        "Port of ssh",
        help="Empty: as your ssh configuration says.",
        kind=INTEGER,
        when=_when("where", "ssh"),
        default=_fixed(None),
        first=True,
        validator=lambda value, _scene: (
            None if value is None or 1 <= value <= 65535 else "a port from 1 to 65535 is expected"
        ),
    ),
    Question(
        "become",
        WHERE,
        "How is root reached there?",
        when=_when("where", "ssh", "local"),
        first=True,
        default=_fixed("sudo-password"),
        choices=_fixed(
            (
                Choice("none", "Not needed: already root"),
                Choice("sudo", "sudo, without a password"),
                Choice("sudo-password", "sudo, with a password (asked when it is needed, kept nowhere)"),
            )
        ),
    ),
)

BASICS = (
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
        "components",
        WHAT,
        "Components",
        kind=WORDS,
        at=(("components",),),
        default=lambda scene: [component.name for component in scene.around.components],
        choices=lambda scene: tuple(
            Choice(component.name, f"{component.name}: {component.title}") for component in scene.around.components
        ),
    ),
    Question("device", WHAT, "Computes on", at=(("requests", "device"),), default=_fixed("cpu"), choices=_device),
)

ENVIRONMENT = (
    Question(
        "environment",
        PYTHON,
        "Kind of environment",
        help="What AIMLDL_ENV says to applications.",
        when=_with("codehub", "ai_service"),
        default=_fixed("production"),
        at=(("codehub", "environment"), ("ai_service", "environment")),
        choices=_fixed((Choice("production", "production"), Choice("development", "development"))),
    ),
    Question(
        "env_name",
        PYTHON,
        "Common name of the virtual environment",
        help="A link to the current one; each build is dated, such as py_3-11_2026-11-21.",
        when=_with("python_env"),
        default=_fixed("py_3"),
        at=(("python_env", "envs", 0, "name"), ("codehub", "env_name")),
        validator=validators.matches(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "letters, digits, '.', '_' and '-' are"),
    ),
    Question(
        "python",
        PYTHON,
        "Python version",
        help="Empty: the newest that everything else allows.",
        default=_fixed(None),
        at=(("requests", "python"),),
        absent=None,
        validator=validators.version_wish,
    ),
    Question(
        "framework",
        PYTHON,
        "Framework",
        default=_fixed("tensorflow"),
        choices=_fixed((Choice("tensorflow", "TensorFlow"), Choice("none", "none"))),
    ),
    Question(
        "framework_version",
        PYTHON,
        "Its version",
        help="Such as 2.21 or >=2.16. Empty: the newest that fits.",
        when=lambda scene: scene.answers["framework"] != "none",
        default=_fixed(None),
        validator=validators.version_wish,
    ),
    Question(
        "requirements",
        PYTHON,
        "Python packages",
        help="Such as: falcon>=4 gunicorn.",
        kind=WORDS,
        when=_with("python_env"),
        default=_fixed([]),
        at=(("python_env", "envs", 0, "requirements"),),
        absent=[],
        validator=validators.requirements,
    ),
)


def _repository(item: int) -> tuple[Question, ...]:
    def name(field: str) -> str:
        return f"repos.{item}.{field}"

    def dest(scene: Scene) -> Value:
        base = scene.answers[name("url")].rstrip("/").replace(":", "/").rsplit("/", 1)[-1].removesuffix(".git")
        return f"{scene.answers['roots.codehub']}/apps/{base}"

    return (
        Question(
            name("url"),
            REPOS,
            f"Repository {item}: address",
            at=(("url",),),
            validator=validators.repository,
            help="https://…, ssh://…, user@host:path, or a path on the target.",
        ),
        Question(
            name("dest"),
            REPOS,
            f"Repository {item}: where it goes",
            at=(("dest",),),
            default=dest,
            when=lambda scene: bool(scene.answers.get(name("url"))),
            validator=ABSOLUTE_PATH,
        ),
        Question(
            name("version"),
            REPOS,
            f"Repository {item}: branch, tag or commit",
            at=(("version",),),
            default=_fixed("main"),
            validator=validators.ref,
        ),
        Question(
            name("credentials"),
            REPOS,
            f"Repository {item}: how to sign in",
            at=(("credentials", "kind"),),
            absent="none",
            default=_fixed("none"),
            choices=_fixed(
                (
                    Choice("none", "Not needed"),
                    Choice("agent", "The ssh agent"),
                    Choice("deploy_key", "A deploy key"),
                )
            ),
        ),
        Question(
            name("key"),
            REPOS,
            f"Repository {item}: deploy key",
            at=(("credentials", "key"),),
            help="Where it is, never the key itself: file:/path/to/key or env:NAME.",
            when=_when(name("credentials"), "deploy_key"),
            validator=REFERENCE,
        ),
    )


def _service(item: int) -> tuple[Question, ...]:
    def name(field: str) -> str:
        return f"services.{item}.{field}"

    def checkout(scene: Scene) -> Value:
        inside = f"{scene.answers[name('app_dir')]}/"
        return next((dest for dest in _destinations(scene) if inside.startswith(f"{dest}/")), None)

    def port(scene: Scene) -> Value:
        taken = {scene.answers.get(f"services.{other}.port") for other in range(1, item)}
        return next(number for number in range(4100, 65536, 10) if number not in taken)

    return (
        Question(
            name("model_key"),
            SERVICES,
            f"Service {item}: model key",
            at=(("model_key",),),
            help="<organisation>-<problem>-<release>, such as vidteq-rld-1.",
            validator=validators.model_key,
        ),
        Question(
            name("app_dir"),
            SERVICES,
            f"Service {item}: directory of the application",
            at=(("app_dir",),),
            help="web_server:main is imported from there.",
            validator=ABSOLUTE_PATH,
            default=lambda scene: f"{scene.answers['roots.codehub']}/apps/www/od/wsgi-bin",
        ),
        Question(
            name("checkout"),
            SERVICES,
            f"Service {item}: restarts when this repository moves",
            at=(("checkout",),),
            absent=None,
            default=checkout,
            when=_with("repos"),
            asked=_fixed(False),
        ),
        Question(
            name("port"),
            SERVICES,
            f"Service {item}: port",
            kind=INTEGER,
            at=(("port",),),
            default=port,
            validator=validators.port_of(item),
        ),
        Question(
            name("queue"),
            SERVICES,
            f"Service {item}: queue requests?",
            kind=YES_NO,
            at=(("queue",),),
            absent=False,
            default=_fixed(False),
            help="Only for applications that know QUEUE='true'.",
        ),
        Question(
            name("env"),
            SERVICES,
            f"Service {item}: runs from the environment",
            at=(("env",),),
            when=_with("python_env"),
            default=lambda scene: scene.answers["env_name"],
            validator=validators.matches(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "letters, digits, '.', '_' and '-' are"),
        ),
    )


def _destinations(scene: Scene) -> Iterator[str]:
    """Where the repositories go."""
    for item in range(1, scene.answers["repos"] + 1):
        dest = scene.answers.get(f"repos.{item}.dest")
        if dest:
            yield dest


def _own(scene: Scene) -> Value:
    return 1 if scene.answers.get("start") == "own" else 0


LISTS = (
    Group(
        Question(
            "repos",
            REPOS,
            "How many repositories?",
            kind=INTEGER,
            when=_with("repos"),
            default=_own,
            at=(("repos", "checkouts"),),
            validator=validators.count,
        ),
        _repository,
    ),
    Group(
        Question(
            "services",
            SERVICES,
            "How many services?",
            kind=INTEGER,
            when=_with("ai_service"),
            default=_own,
            at=(("ai_service", "services"),),
            validator=validators.count,
        ),
        _service,
    ),
)


CHANGE_ROOTS = Question(
    "change_roots",
    ROOTS,
    "Change the root directories?",
    kind=YES_NO,
    default=_fixed(False),
    help="Usual are " + ", ".join(str(field.default) for field in Roots.model_fields.values()) + ".",
)

DIRECTORIES = tuple(
    Question(
        f"roots.{name}",
        ROOTS,
        ROOT_TITLES.get(name, name),
        at=(("roots", name),),
        absent=field.default,
        default=_fixed(field.default),
        validator=ABSOLUTE_PATH,
        asked=_when("change_roots", True),
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
    default=_fixed(None),
    choices=_fixed(
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
    default=_fixed([]),
    choices=lambda scene: tuple(Choice(name, name) for name in scene.answers["components"]),
)


def _place_is_asked(place: Place) -> bool:
    """Whether one of the questions above holds this place, or a part of it."""
    others = (*BASICS, *ENVIRONMENT, *(group.count for group in LISTS))
    return any(other[: len(place)] == place for question in others for other in question.at)


def _option_kind(option: Mapping[str, Any]) -> Kind | None:
    """The kind of a role argument; None for one that is only given in the profile itself."""
    if option.get("no_log"):
        return TEXT
    match option.get("type", "str"), option.get("elements"):
        case (("str" | "path"), _):
            return TEXT
        case "int", _:
            return INTEGER
        case "bool", _:
            return CONSENT if option.get("default") is None else YES_NO
        case "list", ("str" | "path"):
            return WORDS
    return None


def _option(component: Component, name: str, option: Mapping[str, Any], kind: Kind) -> Question:
    described = option.get("description", "")
    first, *rest = [described] if isinstance(described, str) else list(described)
    choices = tuple(Choice(value, str(value)) for value in option.get("choices", ()))
    return Question(
        f"{component.name}.{name}",
        MORE,
        f"{component.name}: {first.rstrip('.')}",
        help=" ".join(rest),
        kind=kind,
        when=_with(component.name),
        asked=lambda scene: component.name in scene.answers["more"],
        default=_fixed(option.get("default")),
        absent=option.get("default"),
        at=((component.name, name),),
        choices=_fixed(choices),
        validator=OPTIONAL_REFERENCE if option.get("no_log") else validators.anything,
    )


def settings(components: Iterable[Component]) -> tuple[Question, ...]:
    """Questions about role arguments that no question above covers, made from the roles' argument specs."""
    return tuple(
        _option(component, name, option, kind)
        for component in components
        for name, option in component.options.items()
        if not _place_is_asked((component.name, name)) and (kind := _option_kind(option))
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
        *settings(around.components),
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
        for item in range(1, scene.answers[group.name] + 1):
            yield from (question for question in group.fields(item) if question.when(scene))
