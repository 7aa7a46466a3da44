"""One wish more than the profile has: what it would change, or why it will not do. As recorded: no index is asked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from packaging.requirements import Requirement as Line
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.parts import WORDS_OFFERED
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import environments, solving
from aimlsetup.locking.availability import Availability
from aimlsetup.locking.decision import Case
from aimlsetup.locking.kernels import named
from aimlsetup.locking.stack.environment import EnvironmentSolution
from aimlsetup.locking.stack.facts import word
from aimlsetup.locking.stack.frameworks import PYTHON
from aimlsetup.locking.stack.wishes import LIBRARIES
from aimlsetup.models.lock import Pin, Reason
from aimlsetup.models.profile import Profile
from aimlsetup.solver.problem import Requirement
from aimlsetup.solver.versions import Versions

FORM = re.compile(r"([A-Za-z0-9_-]+)\s*(.*)")
OF_DRIVER = {"driver": "version", "flavour": "flavour"}  # keys of `requests.driver`
ON_GPU = (*OF_DRIVER, "channel", *LIBRARIES)
ENVIRONMENT = "env"  # of a profile without any
ANY = ">=0"


@dataclass(frozen=True)
class Asked:
    """`names` are what the solver may call it, `wish` what stands behind the name (`==1.13.1`, `10.0`, `pip`)."""

    names: tuple[str, ...]
    wish: str
    framework: str | None = None

    @property
    def key(self) -> str:
        """What it is called in a profile's requests."""
        return self.framework or self.names[0]

    def requirements(self) -> list[Requirement]:
        """As the solver takes it."""
        words = self.key in WORDS_OFFERED
        versions = Versions.word([self.wish]) if words else Versions.matching(self.wish)
        reason = Reason(kind="wish", text=f"asked: {self.key}{' ' if self.wish[:1].isalnum() else ''}{self.wish}")
        return [Requirement(name, versions, reason) for name in self.names]


def asked(text: str, catalog: Catalog) -> Asked:
    """`tensorflow==1.13.1`, `cuda 10.0`, `channel=pip`, or a name alone. Anything else is an error (exit code 2)."""
    found = FORM.fullmatch(text.strip())
    name, wish = (found[1].lower(), found[2].strip()) if found else ("", "")
    for key, framework in catalog.frameworks.items():
        if name in (key, *framework.distributions()):
            return _checked(Asked(tuple(framework.distributions()), wish, key), text)
    if name not in (*ON_GPU, PYTHON, "keras"):
        known = sorted({*catalog.frameworks, *ON_GPU, PYTHON, "keras"})
        raise _unreadable(text, f"one of {', '.join(known)}, and a version")
    return _checked(Asked((name,), wish), text)


def _checked(made: Asked, text: str) -> Asked:
    words = WORDS_OFFERED.get(made.key)
    wish = made.wish.lstrip("= ") if words else re.sub(r"^=(?!=)\s*", "", made.wish)
    if words and wish not in words:
        raise _unreadable(text, f"{made.key}={' or '.join(words)}")
    try:
        SpecifierSet("" if words or not wish else f"=={wish}.*" if wish[:1].isdigit() else wish)
    except InvalidSpecifier:
        raise _unreadable(text, f"a version or specifiers, such as {made.key}==1.2.3 or '{made.key}>=1.2,<2'") from None
    return Asked(made.names, wish, made.framework)


def _unreadable(text: str, expected: str) -> AimlsetupError:
    context = [f"expected: {expected}"]
    return AimlsetupError("wish-unknown", f"{text!r} is no wish", context=context, exit_code=Exit.USAGE)


def wishing(profile: Profile, wish: Asked) -> Profile:
    """The profile with a wish in it as if it were written there, unless it has one of its own of the same thing.

    `solve` asks for both then.
    """
    update = {"device": "gpu"} if wish.key in ON_GPU else {}
    update |= _request(profile, wish)
    requests = profile.requests.model_copy(update=update)
    if wish.key in ON_GPU:
        return profile.model_copy(update={"requests": requests})
    chosen = profile.components and list(dict.fromkeys((*profile.components, environments.COMPONENT)))
    sections = {**profile.sections, **_environments(profile)}
    return profile.model_copy(update={"requests": requests, "components": chosen, "sections": sections})


def _request(profile: Profile, wish: Asked) -> dict[str, Any]:
    """What it is in `requests`; nothing where something of the kind is there."""
    requests, wished = profile.requests, wish.wish or (None if wish.key in WORDS_OFFERED else ANY)
    if wish.framework:
        own: dict[str, Any] = dict(requests.framework.items())
        free = own.get(wish.framework) is None and not (wish.framework not in own and _named(profile, wish))
        return {"framework": {**own, wish.framework: wish.wish or None}} if free else {}
    if wish.key in OF_DRIVER:
        key = OF_DRIVER[wish.key]
        free = getattr(requests.driver, key) is None
        return {"driver": requests.driver.model_copy(update={key: wish.wish or None})} if free else {}
    return {wish.key: wished} if getattr(requests, wish.key) is None else {}


def _named(profile: Profile, wish: Asked) -> bool:
    """Whether an environment's own requirements name it."""
    entries = profile.sections.get(environments.COMPONENT, {}).get("envs") or ()
    lines = (line for entry in entries for line in entry.get("requirements") or ())
    return any(canonicalize_name(Line(line).name) in wish.names for line in lines)


def _environments(profile: Profile) -> dict[str, Mapping[str, Any]]:
    """The section of environments, with one at least."""
    section = profile.sections.get(environments.COMPONENT, {})
    return {environments.COMPONENT: {**section, "envs": section.get("envs") or [{"name": ENVIRONMENT}]}}


def solve(case: Case, today: date | None, wish: Asked | None = None) -> dict[str, Pin]:
    """What the solver decides of a lock: stacks, interpreters, frameworks. No solution is an error (exit code 4)."""
    platform = case.platform
    recorded = Availability(word(platform.release), platform.arch, named(platform), kept=case.kept_packages)
    made = solving.solved(replace(case, available=recorded), today, wish.requirements() if wish and wish.wish else ())
    pins = solving.pins(made.solution)
    for env in made.environments:
        own = EnvironmentSolution.of(env, made.solution)
        for name in (PYTHON, *(line.name for line in env.wishes)):
            if name in own.chosen:
                found = own.chosen[name].candidate
                pins[f"{env.name}.{found.name}"] = Pin(version=found.version, because=own.because(found.name))
    return pins
