"""`aimlsetup explain` without any host: from a lock, and solved now for a GPU and a distribution by name."""

import json
from typing import Any

import pytest

from aimlsetup import files
from aimlsetup.models.lock import HostClass, Lock, Pin, Reason

from .conftest import Cli

ADA = ("--gpu", "RTX 4090", "--distro", "ubuntu2204")
LOCK = Lock(
    profile="sha256:0",
    classes={
        "ubuntu-22.04-x86_64": HostClass(
            hosts=["web"],
            platform={},
            gpus={"web": "compute capability 8.9"},
            pins={
                "py_3.cuda": Pin(
                    version="12.3",
                    packages={"cuda-toolkit-12-3": "12.3.2-1"},
                    because=[
                        Reason(
                            kind="fact", text="tensorflow 2.17.1 needs CUDA ==12.3.*", source="S", pin="py_3.tensorflow"
                        ),
                        Reason(kind="fact", text="CUDA 12.3 is the first choice that fits", source="S"),
                    ],
                ),
                "py_3.tensorflow": Pin(
                    version="2.17.1",
                    because=[
                        Reason(kind="wish", text="requests.framework.tensorflow: tensorflow==2.17.*"),
                        Reason(kind="fact", text="wheels for Python 3.9 to 3.12", source="W"),
                    ],
                ),
            },
            components={},
        )
    },
)


@pytest.fixture
def locked(cli: Cli) -> Cli:
    """A directory with that lock, whose host nobody can reach."""
    cli.profile({"web": {"address": "192.0.2.1"}})
    (cli.directory / "aimlsetup.lock.yml").write_text(files.dump(LOCK.model_dump(mode="json")))
    return cli


def test_a_pin_of_the_lock_is_followed_to_its_ends(locked: Cli) -> None:
    assert locked.done("explain", "cuda").splitlines() == [
        "ubuntu-22.04-x86_64: web; compute capability 8.9",
        "py_3.cuda 12.3",
        "│  packages: cuda-toolkit-12-3 12.3.2-1",
        "├─ known    tensorflow 2.17.1 needs CUDA ==12.3.*",
        "│           S",
        "│  └─ wished   requests.framework.tensorflow: tensorflow==2.17.*",
        "└─ known    CUDA 12.3 is the first choice that fits",
        "",
    ]


def test_a_profile_that_has_changed_since_is_told(locked: Cli) -> None:
    assert "has changed since it was locked; this is the lock" in locked("explain", "cuda")[2]


def test_without_a_name_every_pin_is_shown(locked: Cli) -> None:
    shown = locked.done("explain")
    assert [line.split()[:2] for line in shown.splitlines()[1:]] == [
        ["py_3.cuda", "12.3"],
        ["py_3.tensorflow", "2.17.1"],
    ]


def test_json_has_what_a_pin_leads_to(locked: Cli) -> None:
    document = json.loads(locked.done("explain", "py_3.cuda", "--json"))
    assert (document["version"], document["kind"]) == (1, "explanation")
    found = document["classes"]["ubuntu-22.04-x86_64"]
    assert found["asked"] == ["py_3.cuda"]
    assert sorted(found["pins"]) == ["py_3.cuda", "py_3.tensorflow"]
    assert found["pins"]["py_3.cuda"]["because"][0]["pin"] == "py_3.tensorflow"


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_an_unknown_pin_names_the_nearest(locked: Cli, arguments: tuple[str, ...]) -> None:
    code, output, said = locked("explain", "cudda", *arguments)
    assert code == 2
    assert "the nearest: cuda" in said
    assert not arguments or json.loads(output)["ref"] == "pin-unknown"


def test_without_profile_or_host_the_asked_pin_is_solved_for(cli: Cli) -> None:
    shown = cli.done("explain", "cudnn", *ADA)
    assert "GeForce RTX 4090 (10de:2684, compute capability 8.9)" in shown
    assert "wished   requests.cudnn" in shown
    assert "packages: " in shown


