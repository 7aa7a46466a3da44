"""Repositories and services: questions that are asked once per item of a list, as data."""

from collections.abc import Iterator

from aimlsetup.models.profile import SecretReference
from aimlsetup.wizard import validators
from aimlsetup.wizard.kinds import INTEGER, YES_NO, Value
from aimlsetup.wizard.question import REPOS, SERVICES, Choice, Group, Question, Scene, fixed, having, when

REFERENCE = validators.fits(SecretReference)


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
            validator=validators.shaped("repository"),
            help="https://…, ssh://…, user@host:path, or a path on the target.",
        ),
        Question(
            name("dest"),
            REPOS,
            f"Repository {item}: where it goes",
            at=(("dest",),),
            default=dest,
            when=lambda scene: bool(scene.answers.get(name("url"))),
            validator=validators.shaped("path"),
        ),
        Question(
            name("version"),
            REPOS,
            f"Repository {item}: branch, tag or commit",
            at=(("version",),),
            default=fixed("main"),
            validator=validators.shaped("version", optional=True),
        ),
        Question(
            name("credentials"),
            REPOS,
            f"Repository {item}: how to sign in",
            at=(("credentials", "kind"),),
            absent="none",
            default=fixed("none"),
            choices=fixed(
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
            when=when(name("credentials"), "deploy_key"),
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
            validator=validators.shaped("model_key"),
        ),
        Question(
            name("app_dir"),
            SERVICES,
            f"Service {item}: directory of the application",
            at=(("app_dir",),),
            help="web_server:main is imported from there.",
            validator=validators.shaped("path"),
            default=lambda scene: f"{scene.answers['roots.codehub']}/apps/www/od/wsgi-bin",
        ),
        Question(
            name("checkout"),
            SERVICES,
            f"Service {item}: restarts when this repository moves",
            at=(("checkout",),),
            absent=None,
            default=checkout,
            when=having("repos"),
            asked=fixed(False),
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
            default=fixed(False),
            help="Only for applications that know QUEUE='true'.",
        ),
        Question(
            name("env"),
            SERVICES,
            f"Service {item}: runs from the environment",
            at=(("env",),),
            when=having("python_env"),
            default=lambda scene: scene.answers["env_name"],
            validator=validators.shaped("common_name"),
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
            when=having("repos"),
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
            when=having("ai_service"),
            default=_own,
            at=(("ai_service", "services"),),
            validator=validators.count,
        ),
        _service,
    ),
)
