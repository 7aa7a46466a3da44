"""Whether frameworks were built for a GPU, and find every library that they ask the loader for."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from aimlsetup.catalog import Catalog
from aimlsetup.catalog.records import FrameworkRelease
from aimlsetup.catalog.sonames import libraries_apart
from aimlsetup.doctor._common import Evidence, command, gpus, note, problem
from aimlsetup.models.finding import Finding

NAMES = {"torch": "pytorch"}  # where the catalog's name is not the package's
Built = Mapping[str, Any]


def judge(evidence: Evidence, catalog: Catalog) -> Iterator[Finding]:
    """Findings about an environment's frameworks, the toolkits and the loader's libraries."""
    for framework in (evidence["environment"] or {}).get("frameworks", ()):
        if framework["gpu"] is False:
            yield _cpu_only(framework, evidence)
        else:
            yield from _libraries(framework, evidence, catalog)
    yield from _toolkits(evidence, catalog)
    yield from _dangling(evidence)


def _cpu_only(framework: Built, evidence: Evidence) -> Finding:
    """Wheels without CUDA: they work, on the CPU alone, and say nothing."""
    name, version = framework["name"], framework["version"].partition("+")[0]
    pip = f"{evidence['environment']['path']}/bin/pip"
    wish = f"tensorflow[and-cuda]=={version}" if name == "tensorflow" else f"{name}=={version}"
    other = framework["distribution"] != name
    install = command(pip, "install", "--force-reinstall", wish)
    return (problem if gpus(evidence) else note)(
        "framework-cpu-only",
        f"{framework['distribution']} {framework['version']} was built for the CPU alone",
        "It never looks for a GPU and says nothing of it: the package or the index it came from holds no CUDA.",
        f"{command(pip, 'uninstall', '-y', framework['distribution'])} && {install}" if other else install,
        [str(evidence["environment"]["path"])],
    )


def _release(framework: Built, catalog: Catalog) -> FrameworkRelease | None:
    name: str = framework["name"]
    known = catalog.frameworks[NAMES.get(name, name)]
    version = framework["version"].partition("+")[0]
    return next((release for release in known.releases if release.version == version), None)


def _tested(release: FrameworkRelease | None, part: str) -> str | None:
    """The version that a release's GPU build was tested with: `12.3` of `==12.3.*`."""
    for build in release.builds if release else ():
        need = build.needs.get(part)
        found = re.search(r"\d+(\.\d+)*", need if isinstance(need, str) else " ".join(need or []))
        if found:
            return found[0]
    return None


def wanted(framework: Built, catalog: Catalog) -> list[str]:
    """The sonames that a framework asks for, by what it says it was built with, else by what it was tested with."""
    release = _release(framework, catalog)
    versions = {part: framework[part] or _tested(release, part) for part in ("cuda", "cudnn")}
    return [name for _part, name in catalog.sonames.asked(framework["name"], release, versions)]


def _libraries(framework: Built, evidence: Evidence, catalog: Catalog) -> Iterator[Finding]:
    """The list that the framework walks when it starts, without naming what is missing."""
    environment, release = evidence["environment"], _release(framework, catalog)
    found = {
        **evidence["libraries"],
        **environment["libraries"],
        **(environment["wheels"] if libraries_apart(release) else {}),
    }
    names = wanted(framework, catalog)
    missing = [name for name in names if name not in found]
    title = f"{framework['distribution']} {framework['version']}"
    if missing:
        yield problem(
            "library-missing",
            f"{title} does not find {', '.join(missing)}",
            "It loads these by name when it starts, and works on the CPU when one is missing (`Cannot dlopen some GPU "
            f"libraries`). It was built with CUDA {framework['cuda'] or _tested(release, 'cuda') or 'unknown'}.",
            _remedy(framework, missing, environment, release, catalog),
            [f"{name}: {found.get(name, 'not found')}" for name in names],
        )
    elif len(names) == len(catalog.sonames.driver) and framework["name"] == "tensorflow":
        yield note(
            "libraries-unknown",
            f"what {title} loads is not in the catalog",
            "Its build does not say which CUDA it is for, or the catalog does not know the names of that one.",
            command(
                f"{environment['path']}/bin/python",
                "-c",
                "import tensorflow as tf; print(tf.config.list_physical_devices('GPU'))",
            ),
        )
    yield from _tensorrt(framework, found, catalog)


