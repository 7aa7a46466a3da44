"""What the judges share."""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from aimlsetup.models.finding import Finding

Evidence = Mapping[str, Any]
DRIVER = re.compile(
    r"nvidia-(driver|open|dkms|kernel|headless|open-kernel)\b|cuda-drivers|linux-modules-nvidia-|libnvidia-(compute|ml1)"
)


def problem(ref: str, title: str, why: str, then: str, seen: Iterable[str] = ()) -> Finding:
    """A finding that keeps something from working."""
    return Finding(ref=ref, severity="problem", title=title, why=why, seen=tuple(seen), next=then)


def note(ref: str, title: str, why: str, then: str, seen: Iterable[str] = ()) -> Finding:
    """A finding that is good to know."""
    return Finding(ref=ref, severity="note", title=title, why=why, seen=tuple(seen), next=then)


def command(*words: str) -> str:
    """A command line to copy: what the host named in it can't be more than a word."""
    return shlex.join(words)


def gpus(evidence: Evidence) -> list[str]:
    """PCI device ids (`2684`) of NVIDIA's GPUs, in the order of the bus."""
    return [gpu["id"].removeprefix("10de:") for gpu in evidence["gpus"] if gpu["id"].startswith("10de:")]


def driver_packages(evidence: Evidence) -> dict[str, str]:
    """{name: version} of the installed packages that make up the driver."""
    found = evidence["nvidia"]["packages"]
    return {name: entry["version"] for name, entry in found.items() if DRIVER.match(name)}


def upstream(version: str) -> str:
    """`535.261.03` of `535.261.03-1~deb12u1`."""
    return version.rpartition(":")[2].partition("-")[0]
