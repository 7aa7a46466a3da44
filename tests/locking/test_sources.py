"""Which sources a profile uses, and whether they answer: real repositories, indexes and remotes, and gaps in them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aimlsetup import catalog, files, locking
from aimlsetup.catalog import profiles
from aimlsetup.locking import answers, described, index, sources
from aimlsetup.locking.sources import Found
from aimlsetup.models.lock import Lock
from aimlsetup.models.profile import Profile
from aimlsetup.models.source import Answer, Use
from tests.gpu.nvidia_repository import NvidiaRepository
from tests.serving import served

from .conftest import Index, Observe, Read

GPU = "requests: {device: gpu, channel: nvidia, cuda: '12.4'}\n"
TORCH = "requests: {device: gpu, framework: {pytorch: '2.11'}}\n"
JAMMY = {"id": "ubuntu", "version": "22.04", "codename": "jammy", "name": "Ubuntu"}
ADA, PASCAL = {"id": "10de:2684"}, {"id": "10de:1b06"}
REFUSED = "http://127.0.0.1:9"
PYTHON = index.Target("3.11", "x86_64-manylinux_2_36", None)


@pytest.fixture(autouse=True)
def _straight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "indexes"))


def wish(**document: Any) -> Profile:
    return profiles.accept(files.parse(files.dump({"hosts": {"web": {}}, **document}), Path("aimlsetup.yml")))


def used(profile: Profile, *distros: str, lock: Lock | None = None) -> dict[str, list[Found]]:
    """By source."""
    known = catalog.load()
    found: dict[str, list[Found]] = {}
    for each in sources.used(profile, lock, [described.distribution(name, known) for name in distros], known):
        found.setdefault(each.use.source, []).append(each)
    return found


def only(found: dict[str, list[Found]], name: str) -> Use:
    (each,) = found[name]
    return each.use


def asked(found: Found) -> Answer:
    assert not isinstance(found.ask, str)
    return answers.answer(found.ask, found.otherwise)


def test_a_site_without_gpus_uses_the_index_alone_and_says_for_what() -> None:
    found = used(wish(python_env={"envs": [{"name": "py_3"}, {"name": "py_2"}]}), "debian12")
    assert list(found) == ["pypi"]
    use = only(found, "pypi")
    assert (use.url, use.origin) == (None, "machine")
    assert use.used_by == ("lock", "python_env py_3", "python_env py_2")


@pytest.mark.parametrize("without", [{"components": ["base"]}, {}])
def test_what_is_not_made_uses_nothing(without: dict[str, Any]) -> None:
    envs = {"python_env": {"envs": [{"name": "py_3"}]}} if without else {}
    assert used(wish(**without, **envs)) == {}


def test_without_a_lock_addresses_are_shown_unfilled_and_nobody_asks_there() -> None:
    found = used(wish(requests={"device": "gpu"}, sources={"nvidia_cuda": "http://mirror/{distro}"}))
    assert set(found) == {each for each, source in catalog.load().sources.items() if source.apt and source.apt.channel}
    use = only(found, "nvidia_cuda")
    assert (use.url, use.origin, use.platform) == ("http://mirror/{distro}", "profile", None)
    assert {each.ask for several in found.values() for each in several} == {sources.INCOMPLETE}


def test_named_distributions_fill_the_addresses_in() -> None:
    profile = wish(requests={"device": "gpu"}, sources={"nvidia_cuda": "http://mirror/{distro}/{arch}"})
    found = used(profile, "debian12", "jammy")
    assert [(each.use.url, each.use.platform) for each in found["nvidia_cuda"]] == [
        ("http://mirror/debian12/x86_64", "debian-12-x86_64"),
        ("http://mirror/ubuntu2204/x86_64", "ubuntu-22.04-x86_64"),
    ]
    assert only(found, "debian").origin == "catalog"
    assert "ubuntu_ports" not in found


def test_a_lock_says_which_hosts_have_and_which_only_it_looks_into(
    profile: Read, observation: Observe, index: Index
) -> None:
    host = observation(release=JAMMY, pythons={"/usr/bin/python3.10": "3.10.12"}, gpus=[ADA])
    wished = profile("falcon", more=GPU).model_copy(update={"components": []})
    lock = locking.make(wished, {"web": host})
    found = used(wished, lock=lock)
    assert only(found, "nvidia_cuda").used_by == ("lock", "gpu_sources")
    assert only(found, "nvidia_cuda").url == "file:///nowhere/ubuntu2204/x86_64"
    assert (only(found, "ubuntu").used_by, only(found, "ubuntu").needed) == (("lock", "network"), True)
    assert only(found, "debian").used_by == ()  # moved by the profile, and of no use to Ubuntu
    elsewhere = wished.model_copy(update={"sources": {**wished.sources, "nvidia_cuda": "http://mirror/{distro}"}})
    changed = used(elsewhere, lock=lock)
    assert only(changed, "nvidia_cuda").url == "http://mirror/ubuntu2204"
    assert only(changed, "ubuntu").needed  # what was solved before says nothing of it


def test_pytorchs_folder_is_the_locks(profile: Read, observation: Observe, tmp_path: Path, index: Index) -> None:
    folder = Index(tmp_path / "pytorch" / "cu126")
    folder.publish("torch", "2.11.0+cu126")
    wished = profile("falcon", more=TORCH, indexes=[index.url])
    moved = {**wished.sources, "pytorch": folder.url.replace("cu126", "{cuda}")}
    wished = wished.model_copy(update={"sources": moved})
    before = used(wished)["pytorch"][0]
    assert (before.use.url, before.ask) == (moved["pytorch"], sources.UNSOLVED)
    found = used(wished, lock=locking.make(wished, {"web": observation(gpus=[PASCAL])}))
    use = only(found, "pytorch")
    assert (use.url, use.origin, use.used_by) == (folder.url, "profile", ("lock", "python_env py_3"))
    assert asked(found["pytorch"][0]) == Answer(answers=True, said="has torch")
    assert only(found, "python_env.envs.py_3.indexes").url == index.url
    shutil.rmtree(folder.root)
    gone = asked(found["pytorch"][0])
    assert gone.answers is False
    assert "pytorch: URL" in (gone.next or "")


def test_hosts_with_an_index_of_their_own_do_not_need_the_named_one_but_a_lock_does() -> None:
    found = used(wish(python_env={"index": "http://inside/simple", "envs": [{"name": "py_3"}]}))
    assert (only(found, "pypi").used_by, only(found, "pypi").needed) == (("lock",), True)
    assert only(found, "python_env.index").used_by == ("python_env py_3",)


def test_a_source_that_the_profile_moves_for_nothing_is_told() -> None:
    found = used(wish(sources={"nvidia_container_toolkit": "http://mirror/x"}))
    assert [each.ask for each in found["nvidia_container_toolkit"]] == [sources.UNUSED]


def test_the_index_is_asked_anew_each_time(index: Index) -> None:
    found = used(wish(sources={"pypi": index.url}, python_env={"envs": [{"name": "py_3"}]}))["pypi"][0]
    assert asked(found) == Answer(answers=True, said="has uv 0.9.0")
    index.publish("uv", "0.9.1")
    assert asked(found).said == "has uv 0.9.1"
    shutil.rmtree(index.root / "uv")
    lost = asked(found)
    assert lost.answers is False
    assert "uv was not found" in lost.said


def test_an_index_that_nobody_answers_at_is_named_without_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:hunter2@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    found = answers.answer(lambda: answers.package("uv", PYTHON), "")
    assert found.answers is False
    assert "127.0.0.1:9" in found.said
    assert "hunter2" not in str(found)
    assert "sources: pypi" in (found.next or "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host/x", "http://***@host/x"),
        ("at https://token@host:8/x: 403", "at https://***@host:8/x: 403"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://git:secret@host/x", "ssh://***@host/x"),
        ("git@host:x/y, http://host/a@b", "git@host:x/y, http://host/a@b"),
    ],
)
def test_no_credentials_are_shown(text: str, shown: str) -> None:
    assert answers.public(text) == shown


def test_further_indexes_are_asked_for_their_projects(index: Index, tmp_path: Path) -> None:
    paths: list[str] = []
    (index.root / "index.html").write_text("<a href='uv/'>uv</a>")
    with served(index.root, asked=paths) as url:
        assert answers.pages(url) == "lists its projects"
        assert answers.pages(f"{url}/", "uv") == "has uv"
        refused = answers.answer(lambda: answers.pages(url, "torch"), "look elsewhere")
    assert paths[:2] == ["/", "/uv/"]
    assert (refused.answers, refused.next) == (False, "look elsewhere")
    assert "404" in refused.said
    assert answers.answer(lambda: answers.pages(REFUSED), "").said == "127.0.0.1: Connection refused"
    assert answers.answer(lambda: answers.pages("http://[simple"), "").said == "http://[simple is no URL"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("built")
    NvidiaRepository(directory)
    return directory


@pytest.fixture
def entry(built: Path, tmp_path: Path) -> dict[str, Any]:
    """NVIDIA's repository as `gpu_sources` takes it, at a local one that signs by itself."""
    shutil.copytree(built, tmp_path / "made")
    made = NvidiaRepository(tmp_path / "made")
    key = made.keys["first"]
    mirror = {"url": made.root.as_uri(), "key": (made.root / key.file).as_uri(), "fingerprints": [key.fingerprint]}
    (found,) = used(wish(requests={"device": "gpu"}, sources={"nvidia_cuda": mirror}), "jammy")["nvidia_cuda"]
    assert not isinstance(found.ask, str)
    (given,) = found.ask.args  # type: ignore[attr-defined]
    return dict(given)


