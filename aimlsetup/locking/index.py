"""Exact, hashed requirements from the package index, by uv."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import access, wheels

TIMEOUT = 900  # seconds; a cold cache on a slow line, sdists that must be built for their metadata
ANSWER = 60  # seconds, for one package
WISHES, BOUNDS, RESULT, FILES = "wishes.txt", "bounds.txt", "result.txt", "pylock.toml"


@dataclass(frozen=True)
class Package:
    """One resolved distribution. `line` is what pip and uv install it by; `parents` are who asked for it."""

    name: str
    version: str
    line: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """What to resolve for: a Python (`3.11`), a platform as uv names it, and an index (None: as configured).

    A package that one of `further` indexes has is taken from there.
    """

    python: str
    platform: str
    index: str | None
    further: tuple[str, ...] = ()


def resolve(
    name: str, wishes: Sequence[str], bounds: Iterable[str], target: Target, keep: Iterable[str] = ()
) -> list[Package]:
    """Resolve `wishes` within `bounds`, both PEP 508 lines, preferring the versions of `keep` (`name==version`).

    `name` is what errors call it. Wishes that conflict are an error with exit code 4 naming both sides.
    """
    with tempfile.TemporaryDirectory(prefix="aimlsetup-lock-") as directory:
        space = Path(directory)
        for file, lines in ((WISHES, wishes), (BOUNDS, bounds), (RESULT, keep)):
            (space / file).write_text("".join(f"{line}\n" for line in lines))
        finished = _run(_command(target), target, space)
        if finished.returncode:
            raise _failure(name, target, finished.stderr)
        return parse((space / RESULT).read_text())


def newest(package: str, target: Target) -> Package:
    """The newest release of a package that the index has now, without its dependencies, whatever it said before.

    An index that does not answer, or lacks the package, is an `AimlsetupError`.
    """
    with tempfile.TemporaryDirectory(prefix="aimlsetup-lock-") as directory:
        space = Path(directory)
        (space / WISHES).write_text(f"{package}\n")
        command = [*_compile(target), "--no-cache", "--no-deps", "--no-header", "--output-file", RESULT, WISHES]
        finished = _run(command, target, space, ANSWER)
        if finished.returncode:
            raise _failure("the package index", target, finished.stderr)
        return parse((space / RESULT).read_text())[0]


def download(requirements: Sequence[str], target: Target) -> int | None:
    """Bytes that installing resolved requirements fetches; None where the index does not tell.

    How much there is to fetch is good to know and no reason to fail.
    """
    with tempfile.TemporaryDirectory(prefix="aimlsetup-lock-") as directory:
        space = Path(directory)
        (space / RESULT).write_text("".join(f"{line}\n" for line in requirements))
        command = [*_compile(target), "--no-deps", "--format", "pylock.toml", "--output-file", FILES, RESULT]
        if _run(command, target, space).returncode:
            return None
        return wheels.download((space / FILES).read_text(), target.python, target.platform)


def _command(target: Target) -> list[str]:
    return [*_compile(target), "--no-header", "--constraints", BOUNDS, "--output-file", RESULT, WISHES]


def _compile(target: Target) -> list[str]:
    return [
        find_uv_bin(), "pip", "compile", "--quiet", "--color", "never", "--generate-hashes",
        "--python", sys.executable, "--python-version", target.python, "--python-platform", target.platform,
    ]  # fmt: skip


def _run(
    command: list[str], target: Target, directory: Path, timeout: int = TIMEOUT
) -> subprocess.CompletedProcess[str]:
    # The names of one switch in different uv releases: trust the machine's own certificates, as pip and apt do.
    way = access.current()
    environment = {**os.environ, **way.environment(), "UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    # As hosts will install it, who ask the same indexes in the same order.
    environment["UV_INDEX_STRATEGY"] = "first-index"
    environment["UV_INDEX"] = " ".join([*map(way.authorized, target.further), *environment.get("UV_INDEX", "").split()])
    if target.index:
        environment["UV_DEFAULT_INDEX"] = way.authorized(target.index)
    try:
        return subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise AimlsetupError("index-timeout", f"the package index did not answer within {timeout} s") from None


def parse(text: str) -> list[Package]:
    """Packages of uv's output: `name==version \\`, hashes, and `# via` comments."""
    return [_package(block) for block in re.split(r"\n(?=[^\s#])", text.strip()) if block]


def _package(block: str) -> Package:
    lines = block.splitlines()
    pin = lines[0].removesuffix("\\").strip()
    hashes = sorted(line.strip().removesuffix("\\").strip() for line in lines if line.strip().startswith("--hash="))
    comments = [line.strip().lstrip("# ").removeprefix("via").strip() for line in lines if line.strip().startswith("#")]
    parents = [comment for comment in comments if comment and not comment.startswith("-")]
    name, _equals, version = pin.partition("==")
    return Package(name, version, " ".join([pin, *hashes]), tuple(parents))


def _failure(name: str, target: Target, output: str) -> AimlsetupError:
    lines = [access.public(line.strip()) for line in output.splitlines() if line.strip()]
    if "No solution found" in output:
        reasons = [re.sub(r"^(cause: |╰─▶ |hint: )", "", line) for line in lines[1:]]
        return AimlsetupError(
            "requirements-conflict",
            f"{name}: no set of packages meets these requirements (Python {target.python}, {target.platform})",
            context=reasons,
            hint="loosen or drop one of the requirements named above",
            exit_code=Exit.NO_SOLUTION,
        )
    return AimlsetupError(
        "index-failed",
        f"{name}: uv could not resolve the requirements",
        context=lines[-12:],
        hint=_hint(output),
    )


def _hint(output: str) -> str:
    """What to do about an index that does not serve us."""
    if re.search(r"\b40[13]\b|[Uu]nauthorized|[Ff]orbidden", output):
        return "check the account for the index in 'network: credentials' of the profile, or in your netrc file"
    if re.search(r"[Cc]ertificate|UnknownIssuer", output):
        return "name its authority's certificate as 'network: ca_bundle' in the profile, and check this machine's clock"
    return "check that the package index is reachable, or point 'sources: pypi' in the profile at a mirror"
