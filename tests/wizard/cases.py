"""A small catalog for the wizard's tests, an example to start from, and answers drawn at random."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from aimlsetup.catalog import presets
from aimlsetup.wizard.kinds import CONSENT, INTEGER, WORDS, YES_NO
from aimlsetup.wizard.question import Component, Question, Surroundings
from aimlsetup.wizard.session import Session

HOSTILE = [
    "{{ lookup('pipe', 'id') }}",
    'it\'s "quoted"',
    "line\nbreak",
    "$(id)",
    "`id`",
    "; rm -rf x",
    "../../etc",
    "- a: b",
    "#no comment",
    "!unsafe x",
    "ünïcode",
    "'",
    "%n %%",
    "yes",
    "3.10",
    "~",
    "null",
]

COMPONENTS = (
    Component("base", "Packages and accounts", {"packages": {"type": "list", "elements": "str", "default": ["git"]}}),
    Component(
        "codehub",
        "Tree and configuration",
        {
            "environment": {"choices": ["production", "development"]},
            "env_name": {"default": "py_3"},
            "note": {"default": "none", "description": "What people should know."},
            "owner": {"default": "codehub"},
            "databases": {"type": "dict"},
        },
    ),
    Component(
        "python_env",
        "Virtual environments",
        {
            "envs": {"type": "list", "elements": "dict"},
            "label": {"default": "x"},
            "index_password": {"no_log": True, "description": ["Password of the index.", "A reference."]},
            "keep_forever": {"type": "bool"},
        },
    ),
    Component(
        "repos",
        "Checkouts",
        {"checkouts": {"type": "list", "elements": "dict"}, "shallow": {"type": "bool", "default": False}},
    ),
    Component(
        "ai_service",
        "Served models",
        {"services": {"type": "list", "elements": "dict"}, "workers": {"type": "int", "default": 2}},
    ),
    Component("gpu_sources", "Repositories of the GPU stack", {}, "gpu"),
)
AROUND = Surroundings(COMPONENTS, {"bookworm": "Debian 12", "trixie": "Debian 13"}, presets=presets.load())
EXAMPLE: dict[str, Any] = {
    "version": 1,
    "components": [component.name for component in COMPONENTS if component.device is None],
    "requests": {"device": "cpu", "framework": {"tensorflow": None}},
    "codehub": {"environment": "production", "env_name": "py_3"},
    "python_env": {"envs": [{"name": "py_3", "requirements": ["falcon>=4", "gunicorn"]}]},
    "repos": {"checkouts": [{"url": "/srv/app.git", "dest": "/codehub/apps", "version": "main", "lfs": True}]},
    "ai_service": {
        "services": [
            {
                "model_key": "aimlsetup-digits-1",
                "port": 4100,
                "env": "py_3",
                "app_dir": "/codehub/apps/app",
                "checkout": "/codehub/apps",
                "release": {"creates": "x", "command": ["python", "train"]},
            },
        ],
        "environment": "production",
    },
}


def session(**kwargs: Any) -> Session:
    """A session over the small catalog."""
    return Session(AROUND, example=EXAMPLE, **kwargs)


paths = st.from_regex(r"/[a-zA-Z0-9{};' -]{0,11}[a-zA-Z0-9{}]", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,12}", fullmatch=True)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=12))
versions = st.one_of(st.none(), st.sampled_from(["3.11", ">=2.16,<3", "==2.21.0"]))

BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "hosts": st.lists(
        st.from_regex(r"[a-z0-9][a-z0-9.:-]{0,12}", fullmatch=True),
        min_size=1,
        max_size=3,
        unique_by=lambda name: name.replace(":", "-"),
    ),
    "ssh.user": st.one_of(st.none(), names),
    "ssh.port": st.one_of(st.none(), st.integers(1, 65535)),
    "sandbox.name": st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True),
    "python": versions,
    "framework_version": versions,
    "requirements": st.lists(
        st.sampled_from(["falcon>=4", "gunicorn", "numpy; python_version < '3.12'", "uvicorn[standard]"]),
        unique=True,
    ),
    "env_name": names,
    "env": names,
    "url": st.sampled_from(
        ["https://example.org/a.git", "git@example.org:b/c", "/srv/{{ x }}.git", "ssh://example.org/d'"]
    ),
    "version": st.one_of(st.none(), st.sampled_from(["main", "v1.0", "feature/$(id)", "{{x}}"])),
    "owner": st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True),
    "packages": st.lists(st.sampled_from(["git", "curl", "python3=3.11.2-1+b1"]), unique=True),
    "key": st.sampled_from(["file:/root/key", "env:KEY", "vault:secret/{{ x }}"]),
    "model_key": st.from_regex(r"[a-z]{1,6}-[a-z]{1,6}-[0-9]{1,3}", fullmatch=True),
    "index_password": st.one_of(st.none(), st.just("env:INDEX_PASSWORD")),
    "dest": paths,
    "app_dir": paths,
    "checkout": st.one_of(st.none(), paths),
    "repos": st.integers(0, 3),
    "services": st.integers(0, 3),
}


def _strategy(question: Question, made: Session) -> st.SearchStrategy[Any]:
    offered = [choice.value for choice in question.choices(made.scene) if not choice.lack]
    if question.kind is WORDS and offered:
        return st.lists(st.sampled_from(offered), unique=True)
    if offered:
        return st.sampled_from(offered)
    field = question.name.rsplit(".", 1)[-1]
    if question.name.endswith(".port") and question.name != "ssh.port":
        return st.just(4000 + 10 * int(question.name.split(".")[1]))
    if question.name.startswith("roots."):
        return paths
    by_kind: dict[str, st.SearchStrategy[Any]] = {
        WORDS.name: st.lists(texts, max_size=3),
        INTEGER.name: st.integers(0, 99),
        YES_NO.name: st.booleans(),
        CONSENT.name: st.sampled_from([None, True, False]),
    }
    return BY_NAME.get(question.name, BY_NAME.get(field, by_kind.get(question.kind.name, texts)))


@st.composite
def answered(draw: Callable[[st.SearchStrategy[Any]], Any], **kwargs: Any) -> Session:
    """A session in which every question that came up has an answer."""
    made = session(**kwargs)
    while question := next((found for found in made.applicable() if found.name not in made.asked), None):
        made.asked[question.name] = draw(_strategy(question, made))
    return made
