"""Every role keeps the same contract: spec and defaults agree, the README is current, nothing forbidden is in it."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimlsetup import catalog, content

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (content.root() / "roles").iterdir() if path.is_dir())
APPLYING = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text())[0]["tasks"][1]["block"]
COMPONENTS = next(task["loop"] for task in APPLYING if task["name"] == "Components")


def options(role: str) -> dict[str, Any]:
    """The role's argument spec."""
    spec = yaml.safe_load((content.role(role) / "meta" / "argument_specs.yml").read_text())
    found: dict[str, Any] = spec["argument_specs"]["main"]["options"]
    return found


def test_the_site_runs_every_role_and_no_other() -> None:
    assert sorted(COMPONENTS) == ROLES
    assert yaml.safe_load((ROOT / "playbooks" / "verify.yml").read_text())[0]["tasks"][0]["loop"] == COMPONENTS


@pytest.mark.parametrize("playbook", ["site", "verify"])
def test_optional_components_run_where_they_are_named_alone(playbook: str) -> None:
    play = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text())[0]
    optional = {name for name, entry in catalog.load().components.items() if entry.optional}
    assert set(play["vars"]["__site_optional"]) == optional


@pytest.mark.parametrize("role", ROLES)
def test_spec_and_defaults_agree(role: str) -> None:
    defaults = yaml.safe_load((content.role(role) / "defaults" / "main.yml").read_text()) or {}
    spec = options(role)
    required = {name for name, option in spec.items() if option.get("required")}
    assert set(defaults) == set(spec) - required
    assert {name: spec[name].get("default") for name in defaults} == defaults
    assert all(name.startswith(f"{role}_") for name in spec)


def described(spec: dict[str, Any]) -> bool:
    return all(
        option.get("description") and option.get("type") and described(option.get("options", {}))
        for option in spec.values()
    )


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_typed_and_described(role: str) -> None:
    assert described(options(role))


@pytest.mark.parametrize("role", ROLES)
def test_no_url_no_swallowed_error_no_role_call(role: str) -> None:
    for path in content.role(role).rglob("*"):
        if path.is_file() and path.suffix in (".yml", ".j2"):
            text = path.read_text()
            assert not re.search(r"ignore_errors|include_role|import_role", text), path
            assert not re.search(r"https?://(?!127\.0\.0\.1|localhost|\{\{)", text), path


@pytest.mark.parametrize("role", ROLES)
def test_public_names_are_never_set(role: str) -> None:
    for path in (content.role(role) / "tasks").rglob("*.yml"):
        for task in yaml.safe_load(path.read_text()) or []:
            facts = task.get("ansible.builtin.set_fact", {})
            assert all(name.startswith("__") for name in facts), path


def test_readmes_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "script" / "docs"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
