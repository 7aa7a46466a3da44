"""What one command shares between its runs of Ansible: hosts, private workspace, secrets, log."""

import base64
import getpass
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aimlsetup import files, ui
from aimlsetup.engine import inventory, runner
from aimlsetup.engine.log import RunLog
from aimlsetup.engine.secrets import Secrets, terminal_ask
from aimlsetup.engine.workspace import Workspace, workspace
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.inventory import Listed
from aimlsetup.models.profile import Host

SECRETS_FILE = "secrets.yml"


def ignore(_event: runner.Event) -> None:
    """For runs that nobody watches."""


@dataclass
class _Group:
    """Hosts that one run of Ansible can be for."""

    names: list[str]
    password: str | None = None
    existing: runner.Existing | None = None


@dataclass
class Session:
    """Hosts by name, and what every run over them shares. `holder` names this controller in a host's lease.

    `adopt` names, by host, what may be changed there although no receipt owns it. `rootless` is
    whether everything is made by and for one user there.
    """

    hosts: Mapping[str, Host]
    space: Workspace
    secrets: Secrets
    log: RunLog
    on_event: Callable[[runner.Event], None] = ignore
    interpreters: dict[str, str] = field(default_factory=dict)  # by host, where it is not the usual or a named one
    adopt: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rootless: bool = False
    holder: str = field(default_factory=lambda: f"{getpass.getuser()}@{socket.gethostname()}")

    def run(
        self,
        call: runner.Call,
        variables: Mapping[str, Mapping[str, Any]],
        *,
        secret: Mapping[str, Iterable[str]] | None = None,
        on_event: Callable[[runner.Event], None] | None = None,
        quiet: bool = False,
    ) -> runner.Result:
        """Run Ansible on the hosts that `variables` names. `secret` names those variables that hold secrets.

        Hosts with different passwords for sudo go one group after the other, since a run of Ansible takes one; so do
        those of existing inventories, since the user's own settings hold for them.
        With `quiet` what Ansible prints is not logged (an observation is large and says nothing to a reader).
        """
        results = []
        for group in self._groups(variables):
            self._write_inventory(group, variables, secret or {})
            try:
                results.append(
                    runner.run(
                        self.space,
                        call,
                        password=group.password,
                        existing=group.existing,
                        hide=self.secrets.environment_names(),
                        on_event=on_event or self.on_event,
                        on_line=_nowhere if quiet else self.log.line,
                        on_read=self._forget_secrets,
                    )
                )
            finally:
                self._forget_secrets()
            if results[-1].cancelled:
                raise KeyboardInterrupt
        return _merged(results)

    def _groups(self, names: Iterable[str]) -> list[_Group]:
        """Hosts by the password they need for sudo; hosts that need none join the first group."""
        references: dict[str | None, list[str]] = {}
        listed: dict[str, Listed] = {}
        for name in names:
            host = self.hosts[name]
            if isinstance(host, Listed):
                listed[name] = host
            else:
                references.setdefault(host.become.password, []).append(name)
        free = references.pop(None, [])
        asking = [(reference, found) for reference, found in references.items() if reference]
        groups = [_Group(found, self.secrets.resolve(reference, "")) for reference, found in asking]
        if groups:
            groups[0].names[:0] = free
        elif free or not listed:
            groups = [_Group(free)]
        return [*groups, *([_Group(list(listed), existing=_existing(listed))] if listed else [])]

    def _write_inventory(
        self, group: _Group, variables: Mapping[str, Mapping[str, Any]], secret: Mapping[str, Iterable[str]]
    ) -> None:
        """One file anybody could read, and one with the secrets, which is gone once Ansible has read it.

        Above an existing inventory each host has a file of its own, as what counts most there.
        """
        opened, hidden = {}, {}
        for name in group.names:
            seen, unseen = inventory.split(variables[name], secret.get(name, ()))
            opened[name] = inventory.connection(name, self.hosts[name], self.interpreters.get(name)) | seen
            if unseen:
                hidden[name] = unseen
                _refuse_hiding(name, self.hosts[name], unseen)
        if group.existing:
            for name, own in opened.items():
                self.space.write(f"host_vars/{name}.yml", files.dump_unsafe(own))
            opened = {name: {} for name in opened}
        self.space.write("hosts.yml", files.dump_unsafe(inventory.document(opened)))
        if hidden:
            self.space.write(SECRETS_FILE, files.dump_unsafe(inventory.document(hidden)))

    def _forget_secrets(self) -> None:
        self.space.forget(SECRETS_FILE)


def _existing(listed: Mapping[str, Listed]) -> runner.Existing:
    first = next(iter(listed.values()))
    return runner.Existing(first.inventories, list(listed), any(host.asks_password for host in listed.values()))


def _refuse_hiding(name: str, host: Host, hidden: Mapping[str, Any]) -> None:
    """An existing inventory's variables of files would count more than a secret, which is in no file for long."""
    both = sorted(host.defines.intersection(hidden)) if isinstance(host, Listed) else []
    if both:
        raise AimlsetupError(
            "inventory-secret",
            f"{name}: its inventory has {', '.join(both)}, for which the profile has a secret",
            context=["expected: one of them"],
            hint="Take it out of the inventory, or name the secret nowhere in the profile.",
            exit_code=Exit.USAGE,
        )


def _nowhere(_line: str) -> None:
    """For output that is not kept."""


def _merged(results: list[runner.Result]) -> runner.Result:
    """The runs of several groups as one."""
    return runner.Result(
        status=max(result.status for result in results),
        cancelled=any(result.cancelled for result in results),
        failed=set().union(*(result.failed for result in results)),
        unreachable=set().union(*(result.unreachable for result in results)),
        events=[event for result in results for event in result.events],
        output="\n".join(result.output for result in results),
    )


@contextmanager
def session(hosts: Mapping[str, Host], references: Iterable[str] = (), *, rootless: bool = False) -> Iterator[Session]:
    """A session that cleans up behind itself. `references` are those to secrets other than the hosts' passwords."""
    with workspace() as space:
        if not space.in_memory:
            ui.warn(f"no file system in memory is writable; secrets of this run lie in {space.root} until it ends")
        passwords = {host.become.password for host in hosts.values() if host.become.password}
        secrets = Secrets(ask=terminal_ask(), declared={*references, *passwords})
        secrets.remember(value for host in hosts.values() if isinstance(host, Listed) for value in host.hidden)
        made = Session(hosts, space, secrets, RunLog(secrets.scrub), rootless=rootless)
        secrets.read_host = lambda host, path: _read_host(made, host, path)
        try:
            yield made
        finally:
            made.log.close()


def read(made: Session, host: str, path: str) -> str | None:
    """The content of a file on the host, read as root; None where there is none."""
    call = runner.Call(module="ansible.builtin.slurp", arguments="src={{ aimlsetup_secret_path }}")
    result = made.run(call, {host: {"aimlsetup_secret_path": path}}, on_event=ignore, quiet=True)
    found = [event.result["content"] for event in result.events if event.kind == "ok" and "content" in event.result]
    return base64.b64decode(found[0]).decode(errors="replace") if found else None


def _read_host(made: Session, host: str, path: str) -> str:
    """The content of a file on the host that has to be there."""
    text = read(made, host, path)
    if text is None:
        raise AimlsetupError(
            "secret-missing",
            f"{host}: the secret host:{path} cannot be read",
            context=["expected: a file on the host that root can read"],
            hint="Check the path in the profile.",
        )
    return text
