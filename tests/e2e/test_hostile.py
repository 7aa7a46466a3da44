"""What looks like a template, a command, a specifier or a way out is refused with its place, or is data to the end."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimlsetup import catalog, files, sandbox
from aimlsetup.catalog import profiles
from aimlsetup.errors import AimlsetupError
from tests.e2e import site as small
from tests.e2e.screen import say
from tests.e2e.test_drift import answer
from tests.remote import on

Document = dict[str, Any]
MARK = "pwned-by-a-value"
TOUCH = f"cd; touch {MARK}"  # at home, which outlives a run's private directory; no '/', so that a path can have it
# Each of these would leave a file with the mark's name, were it a template, a command or the end of a quoted word.
ONE_LINE = f"x {{{{ lookup('pipe', '{TOUCH}') }}}} $({TOUCH}) `{TOUCH}`; {TOUCH}; %n %i \\ ü \"q'"
TEXT = f"{ONE_LINE}\n; {TOUCH}\n../../etc"
# As much of it as a path may have.
PATH = f"/srv/x {{{{ lookup('pipe', '{TOUCH}') }}}} `{TOUCH}`; {TOUCH}; %n %i ü 'q"
SECRET = f"hunter2 {ONE_LINE}"
# What the host says of itself: the name of its release, and of the machine.
FACT = f"{{{{ lookup('pipe', '{TOUCH}') }}}}"
DATABASES = ("REDISCFG", "ANNONCFG", "CBIRCFG", "OASISCFG", "PXLCFG")

# What an entry of a list cannot be without.
NEEDED: dict[str, Document] = {
    "envs": {"name": "py_3"},
    "services": {"model_key": "a-b-1", "port": 4100},
    "checkouts": {"dest": "/x", "url": "/y"},
    "links": {"path": "/x"},
    "groups": {"name": "g"},
    "users": {"name": "u"},
    "roots": {"path": "/x"},
    "release": {"creates": "x", "command": ["x"]},
    "credentials": {"url": "https://mirror.example", "username": "u", "password": "env:X"},
}
# Options that take such text, some of them in one line or as a path; the host test below gives it to each of them.
FREE = {
    "codehub.app",
    *(f"codehub.databases.{name}.{key}" for name in DATABASES for key in ("dbname", "host", "username")),
    "data_links.links.directories",
    "repos.checkouts.known_hosts",
    "repos.checkouts.url",
    "ai_service.services.release.command",
    "ai_service.services.release.creates",
    "ai_service.services.model_server",
}


def texts(option: Mapping[str, Any], key: str, value: str) -> Iterator[tuple[str, Any]]:
    """(dotted name, something that sets it to this value) of every option at or below one that takes text."""
    kind, suboptions = option.get("type", "str"), option.get("options")
    if suboptions:
        for name, sub in suboptions.items():
            for dotted, item in texts(sub, name, value):
                entry = NEEDED.get(key, {}) | {name: item}
                yield f"{key}.{dotted}", [entry] if kind == "list" else entry
    elif kind == "list":
        yield key, [value]
    elif kind == "dict":
        yield key, {value: value}
    elif kind in ("str", "path") and not option.get("choices"):
        yield key, value


def every_text(value: str) -> Iterator[tuple[str, Document]]:
    """(dotted name, a profile with that option set to the value) of all options of all components."""
    for component, options in catalog.load().options.items():
        for name, option in options.items():
            for dotted, item in texts(option, name.removeprefix(f"{component}_"), value):
                profile: Document = {"version": 1, "python_env": {"envs": [{"name": "py_3"}]}}
                profile.setdefault(component, {})[dotted.split(".")[0]] = item
                yield f"{component}.{dotted}", profile


@pytest.mark.parametrize("value", [TEXT, ONE_LINE, f"/{ONE_LINE}", "/a/../../etc/passwd", "-oProxyCommand=id"])
def test_every_option_refuses_or_is_known_to_take_anything(value: str) -> None:
    refusals = {name: refusal(profile) for name, profile in every_text(value)}
    for name, error in refusals.items():
        if error:
            assert error.exit_code == 2, name
            assert re.match(r"aimlsetup\.yml:\d+:\d+: ", error.message), f"{name}: {error.message}"
    assert {name for name, error in refusals.items() if error is None} <= FREE


def refusal(profile: Document) -> AimlsetupError | None:
    """Why a profile is not accepted, if it is not."""
    try:
        profiles.accept(files.parse(yaml.safe_dump(profile, allow_unicode=True), Path("aimlsetup.yml")))
    except AimlsetupError as error:
        return error
    return None


@pytest.mark.parametrize(
    "entry",
    [
        {"address": "-oProxyCommand=touch pwned"},
        {"address": "a b"},
        {"user": "-oProxyCommand=touch pwned"},
        {"user": 'root"\n  ProxyCommand touch pwned'},
        {"python": "/usr/bin/python3; touch pwned"},
        {"python": "/usr/bin/$(touch pwned)"},
    ],
)
def test_how_a_host_is_reached_is_no_option_of_ssh_and_no_command(entry: Document) -> None:
    text = yaml.safe_dump({"version": 1, "hosts": {"one": entry}})
    with pytest.raises(AimlsetupError, match=r"aimlsetup\.yml:\d+:\d+: hosts\.one\.\w+: ") as caught:
        profiles.accept(files.parse(text, Path("aimlsetup.yml")))
    assert caught.value.exit_code == 2
    assert caught.value.hint


def hostile(name: str) -> Document:
    """A profile that has the text wherever any is taken, and the path wherever one is."""
    document = small.profile(name)
    home = f"{PATH} home"
    others = {root: f"{PATH} {root}" for root in ("config", "data", "mnt", "doc", "rpt", "kbank")}
    document["roots"] = {"codehub": home, **others}
    document["base"] = {
        "users": [
            {"name": "codehub", "group": "codehub", "system": True, "home": f"{PATH} user", "shell": f"{PATH} shell"},
            {"name": "codehub-ai", "group": "codehub-ai", "groups": ["codehub"], "system": True, "create_home": False},
        ]
    }
    document["codehub"] = {
        "exports": {"HOSTILE": TEXT},
        "paths": {"HOSTILE_PATH": TEXT},
        "app": {TEXT: {TEXT: [TEXT]}},
        "databases": {
            name: {"dbname": TEXT, "host": TEXT, "username": TEXT, "password": "env:HOSTILE_SECRET"}
            for name in DATABASES
        },
    }
    document["data_links"] = {"links": [{"path": f"{PATH} data/logs", "directories": [ONE_LINE]}]}
    document["repos"]["checkouts"][0] |= {
        "dest": f"{home}/apps/site",
        "url": f"{PATH} repository",
        "known_hosts": [ONE_LINE],
    }
    document["ai_service"]["services"][0] |= {
        "checkout": f"{home}/apps/site",
        "app_dir": f"{home}/apps/site/apps/www/od/wsgi-bin",
        "environment": {"HOSTILE": TEXT},
        "release": {
            "creates": ONE_LINE,
            "command": ["python", "-c", RELEASE, ONE_LINE, TEXT],
        },
    }
    return document


# Makes the file it is told, with the words it was given in it.
RELEASE = """
import json, os, sys
path = os.path.join(os.environ["AI_WEIGHTS_PATH"], *os.environ["API_MODEL_KEY"].split("-"), sys.argv[1])
os.makedirs(os.path.dirname(path), exist_ok=True)
open(path, "w").write(json.dumps(sys.argv))
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[small.Site, sandbox.Host]]:
    """A host with the hostile profile applied."""
    directory = tmp_path_factory.mktemp("hostile")
    name = f"hostile-{os.getpid()}"
    try:
        host = sandbox.up([name], "bookworm", binds=small.binds(small.repository(directory)))[0]
        on(host, "ln", "-s", small.GUEST_APP, f"{PATH} repository")
        on(host, "sed", "-i", f's/^PRETTY_NAME=.*/PRETTY_NAME="{FACT}"/', "/usr/lib/os-release")
        on(host, "python3", "-c", "import socket, sys; socket.sethostname(sys.argv[1])", FACT)
        site = small.Site(directory)
        site.write(hostile(name))
        said = say(site, "apply", "--yes", env={"HOSTILE_SECRET": SECRET})
        assert said.status == 0, said.err
        yield site, host
    finally:
        sandbox.down([name])


