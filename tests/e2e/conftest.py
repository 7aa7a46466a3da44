"""One booted host with the whole small site on it, shared by the tests of a file; they leave it converged."""

import os
from collections.abc import Iterator

import pytest

from aimlsetup import sandbox
from tests.e2e import site as small
from tests.packaging.built import source, wheel

__all__ = ["host", "served", "site", "source", "wheel"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[small.Site, sandbox.Host]]:
    """The site, applied, and its host."""
    directory = tmp_path_factory.mktemp("site")
    name = f"e2e-{os.getpid()}"
    try:
        host = sandbox.up([name], "bookworm", binds=small.binds(small.repository(directory)))[0]
        site = small.Site(directory)
        site.write(small.profile(name))
        site.run("apply", "--yes")
        yield site, host
    finally:
        sandbox.down([name])


@pytest.fixture
def site(served: tuple[small.Site, sandbox.Host]) -> small.Site:
    """The profile and the command line."""
    return served[0]


@pytest.fixture
def host(served: tuple[small.Site, sandbox.Host]) -> sandbox.Host:
    """The machine."""
    return served[1]
