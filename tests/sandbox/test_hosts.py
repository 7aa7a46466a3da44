"""Real boots: what a host is, what it survives, and what is left of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aimlsetup import sandbox
from aimlsetup.errors import AimlsetupError
from aimlsetup.sandbox import Host, cgroup, network, state
from tests.conftest import HostFactory

pytestmark = pytest.mark.host


def on(host: Host, *command: str, user: str = "root", **options: object) -> str:
    done = subprocess.run(
        sandbox.ssh_argv(host, *command, user=user), capture_output=True, text=True, check=True, timeout=60, **options
    )
    return done.stdout.strip()


def boot_id(host: Host) -> str:
    return on(host, "cat", "/proc/sys/kernel/random/boot_id")


def next_boot_id(host: Host, old: str) -> str:
    """The id of the boot after `old`, once there is one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(subprocess.CalledProcessError):
            if (new := boot_id(host)) != old:
                return new
        time.sleep(0.1)
    pytest.fail(f"{host.name} has not come back")


def state_of(host: Host) -> str:
    return sandbox.find(host.name).state


def wait_for_state(host: Host, wanted: str) -> None:
    deadline = time.monotonic() + 30
    while state_of(host) != wanted:
        assert time.monotonic() < deadline, state_of(host)
        time.sleep(0.05)


@pytest.fixture
def own_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[state.State]:
    """A second sandbox beside the machine's own, with the same templates, to be emptied without harming anybody."""
    (tmp_path / "templates").symlink_to(state.State(Path(state.DEFAULT)).templates)
    state.State(Path(state.DEFAULT)).templates.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("AIMLSETUP_SANDBOX_DIR", str(tmp_path))
    yield state.current()
    sandbox.down()


def traces(tag: str) -> list[str]:
    """Everything of a sandbox that the kernel knows."""
    interfaces = [path.name for path in Path("/sys/class/net").glob(f"{tag}*")]
    groups = [str(path) for tree in cgroup.hierarchies() for path in tree.glob(f"{tag}*")]
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    rules = [line for line in tables.splitlines() if tag in line]
    return [*interfaces, *groups, *rules, *network.namespaces(tag)]


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_a_host_is_a_near_bare_machine_of_its_release(release: str, request: pytest.FixtureRequest) -> None:
    host = request.getfixturevalue(release)
    assert f"VERSION_CODENAME={release}" in on(host, "cat", "/etc/os-release").splitlines()
    assert on(host, "hostname") == host.name
    assert on(host, "systemctl", "is-system-running") == "running"
    assert on(host, "python3", "-c", "print(1 + 1)") == "2"
    assert on(host, "sh", "-c", "ls /var/lib/apt/lists | grep -c _Packages") != "0"
    assert on(host, "sh", "-c", "command -v gcc pip3 git nginx || echo none") == "none"


def test_hosts_reach_each_other_and_are_different_machines(bookworm: Host, trixie: Host) -> None:
    assert on(bookworm, "bash", "-c", f"read -r line </dev/tcp/{trixie.address}/22 && echo $line").startswith("SSH-2.0")
    for file in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"):
        assert on(bookworm, "cat", file) != on(trixie, "cat", file)


def test_another_hosts_key_is_refused(bookworm: Host, trixie: Host) -> None:
    argv = sandbox.ssh_argv(bookworm, "true")
    argv[1:1] = ["-o", f"UserKnownHostsFile={trixie.known_hosts}"]
    assert "verification failed" in subprocess.run(argv, capture_output=True, text=True, check=False).stderr


def test_the_words_of_a_command_arrive_as_they_are(bookworm: Host) -> None:
    words = ["$(id)", "a b", "'", '"', ";", "{{ x }}", "../", "\n", "*", "-n", ""]
    assert on(bookworm, "printf", "<%s>", *words) == "".join(f"<{word}>" for word in words)


def test_many_connections_at_once(trixie: Host) -> None:
    running = [subprocess.Popen(sandbox.ssh_argv(trixie, "sleep", "0.2")) for _ in range(40)]
    assert [process.wait(timeout=60) for process in running] == [0] * 40


def test_a_reboot_inside_comes_back_by_itself(bookworm: Host) -> None:
    before = boot_id(bookworm)
    on(bookworm, "touch", "/root/kept")
    subprocess.run(sandbox.ssh_argv(bookworm, "systemctl", "reboot"), check=False, timeout=60)
    assert next_boot_id(bookworm, before) != before
    on(bookworm, "test", "-e", "/root/kept")


