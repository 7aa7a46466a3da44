"""A package index of three tiny wheels, and the module run against it as Ansible runs it: in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import content
from tests.wheels import digest, publish

UV = Path(sys.executable).with_name("uv")
Wheels = Mapping[tuple[str, str], list[str]]
WHEELS: Wheels = {("tiny", "1.0"): [], ("tiny", "2.0"): [], ("needy", "1.0"): ["tiny>=2"]}


class Index:
    """A simple index in a directory; `requirement` gives the hashed line of one of its wheels."""

    def __init__(self, directory: Path, wheels: Wheels = WHEELS) -> None:
        self.url = f"file://{directory}"
        self.hashes = {}
        for (name, version), requires in wheels.items():
            files = {f"{name}.py": f"VERSION = {version!r}\n".encode()}
            self.hashes[name, version] = digest(publish(directory, name, version, requires, files))

    def requirement(self, name: str, version: str) -> str:
        return f"{name}=={version} --hash=sha256:{self.hashes[name, version]}"


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return Index(tmp_path_factory.mktemp("simple"))


class Site:
    """A root of virtualenvs, and what the module answers about it."""

    def __init__(self, directory: Path, index: Index) -> None:
        self.directory = directory
        self.root = directory / "virtualenvs"
        self.root.mkdir()
        self.index = index
        self.collections = content.collections_dir(directory / "collections")

    def environment(self, *wheels: tuple[str, str], **more: object) -> dict[str, Any]:
        """An environment `py_3` of these wheels; `more` are its other options."""
        requirements = [self.index.requirement(*wheel) for wheel in wheels]
        return {"name": "py_3", "python": "3", "requirements": requirements, **more}

    def start(self, *environments: dict[str, Any], check: bool = False) -> "subprocess.Popen[str]":
        """The module as a process, at work."""
        arguments = self.directory / "arguments.json"
        options = {
            "root": str(self.root),
            "uv": str(UV),
            "cache": str(self.directory / "cache"),
            "index": self.index.url,
            "environments": list(environments),
            "_ansible_check_mode": check,
        }
        arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
        return subprocess.Popen(
            [sys.executable, "-m", "ansible_collections.codehub.aimlsetup.plugins.modules.virtualenv", str(arguments)],
            env={**os.environ, "PYTHONPATH": str(self.collections)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *environments: dict[str, Any], check: bool = False) -> dict[str, Any]:
        """The module's answer."""
        output, complaints = self.start(*environments, check=check).communicate(timeout=120)
        assert output, complaints
        answer: dict[str, Any] = json.loads(output)
        return answer

    def there(self) -> list[str]:
        """Names below the root."""
        return sorted(path.name for path in self.root.iterdir())

    def behind(self, name: str = "py_3") -> str:
        return str((self.root / name).readlink())

    def says(self, code: str, name: str = "py_3") -> str:
        """What Python code prints in the environment behind the name."""
        argv = [str(self.root / name / "bin" / "python"), "-I", "-c", code]
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture
def site(tmp_path: Path, index: Index) -> Site:
    return Site(tmp_path, index)


@pytest.fixture
def utils(_collection: None) -> Callable[[str], Any]:
    """The collection's module_utils by name."""

    def load(name: str) -> Any:
        return __import__(f"ansible_collections.codehub.aimlsetup.plugins.module_utils.{name}", fromlist=[name])

    return load
