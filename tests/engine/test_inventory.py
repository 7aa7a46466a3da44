"""The inventory: how hosts are reached, and that every value in it is data to Ansible."""

import json
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aimlsetup import files
from aimlsetup.engine import inventory
from aimlsetup.models.profile import Become, Host

HOSTILE = (
    "{{ lookup('pipe', 'touch /tmp/never') }}",
    "{% raw %}",
    "a'b\"c",
    "line\nbreak",
    "; $(id) `id` && ../..",
    "!unsafe x",
    "",
    " ",
    "yes",
    "0123",
    "#",
    "\u2028\u00e9\U0001f600",
)


def test_ssh_variables_are_those_given_and_no_more() -> None:
    host = Host(address="10.0.0.1", port=2222, user="me", identity="/k", ssh_config="/with space/c")
    assert inventory.connection("one", host) == {
        "ansible_connection": "ssh",
        "ansible_host": "10.0.0.1",
        "ansible_port": 2222,
        "ansible_user": "me",
        "ansible_ssh_private_key_file": "/k",
        "ansible_ssh_common_args": "-F '/with space/c'",
        "ansible_python_interpreter": inventory.PYTHON,
        "ansible_become": False,
        "ansible_become_method": "ansible.builtin.sudo",
    }


def test_a_host_without_an_address_is_left_to_the_ssh_configuration() -> None:
    assert inventory.connection("gpu1", Host())["ansible_host"] == "gpu1"


def test_local_needs_no_address() -> None:
    found = inventory.connection("here", Host(connection="local", python="/opt/p", become=Become(method="sudo")))
    assert "ansible_host" not in found
    assert found["ansible_python_interpreter"] == "/opt/p"
    assert found["ansible_become"] is True


def test_no_password_is_in_the_connection() -> None:
    host = Host(become=Become(method="sudo", password="env:CANARY"))
    assert "CANARY" not in json.dumps(inventory.connection("one", host))


@given(st.dictionaries(st.text(), st.integers()), st.sets(st.text()))
def test_split_loses_nothing(variables: dict[str, int], secret: set[str]) -> None:
    seen, hidden = inventory.split(variables, secret)
    assert seen | hidden == variables
    assert not seen.keys() & secret
    assert hidden.keys() <= secret


def as_ansible_reads(path: Path) -> dict[str, object]:
    """The variables of host `one` after Ansible has templated them."""
    argv = [Path(sys.executable).with_name("ansible"), "-i", path, "one", "-c", "local", "-o", "-m", "debug"]
    done = subprocess.run([*argv, "-a", "var=given"], capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout.partition("=>")[2])["given"]
    return found


def test_hostile_values_reach_ansible_as_they_are(tmp_path: Path) -> None:
    given = {str(number): value for number, value in enumerate(HOSTILE)}
    path = tmp_path / "hosts.yml"
    path.write_text(files.dump_unsafe(inventory.document({"one": {"given": given}})))
    assert as_ansible_reads(path) == given
