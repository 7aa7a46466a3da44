"""What an index decides: which packages there are, in which versions, and what a lock says of how that is known."""

import itertools
import subprocess
from datetime import date

import pytest

from aimlsetup import catalog
from aimlsetup.catalog.records import Variant
from aimlsetup.errors import AimlsetupError
from aimlsetup.locking import platforms, solving
from aimlsetup.locking.availability import Availability, Index, newest_first
from aimlsetup.locking.decision import Case
from aimlsetup.models.lock import HostClass, Pin
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile
from aimlsetup.solver.problem import Requirement

KNOWN = catalog.load()
TODAY = date(2026, 11, 21)
VERSIONS = [
    "1.0", "1.0-1", "1.0-1~deb12u1", "1.0-1+b1", "1.0~rc1-1", "1:0.9-1", "1.10-1", "1.9-1", "1.0a-1", "1.0+dfsg-1",
    "11.8.89~11.8.0-5~deb12u1", "11.8.89~11.8.0-5", "535.261.03-1", "535.309.01-0+deb12u1", "5.1.5-1+cuda10.0",
    "5.1.5-1+cuda10.1", "2024.1-1", "0-0",
]  # fmt: skip
DISTRO = {
    "nvidia-driver": ["535.261.03-1"],
    "nvidia-kernel-dkms": ["535.261.03-1"],
    "nvidia-open-kernel-dkms": ["535.261.03-1"],
    "libcuda1": ["535.261.03-1"],
    "nvidia-persistenced": ["535.171.04-1~deb12u1"],
    "nvidia-smi": ["535.261.03-1"],
    "nvidia-cuda-toolkit": ["11.8.89~11.8.0-5~deb12u2", "11.8.89~11.8.0-5~deb12u1"],
}
TOOLKIT = "11.8.89~11.8.0-5"


def variant(
    packages: dict[str, str | None], channel: str = "nvidia", distros: tuple[str, ...] = ("ubuntu2204",)
) -> Variant:
    needs = {"channel": [channel], "distro": list(distros), "arch": ["x86_64"]}
    return Variant(needs=needs, packages=packages, source="here")


def available(**packages: list[str]) -> Availability:
    found = {name.replace("_", "-"): versions for name, versions in packages.items()}
    return Availability("ubuntu2204", "x86_64", "generic", live={"nvidia": Index(found, "https://mirror.example /")})


def words(requirement: Requirement) -> frozenset[str]:
    return requirement.versions.words


def test_versions_sort_as_dpkg_compares_them() -> None:
    ordered = newest_first(VERSIONS)
    for newer, older in itertools.combinations(ordered, 2):
        assert subprocess.run(["dpkg", "--compare-versions", newer, "gt", older], check=False).returncode == 0, (
            newer,
            older,
        )
    assert newest_first(["1", "1", "2"]) == ["2", "1"]


def test_what_the_index_has_becomes_exact() -> None:
    asked = variant({"a": "1.2*", "b": None, "c": "3-1"})
    exact, (requirement,) = available(a=["1.3-1", "1.2-2", "1.2-1"], b=["9-1", "8-1"], c=["4-1", "3-1"]).judged(
        "It", asked, "catalog"
    )
    assert exact.packages == {"a": "1.2-2", "b": "9-1", "c": "3-1"}
    assert (words(requirement), requirement.reason.kind) == ({"ubuntu2204"}, "index")
    assert requirement.reason.source == "https://mirror.example /"
    assert "a 1.2-2, b 9-1, c 3-1" in requirement.reason.text


def test_what_the_index_lacks_is_for_other_distributions_alone() -> None:
    asked = variant({"a": "1.2*", "b": None}, distros=("ubuntu2204", "ubuntu2404"))
    _same, (requirement,) = available(a=["1.3-1"], b=["1"]).judged("It 1", asked, "catalog")
    assert words(requirement) == {"ubuntu2404"}
    assert requirement.reason.text == "It 1 is not in NVIDIA's repositories for ubuntu2204: there is no a 1.2*"
    _same, (requirement,) = available().judged("It 1", variant({"a": None}), "catalog")
    assert words(requirement) == frozenset()


@pytest.mark.parametrize(
    "asked",
    [
        variant({"a": "1"}, channel="pip"),
        variant({"a": "1"}, distros=("ubuntu2004",)),
        variant({}),
    ],
    ids=["wheels", "another distribution", "no packages"],
)
def test_what_the_index_says_nothing_of_stays(asked: Variant) -> None:
    assert available().judged("It", asked, "catalog") == (asked, [])


