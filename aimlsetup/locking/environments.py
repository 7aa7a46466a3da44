"""What the lock decides for `python_env`: interpreters, exact hashed requirements, and uv itself."""

from collections.abc import Mapping
from typing import Any

from packaging.version import Version

from aimlsetup.catalog import Catalog
from aimlsetup.locking import index, stack
from aimlsetup.locking.conflict import explain
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.wishes import Environment, environments
from aimlsetup.models.lock import HostClass, Pin, Reason
from aimlsetup.models.profile import Profile
from aimlsetup.solver import solve
from aimlsetup.solver.problem import Conflict, Solution

COMPONENT = "python_env"
UV_SERVES = Version("3.8")  # oldest Python that uv installs into


def decide(case: Case) -> Decided:
    """Solve and resolve every environment of the profile for one platform; what there was is kept where it fits."""
    profile, platform, catalog = case.profile, case.platform, case.catalog
    old = None if case.upgrade else case.old
    section = profile.sections.get(COMPONENT, {})
    kept = {name: pin.version for name, pin in old.pins.items()} if old else {}
    pins: dict[str, Pin] = {}
    entries = []
    for entry, env in zip(section.get("envs") or [], environments(profile, platform.arch, catalog), strict=True):
        solution = _solve(env, platform, catalog, _of(env.name, kept))
        target = _target(profile, platform, solution.chosen[stack.PYTHON].candidate.version)
        packages = _resolve(env, solution, target, _of(env.name, kept))
        pins |= {f"{env.name}.{name}": pin for name, pin in _pins(env, solution, packages).items()}
        entries.append(_entry(entry, solution, platform, packages))
        entries[-1]["download"] = _download(entries[-1]["requirements"], target, old)
    uv = _target(profile, platform, platform.release.python)
    uv_line = _uv(uv, kept, pins) if any(entry["installer"] == "uv" for entry in entries) else []
    python = pins[f"{entries[0]['name']}.{stack.PYTHON}"].version if entries else platform.release.python
    solved = {"envs": entries, "uv_requirement": uv_line, "uv_download": _download(uv_line, uv, old)}
    return Decided(solved, pins, python)


def _solve(env: Environment, platform: Platform, catalog: Catalog, kept: Mapping[str, str]) -> Solution:
    try:
        return solve(stack.problem(env, platform, catalog, kept))
    except Conflict as conflict:
        raise explain(env.name, conflict) from None


def _resolve(
    env: Environment, solution: Solution, target: index.Target, kept: Mapping[str, str]
) -> list[index.Package]:
    wished = {wish.name for wish in env.wishes}
    exact = [f"{name}=={chosen.candidate.version}" for name, chosen in solution.chosen.items() if name in wished]
    bounds = [f"{item.name}{item.versions.text}" for item in solution.bounds if item.reason.kind == "fact"]
    keep = [f"{name}=={version}" for name, version in kept.items() if name != stack.PYTHON]
    lines = [wish.line for wish in env.wishes]
    return index.resolve(f"environment {env.name}", lines, sorted({*exact, *bounds}), target, sorted(keep))


def _target(profile: Profile, platform: Platform, python: str) -> index.Target:
    return index.Target(python, f"{platform.arch}-{platform.release.wheels}", profile.sources.get("pypi"))


def _entry(
    entry: Mapping[str, Any], solution: Solution, platform: Platform, packages: list[index.Package]
) -> dict[str, Any]:
    python = solution.chosen[stack.PYTHON].candidate.version
    chosen = entry.get("python") or ""
    return {
        "installer": "uv" if Version(python) >= UV_SERVES else "pip",
        **entry,
        "python": chosen if chosen.startswith("/") else stack.interpreter(python, platform),
        "requirements": [package.line for package in packages],
    }


def _pins(env: Environment, solution: Solution, packages: list[index.Package]) -> dict[str, Pin]:
    python = solution.chosen[stack.PYTHON]
    pins = {stack.PYTHON: Pin(version=python.candidate.version, because=list(python.because))}
    for package in packages:
        reasons = _because(solution, package.name) or _wished(env, package.name)
        if package.parents:
            reasons.append(Reason(kind="index", text=f"required by {', '.join(package.parents)}"))
        pins[package.name] = Pin(version=package.version, because=reasons)
    return pins


def _because(solution: Solution, name: str) -> list[Reason]:
    if name in solution.chosen:
        return list(solution.chosen[name].because)
    return list(dict.fromkeys(item.reason for item in solution.bounds if item.name == name))


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