def test_a_host_whose_plug_was_pulled_boots_again_with_its_files(bookworm: Host) -> None:
    before = boot_id(bookworm)
    on(bookworm, "sh", "-c", "echo changed >/etc/hosts")
    sandbox.kill(bookworm)
    assert state_of(bookworm) == "crashed"
    assert sandbox.up([bookworm.name]) == [bookworm]
    assert boot_id(bookworm) != before
    assert on(bookworm, "cat", "/etc/hosts") == "changed"


def test_a_host_that_was_switched_off_boots_again(host_factory: HostFactory) -> None:
    host = host_factory()
    subprocess.run(sandbox.ssh_argv(host, "systemctl", "poweroff"), check=False, timeout=60)
    wait_for_state(host, "stopped")
    assert sandbox.up([host.name]) == [host]


def test_a_running_host_is_returned_as_it_is(bookworm: Host) -> None:
    before = boot_id(bookworm)
    assert sandbox.up([bookworm.name]) == [bookworm]
    assert boot_id(bookworm) == before


@pytest.mark.parametrize("difference", [{"release": "trixie"}, {"python": False}, {"binds": ["/etc:/mnt"]}])
def test_a_host_that_was_made_differently_is_refused(bookworm: Host, difference: dict[str, object]) -> None:
    with pytest.raises(AimlsetupError, match="made differently"):
        sandbox.up([bookworm.name], **difference)


def test_binds_show_directories_of_this_machine(host_factory: HostFactory, tmp_path: Path) -> None:
    shown, shared = tmp_path / "shown", tmp_path / "shared"
    shown.mkdir()
    shared.mkdir()
    (shown / "file").write_text("seen")
    host = host_factory(binds=[f"{shown}:/mnt/shown", f"{shared}:/mnt/shared:rw"])
    assert on(host, "cat", "/mnt/shown/file") == "seen"
    assert "Read-only" in on(host, "sh", "-c", "LC_ALL=C touch /mnt/shown/new 2>&1 || true")
    on(host, "touch", "/mnt/shared/new")
    assert (shared / "new").exists()


def test_a_bind_of_nothing_is_refused_before_anything_is_made(own_sandbox: state.State, tmp_path: Path) -> None:
    with pytest.raises(AimlsetupError, match="does not exist"):
        sandbox.up(["a"], binds=[f"{tmp_path / 'none'}:/mnt"])
    assert traces(own_sandbox.tag) == []


def test_sudo_asks_the_user_who_has_a_password(host_factory: HostFactory) -> None:
    host = host_factory()
    password = "it's {{ 7 * 7 }}; $(id):x"
    sandbox.add_user(host, "asked", password)
    sandbox.add_user(host, "trusted")
    assert on(host, "sudo", "-S", "id", "-u", user="asked", input=f"{password}\n") == "0"
    assert on(host, "sudo", "-n", "id", "-u", user="trusted") == "0"
    with pytest.raises(subprocess.CalledProcessError):
        on(host, "sudo", "-S", "id", "-u", user="asked", input="wrong\n")


def test_layers_are_what_a_host_changed_and_can_be_stacked(own_sandbox: state.State) -> None:
    (first,) = sandbox.up(["first"])
    on(first, "sh", "-c", "echo one >/opt/one; rm /etc/debian_version; rm -r /etc/cron.d && mkdir /etc/cron.d")
    old_id = on(first, "cat", "/etc/machine-id")
    sandbox.save_layer(first, "one")
    assert sandbox.hosts() == []
    (second,) = sandbox.up(["second"], layer="one")
    on(second, "sh", "-c", "echo two >/opt/two")
    sandbox.save_layer(second, "two")
    assert sandbox.layers() == ["one", "two"]
    (third,) = sandbox.up(["third"], layer="two")
    assert on(third, "cat", "/opt/one", "/opt/two") == "one\ntwo"
    assert on(third, "sh", "-c", "ls -A /etc/cron.d; ls /etc/debian_version 2>&1 || true").startswith("ls: cannot")
    assert on(third, "cat", "/etc/machine-id") != old_id


