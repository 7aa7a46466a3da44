"""What apt's files are to say, against what its files are read to say."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup import content

aptplan, aptsources = content.util("aptplan"), content.util("aptsources")

FINGERPRINT = "EB69 3B30 35CD 5710 E231  E123 A4B4 6996 3BF8 63CC"
KEY = {"url": "https://repo.example/key.pub", "path": None, "fingerprints": [FINGERPRINT]}
NVIDIA: Mapping[str, Any] = {
    "name": "nvidia_cuda", "uri": "https://repo.example/cuda/repos/debian12/x86_64", "suites": ["/"], "components": [],
    "architectures": ["amd64"], "key": KEY, "signed_by": None,
}  # fmt: skip
DEBIAN: Mapping[str, Any] = {
    "name": "debian", "uri": "http://deb.example/debian", "suites": ["bookworm", "bookworm-updates"],
    "components": ["main", "contrib", "non-free"], "architectures": [], "key": None, "signed_by": "/keys/debian.gpg",
}  # fmt: skip
PIN: Mapping[str, Any] = {"packages": ["libnvinfer5"], "version": "5.1.5-1+cuda10.0", "pin": None, "priority": 1001}


def there(text: str, file: str = "/etc/apt/sources.list") -> list[dict[str, Any]]:
    """Sources as `aptsources.entries` gives them, from lines of a list."""
    return [
        {"file": file, "line": entry["line"], "uri": uri.rstrip("/"), "suite": suite,
         "components": entry["components"], "signed_by": entry["signed_by"]}
        for entry in aptsources.parse_one_line(text) for uri in entry["uris"] for suite in entry["suites"]
    ]  # fmt: skip


WRONG = {
    "two of a name": ([NVIDIA, {**DEBIAN, "name": "nvidia_cuda"}], [], "two repositories are called nvidia_cuda"),
    "two of a place": ([NVIDIA, {**NVIDIA, "name": "again"}], [], "are the same repository"),
    "path in a name": ([{**NVIDIA, "name": "../x"}], [], "lower-case letters"),
    "line break": ([{**NVIDIA, "uri": "https://x/\nTrusted: yes"}], [], "is no URL"),
    "space": ([{**DEBIAN, "suites": ["a b"]}], [], "has a space"),
    "no URL": ([{**NVIDIA, "uri": "here"}], [], "is no URL"),
    "option for a key": ([{**NVIDIA, "key": {**KEY, "url": "-oDir=/"}}], [], "is no URL"),
    "control character": ([{**DEBIAN, "components": ["a\tb"]}], [], "control character"),
    "flat with components": ([{**NVIDIA, "components": ["main"]}], [], "a flat suite"),
    "suite without": ([{**DEBIAN, "components": []}], [], "a flat suite"),
    "no key": ([{**NVIDIA, "key": None}], [], "expected one of key and signed_by"),
    "short id": ([{**NVIDIA, "key": {**KEY, "fingerprints": ["3bf863cc"]}}], [], "no full fingerprint"),
    "no fingerprint": ([{**NVIDIA, "key": {**KEY, "fingerprints": []}}], [], "no fingerprint"),
    "pin twice": ([], [{**PIN, "pin": "release a=b"}], "expected one of version and pin"),
    "pin of nothing": ([], [{**PIN, "packages": []}], "pin of nothing"),
    "line break in a pin": ([], [{**PIN, "version": "1\nPin-Priority: 1"}], "line breaks"),
    "space in a package": ([], [{**PIN, "packages": ["a b"]}], "no name of a package"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(case: str) -> None:
    repositories, pins, why = WRONG[case]
    assert why in "\n".join(aptplan.problems(repositories, pins))


def test_what_is_right() -> None:
    assert aptplan.problems([NVIDIA, DEBIAN], [PIN, {**PIN, "version": None, "pin": "release l=NVIDIA CUDA"}]) == []


@pytest.mark.parametrize(
    "line",
    [
        "deb https://repo.example/cuda/repos/debian12/x86_64 /",
        "deb http://repo.example/cuda/repos/debian12/x86_64/ /",
        "deb [signed-by=/usr/share/keyrings/cuda.gpg] https://repo.example/cuda/repos debian12/x86_64/",
    ],
)
def test_one_repository_however_it_is_written(line: str) -> None:
    [said] = aptplan.owners([NVIDIA], there(f"# mine\n{line}\n", "/etc/apt/sources.list.d/cuda.list"))
    assert said.startswith("/etc/apt/sources.list.d/cuda.list:2 names http")
    assert ("signed by /usr/share/keyrings/cuda.gpg" in said) == ("signed-by" in line)


@pytest.mark.parametrize(
    "line",
    ["deb https://repo.example/cuda/repos/debian12/sbsa /", "deb https://repo.example/cuda/repos/debian12/x86_64 x y"],
)
def test_another_repository(line: str) -> None:
    assert aptplan.owners([NVIDIA], there(line)) == []


def test_an_archive_is_shared_with_its_own_lists() -> None:
    sources = there("deb http://deb.example/debian bookworm main")
    assert aptplan.owners([DEBIAN], sources) == []


def test_only_what_the_hosts_lists_lack_is_added_signed_as_they_say() -> None:
    sources = there(
        "deb http://deb.example/debian bookworm main contrib\n"
        "deb [signed-by=/keys/mine.gpg] http://deb.example/debian bookworm-updates main contrib non-free\n"
    )
    [stanza] = aptplan.stanzas(DEBIAN, sources, "/keys/own.gpg")
    assert (stanza["Suites"], stanza["Components"], stanza["Signed-By"]) == ("bookworm", "non-free", "")
    [stanza] = aptplan.stanzas({**DEBIAN, "suites": ["bookworm-updates"], "components": ["x"]}, sources, "")
    assert stanza["Signed-By"] == "/keys/mine.gpg"


def test_an_archive_that_no_list_names() -> None:
    [stanza] = aptplan.stanzas(DEBIAN, [], "/keys/own.gpg")
    assert (stanza["Suites"], stanza["Signed-By"]) == ("bookworm bookworm-updates", "/keys/debian.gpg")


def test_nothing_is_lacking() -> None:
    sources = there("deb http://deb.example/debian bookworm main contrib non-free")
    found = aptplan.stanzas({**DEBIAN, "suites": ["bookworm"]}, sources, "/keys/own.gpg")
    assert aptplan.written(found) == ""


WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).filter(lambda text: text[0] != "#")


@given(uri=WORDS, components=st.lists(WORDS, min_size=1), keyring=WORDS)
def test_what_is_written_is_what_is_read(uri: str, components: list[str], keyring: str) -> None:
    repository = {**NVIDIA, "uri": "x:" + uri, "suites": ["stable"], "components": components}
    assert aptplan.problems([repository], []) == []
    [read] = aptsources.parse_deb822(aptplan.written(aptplan.stanzas(repository, [], keyring)))
    assert read["uris"] == ["x:" + uri]
    assert (read["suites"], read["components"], read["signed_by"]) == (["stable"], components, keyring)


def test_a_key_in_the_file_itself_is_taken_over() -> None:
    inline = "\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n.\nabc\n-----END PGP PUBLIC KEY BLOCK-----"
    sources = [{**there("deb http://deb.example/debian bookworm main")[0], "signed_by": inline}]
    text = aptplan.written(aptplan.stanzas({**DEBIAN, "suites": ["bookworm"]}, sources, ""))
    assert aptsources.parse_deb822(text)[0]["signed_by"] == inline


def test_preferences() -> None:
    pins = [{**PIN, "packages": ["libnvinfer5", "libnvinfer-dev"]}, {**PIN, "version": None, "pin": "release l=A B"}]
    assert aptplan.preferences(pins) == aptplan.HEADER + (
        "Package: libnvinfer5 libnvinfer-dev\nPin: version 5.1.5-1+cuda10.0\nPin-Priority: 1001\n"
        "\n"
        "Package: libnvinfer5\nPin: release l=A B\nPin-Priority: 1001\n"
    )
    assert aptplan.preferences([]) == ""


def test_retired_keys_leave_others_in_their_file_and_files_that_are_used() -> None:
    old, new = "A" * 32 + "7FA2AF80", "B" * 40
    rings = {"/alone": {old: b"old"}, "/mixed": {old: b"old", new: b"new"}, "/new": {new: b"new"}, "/used": {old: b"o"}}
    assert aptplan.retired(rings, ["7fa2af80"], {"/used"}) == {"/alone": b"", "/mixed": b"new"}
    assert aptplan.retired(rings, [], set()) == {}
