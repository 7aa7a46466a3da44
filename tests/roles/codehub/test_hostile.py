"""Values are data: whatever they contain, shells and YAML parsers on a real host get them as they were given."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from aimlsetup import content, files, sandbox
from aimlsetup.sandbox import Host
from tests.conftest import HostFactory

pytestmark = pytest.mark.host
HOSTILE = {
    "AI_LOOKUP": "{{ lookup('pipe', 'touch PWNED') }}",
    "AI_STATEMENT": "{% for x in [] %}{# ",
    "AI_COMMAND": "$(touch PWNED)`touch PWNED`; touch PWNED & | > PWNED",
    "AI_QUOTES": """'"'"'; touch PWNED; '""",
    "AI_LINES": "one\ntouch PWNED\n\r\n\ttwo\n",
    "AI_BACKSLASH": "\\ \\n \\$ \\' trailing\\",
    "AI_PARENT": "../../etc/passwd",
    "AI_YAML": "a: b # c\n- &anchor *alias !!python/object:os.system",
    "AI_NUMBER": "3.10",
    "AI_BOOLEAN": "no",
    "AI_NULL": "null",
    "AI_EMPTY": "",
    "AI_BLANKS": "  spaces  ",
    "AI_LETTERS": "Grüße €\u2028\U0001f680\x7f%s%n",
    "AI_EXPANSION": "~ $HOME ${HOME} !! * ? [a-z]",
}
PASSWORD = "p'a\"s{{ 1+1 }}$(touch PWNED)\nword"


def ansible(playbook: list[dict[str, object]], variables: dict[str, object], host: Host, directory: Path) -> str:
    """Run a playbook on the host with these variables, all strings as data."""
    (directory / "hosts.yml").write_text(files.dump_unsafe({"all": {"hosts": {host.name: variables}}}))
    (directory / "play.yml").write_text(yaml.safe_dump(playbook))
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "hosts.yml", "--diff", "play.yml"],
        cwd=directory, capture_output=True, text=True, timeout=180, check=False, stdin=subprocess.DEVNULL,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(content.collections_dir(directory)),
            "ANSIBLE_SSH_ARGS": f"-F {host.ssh_config}",
            "ANSIBLE_PIPELINING": "1",
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def on(host: Host, *argv: str) -> str:
    """Standard output of a command on the host."""
    return subprocess.run(sandbox.ssh_argv(host, *argv), capture_output=True, timeout=60, check=True).stdout.decode()


@pytest.fixture(scope="module")
def converged(session_hosts: HostFactory, tmp_path_factory: pytest.TempPathFactory) -> tuple[Host, Path]:
    """A host whose exports, paths and settings are all hostile; the role's own check passes on it."""
    host, directory = session_hosts(), tmp_path_factory.mktemp("site")
    variables: dict[str, object] = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "codehub_exports": HOSTILE,
        "codehub_paths": {"MASK_RCNN": HOSTILE["AI_QUOTES"]},
        "codehub_app": {"HOSTILE": HOSTILE, "ORGNAME": [HOSTILE["AI_LOOKUP"]]},
        "codehub_databases": {"PXLCFG": {"username": HOSTILE["AI_LOOKUP"], "password": PASSWORD}},
    }
    role = "codehub.aimlsetup.codehub"
    check = {"ansible.builtin.include_role": {"name": role, "tasks_from": "verify.yml"}}
    base = {"role": "codehub.aimlsetup.base", "base_packages": ["python3"]}
    play = [{"hosts": "all", "gather_facts": False, "roles": [base, role], "post_tasks": [check]}]
    output = ansible(play, variables, host, directory)
    assert PASSWORD.splitlines()[0] not in output
    return host, directory


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_shells_get_the_very_text(converged: tuple[Host, Path], shell: str) -> None:
    host, _directory = converged
    wanted = " ".join(f'"${name}"' for name in HOSTILE)
    script = f". /etc/profile.d/codehub.sh; cd /; printf '%s\\0' {wanted}"
    assert on(host, shell, "-euc", script).split("\0")[:-1] == list(HOSTILE.values())
    assert on(host, shell, "-euc", '. /etc/profile.d/codehub.sh; printf %s "$MASK_RCNN"') == HOSTILE["AI_QUOTES"]


def test_names_are_listed_and_no_user_is_named(converged: tuple[Host, Path]) -> None:
    host, _directory = converged
    listed = on(host, "sh", "-euc", '. /etc/profile.d/codehub.sh; printf "%s\\n" "$AI_ENVVARS"').strip().split(":")
    exported = on(host, "env", "-i", "sh", "-euc", ". /etc/profile.d/codehub.sh; env -0").split("\0")
    names = {line.partition("=")[0] for line in exported if line} - {"PWD", "AI_ENVVARS", "OLDPWD", "SHLVL", "_"}
    assert set(listed) == names
    assert {"AI_HOME", "AI_PY_ENVVARS", "AIMLDL_ENV", "CHUB_HOME", "WORKON_HOME", "CAFFE_ROOT"} <= names
    assert "root" not in on(host, "cat", "/etc/profile.d/codehub.sh")


def test_yaml_parsers_get_the_very_text(converged: tuple[Host, Path]) -> None:
    host, _directory = converged
    settings = yaml.safe_load(on(host, "cat", "/codehub-config/app.yml"))
    assert settings["HOSTILE"] == HOSTILE
    assert settings["ORGNAME"] == [HOSTILE["AI_LOOKUP"]]
    assert settings["DBCFG"]["PXLCFG"] == {
        "dbname": "pxl", "host": "127.0.0.1", "port": 27017, "username": HOSTILE["AI_LOOKUP"], "password": PASSWORD,
    }  # fmt: skip
    paths = yaml.safe_load(on(host, "cat", "/codehub-config/paths.yml"))
    assert paths["MASK_RCNN"] == paths["PYTHONPATH"]["MASK_RCNN"] == HOSTILE["AI_QUOTES"]


def test_no_path_of_the_host_is_in_the_default_settings(converged: tuple[Host, Path]) -> None:
    settings = yaml.safe_load(on(converged[0], "cat", "/codehub-config/app.yml"))
    del settings["HOSTILE"]
    texts = json.dumps(settings).split('"')
    assert not [text for text in texts if text.startswith(("/codehub", "/aimldl", "/virtualmachines"))]


def test_nothing_was_executed_anywhere(converged: tuple[Host, Path]) -> None:
    host, directory = converged
    assert on(host, "find", "/", "-xdev", "-name", "PWNED") == ""
    assert not list(directory.rglob("PWNED"))


def test_the_password_is_the_service_groups_alone(converged: tuple[Host, Path]) -> None:
    host, _directory = converged
    assert on(host, "stat", "-c", "%a %U %G", "/codehub-config/app.yml").split() == ["640", "root", "codehub-ai"]
    said = subprocess.run(
        sandbox.ssh_argv(host, "grep", "-rlF", "p'a", "/var/log", "/tmp", "/root", "/etc", "/run/log"),
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert said.stdout == b""


def test_a_name_that_no_shell_accepts_is_refused(converged: tuple[Host, Path]) -> None:
    host, directory = converged
    variables: dict[str, object] = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "codehub_exports": {"AI_X; touch PWNED": "x"},
    }
    play: list[dict[str, object]] = [{"hosts": "all", "gather_facts": False, "roles": ["codehub.aimlsetup.codehub"]}]
    with pytest.raises(AssertionError, match="can't be the name of an export"):
        ansible(play, variables, host, directory)
