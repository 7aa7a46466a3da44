"""What is known to fit together, as data: components, distributions, sources, frameworks.

The files lie beside this one. The order of components is that of `playbooks/site.yml`, what they take is in their
roles' argument specs; neither is repeated here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from aimlsetup import content, files
from aimlsetup.catalog.builds import PythonBuilds
from aimlsetup.catalog.parts import Gpus, Part
from aimlsetup.catalog.records import Component, Framework, Release, Releases, Serving
from aimlsetup.catalog.sonames import Sonames
from aimlsetup.catalog.sources import Key, Source, Sources

HERE = Path(__file__).parent
FRAMEWORKS = ("tensorflow", "pytorch")


@dataclass(frozen=True, eq=False)
class Catalog:
    """All of it. `components` and `options` are in the order in which components are applied.

    One object is one catalog: what is made of it is kept by its identity.

    What only hosts with GPUs need is read when it is first asked for.
    """

    components: dict[str, Component]
    options: dict[str, dict[str, Any]]  # component -> role variable -> entry of its argument spec
    defaults: dict[str, dict[str, Any]]  # component -> role variable -> default
    releases: list[Release]
    sources: dict[str, Source]
    keys: dict[str, Key]  # that sign what sources hold
    frameworks: dict[str, Framework]

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The GPU stack's parts by name (`driver`, `cuda`, …), as `parts/<name>.yml` has them."""
        return {path.stem: _file(f"parts/{path.name}", Part) for path in sorted((HERE / "parts").glob("*.yml"))}

    @cached_property
    def python_builds(self) -> PythonBuilds:
        """Standalone builds of Python."""
        return _file("python_builds.yml", PythonBuilds)

    @cached_property
    def gpus(self) -> Gpus:
        """GPUs by chip, and what else of NVIDIA is on a host's bus."""
        return _file("gpus.yml", Gpus)

    @cached_property
    def serving(self) -> Serving:
        """Where models are served by convention."""
        return _file("serving.yml", Serving)

    @cached_property
    def sonames(self) -> Sonames:
        """The names by which libraries of the GPU stack are asked for."""
        return _file("sonames.yml", Sonames)

    def release(self, distribution: str, version: str) -> Release | None:
        """The record of a distribution's release (`debian`, `12`)."""
        return next((found for found in self.releases if (found.id, found.version) == (distribution, version)), None)

    def features(self) -> frozenset[str]:
        """CPU flags that some record asks for."""
        asked = (name for framework in self.frameworks.values() for rule in framework.rules for name in rule.requires)
        return frozenset(name.removeprefix("cpu.") for name in asked if name.startswith("cpu."))


@cache
def load() -> Catalog:
    """Read the catalog and the roles' interfaces. A mistake in them is an `AimlsetupError` naming the file."""
    names = list(_order(files.read(content.root() / "playbooks" / "site.yml").data))
    places = _file("sources.yml", Sources)
    return Catalog(
        components={name: _file(f"components/{name}.yml", Component) for name in names},
        options={name: role_options(name) for name in names},
        defaults={name: _defaults(name) for name in names},
        releases=_file("releases.yml", Releases).releases,
        sources=places.sources,
        keys=places.keys,
        frameworks={name: _file(f"{name}.yml", Framework) for name in FRAMEWORKS},
    )


def role_options(component: str) -> dict[str, Any]:
    """The entries of a role's argument spec, by full variable name."""
    spec = files.read(content.role(component) / "meta" / "argument_specs.yml")
    options: dict[str, Any] = spec.data["argument_specs"]["main"]["options"]
    return options


def _defaults(component: str) -> dict[str, Any]:
    return files.read(content.role(component) / "defaults" / "main.yml").data or {}


def _file(name: str, model: type[files.Model]) -> files.Model:
    return files.check(files.read(HERE / name), model, "catalog")


def _order(tasks: Any) -> Iterator[str]:
    """The names in the loop of the play's `include_role`."""
    for task in tasks or []:
        if "ansible.builtin.include_role" in task:
            yield from task["loop"]
        for part in ("tasks", "block", "always"):
            yield from _order(task.get(part))
