"""Where things are fetched from, and the keys they are checked with."""

import re
from urllib.parse import urlsplit

import pytest

from aimlsetup import catalog, content, files
from aimlsetup.catalog.sources import Apt, Source, Sources, fill
from aimlsetup.errors import AimlsetupError

KNOWN = catalog.load()
PLACEHOLDERS = {"distro", "arch", "codename", "cuda", "key"}
HOST = {"distro": "debian12", "arch": "sbsa", "codename": "bookworm", "cuda": "cu126", "key": "3bf863cc"}
REPOSITORIES = {name: (source, source.apt) for name, source in KNOWN.sources.items() if source.apt}


@pytest.mark.parametrize("source", KNOWN.sources.values(), ids=KNOWN.sources)
def test_a_source_says_where_it_was_read_and_names_only_what_is_filled_in(source: Source) -> None:
    assert source.url is None or source.source
    texts = [source.url or ""]
    if source.apt:
        texts += [*source.apt.suites, source.apt.key_url or ""]
    assert {name for text in texts for name in re.findall(r"\{(\w+)\}", text)} <= PLACEHOLDERS
    for text in texts:
        assert "{" not in fill(text, HOST)
        if "://" in text:
            assert urlsplit(text).hostname
            assert urlsplit(text).username is None


@pytest.mark.parametrize(("source", "apt"), REPOSITORIES.values(), ids=REPOSITORIES)
def test_a_repository_is_checked_with_a_key(source: Source, apt: Apt) -> None:
    assert set(apt.keys.values()) <= set(KNOWN.keys)
    assert bool(apt.keys) == bool(apt.key_url)
    assert apt.keys or apt.keyring.endswith("-archive-keyring.gpg")
    if "{distro}" in (source.url or ""):
        assert apt.keys


def test_every_key_is_some_repositorys() -> None:
    used = {key for _source, apt in REPOSITORIES.values() for key in apt.keys.values()}
    assert used == set(KNOWN.keys)


def test_the_rotated_key_signs_the_old_machine_learning_repository_alone() -> None:
    retired = {name for name, key in KNOWN.keys.items() if key.retired}
    assert retired == {"7fa2af80"}
    users = {name for name, (_source, apt) in REPOSITORIES.items() if retired & set(apt.keys.values())}
    assert users == {"nvidia_machine_learning"}


def test_debian_13_has_a_key_that_it_accepts() -> None:
    apt = REPOSITORIES["nvidia_cuda"][1]
    assert KNOWN.keys[apt.keys["debian12"]].weak_since
    assert not KNOWN.keys[apt.keys["debian13"]].weak_since


def test_a_url_is_filled_in_and_nothing_else_in_it() -> None:
    url = KNOWN.sources["nvidia_cuda"].url or ""
    assert fill(url, HOST).endswith("/compute/cuda/repos/debian12/sbsa")
    assert fill("https://mirror.example/{distro}/{other}", HOST) == "https://mirror.example/debian12/{other}"


def test_no_other_file_names_nvidias_hosts() -> None:
    hosts = ("developer.download.nvidia.com", "nvidia.github.io", "download.pytorch.org")
    code = [*content.root().glob("roles/**/*.yml"), *content.root().glob("plugins/**/*.py")]
    code += catalog.HERE.parent.glob("**/*.py")
    assert code
    assert not [path.name for path in code if any(host in path.read_text() for host in hosts)]


def test_ids_of_two_keys_in_one_record_are_refused() -> None:
    text = "keys: {x: {owner: x, short_id: 3BF863CC, long_id: F60F4B3D7FA2AF80, source: somewhere}}\nsources: {}\n"
    with pytest.raises(AimlsetupError, match="not of one key"):
        files.check(files.parse(text, catalog.HERE / "sources.yml"), Sources, "catalog")
