"""The whole small site on the Ubuntu releases that are targets, both in one run, from nothing to a served model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from aimlsetup import sandbox
from tests.conftest import factory
from tests.e2e import site as small
from tests.e2e.test_drift import answer, receipts

PYTHONS = {"noble": "3-12", "jammy": "3-10"}
pytestmark = [
    pytest.mark.host(*PYTHONS), pytest.mark.network, pytest.mark.long, pytest.mark.parametrize("release", PYTHONS),
]  # fmt: skip


@dataclass(frozen=True)
class Applied:
    """The site after an apply, a verify and another apply: both documents, and the receipts before the second."""

    hosts: dict[str, sandbox.Host]
    verified: dict[str, Any]
    receipts: dict[str, dict[str, Any]]
    again: dict[str, Any]


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    directory = tmp_path_factory.mktemp("ubuntu")
    binds = small.binds(small.repository(directory))
    with factory() as make:
        hosts = {release: make(release, binds=binds) for release in PYTHONS}
        site = small.Site(directory)
        site.write(small.profile(*(host.name for host in hosts.values())))
        site.run("apply", "--yes")
        verified = json.loads(site.run("verify", "--json"))
        before = {release: receipts(host) for release, host in hosts.items()}
        yield Applied(hosts, verified, before, json.loads(site.run("apply", "--yes", "--json")))


def test_the_releases_own_python_serves_the_model(applied: Applied, release: str) -> None:
    said = answer(applied.hosts[release])
    assert said["model"] == small.KEY
    assert f"/py_{PYTHONS[release]}_" in said["prefix"]


def test_every_component_is_proven(applied: Applied, release: str) -> None:
    proofs = [proof for proof in applied.verified["proofs"] if proof["host"] == applied.hosts[release].name]
    assert {proof["component"]: proof["ok"] for proof in proofs} == dict.fromkeys(small.profile()["components"], True)


def test_a_second_apply_runs_no_role(applied: Applied, release: str) -> None:
    host = applied.hosts[release]
    assert applied.again["hosts"][host.name]["applied"] == []
    assert receipts(host) == applied.receipts[release]
