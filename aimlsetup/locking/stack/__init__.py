"""One host's wishes and facts as a problem for the solver: its driver, and the stack of every environment. Pure.

What a host has once (`driver`, `flavour`, `gpu.lowest` …) has a plain name. What every environment has for itself
(`python`, a framework, `cuda` …) is `environment.name`, so that two toolkits may stand behind one driver. Libraries
that are wished without an environment that computes on the GPU are the host's own, and then plain too.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.recorded import fitting
from aimlsetup.catalog.records import Build, Variant
from aimlsetup.locking.availability import Availability
from aimlsetup.locking.hardware import Hardware, Installed
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.stack import facts, wishes
from aimlsetup.locking.stack.frameworks import cpu_choices, gpu_choices
from aimlsetup.locking.stack.records import apt_choices, optional_choices, part_choices
from aimlsetup.locking.wishes import Environment
from aimlsetup.models.lock import Reason
from aimlsetup.models.profile import Requests
from aimlsetup.solver.problem import Candidate, Choices, Problem, Requirement
from aimlsetup.solver.versions import Versions

# What every environment shares with the host, as records name it.
HOST = ("device", "driver", "flavour", "arch", "distro", "glibc", "kernel", "nvswitch", "secure_boot")
SHARED = frozenset((*HOST, "gpu.lowest", "gpu.highest"))
# Channels in order of preference: of an environment, whether or not its libraries are asked for by name; of a host.
WHEELS_FIRST = ("pip", "nvidia", "distro")
LIBRARIES_NAMED = ("nvidia", "distro", "pip")
NEWEST_FIRST = ("nvidia", "distro")
SIGNED_FIRST = ("distro", "nvidia")
NEEDED = ("cuda", "cudnn")  # what frameworks need by themselves; the rest is there if it is asked for
FLAVOURS = ("open", "proprietary")


def problem(
    environments: Sequence[Environment],
    requests: Requests,
    platform: Platform,
    catalog: Catalog,
    preferred: Mapping[str, str],
    today: date | None,
    available: Availability | None = None,
) -> Problem:
    """What has to be solved for one host. `preferred` are versions, by full name, to take first where they fit.

    `today` decides which driver branches are still supported; without it none has ended. `available` decides which
    packages can be had; without it all that the catalog names.
    """
    wished = wishes.Wished()
    by_name = any(getattr(requests, name) is not None for name in wishes.LIBRARIES)
    packages: dict[str, Choices] = {}
    scopes = []
    for env in environments:
        wishes.of_environment(env, wished)
        found = dict(_frameworks(env, requests, catalog))
        if any(choices.needs.get("cuda") for choices in found.values()):
            scopes.append(f"{env.name}.")
            packages[f"{env.name}.channel"] = _words("channel", LIBRARIES_NAMED if by_name else WHEELS_FIRST)
        packages |= {f"{env.name}.{name}": choices for name, choices in found.items()}
    if requests.device != "gpu" or not platform.hardware:
        scopes = []
    elif not scopes:
        scopes = [""]
    pythons = [facts.python(env, platform, catalog) for env in environments]
    compilers = [facts.compilers(scope, platform, catalog) for scope in scopes]
    known = [*pythons, *facts.machine(platform, catalog)]
    known += [*facts.distribution(platform, catalog, pythons, compilers), *compilers]
    if platform.hardware and scopes:
        known += facts.gpus(platform.hardware, catalog)
        packages |= _stacks(scopes, platform.hardware, catalog, available)
        for scope in scopes:
            wishes.of_stack(scope, requests, wished)
        wishes.of_driver(
            requests, platform.hardware.driver, catalog, today, wished, fixed=platform.account is not None
        )
    shared = SHARED | {fact.name for fact in known if fact.name.startswith("cpu.")}
    return Problem(tuple(wished.firm), tuple(known), packages, shared, tuple(wished.hoped), preferred)


def interpreter(version: str, platform: Platform) -> str | None:
    """How an environment names the chosen Python: its version where the system brings it, else the path found; None
    where a standalone build has to be brought.
    """
    paths = [path for path, found in platform.pythons if facts.minor(found) == version]
    if version == platform.release.python or any(path.startswith("/usr/bin/") for path in paths):
        return version
    return paths[0] if paths else None


def _frameworks(env: Environment, requests: Requests, catalog: Catalog) -> Iterator[tuple[str, Choices]]:
    """The frameworks that an environment names, by the name it has for them."""
    beside = frozenset(name for name in wishes.LIBRARIES if getattr(requests, name) is not None)
    for wish in env.wishes:
        for key, framework in catalog.frameworks.items():
            computing = tuple(framework.devices["gpu"]) if requests.device == "gpu" else ()
            if wish.framework == key:
                yield wish.name, gpu_choices(catalog, key, computing, beside)
            elif wish.framework is None and wish.name in computing:
                yield wish.name, _with(wish.extras, gpu_choices(catalog, key, (wish.name,), beside))
            elif wish.framework is None and wish.name in framework.distributions():
                yield wish.name, cpu_choices(catalog, key, wish.name)


def _with(extras: frozenset[str], choices: Choices) -> Choices:
    """Where a wish names the extra that brings the libraries: the builds that have it."""
    having = [found for found in choices.candidates if isinstance(found.record, Build) and found.record.extra in extras]
    return Choices(tuple(having)) if having else choices


def _stacks(
    scopes: Sequence[str], hardware: Hardware, catalog: Catalog, available: Availability | None
) -> dict[str, Choices]:
    """The libraries of every stack, then what the host has once."""
    several = len(scopes) > 1  # packages of which a host has one version only must agree
    return {
        "device": _words("device", ("gpu", "cpu")),
        **{
            f"{scope}{name}": (part_choices if name in NEEDED else optional_choices)(catalog, name, available, several)
            for scope in scopes
            for name in wishes.LIBRARIES
        },
        **(apt_choices(catalog, wishes.LIBRARIES, available) if several else {}),
        "channel": _words("channel", SIGNED_FIRST if hardware.secure_boot else NEWEST_FIRST),
        "driver": _drivers(part_choices(catalog, "driver", available), hardware.driver),
        "flavour": _words("flavour", FLAVOURS),  # after the driver, whose records say which comes first
    }


@cache
def _words(name: str, words: tuple[str, ...]) -> Choices:
    return Choices(tuple(_word(name, word) for word in words))


def _word(name: str, word: str) -> Candidate:
    reason = Reason(kind="fact", text=f"the first choice that fits: {word}")
    requires: tuple[Requirement, ...] = ()
    if name == "channel" and word == "distro":
        text = "what the distribution packages goes with its own driver"
        requires = (Requirement("/channel", Versions.word(["distro"]), Reason(kind="fact", text=text)),)
    return Candidate(name, word, reason, requires)


def _drivers(choices: Choices, installed: Installed | None) -> Choices:
    """With the one that works: by its packages where they are some release's, so that they can be held, else as it is
    (from NVIDIA's own installer, say) rather than put in by apt once more.
    """
    if installed is None:
        return choices
    there = dict(installed.packages)
    as_they_are = [
        found
        for found in choices.candidates
        if found.version == installed.version
        and isinstance(found.record, Variant)
        and found.record.packages
        and installed.flavour in (None, *found.record.needs.get("flavour", ()))
        and all(name in there and fitting([there[name]], wish) for name, wish in found.record.packages.items())
    ]
    return Choices((*as_they_are, _installed(installed), *(c for c in choices.candidates if c not in as_they_are)))


def _installed(driver: Installed) -> Candidate:
    """The driver that works proves that it drives these GPUs."""
    reason = Reason(kind="observed", text=f"driver {driver.version} is installed and works")
    flavour = [Requirement("flavour", Versions.word([driver.flavour]), reason)] if driver.flavour else []
    return Candidate("driver", driver.version, reason, tuple(flavour))
