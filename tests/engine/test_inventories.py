"""Existing inventories, read and used by the real Ansible. No host is needed: their hosts are this machine."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aimlsetup.engine import inventories, settings
from aimlsetup.engine.runner import Call
from aimlsetup.engine.secrets import HIDDEN
from aimlsetup.engine.session import session
from aimlsetup.engine.workspace import workspace
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.inventory import Inventories

PASSWORD = "c4nary {{ 7 * 7 }}"
SCRIPT = """#!/bin/sh
echo '{"cloud": {"hosts": ["c"], "vars": {"ansible_host": "10.0.0.3"}}, "_meta": {"hostvars": {}}}'
"""
STATIC = """
[gpus]
a ansible_connection=local ansible_port=2222
b ansible_host=b.example.org
[cloud]
[racks:children]
gpus
cloud
"""


def encrypted(text: str, password: Path) -> str:
    """A text in a vault."""
    argv = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", "--vault-password-file", str(password)]
    return subprocess.run([*argv, "--output", "-"], input=text, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`inv`, a directory with a static part, a script, a file of variables in a vault and a value in one."""
    directory = tmp_path_factory.mktemp("site")
    inv = directory / "inv"
    for name in ("group_vars/gpus", "host_vars"):
        (inv / name).mkdir(parents=True)
    (directory / "password").write_text("right\n")
    (inv / "10-static").write_text(STATIC)
    (inv / "20-cloud").write_text(SCRIPT)
    (inv / "20-cloud").chmod(0o755)
    (inv / "group_vars/gpus/secret.yml").write_text(encrypted("api_token: t0ken-in-a-file\n", directory / "password"))
    inline = "".join(f"  {line}\n" for line in encrypted(PASSWORD, directory / "password").splitlines())
    (inv / "host_vars/a.yml").write_text(
        f"codehub_home: /theirs\nsaid: '{{{{ inventory_hostname }}}}'\nansible_become_password: !vault |\n{inline}"
    )
    return directory


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_hosts_groups_and_what_is_known_of_them(site: Path) -> None:
    listing = inventories.read(Inventories((site / "inv",), site / "password"))
    assert {name: host.groups for name, host in listing.hosts.items()} == {
        "a": ["all", "racks", "gpus"],
        "b": ["all", "racks", "gpus"],
        "c": ["all", "racks", "cloud"],
    }
    assert listing.groups >= {"all", "racks", "gpus", "cloud"}
    a, b, c = listing.hosts.values()
    assert (a.connection, a.port, b.connection, b.address, c.address) == (
        "local", 2222, "ssh", "b.example.org", "10.0.0.3",
    )  # fmt: skip
    assert a.hidden == {"t0ken-in-a-file"}, "what holds a template could be any text"
    assert "codehub_home" in a.defines
    assert PASSWORD not in repr(listing)
    assert inventories.matching(Inventories((site / "inv",), site / "password"), "racks:!gpus") == {"c"}


def test_order_of_groups() -> None:
    document = {
        "_meta": {"hostvars": {}},
        "all": {"children": ["ungrouped", "z", "a"]},
        "z": {"children": ["deep"], "hosts": ["one"]},
        "a": {"hosts": ["one", "two"]},
        "deep": {"children": ["deeper"]},
        "deeper": {"hosts": ["two"]},
        "ungrouped": {"hosts": ["lone"]},
    }
    assert inventories.groups_of(document) == {
        "lone": ["all", "ungrouped"],
        "one": ["all", "a", "z"],
        "two": ["all", "a", "z", "deep", "deeper"],
    }


def _without_password(site: Path) -> Inventories:
    return Inventories((site / "inv",))


def _with_a_wrong_one(site: Path) -> Inventories:
    (site / "wrong").write_text("wrong\n")
    return Inventories((site / "inv",), site / "wrong")


def _one_value_without_password(site: Path) -> Inventories:
    return Inventories((_only(site, "one", "host_vars/a.yml"),))


def _one_value_with_a_wrong_one(site: Path) -> Inventories:
    (site / "wrong").write_text("wrong\n")
    return Inventories((_only(site, "two", "host_vars/a.yml"),), site / "wrong")


def _only(site: Path, name: str, *files: str) -> Path:
    made = site / name
    (made / "host_vars").mkdir(parents=True, exist_ok=True)
    (made / "hosts").write_text("a\n")
    for file in files:
        (made / file).write_text((site / "inv" / file).read_text())
    return made


