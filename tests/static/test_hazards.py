"""Hazards: the table of docs/hazards.md names tests that exist, and rules that are read off the files."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from aimlsetup import content

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "hazards.md"
SHORTEST_WAIT = 300  # seconds; unattended upgrades can take five minutes


def named() -> list[str]:
    """What the last column of the table names, row by row."""
    rows = [re.split(r"(?<!\\)\|", line) for line in TABLE.read_text().splitlines() if line.startswith("|")][2:]
    names = [re.findall(r"`([^`]+)`", cells[-2]) for cells in rows]
    assert all(names), "a row names no test"
    return [name.replace("\\|", "|") for part in names for name in part]


def test_every_test_named_exists() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    there = Counter(re.findall(r"^def (test_\w+)\(", code, re.MULTILINE))
    scenarios = "\n".join(path.read_text() for path in (ROOT / "molecule").rglob("*.yml"))
    there.update(re.findall(r"^ *- name: (.+)$", scenarios, re.MULTILINE))
    assert {name: there[name] for name in named() if there[name] == 0} == {}


def test_it_is_among_what_to_read() -> None:
    assert "(docs/hazards.md)" in (ROOT / "README.md").read_text()


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """All mappings in a document: plays, blocks and tasks among them."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from mappings(item)


def test_no_task_has_an_environment() -> None:
    """It would show in the arguments of the process that runs the module."""
    parts = ("roles/*/tasks/**/*.yml", "roles/*/handlers/**/*.yml", "playbooks/**/*.yml")
    files = [path for part in parts for path in content.root().glob(part)]
    assert len(files) > len(list(content.root().glob("roles/*")))
    for path in files:
        assert not [found for found in mappings(yaml.safe_load(path.read_text())) if "environment" in found], path


def test_every_wait_for_apt_is_long_enough() -> None:
    files = [path for part in ("plugins", "roles", "script") for path in (ROOT / part).rglob("*") if path.is_file()]
    texts = {path.relative_to(ROOT): path.read_text() for path in files if path.suffix != ".pyc"}
    pattern = r'(?:DPkg::Lock::Timeout=|"lock_timeout": .*"default": )(\d+)'
    waits = [(path, int(seconds)) for path, text in texts.items() for seconds in re.findall(pattern, text)]
    assert len({path for path, _seconds in waits}) >= 3, "the module, the way to Python, and bootstrap"
    assert [wait for wait in waits if wait[1] < SHORTEST_WAIT] == []
    roles = [path for path in texts if path.parts[0] == "roles" and "lock_timeout" in texts[path]]
    assert roles == [], "what the module waits is not made shorter"
