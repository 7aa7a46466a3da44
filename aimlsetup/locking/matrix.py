"""Which releases of a framework go with which CUDA, cuDNN, TensorRT, Python and driver: asked of the solver. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import Framework
from aimlsetup.locking import platforms, stack
from aimlsetup.locking.stack.frameworks import PYTHON, gpu_choices
from aimlsetup.locking.stack.records import ABSENT
from aimlsetup.locking.wishes import Environment, Wish
from aimlsetup.models.lock import Reason
from aimlsetup.models.matrix import Row
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile, Requests
from aimlsetup.solver.problem import Candidate, Problem, Requirement, Solution
from aimlsetup.solver.search import Dead, resolve
from aimlsetup.solver.versions import Versions

ENVIRONMENT = "env"
CHANNELS = ("pip", "nvidia", "distro")
PLACE = ("distro", "glibc", "kernel", f"{ENVIRONMENT}.python", f"{ENVIRONMENT}.gcc")  # what a distribution comes with
GPU = ("gpu.lowest", "gpu.highest")


def rows(
    name: str, host: Observation, catalog: Catalog, *, anywhere: bool, channels: Sequence[str] = CHANNELS
) -> list[Row]:
    """Newest release first. A host without GPUs stands for one with any; `anywhere` is a host of any distribution.

    A release that is tested with a cuDNN beside which there is no TensorRT has another row for one that has it.
    """
    framework = catalog.frameworks[name]
    choices = gpu_choices(catalog, name, tuple(framework.devices["gpu"]), frozenset({"tensorrt"}))
    found: dict[Row, dict[str, None]] = {}
    for version in dict.fromkeys(candidate.version for candidate in choices.candidates):
        for channel in channels:
            for row in _rows(framework, version, channel, host, catalog, anywhere=anywhere):
                found.setdefault(row, {})[channel] = None
    return [row.model_copy(update={"channels": tuple(where)}) for row, where in found.items()]


def releases(name: str, catalog: Catalog) -> int:
    """How many releases of a framework compute on GPUs."""
    return sum(bool(found.builds) and not found.recalled for found in catalog.frameworks[name].releases)


def _rows(
    framework: Framework, version: str, channel: str, host: Observation, catalog: Catalog, *, anywhere: bool
) -> list[Row]:
    plain = _solved(framework, version, channel, "", host, catalog, anywhere=anywhere)
    if not plain or plain.tensorrt:
        return [plain] if plain else []
    other = _solved(framework, version, channel, ">=0", host, catalog, anywhere=anywhere)
    if not other or not other.tensorrt:
        return [plain]
    return [other] if other.model_copy(update={"tensorrt": None}) == plain else [plain, other]


def _solved(
    framework: Framework,
    version: str,
    channel: str,
    tensorrt: str,
    host: Observation,
    catalog: Catalog,
    *,
    anywhere: bool,
) -> Row | None:
    problem = _problem(framework, version, channel, tensorrt, host, catalog)
    relaxed = (*(PLACE if anywhere else ()), *(() if host.facts["gpus"] else GPU))
    facts = frozenset(fact for fact in problem.facts if fact.name in relaxed)
    try:
        solution = resolve(replace(problem, hopes=(), relaxed=facts))
    except Dead:
        return None
    return _row(framework, problem, solution, host, anywhere=anywhere)


def _problem(
    framework: Framework, version: str, channel: str, tensorrt: str, host: Observation, catalog: Catalog
) -> Problem:
    """One build, its libraries from one channel."""
    requests = Requests.model_validate({"device": "gpu", "channel": channel, "tensorrt": tensorrt})
    platform = platforms.platform("host", host, Profile(requests=requests), catalog, described=True)
    wish = Wish(framework.devices["gpu"][0], framework.framework, framework=framework.framework)
    problem = stack.problem(
        [Environment(ENVIRONMENT, None, "", (wish,))], requests, platform, catalog, preferred={}, today=None
    )
    exactly = Requirement(_name(framework), Versions.word([version]), Reason(kind="wish", text=version))
    return replace(problem, wishes=(*problem.wishes, exactly))


def _name(framework: Framework) -> str:
    return f"{ENVIRONMENT}.{framework.devices['gpu'][0]}"


def _uses(candidate: Candidate, name: str) -> bool:
    return any(needed.name == name for needed in candidate.requires)


def _row(framework: Framework, problem: Problem, solution: Solution, host: Observation, *, anywhere: bool) -> Row:
    chosen = {name.removeprefix(f"{ENVIRONMENT}."): found.candidate for name, found in solution.chosen.items()}
    build = chosen[framework.devices["gpu"][0]]
    release = next(found for found in framework.releases if found.version == build.version.partition("+")[0])
    pythons = release.wheels[build.name][host.facts["arch"]] if anywhere else [chosen[PYTHON].version]
    beside = {
        name: chosen[name].version
        for name in ("cudnn", "tensorrt")
        if name in chosen and _uses(build, name) and chosen[name].version != ABSENT
    }
    return Row(
        framework=framework.framework,
        version=build.version,
        distribution=build.name,
        python=tuple(sorted(pythons, key=Version)),
        cuda=chosen["cuda"].version,
        cudnn=beside.get("cudnn"),
        tensorrt=beside.get("tensorrt"),
        driver=_oldest_driver(problem, solution, host),
    )


def _oldest_driver(problem: Problem, solution: Solution, host: Observation) -> str:
    """CUDA's bound, or the first release known for these GPUs where that is of a later branch."""
    candidates = [found.candidate for found in solution.chosen.values()]
    needs = [needed.versions for found in candidates for needed in found.requires if needed.name == "driver"]
    gpus = {name: solution.chosen[name].candidate.version for name in GPU if host.facts["gpus"]}
    fitting = [
        found.version
        for found in problem.packages["driver"].candidates
        if all(found.version in need for need in needs)
        and all(gpus[needed.name] in needed.versions for needed in found.requires if needed.name in gpus)
    ]
    first = min(fitting, key=Version)
    bounds = [
        spec.version for need in needs for choice in need.alternatives for spec in choice if spec.operator == ">="
    ]
    near = [bound for bound in bounds if Version(bound) <= Version(first) and _branch(bound) == _branch(first)]
    return max(near, key=Version, default=first)


def _branch(driver: str) -> str:
    return driver.partition(".")[0]
