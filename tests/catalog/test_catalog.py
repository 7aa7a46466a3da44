"""The catalog agrees with itself, with the roles and with uv."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from aimlsetup import catalog, content, files
from aimlsetup.catalog import schema
from aimlsetup.catalog.records import Component, Framework
from aimlsetup.catalog.sections import section_model
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking.arguments import REFERENCE, expand
from aimlsetup.models.profile import Requests, Roots

KNOWN = catalog.load()
SHARED = {
    "roots": Roots().model_dump(),
    "requests": {"device": "cpu", "python": "3.11", "environment": "py_3"},
    "sources": {name: source.url for name, source in KNOWN.sources.items()},
}


def test_every_component_has_its_files() -> None:
    beside = {path.stem for path in (catalog.HERE / "components").glob("*.yml")}
    roles = {path.name for path in (content.root() / "roles").iterdir()}
    assert set(KNOWN.components) == beside == roles


@pytest.mark.parametrize("component", KNOWN.components)
def test_component_names_arguments_that_its_role_has(component: str) -> None:
    entry = KNOWN.components[component]
    options = {name.removeprefix(f"{component}_"): option for name, option in KNOWN.options[component].items()}
    assert set(entry.arguments) <= set(options)
    for dotted in entry.solved:
        first, _dot, rest = dotted.partition(".")
        assert first in options
        assert not rest or rest in options[first]["options"]


@pytest.mark.parametrize("component", KNOWN.components)
def test_references_resolve_and_nothing_else_looks_like_one(component: str) -> None:
    expanded = json.dumps(expand(KNOWN.components[component].arguments, SHARED))
    assert not REFERENCE.search(expanded)
    assert not re.search(r"\{[a-z]", expanded)


@pytest.mark.parametrize("component", KNOWN.components)
def test_role_defaults_are_data(component: str) -> None:
    """The lock hands them on as they are, tagged unsafe."""
    assert "{{" not in json.dumps(KNOWN.defaults[component])


@pytest.mark.parametrize("component", KNOWN.components)
def test_what_catalog_and_defaults_give_is_what_the_role_takes(component: str) -> None:
    model = section_model(component, KNOWN.options[component])
    model.model_validate(expand(KNOWN.components[component].arguments, SHARED))
    defaults = {name.removeprefix(f"{component}_"): value for name, value in KNOWN.defaults[component].items()}
    model.model_validate(defaults)


def test_requests_are_what_the_schema_has() -> None:
    assert {"device", "python"} <= set(Requests.model_fields)


def test_platform_tags_are_known_to_uv() -> None:
    told = subprocess.run(
        [find_uv_bin(), "pip", "compile", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(f"x86_64-{release.wheels}" in told for release in KNOWN.releases)


@pytest.mark.parametrize("framework", KNOWN.frameworks.values(), ids=lambda framework: framework.framework)
def test_framework_records_fit_together(framework: Framework) -> None:
    versions = [release.version for release in framework.releases]
    assert len(set(versions)) == len(versions)
    named = {name for release in framework.releases for name in release.wheels}
    assert named == set(framework.distributions())
    assert all(
        pythons for release in framework.releases for wheels in release.wheels.values() for pythons in wheels.values()
    )


# What `serving.yml` has are ports and percentages.
VERSIONED = [path for path in sorted(catalog.HERE.glob("*.yml")) if path.name != "serving.yml"]


@pytest.mark.parametrize("path", VERSIONED, ids=lambda path: path.name)
def test_no_version_is_a_number(path: Path) -> None:
    def numbers(value: object) -> list[object]:
        if isinstance(value, dict):
            return [found for item in value.values() for found in numbers(item)]
        if isinstance(value, list):
            return [found for item in value for found in numbers(item)]
        return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []

    assert numbers(files.read(path).data) == []


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (Component, "title: x\nargumnets: {}"),
        (
            Framework,
            "framework: x\ndevices: {}\nwheels_source: somewhere\nrules: []\nreleases: [{version: '1', wheels: {}}]",
        ),
    ],
)
def test_a_mistake_in_a_record_names_its_place(model: type[files.Model], text: str) -> None:
    with pytest.raises(AimlsetupError, match=r"^error: x.yml:\d+:\d+: "):
        files.check(files.parse(text, Path("x.yml")), model, "catalog")


@pytest.mark.parametrize("kind", schema.models())
def test_schema_is_up_to_date(kind: str) -> None:
    """If not: run script/schema."""
    assert (content.root() / "docs" / "schema" / f"{kind}.schema.json").read_text() == schema.schema(kind)