def file_of(host: sandbox.Host, path: str) -> str:
    """Content of a file on the host."""
    return on(host, "cat", path)


@pytest.mark.host
@pytest.mark.network
def test_nothing_was_executed(site: small.Site, host: sandbox.Host) -> None:
    assert on(host, "find", "/", "/tmp", "/run", "/dev/shm", "-xdev", "-name", MARK) == ""
    assert not (Path.home() / MARK).exists()
    assert not list(site.directory.rglob(MARK))


@pytest.mark.host
@pytest.mark.network
def test_facts_are_what_the_host_says(site: small.Site, host: sandbox.Host) -> None:
    observed = json.loads(site.run("observe", "--json"))["hosts"][host.name]["facts"]
    assert observed["release"]["name"] == FACT
    assert on(host, "hostname").strip() == FACT


@pytest.mark.host
@pytest.mark.network
def test_exports_are_what_they_were_given(site: small.Site, host: sandbox.Host) -> None:
    script = '. /etc/profile.d/codehub.sh; printf "%s\\0%s\\0%s" "$HOSTILE" "$HOSTILE_PATH" "$AI_DATA"'
    assert on(host, "sh", "-euc", script).split("\0") == [TEXT, TEXT, f"{PATH} data"]


@pytest.mark.host
@pytest.mark.network
def test_settings_are_what_they_were_given(site: small.Site, host: sandbox.Host) -> None:
    settings = yaml.safe_load(file_of(host, f"{PATH} config/app.yml"))
    assert settings[TEXT] == {TEXT: [TEXT]}
    assert settings["DBCFG"].keys() == set(DATABASES)
    for access in settings["DBCFG"].values():
        assert [access[key] for key in ("dbname", "host", "username")] == [TEXT] * 3
        assert access["password"] == SECRET
    assert yaml.safe_load(file_of(host, f"{PATH} config/paths.yml"))["HOSTILE_PATH"] == TEXT


