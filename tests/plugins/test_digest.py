"""The input digest: same inputs, same digest; anything that shapes the effect changes it; secrets never enter it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup import content

digest = content.util("digest")

OPTIONS: dict[str, Any] = {
    "demo_home": {"type": "path"},
    "demo_port": {"type": "int"},
    "demo_on": {"type": "bool"},
    "demo_list": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str"},
            "workers": {"type": "int", "default": 1},
            "password": {"type": "str", "no_log": True},
        },
    },
}
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
ENTRIES = st.lists(
    st.fixed_dictionaries({"name": TEXT}, optional={"password": TEXT, "workers": st.integers(1, 9)}), max_size=4
)


@pytest.fixture
def role(tmp_path: Path) -> Path:
    for part, text in {"tasks": "---\n", "defaults": "demo_list: []\n"}.items():
        (tmp_path / part).mkdir()
        (tmp_path / part / "main.yml").write_text(text)
    return tmp_path


def of(arguments: dict[str, Any], role: Path) -> str:
    return str(digest.role_inputs(arguments, OPTIONS, str(role))["digest"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"demo_port": 4100}, {"demo_port": "4100"}),
        ({"demo_on": True}, {"demo_on": "yes"}),
        ({"demo_list": [{"name": "a"}]}, {"demo_list": [{"name": "a", "workers": 1}]}),
        ({"demo_home": "/x"}, {"demo_home": "/x", "other_role": 1, "demo_port": None}),
    ],
)
def test_equal_meaning_is_equal_digest(first: dict[str, Any], second: dict[str, Any], role: Path) -> None:
    assert of(first, role) == of(second, role)


def test_every_part_of_the_role_counts_and_nothing_else(role: Path) -> None:
    before = of({}, role)
    (role / "README.md").write_text("words")
    assert of({}, role) == before
    (role / "tasks" / "install.yml").write_text("- debug:\n")
    assert of({}, role) != before


@given(entries=ENTRIES)
def test_a_secret_changes_the_fingerprint_only(entries: list[dict[str, Any]]) -> None:
    role = "/nonexistent"
    other = [dict(entry, password=entry["password"] + "x") if "password" in entry else entry for entry in entries]
    first = digest.role_inputs({"demo_list": entries}, OPTIONS, role)
    second = digest.role_inputs({"demo_list": other}, OPTIONS, role)
    assert first["digest"] == second["digest"]
    assert (first["secrets"] == second["secrets"]) == (not first["secrets"])


def test_fingerprints_tell_same_from_other_without_the_secret() -> None:
    record = digest.fingerprint({"a.password": "geheim"}, "00" * 16)
    assert "geheim" not in json.dumps(record)
    assert digest.same_secrets(record, {"a.password": "geheim"})
    assert not digest.same_secrets(record, {"a.password": "other"})
    assert not digest.same_secrets(record, {"a.password": "geheim", "b.password": "new"})
    assert digest.same_secrets(record, {}), "a secret that was not resolved is not judged"


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
    )
)
def test_plain_keeps_json_values(value: object) -> None:
    assert digest.plain(value) == value


def test_the_filter_and_python_agree(role: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A play's filter sees the variables in scope; Python sees the lock: one digest."""
    site = tmp_path_factory.mktemp("site")
    target = site / "roles" / "demo"
    shutil.copytree(role, target)
    (target / "meta").mkdir()
    (target / "meta" / "argument_specs.yml").write_text(
        yaml.safe_dump({"argument_specs": {"main": {"options": OPTIONS}}})
    )
    (target / "tasks" / "main.yml").write_text(
        "- ansible.builtin.copy:\n"
        "    content: '{{ role_path | codehub.aimlsetup.role_inputs | to_json }}'\n"
        f"    dest: {site}/out.json\n    mode: '0600'\n"
    )
    (site / "play.yml").write_text("- hosts: all\n  gather_facts: false\n  roles: [demo]\n")
    hostile = "{{ lookup('pipe', 'id') }}\n'\"$(id); ../"
    arguments = {"demo_home": "/x", "demo_port": 4100, "demo_list": [{"name": hostile, "password": hostile}]}
    unsafe = f"!unsafe {json.dumps(hostile)}"
    (site / "inventory.yml").write_text(
        "all:\n  hosts:\n    localhost:\n      ansible_connection: local\n"
        f"      ansible_python_interpreter: {sys.executable}\n"
        f"      demo_home: /x\n      demo_port: 4100\n      demo_list: [{{name: {unsafe}, password: {unsafe}}}]\n"
    )
    subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "inventory.yml", "play.yml"],
        cwd=site,
        check=True,
        capture_output=True,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(site),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(content.collections_dir(site / "c")),
        },
    )
    assert json.loads((site / "out.json").read_text()) == digest.role_inputs(arguments, OPTIONS, str(target))
