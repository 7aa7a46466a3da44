"""Whether apt's and dpkg's work is finished, and the packages that must be of one version are."""

import re
from collections import Counter
from collections.abc import Iterator

from aimlsetup.catalog import Catalog
from aimlsetup.doctor._common import Evidence, command, driver_packages, note, problem, upstream
from aimlsetup.models.finding import Finding

# Packages that fit each other only in one exact version, by how their names begin.
FAMILIES = {
    "TensorRT": ("libnvinfer", "libnvonnxparsers", "libnvparsers", "tensorrt", "python3-libnvinfer"),
    "cuDNN": ("libcudnn",),
    "NCCL": ("libnccl",),
}
REINSTALL = re.compile(r"^.H|R")  # half-installed, or so broken that dpkg asks for the package again


def judge(evidence: Evidence, _catalog: Catalog) -> Iterator[Finding]:
    """Findings about packages."""
    yield from _unfinished(evidence)
    yield from _held(evidence)
    yield from _driver(evidence)
    installed = {name: entry["version"] for name, entry in evidence["nvidia"]["packages"].items()}
    for title, starts in FAMILIES.items():
        yield from _family(title, {name: version for name, version in installed.items() if name.startswith(starts)})


def _unfinished(evidence: Evidence) -> Iterator[Finding]:
    rows = evidence["unfinished"]
    if rows:
        again = [row["name"] for row in rows if REINSTALL.search(row["status"])]
        yield problem(
            "packages-unfinished",
            f"dpkg has left {len(rows)} packages half done",
            "An installation was interrupted or a package's script failed. Until that is finished, apt installs "
            "nothing else.",
            command("sudo", "apt-get", "install", "--reinstall", *again) if again else "sudo dpkg --configure -a",
            [f"{row['name']}: {row['status'].strip()}" for row in rows],
        )


def _held(evidence: Evidence) -> Iterator[Finding]:
    held = {name: entry["version"] for name, entry in evidence["nvidia"]["packages"].items() if entry["hold"]}
    if held:
        yield note(
            "packages-held",
            f"{len(held)} of NVIDIA's packages are held",
            "apt leaves these as they are, and refuses what would need another version of them.",
            "apt-mark showhold",
            [f"{name} {version}" for name, version in held.items()],
        )


def _driver(evidence: Evidence) -> Iterator[Finding]:
    installed = {
        name: version for name, version in driver_packages(evidence).items() if re.match(r"\d{3}\.", upstream(version))
    }
    counts = Counter(map(upstream, installed.values()))
    if len(counts) > 1:
        usual = counts.most_common(1)[0][0]
        yield problem(
            "driver-mixed",
            f"the driver's packages are of {len(counts)} versions",
            "Modules and libraries must be of exactly one version; a hold or an interrupted upgrade left some behind.",
            command("apt-cache", "policy", *(name for name, entry in installed.items() if upstream(entry) != usual)),
            [f"{name} {version}" for name, version in installed.items()],
        )


def _family(title: str, installed: dict[str, str]) -> Iterator[Finding]:
    """Different major versions may stand side by side; within one, all siblings are of one exact version."""
    majors: dict[str, dict[str, str]] = {}
    for name, version in installed.items():
        majors.setdefault(upstream(version).partition(".")[0], {})[name] = version
    for siblings in majors.values():
        counts = Counter(siblings.values())
        if len(counts) > 1:
            usual = counts.most_common(1)[0][0]
            odd = [name for name, version in siblings.items() if version != usual]
            yield problem(
                "siblings-mixed",
                f"{title}'s packages do not fit each other",
                "They were built together for one CUDA, which their version's suffix names, and load each other by "
                "exact version: apt took a newer sibling for some of them.",
                command("sudo", "apt-get", "install", "--allow-downgrades", *(f"{name}={usual}" for name in odd)),
                [f"{name} {version}" for name, version in siblings.items()],
            )
