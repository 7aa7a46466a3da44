"""What one command shares between its runs of Ansible: hosts, private workspace, secrets, log."""

import base64
import getpass
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aimlsetup import files, ui
from aimlsetup.engine import inventory, runner
from aimlsetup.engine.log import RunLog
from aimlsetup.engine.secrets import Secrets, terminal_ask
from aimlsetup.engine.workspace import Workspace, workspace
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.profile import Host

SECRETS_FILE = "secrets.yml"


def ignore(_event: runner.Event) -> None:
    """For runs that nobody watches."""


@dataclass
class Session:
    """Hosts by name, and what every run over them shares. `holder` names this controller in a host's lease."""

    hosts: Mapping[str, Host]
    space: Workspace
    secrets: Secrets
    log: RunLog
    on_event: Callable[[runner.Event], None] = ignore
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

        Hosts with different passwords for sudo go one group after the other, since a run of Ansible takes one.
        With `quiet` what Ansible prints is not logged (an observation is large and says nothing to a reader).
        """
        results = []
        for password, names in self._groups(variables):
            self._write_inventory(names, variables, secret or {})
            try:
                results.append(
                    runner.run(
                        self.space,
                        call,
                        password=password,
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

    def _groups(self, names: Iterable[str]) -> list[tuple[str | None, list[str]]]:
        """Hosts by the password they need for sudo; hosts that need none join the first group."""
        groups: dict[str | None, list[str]] = {}
        for name in names:
            reference = self.hosts[name].become.password
            groups.setdefault(reference, []).append(name)
        free = groups.pop(None, [])
        resolved = [(self.secrets.resolve(reference, ""), found) for reference, found in groups.items() if reference]
        if not resolved:
            return [(None, free)]
        (password, first), *others = resolved
        return [(password, free + first), *others]

    def _write_inventory(
        self, names: Iterable[str], variables: Mapping[str, Mapping[str, Any]], secret: Mapping[str, Iterable[str]]
    ) -> None:
        """One file anybody could read, and one with the secrets, which is gone once Ansible has read it."""
        opened, hidden = {}, {}
        for name in names:
            seen, unseen = inventory.split(variables[name], secret.get(name, ()))
            opened[name] = inventory.connection(name, self.hosts[name]) | seen
            if unseen:
                hidden[name] = unseen
        self.space.write("hosts.yml", files.dump_unsafe(inventory.document(opened)))
        if hidden:
            self.space.write(SECRETS_FILE, files.dump_unsafe(inventory.document(hidden)))

    def _forget_secrets(self) -> None:
        (self.space.inventory / SECRETS_FILE).unlink(missing_ok=True)


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
def session(hosts: Mapping[str, Host], references: Iterable[str] = ()) -> Iterator[Session]:
    """A session that cleans up behind itself. `references` are those to secrets other than the hosts' passwords."""
    with workspace() as space:
        if not space.in_memory:
            ui.warn(f"no file system in memory is writable; secrets of this run lie in {space.root} until it ends")
        passwords = {host.become.password for host in hosts.values() if host.become.password}
        secrets = Secrets(ask=terminal_ask(), declared={*references, *passwords})
        made = Session(hosts, space, secrets, RunLog(secrets.scrub))
        secrets.read_host = lambda host, path: _read_host(made, host, path)
        try:
            yield made
        finally:
            made.log.close()


def _read_host(made: Session, host: str, path: str) -> str:
    """The content of a file on the host, read as root."""
    call = runner.Call(module="ansible.builtin.slurp", arguments="src={{ aimlsetup_secret_path }}")
    result = made.run(call, {host: {"aimlsetup_secret_path": path}}, on_event=ignore, quiet=True)
    found = [event.result["content"] for event in result.events if event.kind == "ok" and "content" in event.result]
    if not found:
        raise AimlsetupError(
            "secret-missing",
            f"{host}: the secret host:{path} cannot be read",
            context=["expected: a file on the host that root can read"],
            hint="Check the path in the profile.",
        )
    return base64.b64decode(found[0]).decode()
