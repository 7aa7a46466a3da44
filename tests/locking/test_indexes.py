"""apt's indexes as a lock reads them: real signatures and digests, from folders and over http, and Debian's own."""

import dataclasses
import functools
import gzip
import hashlib
import http.server
import lzma
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aimlsetup import catalog
from aimlsetup.catalog import Catalog
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import archive, channels, fetch, platforms, solving
from aimlsetup.locking.archive import Place
from aimlsetup.locking.availability import Availability
from aimlsetup.locking.decision import Case
from aimlsetup.locking.fetch import Silent
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile
from tests.gpu.nvidia_repository import NvidiaRepository

NOW = datetime.now(UTC)
NVIDIA = "3bf863cc"  # the key's name in the catalog, and the file beside the packages
DISTRO = ("debian", "debian_security", "ubuntu", "ubuntu_ports")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("built")
    NvidiaRepository(directory)
    return directory


@pytest.fixture
def made(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NvidiaRepository:
    """A repository of this test alone, signed by `first`, whose key lies where NVIDIA's does; and no cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    shutil.copytree(built, tmp_path / "made")
    found = NvidiaRepository(tmp_path / "made")
    shutil.copy(found.root / found.keys["first"].file, found.root / f"{NVIDIA}.pub")
    return found


@functools.cache
def expecting(fingerprint: str) -> Catalog:
    """The catalog with another fingerprint for NVIDIA's key."""
    known = catalog.load()
    key = known.keys[NVIDIA].model_copy(update={"fingerprint": fingerprint})
    return dataclasses.replace(known, keys={**known.keys, NVIDIA: key})


def case(known: Catalog, sources: dict[str, str], release: tuple[str, str] = ("ubuntu", "22.04")) -> Case:
    elsewhere = dict.fromkeys((*DISTRO, "nvidia_cuda", "nvidia_machine_learning"), "file:///nowhere")
    profile = Profile.model_validate(
        {
            "hosts": {"host": {}},
            "requests": {"device": "gpu", "cuda": "11.8", "channel": "nvidia"},
            "sources": elsewhere | sources,
            "sections": {},
        }
    )
    facts = {"release": {"id": release[0], "version": release[1]}, "arch": "x86_64", "gpus": [{"id": "10de:2684"}]}
    platform = platforms.platform("host", Observation(version=1, facts=facts), profile, known)
    return Case(profile, platform, ["host"], known)


def asked(made: NvidiaRepository, url: str | None = None) -> Availability:
    known = expecting(made.keys["first"].fingerprint)
    return channels.availability(case(known, {"nvidia_cuda": url or made.root.as_uri()}))


@contextmanager
def served(root: Path) -> Iterator[tuple[str, list[str]]]:
    """(its URL, what was asked for) of a folder over http."""
    paths: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            del format, args
            paths.append(self.path)

    handler = functools.partial(Handler, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


def compressed(made: NvidiaRepository, ending: str, pack: Callable[[bytes], bytes]) -> None:
    """Leave the index in this packing alone, and sign that."""
    (made.root / f"Packages{ending}").write_bytes(pack((made.root / "Packages").read_bytes()))
    (made.root / "Packages").unlink()
    made.sign("first")


def test_a_signed_repository_says_what_there_is(made: NvidiaRepository) -> None:
    found = asked(made)
    index = found.live["nvidia"]
    assert index.packages["cuda-toolkit-11-8"] == ["11.8.0-1"]
    assert len(index.packages["libnvinfer8"]) > 1
    assert index.source == f"{made.root.as_uri()} /"
    assert "nowhere" in found.silent["distro"] or "is not on this machine" in found.silent["distro"]


def test_a_lock_pins_what_the_repository_has(made: NvidiaRepository) -> None:
    known = expecting(made.keys["first"].fingerprint)
    (found,) = channels.asked({"x": case(known, {"nvidia_cuda": made.root.as_uri()})}).values()
    pins = solving.pins(solving.solved(found, NOW.date()).solution)
    assert pins["cuda"].packages == {"cuda-toolkit-11-8": "11.8.0-1"}
    assert all(version and "*" not in version for version in pins["driver"].packages.values())
    assert made.root.as_uri() in str(pins["cuda"].because)


@pytest.mark.parametrize(("ending", "pack"), [(".xz", lzma.compress), (".gz", gzip.compress)])
def test_a_packed_index_is_fetched_once(made: NvidiaRepository, ending: str, pack: Callable[[bytes], bytes]) -> None:
    compressed(made, ending, pack)
    with served(made.root) as (url, paths):
        assert asked(made, url).live["nvidia"].packages["cuda-toolkit-11-8"]
        assert asked(made, url).live["nvidia"].packages["cuda-toolkit-11-8"]
    assert paths.count(f"/Packages{ending}") == 1
    assert paths.count("/InRelease") == 2


@pytest.mark.parametrize("signer", ["second", "retired"])
def test_another_key_is_not_believed(made: NvidiaRepository, signer: str) -> None:
    made.sign(signer)
    with pytest.raises(AimlsetupError, match="it is signed with") as caught:
        asked(made)
    assert (caught.value.ref, caught.value.exit_code) == ("index-signature", 1)
    assert made.keys["first"].fingerprint in str(caught.value)


def test_another_key_in_the_place_of_the_expected_one_is_refused(made: NvidiaRepository) -> None:
    shutil.copy(made.root / made.keys["second"].file, made.root / f"{NVIDIA}.pub")
    made.sign("second")
    with pytest.raises(AimlsetupError, match="not the expected one") as caught:
        asked(made)
    assert made.keys["first"].fingerprint in str(caught.value)


def test_a_release_that_was_altered_is_refused(made: NvidiaRepository) -> None:
    signed = (made.root / "InRelease").read_text()
    (made.root / "InRelease").write_text(signed.replace("Label: NVIDIA CUDA", "Label: NVIDIA XUDA"))
    with pytest.raises(AimlsetupError, match="does not fit its content"):
        asked(made)


def test_what_stands_beside_the_signed_part_is_not_read(made: NvidiaRepository) -> None:
    packages = made.root / "Packages"
    packages.write_bytes(packages.read_bytes().replace(b"Version: 11.8.0-1", b"Version: 11.8.9-9"))
    digest = hashlib.sha256(packages.read_bytes()).hexdigest()
    release = made.root / "InRelease"
    release.write_text(f"SHA256:\n {digest} {packages.stat().st_size} Packages\n\n{release.read_text()}")
    with pytest.raises(AimlsetupError) as caught:
        asked(made)
    assert caught.value.ref in ("index-tampered", "index-signature")


def test_an_unsigned_repository_is_refused(made: NvidiaRepository) -> None:
    shutil.copy(made.root / "Release", made.root / "InRelease")
    with pytest.raises(AimlsetupError, match="it is not signed"):
        asked(made)


def test_an_index_that_was_altered_is_refused(made: NvidiaRepository) -> None:
    packages = made.root / "Packages"
    packages.write_bytes(packages.read_bytes().replace(b"Version: 11.8.0-1", b"Version: 11.8.9-9"))
    with pytest.raises(AimlsetupError, match="Packages is not what the signed InRelease says") as caught:
        asked(made)
    assert caught.value.ref == "index-tampered"


def test_an_expired_index_is_refused(made: NvidiaRepository) -> None:
    made.sign("first", valid_until=NOW - timedelta(days=2))
    with pytest.raises(AimlsetupError, match="was valid until") as caught:
        asked(made)
    assert caught.value.ref == "index-expired"
    made.sign("first", valid_until=NOW + timedelta(days=2))
    assert asked(made).live["nvidia"]


@pytest.mark.parametrize("gone", ["InRelease", "Packages", f"{NVIDIA}.pub"])
def test_what_is_not_there_leaves_what_was_recorded(made: NvidiaRepository, gone: str) -> None:
    (made.root / gone).unlink()
    with served(made.root) as (url, _paths):
        found = asked(made, url)
    assert "nvidia" not in found.live
    assert gone in found.silent["nvidia"]
    assert "404" in found.silent["nvidia"]


def test_nobody_answers(made: NvidiaRepository) -> None:
    found = asked(made, "http://127.0.0.1:9/repository")
    assert found.live == {}
    assert found.silent["nvidia"] == "127.0.0.1: Connection refused"


def test_more_than_was_announced_is_not_read(made: NvidiaRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Silent, match="not within"):
        fetch.fetch((made.root / "Packages").as_uri(), 100)
    monkeypatch.setattr(archive, "UNPACKED_BYTES", 100)
    assert "more than 100 bytes" in asked(made).silent["nvidia"]


def test_only_named_ways_are_taken() -> None:
    with pytest.raises(Silent, match="none of http, https, file"):
        fetch.fetch("ftp://mirror.example/InRelease", 100)


def test_credentials_are_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    seen: list[str | None] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_error(403)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(Silent, match="403") as caught:
            fetch.fetch(f"http://127.0.0.1:{server.server_port}/x", 100)
        server.shutdown()
    assert seen == ["Basic bWU6c2VjcmV0"]
    assert "secret" not in str(caught.value)


def test_files_that_nobody_asks_for_any_more_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "file").write_bytes(b"content")
    digest = hashlib.sha256(b"content").hexdigest()
    assert fetch.fetch_exact((tmp_path / "file").as_uri(), 7, digest) == b"content"
    kept = fetch.cache_home() / digest
    kept.write_bytes(b"altered")  # what is kept is checked again
    assert fetch.fetch_exact((tmp_path / "file").as_uri(), 7, digest) == b"content"
    monkeypatch.setattr(fetch, "KEPT_DAYS", -1)
    other = hashlib.sha256(b"").hexdigest()
    (tmp_path / "empty").write_bytes(b"")
    assert fetch.fetch_exact((tmp_path / "empty").as_uri(), 0, other) == b""
    assert not kept.exists()


def test_a_suite_of_a_pool_is_found_where_apt_finds_it() -> None:
    folders = ("non-free/binary-amd64/",)
    assert Place("http://x/debian/", "bookworm", folders, b"").base == "http://x/debian/dists/bookworm/"
    assert Place("http://x/repo", "/", ("",), b"").base == "http://x/repo/"
    assert Place("http://x/repo", "sub/", ("",), b"").base == "http://x/repo/sub/"


@pytest.mark.network
@pytest.mark.parametrize(("version", "toolkit"), [("12", "11.8.89~11.8.0-5"), ("13", "12.4.131~12.4.1-2")])
def test_debians_own_index(version: str, toolkit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the catalog says of Debian is there now, signed by Debian."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    known = catalog.load()
    sources = {name: known.sources[name].url or "" for name in DISTRO}
    wished = case(known, sources, ("debian", version))
    requests = wished.profile.requests.model_copy(update={"cuda": toolkit.split("~")[1][:4], "channel": "distro"})
    wished = dataclasses.replace(wished, profile=wished.profile.model_copy(update={"requests": requests}))
    (found,) = channels.asked({"x": wished}).values()
    assert found.available
    assert found.available.silent.keys() == {"nvidia"}
    pins = solving.pins(solving.solved(found, NOW.date()).solution)
    (package,) = pins["cuda"].packages.items()
    assert package[0] == "nvidia-cuda-toolkit"
    assert (package[1] or "").startswith(toolkit)
    assert any(reason.kind == "index" for reason in pins["driver"].because)
