"""What the lock decides for `python_env`: interpreters, exact hashed requirements, and uv itself."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from packaging.version import Version

from aimlsetup.locking import builds, index, stack
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.stack.environment import EnvironmentSolution
from aimlsetup.locking.stack.frameworks import PYTHON
from aimlsetup.locking.stack.packages import PINNED
from aimlsetup.locking.stack.use import use
from aimlsetup.locking.wishes import Environment, built
from aimlsetup.models.build import PythonBuild
from aimlsetup.models.lock import HostClass, Pin, Reason

COMPONENT = "python_env"
BUILD = "python_build"
UV_SERVES = Version("3.8")  # oldest Python that uv installs into


def decide(case: Case) -> Decided:
    """Resolve every environment as it was solved; what there was is kept where it fits."""
    profile, platform, solution = case.profile, case.platform, case.solution
    old = None if case.upgrade else case.old
    section = profile.sections.get(COMPONENT, {})
    pins: dict[str, Pin] = {}
    entries = []
    brought: dict[str, PythonBuild] = {}
    for entry, env in zip(built(profile), case.environments, strict=True):
        own = EnvironmentSolution.of(env, solution)
        further = (*(entry.get("indexes") or ()), *_of_frameworks(case, own.indexes))
        target = _target(case, own.python.candidate.version, further)
        packages = _resolve(env, own, target, _of(env.name, case.kept))
        pins |= {f"{env.name}.{name}": pin for name, pin in _pins(env, own, packages).items()}
        build = _build(case, env, own)
        if build:
            brought[build.name] = build
            pins[f"{env.name}.{BUILD}"] = Pin(version=build.name, because=own.because(PYTHON))
        entries.append(_entry(entry, own, _installed(build, case) if build else None, platform, packages))
        entries[-1] |= {
            "indexes": [*further],
            "download": _download(entries[-1]["requirements"], target, old),
            "gpu": use(env, own, solution, {package.name: package.version for package in packages}, case.catalog),
        }
    uv = _target(case, _installs_uv(platform))
    uv_line = _uv(uv, case.kept, pins) if any(entry["installer"] == "uv" for entry in entries) else []
    found = [entry for entry in section.get("envs") or [] if entry.get("existing")]
    theirs = [{"python": platform.release.python, **entry, "requirements": []} for entry in found]
    python = pins[f"{entries[0]['name']}.{PYTHON}"].version if entries else platform.release.python
    if theirs and section["envs"][0] in found:
        python = theirs[0]["python"]
    solved = {"envs": [*entries, *theirs], "uv_requirement": uv_line, "uv_download": _download(uv_line, uv, old)}
    solved["builds"] = [builds.entry(build, profile, case.catalog) for build in brought.values()]
    return Decided(solved, pins, python)


def _resolve(
    env: Environment, own: EnvironmentSolution, target: index.Target, kept: Mapping[str, str]
) -> list[index.Package]:
    keep = [f"{name}=={version}" for name, version in kept.items() if name not in (*PINNED, PYTHON, BUILD)]
    return index.resolve(f"environment {env.name}", own.lines, own.bounds, target, sorted(keep))


def _of_frameworks(case: Case, folders: Iterable[str]) -> Iterator[str]:
    """The folders of PyTorch's index as URLs, at the source that the profile names."""
    url = case.profile.url("pytorch") or case.catalog.sources["pytorch"].url or ""
    yield from (url.replace("{cuda}", folder) for folder in folders)


def _target(case: Case, python: str, further: tuple[str, ...] = ()) -> index.Target:
    platform = case.platform
    return index.Target(python, f"{platform.arch}-{platform.release.wheels}", case.profile.url("pypi"), further)


def _build(case: Case, env: Environment, own: EnvironmentSolution) -> PythonBuild | None:
    """The standalone build that an environment's Python is, where the host has none like it."""
    version = own.python.candidate.version
    if (env.python or "").startswith("/") or stack.interpreter(version, case.platform):
        return None
    fitting = (build for build in case.platform.builds if build.minor == version)
    return builds.pick(fitting, case.kept.get(f"{env.name}.{BUILD}"))


def _installed(build: PythonBuild, case: Case) -> str:
    """Where the role puts a build."""
    option = f"{COMPONENT}_builds_root"
    root = case.profile.sections[COMPONENT].get("builds_root") or case.catalog.defaults[COMPONENT][option]
    return f"{root}/{build.name}/bin/python{build.minor}"


def _installs_uv(platform: Platform) -> str:
    """The Python that installs uv: the distribution's, or where uv does not run on it, what modules run on."""
    own = platform.release.python
    private = next((build.minor for build in platform.builds), own)
    return own if Version(own) >= UV_SERVES else private


def _entry(
    entry: Mapping[str, Any],
    own: EnvironmentSolution,
    brought: str | None,
    platform: Platform,
    packages: list[index.Package],
) -> dict[str, Any]:
    python = own.python.candidate.version
    chosen = entry.get("python") or ""
    return {
        "installer": "uv" if Version(python) >= UV_SERVES else "pip",
        **entry,
        "python": chosen if chosen.startswith("/") else brought or stack.interpreter(python, platform) or python,
        "requirements": [package.line for package in packages],
    }


def _pins(env: Environment, own: EnvironmentSolution, packages: list[index.Package]) -> dict[str, Pin]:
    pins = {PYTHON: Pin(version=own.python.candidate.version, because=own.because(PYTHON))}
    for package in packages:
        reasons = own.because(package.name) or _wished(env, package.name)
        if package.parents:
            first = f"{env.name}.{package.parents[0]}"
            reasons.append(Reason(kind="index", text=f"required by {', '.join(package.parents)}", pin=first))
        pins[package.name] = Pin(version=package.version, because=reasons)
    return pins


def _wished(env: Environment, name: str) -> list[Reason]:
    return [Reason(kind="wish", text=f"{wish.origin}: {wish.line}") for wish in env.wishes if wish.name == name]


def _uv(target: index.Target, kept: Mapping[str, str], pins: dict[str, Pin]) -> list[str]:
    """Uv itself, for the distribution's Python, which installs it."""
    keep = [f"uv=={kept['uv']}"] if "uv" in kept else []
    found = index.resolve("uv", ["uv"], [], target, keep)
    pins["uv"] = Pin(version=found[0].version, because=[Reason(kind="index", text="installs the environments")])
    return [package.line for package in found]


def _download(requirements: list[str], target: index.Target, old: HostClass | None) -> int | None:
    """What installing these downloads; the same files are asked for once only."""
    before = old.components.get(COMPONENT, {}) if old else {}
    known = {tuple(entry["requirements"]): entry.get("download") for entry in before.get(f"{COMPONENT}_envs", [])}
    known[tuple(before.get(f"{COMPONENT}_uv_requirement", []))] = before.get(f"{COMPONENT}_uv_download")
    size = known.get(tuple(requirements))
    return index.download(requirements, target) if size is None else size


def _of(name: str, kept: Mapping[str, str]) -> dict[str, str]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): version for key, version in kept.items() if key.startswith(prefix)}
