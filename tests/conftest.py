"""Real hosts for tests, and what happens to `@pytest.mark.host` tests where none can boot."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from aimlsetup import sandbox
from aimlsetup.sandbox import Host

OWN_NAME = re.compile(r"t(\d+)-.+")  # the process that made it, and a number or a scenario
NUMBERS = count(1)
NOT_RUN = pytest.StashKey[dict[str, int]]()  # what is lacking → how many tests are not run for it
LONG = "their time: `script/test --long` runs these too"


class HostFactory:
    """Makes hosts with names of this process alone, so that workers and sessions never share one by accident."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, release: str = "bookworm", **options: Any) -> Host:
        """Boot one host; `options` are those of `aimlsetup.sandbox.up`."""
        return self.several(1, release, **options)[0]

    def several(self, number: int, release: str = "bookworm", **options: Any) -> list[Host]:
        """Boot hosts, all at once."""
        names = [f"t{os.getpid()}-{next(NUMBERS)}" for _ in range(number)]
        self.made += names
        return sandbox.up(names, release, **options)


@contextmanager
def factory() -> Iterator[HostFactory]:
    made = HostFactory()
    try:
        yield made
    finally:
        if made.made:
            sandbox.down(made.made)


@pytest.fixture
def host_factory() -> Iterator[HostFactory]:
    """Hosts for one test, removed after it: `host_factory("trixie", layer=…)`, `host_factory.several(4)`."""
    with factory() as made:
        yield made


@pytest.fixture(scope="session")
def session_hosts() -> Iterator[HostFactory]:
    """Hosts for all tests of this process; first removes what killed processes left."""
    sandbox.down([host.name for host in sandbox.hosts() if _orphaned(host.name)])
    with factory() as made:
        yield made


@pytest.fixture(scope="session")
def bookworm(session_hosts: HostFactory) -> Host:
    """A Debian 12 host that tests share: leave it as you found it, or use `host_factory`."""
    return session_hosts("bookworm")


@pytest.fixture(scope="session")
def trixie(session_hosts: HostFactory) -> Host:
    """A Debian 13 host that tests share: leave it as you found it, or use `host_factory`."""
    return session_hosts("trixie")


def _orphaned(name: str) -> bool:
    own = OWN_NAME.fullmatch(name)
    return bool(own) and not Path("/proc", own[1]).exists()


class ByFile(LoadScopeScheduling):
    """The tests of one file share hosts and environments, so one worker runs them; scenarios share nothing."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith("tests/molecule/") else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Hand out files, in the order of collection."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Have an option for the long ones."""
    parser.addoption("--long", action="store_true", help="run also what takes many minutes")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what boots hosts first, since it takes longest; take out what lacks a host, or time."""
    items.sort(key=lambda item: item.get_closest_marker("host") is None)
    lacking = {item: lack for item in items if (lack := _lack(item))}
    if lacking:
        items[:] = [item for item in items if item not in lacking]
        config.hook.pytest_deselected(items=list(lacking))
        config.stash[NOT_RUN] = Counter(lacking.values())


def _lack(item: pytest.Item) -> str:
    """What a test lacks, in words: its time, or what its hosts need of this machine to boot."""
    if item.get_closest_marker("long") and not item.config.getoption("--long"):
        return LONG
    mark = item.get_closest_marker("host")
    return _probed(mark.args) if mark else ""


@cache
def _probed(releases: tuple[str, ...]) -> str:
    lacks = sandbox.probe(releases=releases)
    return "\n".join(f"{lack.name}: {lack.why}; found: {lack.found}; {lack.remedy}" for lack in lacks)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells how many tests it took out; where the CI says so, not having run them is a failure."""
    not_run = dict(session.config.stash.get(NOT_RUN, {}))
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_run"] = not_run
    elif {*not_run} - {LONG} and os.environ.get("CI") == "true":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Every worker collects all tests, so one's numbers are the numbers."""
    node.config.stash[NOT_RUN] = getattr(node, "workeroutput", {}).get("not_run", {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was not run, and which probe failed."""
    if not_run := config.stash.get(NOT_RUN, {}):
        terminalreporter.section("not run")
        for lacks, number in not_run.items():
            cause = "for" if lacks == LONG else "because their hosts cannot boot here:"
            terminalreporter.line(f"{number} tests were not run, {cause}", red=lacks != LONG)
            terminalreporter.line(lacks, red=lacks != LONG)