def _remedy(
    framework: Built,
    missing: list[str],
    environment: Mapping[str, Any],
    release: FrameworkRelease | None,
    catalog: Catalog,
) -> str:
    """Wheels where the release has them; else the toolkit's packages; else whoever has the file."""
    if set(missing) <= set(catalog.sonames.driver):
        return "nvidia-smi"
    version = framework["version"].partition("+")[0]
    pip = f"{environment['path']}/bin/pip"
    if release and any(build.extra for build in release.builds):
        extra = next(build.extra for build in release.builds if build.extra)
        return command(pip, "install", f"{framework['distribution']}[{extra}]=={version}")
    if release and libraries_apart(release):
        return command(pip, "install", "--force-reinstall", f"{framework['distribution']}=={framework['version']}")
    cuda = framework["cuda"] or _tested(release, "cuda")
    lacks_cuda = set(missing) & set(catalog.sonames.of("cuda", cuda))
    if cuda and lacks_cuda:
        return command("sudo", "apt-get", "install", "cuda-toolkit-" + "-".join(cuda.split(".")[:2]))
    return command("apt-cache", "search", "--names-only", "^libcudnn")


def _tensorrt(framework: Built, found: Mapping[str, str], catalog: Catalog) -> Iterator[Finding]:
    """TensorRT is used where it is there; a build that looks for one is content without."""
    if framework["name"] != "tensorflow":
        return
    try:
        version = Version(framework["version"])
    except InvalidVersion:
        return
    for rule in catalog.frameworks["tensorflow"].gpu_rules:
        need = rule.beside.get("tensorrt")
        if need and version in SpecifierSet(rule.versions):
            majors = set(re.findall(r"(?:==|>=)(\d+)", need if isinstance(need, str) else " ".join(need)))
            names = [f"libnvinfer.so.{major}" for major in sorted(majors)]
            if names and not set(names) & set(found):
                yield note(
                    "tensorrt-missing",
                    f"TensorFlow {version} does not find {' or '.join(names)}",
                    f"TensorRT is not there, so models can't be converted to it; all the rest works. {rule.text}.",
                    "apt-cache search --names-only '^libnvinfer[0-9]'",
                )


def _toolkits(evidence: Evidence, catalog: Catalog) -> Iterator[Finding]:
    toolkits = evidence["toolkits"]
    for toolkit in toolkits["installed"]:
        names = catalog.sonames.of("cuda", toolkit["release"])
        missing = [name for name in names if name not in evidence["libraries"]]
        if missing and len(missing) < len(names):
            yield note(
                "toolkit-incomplete",
                f"the loader does not find all of CUDA {toolkit['release']}",
                "Some of the toolkit's libraries are not installed, or not where the loader looks.",
                "ldconfig -p | grep -E 'libcu|libnv'",
                [f"{name}: {evidence['libraries'].get(name, 'not found')}" for name in names],
            )
    if toolkits["auto"] and len(toolkits["installed"]) > 1:
        yield note(
            "cuda-link",
            "apt decides where /usr/local/cuda leads",
            "Several toolkits are installed, and the alternative is automatic: the next one to be installed takes it.",
            command("sudo", "update-alternatives", "--set", "cuda", toolkits["link"] or ""),
            [f"{toolkit['release']}: {toolkit['path']}" for toolkit in toolkits["installed"]],
        )


def _dangling(evidence: Evidence) -> Iterator[Finding]:
    dangling = {name: path for name, path in evidence["dangling"].items() if name not in evidence["libraries"]}
    if dangling:
        yield problem(
            "library-dangling",
            f"{len(dangling)} libraries of NVIDIA's are links to nowhere",
            "The loader's cache or a link names a file that is gone: what loads it fails as if it were not installed.",
            "sudo ldconfig",
            [f"{name}: {path}" for name, path in dangling.items()],
        )
