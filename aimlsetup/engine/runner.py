"""The one door to ansible-runner: runs a playbook or module in a workspace, returns typed events and results."""

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aimlsetup.engine import settings
from aimlsetup.engine.workspace import Workspace
from aimlsetup.models.inventory import Inventories

Kind = Literal["started", "ok", "skipped", "failed", "unreachable"]
KINDS: dict[str, Kind] = {
    "runner_on_start": "started",
    "runner_on_ok": "ok",
    "runner_on_skipped": "skipped",
    "runner_on_failed": "failed",
    "runner_item_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BECOME_PROMPT = r"BECOME password.*:\s*?$"
CANCEL_SECONDS = 1  # how soon an interruption is noticed
LIMIT = "limit"  # a file of the workspace with the names of hosts, one per line


@dataclass(frozen=True)
class Event:
    """What happened to one task on one host. `result` is what the module returned."""

    kind: Kind
    host: str
    task: str
    component: str | None
    action: str
    handler: bool = False
    ignored: bool = False
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether the task changed, or in check mode would change, something."""
        return self.kind == "ok" and bool(self.result.get("changed"))


@dataclass
class Result:
    """One run of Ansible. `failed` and `unreachable` name hosts that did not get to the end."""

    status: int
    cancelled: bool
    failed: set[str]
    unreachable: set[str]
    events: list[Event]
    output: str

    def failures(self, host: str) -> list[Event]:
        """What went wrong on a host, in order; errors that a task ignored are not among it."""
        return [
            event
            for event in self.events
            if event.host == host and event.kind in ("failed", "unreachable") and not event.ignored
        ]


@dataclass(frozen=True)
class Call:
    """What to run: a playbook, or one module on all hosts of the inventory, with its arguments as one string."""

    playbook: str | None = None
    module: str | None = None
    arguments: str = ""
    check: bool = False
    forks: int = 25


@dataclass(frozen=True)
class Existing:
    """Hosts that stand in existing inventories; `password` says whether ssh is given one for any of them."""

    inventories: Inventories
    hosts: Sequence[str]
    password: bool = False

    def sources(self) -> list[str]:
        """The inventories, wherever Ansible is started."""
        return [str(path.resolve()) for path in self.inventories.paths]

    def write_limit(self, space: Workspace) -> Path:
        """A file with the names, for `--limit`."""
        path = space.root / LIMIT
        path.write_text("".join(f"{name}\n" for name in self.hosts))
        return path


@dataclass
class _Listener:
    """Turns runner's events into ours. Runner swallows what a handler raises, so it is kept here and raised later."""

    on_event: Callable[[Event], None]
    on_line: Callable[[str], None]
    on_read: Callable[[], None]
    events: list[Event] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    stats: Mapping[str, Any] = field(default_factory=dict)
    error: BaseException | None = None
    handlers: set[str] = field(default_factory=set)

    def __call__(self, raw: dict[str, Any]) -> bool:
        """Always True: for anything else runner drops the event's file."""
        try:
            self._take(raw)
        except BaseException as error:  # noqa: BLE001 - raised again when the run has ended
            self.error = self.error or error
        return True

    def _take(self, raw: dict[str, Any]) -> None:
        name, data = raw.get("event", ""), raw.get("event_data") or {}
        for line in COLOURS.sub("", raw.get("stdout") or "").splitlines():
            self.lines.append(line)
            self.on_line(line)
        if name == "playbook_on_start":
            self.on_read()
        elif name == "playbook_on_task_start" and data.get("is_conditional"):  # runner's name for a handler
            self.handlers.add(data.get("task_uuid") or data.get("uuid") or "")
        elif name == "playbook_on_stats":
            self.stats = data
        elif name in KINDS and data.get("host"):
            event = _event(KINDS[name], data, data.get("task_uuid") in self.handlers)
            self.events.append(event)
            self.on_event(event)


def _event(kind: Kind, data: Mapping[str, Any], handler: bool) -> Event:
    result = data.get("res") or {}
    role = data.get("role") or ""
    given = (result.get("invocation") or {}).get("module_args") or {}
    named = given if isinstance(given, dict) else {}
    component = role.rpartition(".")[2] or named.get("component") or next(iter(named.get("components") or []), None)
    return Event(
        kind=kind,
        host=data["host"],
        task=data.get("task") or "",
        component=component,
        handler=handler,
        action=data.get("task_action") or "",
        ignored=bool(data.get("ignore_errors")),
        result=result,
    )


def run(
    space: Workspace,
    call: Call,
    *,
    password: str | None = None,
    existing: Existing | None = None,
    hide: Sequence[str] | set[str] = (),
    on_event: Callable[[Event], None] = lambda _event: None,
    on_line: Callable[[str], None] = lambda _line: None,
    on_read: Callable[[], None] = lambda: None,
) -> Result:
    """Run Ansible over the workspace's inventory, and beneath it the `existing` one for hosts that stand there.

    `password` becomes root by sudo and goes through runner's password channel alone. Environment variables named in
    `hide` are kept from Ansible. `on_read` is called once Ansible has read the inventory. An interruption (Ctrl-C,
    SIGTERM) ends Ansible and gives a cancelled result.
    """
    import ansible_runner  # a tenth of a second, needed only to act

    listener = _Listener(on_event, on_line, on_read)
    (space.root / "env").mkdir(exist_ok=True)
    (space.root / "env" / "settings").write_text(f"---\npexpect_timeout: {CANCEL_SECONDS}\n")
    command = [*(["--check", "--diff"] if call.check else []), *(["--ask-become-pass"] if password else [])]
    what: dict[str, Any] = {"playbook": call.playbook, "inventory": str(space.inventory)}
    if not call.playbook:
        what |= {"module": call.module, "module_args": call.arguments, "host_pattern": "all"}
        command += ["--playbook-dir", str(space.root)]  # variables beside the working directory are no host's
    environment = settings.own(space)
    if existing:
        environment = settings.theirs(space, existing.inventories, password=existing.password)
        what["inventory"] = [*existing.sources(), str(space.inventory)]
        what["limit"] = f"@{existing.write_limit(space)}"
    with _without(hide), _cancellable(listener) as cancelled:
        done = ansible_runner.interface.init_runner(
            private_data_dir=str(space.root),
            envvars=environment,
            cmdline=" ".join(command) or None,
            forks=call.forks,
            quiet=True,
            suppress_env_files=True,
            passwords={BECOME_PROMPT: password} if password else None,
            event_handler=listener,
            cancel_callback=cancelled,
            **what,
        )
        if existing:
            done.config.cwd = str(Path.cwd())  # paths in settings of the user's are relative to it
        done.run()
    if listener.error and not isinstance(listener.error, KeyboardInterrupt):
        raise listener.error
    return Result(
        status=done.rc,
        cancelled=done.status == "canceled",
        events=listener.events,
        failed=set(listener.stats.get("failures", {})),
        unreachable=set(listener.stats.get("dark", {})),
        output="\n".join(listener.lines),
    )


@contextmanager
def _without(names: Sequence[str] | set[str]) -> Iterator[None]:
    """Take variables that hold secrets, and this user's ANSIBLE_ ones, out of the environment children inherit."""
    dropped = {name: os.environ.pop(name) for name in list(os.environ) if name in names or name.startswith("ANSIBLE_")}
    try:
        yield
    finally:
        os.environ.update(dropped)


@contextmanager
def _cancellable(listener: _Listener) -> Iterator[Callable[[], bool]]:
    """While it lasts, Ctrl-C and SIGTERM set a flag that runner polls, so that Ansible's processes are ended too."""
    asked = threading.Event()

    def cancelled() -> bool:
        return asked.is_set() or listener.error is not None

    if threading.current_thread() is not threading.main_thread():
        yield cancelled
        return
    earlier = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield cancelled
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