def test_a_layer_of_another_template_is_dropped(own_sandbox: state.State) -> None:
    sandbox.save_layer(sandbox.up(["a"])[0], "old")
    file = own_sandbox.layers / "old.json"
    file.write_text(file.read_text().replace('"template": "bookworm-', '"template": "bookworm-0'))
    assert sandbox.layers() == []
    with pytest.raises(AimlsetupError, match="no layer 'old'"):
        sandbox.up(["b"], layer="old")
    sandbox.down()
    assert list((own_sandbox.layers / "trees").iterdir()) == []


@pytest.mark.parametrize("victims", ["keepers", "leaders", "everything"])
def test_down_finds_what_a_crash_left(own_sandbox: state.State, victims: str) -> None:
    hosts = sandbox.up(["a", "b"])
    for host in hosts:
        unit = own_sandbox.unit(host.name)
        leader = cgroup.leader(unit)
        assert leader
        if victims == "everything":
            cgroup.kill(unit)
            (own_sandbox.hosts / host.name / "host.json").unlink()
        else:
            keeper = int(Path(f"/proc/{leader}/status").read_text().split("PPid:")[1].split()[0])
            os.kill(keeper if victims == "keepers" else leader, signal.SIGKILL)
    assert len(traces(own_sandbox.tag)) > 4
    assert sandbox.down() == ["a", "b"]
    assert traces(own_sandbox.tag) == []
    assert own_sandbox.tag not in Path("/proc/self/mountinfo").read_text()
    assert str(own_sandbox.root) not in Path("/proc/self/mountinfo").read_text()
    assert list(own_sandbox.hosts.iterdir()) == []
    assert sandbox.down() == []


def test_a_host_boots_again_after_this_machine_did(own_sandbox: state.State) -> None:
    (host,) = sandbox.up(["a"])
    on(host, "touch", "/root/kept")
    unit = own_sandbox.unit("a")
    sandbox.kill(host)
    cgroup.remove(unit)
    subprocess.run(["umount", host.root], check=True)
    network.remove(own_sandbox, lambda: True)
    network.remove_namespace(unit)
    assert traces(own_sandbox.tag) == []
    assert sandbox.up(["a"]) == [host]
    on(host, "test", "-e", "/root/kept")


def test_processes_may_call_up_at_the_same_time(own_sandbox: state.State) -> None:
    command = [sys.executable, "-m", "aimlsetup", "sandbox", "up", "--json", "shared"]
    running = [
        subprocess.Popen([*command, f"own-{number}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for number in range(3)
    ]
    documents = [json.loads(process.communicate(timeout=60)[0]) for process in running]
    addresses = {host["name"]: host["address"] for document in documents for host in document["hosts"]}
    assert sorted(addresses) == ["own-0", "own-1", "own-2", "shared"]
    assert len(set(addresses.values())) == 4
    assert {host.name: host.address for host in sandbox.hosts()} == addresses


@pytest.mark.network
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_apt_pip_and_uv_work_inside(release: str, host_factory: HostFactory) -> None:
    uv = Path(sys.executable).with_name("uv")
    host = host_factory(release, binds=[f"{uv}:/opt/uv"])
    on(host, "sh", "-c", "DEBIAN_FRONTEND=noninteractive apt-get -qq install python3-venv >/dev/null")
    on(host, "python3", "-m", "venv", "/opt/venv")
    on(host, "/opt/venv/bin/pip", "install", "-q", "six")
    on(host, "/opt/uv", "venv", "-q", "/opt/other")
    on(host, "/opt/uv", "pip", "install", "-q", "--python", "/opt/other/bin/python", "six")
    for venv in ("/opt/venv", "/opt/other"):
        assert on(host, f"{venv}/bin/python", "-c", "import six; print(six.PY3)") == "True"


def test_a_host_may_have_no_python(host_factory: HostFactory) -> None:
    assert on(host_factory(python=False), "sh", "-c", "command -v python3 || echo none") == "none"


def test_the_cache_is_removed_with_everything_else(own_sandbox: state.State) -> None:
    sandbox.save_layer(sandbox.up(["a"])[0], "kept")
    templates = own_sandbox.templates.readlink()
    sandbox.up(["b"])
    sandbox.remove_cache()
    assert not own_sandbox.root.exists()
    assert traces(own_sandbox.tag) == []
    assert any(templates.iterdir())  # a link to another sandbox's cache is only a link


def test_probe_boots_a_host_and_leaves_nothing(own_sandbox: state.State) -> None:
    assert sandbox.probe(boot=True) == []
    assert traces(own_sandbox.tag) == []