def test_a_signed_repository_answers_with_what_it_has(entry: dict[str, Any]) -> None:
    found = answers.answer(lambda: answers.apt(entry), "")
    assert found.answers
    assert found.said.startswith("signed, ")
    assert found.said.endswith(" packages")


def test_a_repository_that_was_altered_does_not_count_as_an_answer(entry: dict[str, Any]) -> None:
    release = Path(entry["uri"].removeprefix("file://"), "InRelease")
    release.write_text(release.read_text().replace("Label: NVIDIA CUDA", "Label: NVIDIA XUDA"))
    found = answers.answer(lambda: answers.apt(entry), "")
    assert found.answers is False
    assert "its signature does not fit its content" in found.said
    assert "mirror" in (found.next or "")


def test_an_empty_mirror_is_told_by_the_file_that_it_lacks(entry: dict[str, Any]) -> None:
    release = Path(entry["uri"].removeprefix("file://"), "InRelease")
    release.unlink()
    found = answers.answer(lambda: answers.apt(entry), "name another")
    assert (found.answers, found.next) == (False, "name another")
    assert str(release) in found.said


def test_a_keyring_that_is_not_here_is_to_be_installed(entry: dict[str, Any]) -> None:
    without = {**entry, "signed_by": "/usr/share/keyrings/nowhere-archive-keyring.gpg"}
    found = answers.answer(lambda: answers.apt(without), "")
    assert found.answers is False
    assert "install nowhere-archive-keyring" in (found.next or "")


def test_checkouts_are_asked_as_git_does(tmp_path: Path) -> None:
    here = tmp_path / "here"
    who = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    subprocess.run(["git", "init", "-q", "-b", "main", here], check=True)
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "x"], cwd=here, check=True)
    checkouts = [{"dest": "/srv/a", "url": str(here)}, {"dest": "/srv/b", "url": f"{here}-not"}]
    local = {"hosts": {"web": {"connection": "local"}}, "repos": {"checkouts": checkouts}}
    there, not_there = used(wish(**local))["repos.checkouts"]
    assert there.use.used_by == ("lock", "repos /srv/a")
    assert asked(there) == Answer(answers=True, said="1 branches and tags")
    lost = asked(not_there)
    assert lost.answers is False
    assert f"git ls-remote {here}-not" in (lost.next or "")
    (elsewhere, _other) = used(wish(**local | {"hosts": {"web": {}}}))["repos.checkouts"]
    assert asked(elsewhere) == Answer(answers=None, said="not asked: it is a path on the host")
