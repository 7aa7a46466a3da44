"""`aimlsetup sources`: as a table, as a document, and what a script can rely on."""

import json
from pathlib import Path

import pytest

from aimlsetup.report import sources
from tests import wheels

from .conftest import Cli

REFUSED = "http://127.0.0.1:9/{distro}"


@pytest.fixture
def site(cli: Cli, tmp_path: Path) -> Cli:
    """A site with one environment, from an index in a folder, whose host nobody can reach."""
    wheels.publish(tmp_path / "index", "uv", "0.9.0")
    cli.more = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "no_proxy": "127.0.0.1"}
    cli.profile(
        {"web": {"address": "192.0.2.1"}},
        components=["base", "python_env", "gpu_sources"],
        sources={"pypi": (tmp_path / "index").as_uri(), "nvidia_cuda": REFUSED, "debian": REFUSED},
        python_env={"envs": [{"name": "py_3"}]},
    )
    return cli


def test_what_is_used_from_where(site: Cli) -> None:
    head, pypi, *unused = site.done("sources", "list").splitlines()
    assert head.split() == list(sources.HEADER)
    assert pypi.split() == ["pypi", "lock,", "python_env", "py_3", "-", "profile", f"{site.directory.as_uri()}/index"]
    assert [line.split()[:2] for line in unused] == [["nvidia_cuda", "-"], ["debian", "-"]]


def test_all_that_is_used_answers(site: Cli) -> None:
    document = json.loads(site.done("sources", "check", "--json"))
    assert (document["version"], document["kind"]) == (1, "sources")
    answers = {found["source"]: found["answer"] for found in document["sources"]}
    assert answers["pypi"] == {"answers": True, "said": "has uv 0.9.0", "next": None}
    assert answers["debian"]["answers"] is None  # nothing uses it: nobody asks


def test_what_does_not_answer_is_told_with_what_to_do(site: Cli) -> None:
    profile = site.directory / "aimlsetup.yml"
    profile.write_text(profile.read_text() + "requests: {device: gpu}\n")
    moved = ["ubuntu", "debian_security", "nvidia_machine_learning"]
    profile.write_text(
        profile.read_text().replace("sources:\n", "sources:\n" + "".join(f"  {name}: {REFUSED}\n" for name in moved))
    )
    text = site.done("sources", "check", "--distro", "jammy", code=1)
    assert "✗ nvidia_cuda (ubuntu-22.04-x86_64): 127.0.0.1: Connection refused" in text
    assert "    next: let this machine reach it, or name a mirror in the profile: 'sources: {nvidia_cuda: URL}'" in text
    assert "✓ pypi: has uv 0.9.0" in text
    document = json.loads(site.done("sources", "list", "--distro", "jammy", "--json"))
    urls = {found["source"]: (found["url"], found["answer"]) for found in document["sources"]}
    assert urls["nvidia_cuda"] == ("http://127.0.0.1:9/ubuntu2204", None)


def test_a_distribution_that_nobody_knows(site: Cli) -> None:
    code, _output, said = site("sources", "check", "--distro", "plan9")
    assert code == 2
    assert "distribution-unknown" in said


def test_a_profile_with_credentials_in_an_address_is_refused_and_they_are_not_shown(site: Cli) -> None:
    site.profile({"web": {}}, sources={"pypi": "http://me:hunter2@127.0.0.1:9/simple"})
    code, output, said = site("sources", "check")
    assert code == 2
    assert "netrc" in said
    assert "hunter2" not in output + said


def test_a_site_that_uses_none(cli: Cli) -> None:
    cli.profile({"web": {}})
    assert cli("sources", "check") == (
        0,
        "",
        "this profile uses no named source; hosts install from what they are configured for\n",
    )
