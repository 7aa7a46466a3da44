"""A solver's conflict in words: what cannot hold together, what is known, and the nearest changes that would do."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking.hardware import Hardware
from aimlsetup.locking.stack.records import ABSENT, APT, LABELS
from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Conflict, Fact, Problem, Relation, Requirement, Suggestion
from aimlsetup.solver.search import neighbours

SHOWN_RELATIONS = 6  # an error is one screen
SHOWN_VERSIONS = 4
SHOWN_SOURCE = 70  # characters; a lock has all of it
GPU = ("gpu.lowest", "gpu.highest")
HELD = {"observed": "observed"}


def explain(problem: Problem, conflict: Conflict, hardware: Hardware | None = None) -> AimlsetupError:
    """One error, exit code 4."""
    held = [f"{HELD.get(wish.reason.kind, 'wished')}: {wish.reason.text}" for wish in conflict.wishes]
    held += [f"observed: {fact.text}" for fact in conflict.facts]
    known = [f"known: {_sourced(relation.requirement.reason)}" for relation in _telling(conflict)]
    changes = dict.fromkeys(
        " and ".join(_change(part, suggestion) for part in suggestion.changes) for suggestion in conflict.suggestions
    )
    environments = {scope for wish in conflict.wishes if (scope := wish.name.rpartition(".")[0])}
    headline = next(_headlines(problem, conflict, hardware), "no versions meet all of this")
    message = f"environment {environments.pop()}: {headline}" if len(environments) == 1 else headline
    return AimlsetupError(
        "no-solution",
        message,
        context=[*dict.fromkeys(held), *list(dict.fromkeys(known))[:SHOWN_RELATIONS]],
        hint="; or ".join(changes) if changes else "change more than one of these",
        exit_code=Exit.NO_SOLUTION,
    )


def no_driver(hosts: Sequence[str], version: str) -> AimlsetupError:
    """Hosts without a driver that works, where nobody may install one."""
    branch = version.partition(".")[0]
    return AimlsetupError(
        "no-driver",
        f"{', '.join(hosts)}: no NVIDIA driver is loaded that works, and without root none can be installed",
        context=[f"expected: driver {version}, or another of the branch {branch}"],
        hint=f"Let who administers the host install the driver branch {branch}; or compute on the CPU: 'device: cpu'.",
        exit_code=Exit.NO_SOLUTION,
    )


def _telling(conflict: Conflict) -> list[Relation]:
    """First one of each kind. Where something comes from says little, unless that was wished for."""
    asked = any(wish.name.endswith("channel") for wish in conflict.wishes)
    telling = [relation for relation in conflict.relations if asked or relation.requirement.name != "channel"]
    pairs: dict[tuple[str, str], Relation] = {}
    for relation in telling or conflict.relations:
        pairs.setdefault((relation.owner.name, relation.requirement.name), relation)
    return [*pairs.values(), *telling]


def _headlines(problem: Problem, conflict: Conflict, hardware: Hardware | None) -> Iterator[str]:
    """What the whole comes down to, the plainest first."""
    for wish in conflict.wishes:
        choices = problem.packages.get(wish.name)
        if choices and not choices.within(wish.versions):
            near = neighbours(choices, wish.versions, SHOWN_VERSIONS)
            yield f"no {_label(wish.name)} {wish.versions.text} is known; the nearest are {', '.join(near)}"
    facts = {fact.name: fact for fact in conflict.facts}
    if hardware and facts.keys() & set(GPU):
        yield from _of_gpus(problem, conflict, facts, hardware)
    for relation in conflict.relations:
        name = relation.requirement.name
        if name == "distro" and name in facts:
            yield f"{_what(relation)} is not packaged for {facts[name].offers[0].version}"
        if name.startswith(f"/{APT}"):
            yield f"two stacks need {name.removeprefix(f'/{APT}')} in two versions"


def _of_gpus(problem: Problem, conflict: Conflict, facts: Mapping[str, Fact], hardware: Hardware) -> Iterator[str]:
    """What GPUs have to do with it."""
    ends = {offer.version for name in GPU if name in facts for offer in facts[name].offers}
    if len(ends) > 1:
        both = (gpu.name for gpu in hardware.gpus if gpu.capability in ends)
        yield f"nothing drives both {' and '.join(both)}"
    for wish in conflict.wishes:
        if wish.name == "flavour" and ends:
            names = " and ".join(gpu.name for gpu in hardware.gpus)
            yield f"{names} cannot be driven by {wish.versions.text} kernel modules"
    for relation in conflict.relations:
        if relation.requirement.name in facts and relation.requirement.name in GPU:
            yield _gpu(problem, relation, facts[relation.requirement.name], hardware)


def _gpu(problem: Problem, relation: Relation, fact: Fact, hardware: Hardware) -> str:
    """Such as `CUDA 10.0 cannot drive GeForce RTX 4090 (compute capability 8.9 needs CUDA >= 11.8)`."""
    if not fact.offers:
        return f"there is no NVIDIA GPU for {_what(relation)} to drive"
    capability = fact.offers[0].version
    gpu = next(gpu for gpu in hardware.gpus if gpu.capability == capability)
    name = relation.owner.name
    choices = next(found for found in problem.packages.values() if relation.owner in found.candidates)
    fitting = [
        candidate.version
        for candidate in choices.candidates
        if all(capability in item.versions for item in candidate.requires if item.name == fact.name)
    ]
    needs = f"compute capability {capability} needs {_label(name)} {_range(fitting, choices.candidates[-1].version)}"
    return f"{_what(relation)} cannot drive {gpu.name}" + (f" ({needs})" if fitting else "")


def _range(newest_first: list[str], oldest: str) -> str:
    """From the oldest on, or up to the newest where the oldest of all is among them."""
    return f"<= {newest_first[0]}" if newest_first[-1] == oldest else f">= {newest_first[-1]}"


def _what(relation: Relation) -> str:
    return f"{_label(relation.owner.name)} {relation.owner.version}"


def _label(name: str) -> str:
    short = name.rpartition(".")[2]
    return LABELS.get(short, short)


def _sourced(reason: Reason) -> str:
    source = reason.source or ""
    short = textwrap.shorten(source, SHOWN_SOURCE, placeholder=" …") if source else ""
    return f"{reason.text} ({short})" if short else reason.text


def _change(part: Requirement | Fact, suggestion: Suggestion) -> str:
    version = suggestion.chosen.get(part.name)
    if isinstance(part, Fact):
        return part.remedy.format(version=version)
    if version in (None, ABSENT):
        return f"drop '{part.reason.text}'"
    if part.reason.kind == "observed":
        return f"let who administers the host install {_label(part.name)} {version} or a newer one"
    if part.name == "flavour":
        return f"ask for {version} kernel modules instead of '{part.reason.text}'"
    return f"ask for {_label(part.name)} {version} instead of '{part.reason.text}'"
