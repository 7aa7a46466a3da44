"""The inventory for plain Ansible, read by Ansible's own loader."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import catalog, files, locking
from aimlsetup.catalog import profiles
from aimlsetup.locking import variables
from aimlsetup.models.profile import Become, Host

from .conftest import Index, Observe, Read

HOSTILE = [
    "{{ lookup('pipe', 'touch owned') }}",
    "{% raw %}{{ x }}{% endraw %}",
    "a'b\"c`d",
    "line\nline: {{ 1 }}",
    "$(touch owned); echo",
    "../../etc/passwd",
    "!unsafe x",
    "*alias &anchor # no comment",
    "3.10",
    "tab\tbell\x07 snowman ☃ \u2028 end ",
]
PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ {'exports': codehub_exports, 'title': codehub_app} | to_json }}"
        dest: "{{ out }}"
"""


def told(inventory: Path, host: str) -> dict[str, Any]:
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", inventory, "--host", host],
        capture_output=True, text=True, timeout=60, check=True, cwd=inventory,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def write(directory: Path, written: dict[str, str]) -> Path:
    for name, text in written.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory


def test_ansible_reads_the_locks_values(tmp_path: Path, profile: Read, observation: Observe) -> None:
    lock = locking.make(profile("falcon"), {"web": observation()})
    host = Host(address="10.0.0.1", port=2222, user="me", become=Become(method="sudo", password="env:X"))
    inventory = write(tmp_path / "lab", variables.inventory(lock, {"web": host, "other": Host()}, catalog.load()))
    found = told(inventory, "web")
    arguments = {
        name: value for part in lock.classes["debian-12-x86_64"].components.values() for name, value in part.items()
    }
    assert {name: found[name] for name in arguments} == arguments
    assert found["aimlsetup_components"] == ["network", "base", "codehub", "python_env"]
    connection = {name: found[name] for name in found if name.startswith("ansible_")}
    assert connection == {
        "ansible_host": "10.0.0.1",
        "ansible_port": 2222,
        "ansible_user": "me",
        "ansible_become": True,
    }


def test_hostile_values_stay_data_from_profile_to_a_play(tmp_path: Path, observation: Observe, index: Index) -> None:
    wished = {f"KEY_{number}": text for number, text in enumerate(HOSTILE)}
    document = {
        "hosts": {"web": {"connection": "local", "python": sys.executable}},
        "components": ["codehub"],
        "codehub": {"exports": wished, "app": {text: text for text in HOSTILE}},
    }
    source = files.parse(files.dump(document), tmp_path / "aimlsetup.yml")
    profile = profiles.accept(source)
    lock = locking.make(profile, {"web": observation()})
    inventory = write(tmp_path / "lab", variables.inventory(lock, profile.hosts, catalog.load()))
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, "play.yml", "-e", f"out={tmp_path}/o.json"],
        capture_output=True, text=True, timeout=120, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert json.loads((tmp_path / "o.json").read_text()) == {
        "exports": wished,
        "title": {text: text for text in HOSTILE},
    }
    assert not list(tmp_path.rglob("owned"))


@pytest.mark.parametrize("reference", ["env:PASSWORD", "vault:secrets.yml"])
def test_secrets_are_left_out_and_named(profile: Read, observation: Observe, reference: str) -> None:
    more = f"codehub: {{databases: {{REDISCFG: {{password: '{reference}'}}}}}}\n"
    lock = locking.make(profile("falcon", more=more), {"web": observation()})
    text = variables.inventory(lock, {"web": Host()}, catalog.load())["host_vars/web.yml"]
    assert reference not in text
    assert "codehub_databases:" not in text
    assert "#   codehub_databases" in text
