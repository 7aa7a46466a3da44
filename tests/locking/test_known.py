"""Every package that a preset's lock names was once seen in an index, or is a fact that says where it was read."""

from collections import Counter
from datetime import date
from functools import cache

import pytest

from aimlsetup import catalog
from aimlsetup.catalog import presets, recorded
from aimlsetup.catalog.records import Release
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import platforms, solving
from aimlsetup.locking.availability import Availability
from aimlsetup.locking.decision import Case
from aimlsetup.locking.presets import filled
from aimlsetup.locking.stack.facts import word
from aimlsetup.models.lock import Pin
from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Profile

KNOWN = catalog.load()
TODAY = date(2026, 11, 21)
GPUS = {"GTX 1080 Ti": "1b06", "RTX 4090": "2684", "RTX 5090": "2b85"}
CHANNELS = (None, "nvidia", "distro")
NAMES = [name for name, preset in presets.load().items() if preset.requests.device == "gpu"]


@cache
def without_index(distro: str) -> Availability:
    return Availability(distro, "x86_64", "generic", silent=dict.fromkeys(("nvidia", "distro"), "a test"))


def solutions(preset: str) -> list[tuple[Release, dict[str, Pin]]]:
    """What a preset comes to on every distribution, GPU and channel that it has a solution on, without any index."""
    found = []
    for release in KNOWN.releases:
        available = without_index(word(release))
        for device in GPUS.values():
            for channel in CHANNELS:
                requests = {"channel": channel} if channel else {}
                sections = {"python_env": {"envs": [{"name": "py_3"}]}}
                given = {"preset": preset, "hosts": {"host": {}}, "requests": requests, "sections": sections}
                profile = filled(Profile.model_validate(given))
                facts = {
                    "release": {"id": release.id, "version": release.version},
                    "arch": "x86_64",
                    "cpu": {"flags": ["avx"]},
                    "gpus": [{"id": f"10de:{device}"}],
                }
                observed = Observation(version=1, facts=facts)
                platform = platforms.platform("host", observed, profile, KNOWN, described=True)
                case = Case(profile, platform, ["host"], KNOWN, available=available)
                try:
                    found.append((release, solving.pins(solving.solved(case, TODAY).solution)))
                except AimlsetupError as error:
                    if error.exit_code != Exit.NO_SOLUTION:
                        raise
    return found


@pytest.mark.parametrize("preset", NAMES)
def test_every_package_of_a_preset_is_recorded_or_a_sourced_fact(preset: str) -> None:
    kinds: Counter[str] = Counter()
    for release, pins in solutions(preset):
        seen = recorded.index(word(release), "x86_64")
        for name, pin in pins.items():
            if not pin.packages:
                continue
            told = [reason for reason in pin.because if "no index was read (a test)" in reason.text]
            (reason,) = told or pytest.fail(f"{name} of {word(release)} does not say how it is known")
            assert reason.source
            kinds[reason.kind] += 1
            if reason.kind == "index":
                for package, version in pin.packages.items():
                    assert version in seen.versions(package), (word(release), name)
    assert kinds.total(), "no solution has a package from apt"
    print(f"{preset}: {kinds['index']} pins in a recorded index, {kinds['fact']} sourced facts")