def test_what_was_locked_is_kept_while_it_is_there() -> None:
    found = Index({"a": ["1.2-2", "1.2-1"]}, "there")
    kept = Availability("ubuntu2204", "x86_64", "generic", live={"nvidia": found}, kept={"a": "1.2-1"})
    assert kept.judged("It", variant({"a": "1.2*"}), "catalog")[0].packages == {"a": "1.2-1"}
    gone = Availability("ubuntu2204", "x86_64", "generic", live={"nvidia": found}, kept={"a": "1.2-0"})
    assert gone.judged("It", variant({"a": "1.2*"}), "catalog")[0].packages == {"a": "1.2-2"}


def test_without_an_index_what_was_recorded_counts_and_then_the_catalog() -> None:
    offline = Availability("ubuntu2204", "x86_64", "generic", silent={"nvidia": "mirror.example: no route to host"})
    exact, (requirement,) = offline.judged("It", variant({"cuda-cudart-12-4": None}), "catalog")
    assert exact.packages == {"cuda-cudart-12-4": "12.4.127-1"}
    assert requirement.reason.kind == "index"
    assert "recorded, no index was read (mirror.example: no route to host)" in requirement.reason.text
    assert requirement.reason.source
    assert "NVIDIA's container images" in requirement.reason.source
    exact, (requirement,) = offline.judged("It", variant({"never-seen": "1*"}), "a page")
    assert exact.packages == {"never-seen": "1*"}
    assert (requirement.reason.kind, requirement.reason.source) == ("fact", "a page")


def solve(requests: dict[str, object], found: Availability, old: HostClass | None = None) -> Case:
    profile = Profile.model_validate({"hosts": {"host": {}}, "requests": {"device": "gpu", **requests}, "sections": {}})
    facts = {"release": {"id": "debian", "version": "12"}, "arch": "x86_64", "gpus": [{"id": "10de:2684"}]}
    platform = platforms.platform("host", Observation(version=1, facts=facts), profile, KNOWN)
    return solving.solved(Case(profile, platform, ["host"], KNOWN, old, available=found), TODAY)


def bookworm(**packages: list[str]) -> Availability:
    found = DISTRO | {name.replace("_", "-"): versions for name, versions in packages.items()}
    return Availability("debian12", "x86_64", "amd64", live={"distro": Index(found, "http://mirror.example bookworm")})


def test_pins_are_what_the_index_has_and_say_so() -> None:
    pins = solving.pins(solve({"cuda": "11.8", "channel": "distro"}, bookworm()).solution)
    assert pins["cuda"].packages == {"nvidia-cuda-toolkit": f"{TOOLKIT}~deb12u2"}
    assert {pins["driver"].packages[name] for name in ("nvidia-driver", "nvidia-kernel-dkms")} == {"535.261.03-1"}
    assert pins["driver"].packages["nvidia-persistenced"] == "535.171.04-1~deb12u1"
    for name in ("cuda", "driver"):
        indexes = [reason for reason in pins[name].because if reason.kind == "index"]
        assert [reason.source for reason in indexes] == ["http://mirror.example bookworm"]


def test_a_release_that_the_index_has_in_place_of_the_first_choice() -> None:
    older = {"nvidia-driver": [], "nvidia-kernel-dkms": [], "nvidia-open-kernel-dkms": []}
    names = ("nvidia-tesla-535-driver", "nvidia-tesla-535-kernel-dkms")
    found = bookworm(**older, **{name: ["535.216.03-3~deb12u1"] for name in names})
    pins = solving.pins(solve({"cuda": "11.8", "channel": "distro"}, found).solution)
    assert (pins["driver"].version, pins["flavour"].version) == ("535.216.03", "proprietary")
    assert pins["driver"].packages == dict.fromkeys(names, "535.216.03-3~deb12u1")


def test_a_wish_that_no_index_carries_has_no_solution() -> None:
    with pytest.raises(AimlsetupError) as caught:
        solve({"cuda": "11.8", "channel": "distro"}, bookworm(nvidia_cuda_toolkit=["12.0-1"]))
    text = str(caught.value)
    assert caught.value.exit_code == 4
    assert "CUDA 11.8 is not packaged for debian12" in text
    assert f"is not in the distribution for debian12: there is no nvidia-cuda-toolkit {TOOLKIT}*" in text
    assert "http://mirror.example bookworm" in text


def test_the_next_lock_keeps_the_packages_of_the_last() -> None:
    pins = {"cuda": Pin(version="11.8", because=[], packages={"nvidia-cuda-toolkit": f"{TOOLKIT}~deb12u1"})}
    old = HostClass(hosts=["host"], platform={}, pins=pins, components={})
    assert Case(*[None] * 4, old).kept_packages == {"nvidia-cuda-toolkit": f"{TOOLKIT}~deb12u1"}  # type: ignore[arg-type]
    assert Case(*[None] * 4, old, upgrade=True).kept_packages == {}  # type: ignore[arg-type]