@pytest.mark.parametrize("width", [80, 120])
def test_a_screen_is_as_wide_as_the_terminal(cli: Cli, width: int) -> None:
    cli.more["COLUMNS"] = str(width)
    for arguments in (("explain", "tensorflow"), ("explain", "--why-not", "tensorflow==1.13.1")):
        _code, output, _said = cli(*arguments, *ADA)
        assert 30 < max(map(len, output.splitlines())) <= width


def test_why_not_shows_the_conflict(cli: Cli) -> None:
    code, output, said = cli("explain", "--why-not", "tensorflow==1.13.1", *ADA)
    words = " ".join(output.split())
    assert (code, said) == (4, "")
    assert "CUDA 10.0 cannot drive GeForce RTX 4090 (compute capability 8.9 needs CUDA >= 11.8)" in words
    assert "instead: ask for tensorflow 2.12.0 instead of 'requests.framework.tensorflow: tensorflow==1.13.1'" in words


def test_why_not_against_a_wish_of_the_profile(cli: Cli) -> None:
    cli.profile({"web": {}}, requests={"device": "gpu", "cuda": "12.3"})
    code, output, _said = cli("explain", "--why-not", "cuda=11.8", *ADA)
    assert code == 4
    assert "wished: requests.cuda: 12.3" in output
    assert "wished: asked: cuda 11.8" in output


def test_why_not_against_a_wish_that_the_catalog_has_no_releases_of(cli: Cli) -> None:
    requests = {"device": "gpu", "framework": {"tensorflow": "2.17"}, "keras": "3.4"}
    cli.profile({"web": {}}, components=["python_env"], requests=requests, python_env={"envs": [{"name": "py_3"}]})
    code, output, _said = cli("explain", "--why-not", "keras==3.5", *ADA)
    assert (code, "wished: asked: keras==3.5" in output) == (4, True)


def test_a_framework_where_no_environment_is_chosen(cli: Cli) -> None:
    cli.profile({"web": {}}, components=["base"])
    document = json.loads(cli.done("explain", "--why-not", "tensorflow==2.17.1", "--json", *ADA))
    assert change(document, "env.tensorflow") == (None, "2.17.1")


def change(document: dict[str, Any], pin: str) -> tuple[str | None, str | None]:
    (found,) = document["classes"].values()
    assert (found["solved"], found["refusal"]) == (True, None)
    return next((row["before"], row["after"]) for row in found["changes"] if row["pin"] == pin)


def test_what_would_do_says_what_it_changes(cli: Cli) -> None:
    envs = {"envs": [{"name": "py_3"}]}
    requests = {"device": "gpu", "framework": {"tensorflow": None}}
    cli.profile({"web": {}}, components=["python_env"], requests=requests, python_env=envs)
    document = json.loads(cli.done("explain", "--why-not", "tensorflow==2.17.1", "--json", *ADA))
    assert (document["version"], document["kind"]) == (1, "alternative")
    before, after = change(document, "py_3.cuda")
    assert (before, after) == ("12.5", "12.3")
    assert "would do; then:" in cli.done("explain", "--why-not", "tensorflow==2.17.1", *ADA)
    assert "nothing else would change" in cli.done("explain", "--why-not", "channel=pip", *ADA)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--why-not", "cuda=="), "a version or specifiers"),
        (("--why-not", "emacs"), "expected: one of channel, cuda"),
        (("--why-not", "channel=snap"), "nvidia or distro or pip"),
        (("cuda", "--why-not", "cuda"), "not both at once"),
        (("--gpu", "RTX 4091"), "GeForce RTX 4090"),
        (("--gpu", "GT 730"), "10de:0f06"),
        (("--distro", "fedora"), "ubuntu2204"),
        ((), "aimlsetup.yml"),
    ],
)
def test_bad_input(cli: Cli, arguments: tuple[str, ...], words: str) -> None:
    code, output, said = cli("explain", *arguments)
    assert (code, output) == (2, "")
    assert words in said
    assert "Traceback" not in said
