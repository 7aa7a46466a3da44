"""What is done to a host while something is killed: an apply, an adoption, an undo, a flip; and what then is true."""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aimlsetup import sandbox
from tests.e2e import handmade
from tests.e2e.footprint import differences, footprint
from tests.e2e.site import HEALTH, PORT, Site, binds, profile, repository
from tests.remote import on

KEEPSAKES = {f"/aimldl-dat/logs/run-{number}/events": f"what run {number} wrote\n" * 200 for number in range(20)}
PLANT = (
    "import json, os, sys; "
    "[(os.makedirs(os.path.dirname(p), exist_ok=True), open(p, 'w').write(t)) for p, t in json.load(sys.stdin).items()]"
)
READ = (
    "import json, os, sys; "
    "print(json.dumps({p: open(p).read() if os.path.exists(p) else None for p in json.load(sys.stdin)}))"
)
ENVIRONMENT = "/virtualmachines/virtualenvs/py_3"


class Act(ABC):
    """One thing that is done to a host, by `command`; `prepare` has the host as it is before.

    A host serves one trial, or where an act is `lasting` all of them.
    """

    command: tuple[str, ...]
    lasting = False

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.site = Site(directory)
        self.name = f"{type(self).__name__.lower()}-{os.getpid()}"
        self.binds = binds(repository(directory))

    @contextmanager
    def host(self) -> Iterator[sandbox.Host]:
        """A host on which nothing was done yet; it is removed afterwards."""
        try:
            yield sandbox.up([self.name], "bookworm", binds=self.binds)[0]
        finally:
            sandbox.down([self.name])

    @abstractmethod
    def prepare(self, host: sandbox.Host) -> None:
        """Have the host be what this is done to, whether it is new or has served already."""

    @abstractmethod
    def kept(self, host: sandbox.Host) -> None:
        """Assert that what may be lost at no moment is there."""

    def finish(self, host: sandbox.Host, *, in_order: bool) -> None:
        """The same command finishes, from what `verify` found `in_order` or not, and then there is nothing to do."""
        said = self.site.run(*self.command)
        assert ("nothing to do" in said) == in_order, "verify and apply disagree"
        assert "nothing to do" in self.site.run(*self.command), "the next one changed something again"
        serves(host)


def serves(host: sandbox.Host) -> None:
    """Assert that the model answers."""
    on(host, "curl", "--fail", "--silent", f"http://127.0.0.1:{PORT}{HEALTH}")


class Apply(Act):
    """A site is applied to a fresh host, on which files lie in what becomes a link to a dated directory."""

    # They lie where nobody's receipt is, in what becomes a link: that is agreed to.
    command = ("apply", "--yes", "--replace", "/aimldl-dat", "--replace", "/aimldl-dat/logs")

    def prepare(self, host: sandbox.Host) -> None:
        self.site.write(profile(self.name))
        on(host, "python3", "-c", PLANT, stdin=json.dumps(KEEPSAKES))

    def kept(self, host: sandbox.Host) -> None:
        found = json.loads(on(host, "python3", "-c", READ, stdin=json.dumps(list(KEEPSAKES))))
        assert [path for path, text in KEEPSAKES.items() if found[path] != text] == []


class Adopt(Act):
    """A host that was set up by hand is taken over."""

    command = ("apply", "--yes")

    def prepare(self, host: sandbox.Host) -> None:
        handmade.make(host, self.site.directory / "scratch")
        if not self.site.path.exists():
            self.site.run("adopt", self.name)
        self.boot, self.before = boot(host), handmade.state(host)

    def kept(self, host: sandbox.Host) -> None:
        tree, process = handmade.state(host)
        same = boot(host) == self.boot
        assert handmade.lost(self.before, (tree, process if same else self.before[1])) == {}


class Undo(Act):
    """What a second apply did (another environment and its service, settings, a link) is taken back."""

    command = ("undo", "--yes")
    lasting = True
    before: dict[str, Any] = {}

    def prepare(self, host: sandbox.Host) -> None:
        if not self.before:
            self.site.write(profile(self.name))
            self.site.run("apply", "--yes")
            self.before = footprint(host)
        self.site.write(changed(self.name))
        self.site.run("apply", "--yes")
        assert self.left(host)

    def kept(self, host: sandbox.Host) -> None:
        serves(host)

    def left(self, host: sandbox.Host) -> list[str]:
        """What is not as it was before, but for what is remembered of it."""
        return [line for line in differences(self.before, footprint(host)) if "/var/lib/aimlsetup/" not in line]

    def finish(self, host: sandbox.Host, *, in_order: bool) -> None:
        assert not in_order or self.site.drifted(self.name) == [], "verify and plan disagree"
        if self.left(host):  # done again after its end, it would go further back
            self.site.run(*self.command)
        left = self.left(host)
        assert left == [], "\n".join(left[:20])
        self.site.write(profile(self.name))
        assert self.site.drifted(self.name) == []


class Flip(Act):
    """The service goes back to the environment it had before."""

    command = ("flip", "python_env", "--yes")
    lasting = True

    def prepare(self, host: sandbox.Host) -> None:
        for document in (profile(self.name), changed(self.name)):
            if not self.site.path.exists() or "itsdangerous" in str(document):
                self.site.write(document)
                self.site.run("apply", "--yes")
        self.newer = environment(host)

    def kept(self, host: sandbox.Host) -> None:
        on(host, "test", "-x", f"{ENVIRONMENT}/bin/python")
        serves(host)

    def finish(self, host: sandbox.Host, *, in_order: bool) -> None:
        assert not in_order or self.site.drifted(self.name) == [], "verify and plan disagree"
        if environment(host) == self.newer:
            self.site.run(*self.command)
        assert environment(host) != self.newer
        self.site.run(*self.command)
        assert environment(host) == self.newer
        assert self.site.drifted(self.name) == []
        serves(host)


def changed(name: str) -> dict[str, Any]:
    """The site with another environment, settings and one more link."""
    links = [{"path": "/aimldl-dat/logs"}, {"path": "/aimldl-dat/data-mongodb"}, {"path": "/aimldl-dat/uploads"}]
    envs = [{"name": "py_3", "requirements": ["gunicorn", "itsdangerous"]}]
    return profile(name, python_env={"envs": envs}, data_links={"links": links}, codehub={"app": {"GPU_ID": 3}})


def environment(host: sandbox.Host) -> str:
    """The dated directory behind the environment's link."""
    return on(host, "readlink", ENVIRONMENT).strip()


def boot(host: sandbox.Host) -> str:
    """What differs from boot to boot."""
    return on(host, "systemctl", "show", "-P", "UserspaceTimestamp")


ACTS = (Apply, Adopt, Undo, Flip)