@pytest.mark.host
@pytest.mark.network
def test_the_service_runs_with_what_it_was_given(site: small.Site, host: sandbox.Host) -> None:
    assert answer(host)["model"] == small.KEY
    unit = f"codehub-ai@{small.KEY}.service"
    pid = on(host, "systemctl", "show", "-P", "MainPID", unit).strip()
    environment = on(host, "cat", f"/proc/{pid}/environ").split("\0")
    assert f"HOSTILE={TEXT}" in environment
    assert f"AI_DATA={PATH} data" in environment
    assert on(host, "readlink", f"/proc/{pid}/cwd").strip() == f"{PATH} home/apps/site/apps/www/od/wsgi-bin"
    assert on(host, "systemd-analyze", "verify", f"/etc/systemd/system/{unit}") == ""


@pytest.mark.host
@pytest.mark.network
def test_the_release_was_made_with_what_it_was_given(site: small.Site, host: sandbox.Host) -> None:
    made = json.loads(file_of(host, f"{PATH} data/release/{small.KEY.replace('-', '/')}/{ONE_LINE}"))
    assert made[1:] == [ONE_LINE, TEXT]


@pytest.mark.host
@pytest.mark.network
def test_accounts_are_what_they_were_given(site: small.Site, host: sandbox.Host) -> None:
    assert on(host, "getent", "passwd", "codehub").strip().split(":")[5:] == [f"{PATH} user", f"{PATH} shell"]


@pytest.mark.host
@pytest.mark.network
def test_a_second_apply_changes_nothing_and_everything_is_proven(site: small.Site, host: sandbox.Host) -> None:
    secret = {"HOSTILE_SECRET": SECRET}
    again = say(site, "apply", "--yes", env=secret)
    assert again.status == 0, again.err
    assert json.loads(again.out)["hosts"][host.name] == {"status": "unchanged", "applied": [], "removed": []}
    verified = say(site, "verify", env=secret)
    assert verified.status == 0, verified.err + verified.out
    assert "hunter2" not in again.out + again.err + verified.out + verified.err