def _missing(site: Path) -> Inventories:
    return Inventories((site / "inv", site / "nowhere"))


def _failing(site: Path) -> Inventories:
    made = _only(site, "failing")
    (made / "cloud").write_text("#!/bin/sh\necho the cloud is closed >&2; exit 3\n")
    (made / "cloud").chmod(0o755)
    return Inventories((made,))


def _hostile(site: Path) -> Inventories:
    made = _only(site, "hostile")
    (made / "hosts.yml").write_text("all: {hosts: {'../../x': {}}}\n")
    return Inventories((made,))


@pytest.mark.parametrize(
    ("make", "ref", "words"),
    [
        (_without_password, "vault-password-missing", "no password for it"),
        (_with_a_wrong_one, "vault-password", "does not open its vault"),
        (_one_value_without_password, "vault-password-missing", "no password for it"),
        (_one_value_with_a_wrong_one, "vault-password", "does not open its vault"),
        (_missing, "inventory-missing", "nowhere: there is no such file"),
        (_failing, "inventory-unreadable", "the cloud is closed"),
        (_hostile, "inventory-host", "'../../x' is no name for a host"),
    ],
)
def test_what_cannot_be_read(site: Path, make: Callable[[Path], Inventories], ref: str, words: str) -> None:
    with pytest.raises(AimlsetupError) as raised:
        inventories.read(make(site))
    text = str(raised.value)
    assert (raised.value.ref, raised.value.exit_code) == (ref, Exit.USAGE)
    assert words in text
    assert len(text.splitlines()) < 16
    assert "c4nary" not in text


def test_a_pattern_that_matches_nothing(site: Path) -> None:
    with pytest.raises(AimlsetupError, match="matches nope") as raised:
        inventories.matching(Inventories((site / "inv",), site / "password"), "gpus,nope")
    assert raised.value.exit_code == Exit.USAGE


def test_theirs_are_templates_ours_are_data_and_ours_count(site: Path) -> None:
    listing = inventories.read(Inventories((site / "inv",), site / "password"))
    with session({"a": listing.hosts["a"]}) as run:
        said = Call(module="ansible.builtin.debug", arguments="msg={{ [codehub_home, said, ansible_become_password] }}")
        result = run.run(said, {"a": {"codehub_home": "/ours/{{ 7 * 7 }}"}})
        assert result.events[-1].result["msg"] == ["/ours/{{ 7 * 7 }}", "a", PASSWORD]
        assert run.secrets.scrub("a t0ken-in-a-file") == f"a {HIDDEN}"
        with pytest.raises(AimlsetupError, match="codehub_home, for which the profile has a secret"):
            run.run(said, {"a": {"codehub_home": "x"}}, secret={"a": ["codehub_home"]})


def test_their_settings_hold_but_not_for_what_roles_do(site: Path, tmp_path: Path) -> None:
    (site / "ansible.cfg").write_text(
        "[defaults]\nstrategy = free\nremote_user = ops\nvault_password_file = password\ncollections_path = mine\n"
        "[ssh_connection]\nssh_args = -F jump.cfg\n"
    )
    try:
        given = Inventories((site / "inv",))
        with workspace() as space:
            made = settings.theirs(space, given)
            asking = settings.theirs(space, given, password=True)
            assert settings.own(space)["ANSIBLE_CONFIG"] != made["ANSIBLE_CONFIG"]
        assert made["ANSIBLE_CONFIG"] == str(site / "ansible.cfg")
        assert made["ANSIBLE_STRATEGY"] == "ansible.builtin.linear"
        assert made["ANSIBLE_SSH_ARGS"] == f"-o BatchMode=yes -F jump.cfg {settings.SSH_ARGS}"
        assert asking["ANSIBLE_SSH_ARGS"] == f"-F jump.cfg {settings.SSH_ARGS}"
        assert made["ANSIBLE_COLLECTIONS_PATH"].endswith(f":{site}/mine")
        assert inventories.read(given).hosts, "the vault is opened with what ansible.cfg names"
        (tmp_path / "ansible.cfg").write_text("[defaults]\n")
        assert settings.configuration(given.paths, {}) == tmp_path / "ansible.cfg"
        tmp_path.chmod(0o777)
        assert settings.configuration(given.paths, {}) == site / "ansible.cfg", "anybody could have put it there"
    finally:
        tmp_path.chmod(0o700)
        (site / "ansible.cfg").unlink()
