"""Presets name what the catalog has."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from aimlsetup import catalog, files
from aimlsetup.catalog import presets
from aimlsetup.catalog.records import Need
from aimlsetup.errors import AimlsetupError
from aimlsetup.solver.versions import Versions

KNOWN = catalog.load()
PRESETS = presets.load()
PARTS = ("cuda", "cudnn", "tensorrt")


def test_those_that_users_know_are_there() -> None:
    """The three values of BUILD_FOR_CUDA_VER, and the stacks that are asked for by name."""
    assert {"cuda-9.0", "cuda-10.0", "cuda-10.2", "cpu", "tensorflow-current", "pytorch-current"} <= set(PRESETS)
    training = PRESETS["mask-rcnn-training-cuda-10.0"].requests
    assert (training.framework, training.cuda, training.tensorrt) == ({"tensorflow": "==1.13.1"}, "10.0", "5.1.5")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_says_its_device_and_what_it_is(name: str) -> None:
    preset = PRESETS[name]
    assert "device" in preset.requests.model_fields_set
    assert len({preset.title, preset.description, name}) == 3
    assert "\n" not in preset.title + preset.description


@pytest.mark.parametrize("name", PRESETS)
def test_versions_wished_for_are_known(name: str) -> None:
    requests = PRESETS[name].requests
    for framework, wish in requests.framework.items():
        assert some(framework_versions(framework), wish)
    for part in PARTS:
        assert some([release.version for release in KNOWN.parts[part].releases], getattr(requests, part))


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.requests.framework])
def test_a_build_of_the_framework_has_the_cuda_and_cudnn_wished_for(name: str) -> None:
    requests = PRESETS[name].requests
    for framework, wish in requests.framework.items():
        releases = [item for item in KNOWN.frameworks[framework].releases if some([item.version], wish)]
        needs = [build.needs for release in releases for build in release.builds]
        assert any(all(agree(need.get(part), getattr(requests, part), part) for part in PARTS) for need in needs)


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.packages])
def test_packages_go_with_the_framework(name: str) -> None:
    """Some version of Keras is within the preset's own wish and within what TensorFlow's release goes with."""
    preset = PRESETS[name]
    version = str(preset.requests.framework["tensorflow"]).removeprefix("==")
    rules = [rule for rule in KNOWN.frameworks["tensorflow"].rules if version in SpecifierSet(rule.versions)]
    for line in map(Requirement, preset.packages):
        bound = SpecifierSet(",".join(rule.requires[line.name] for rule in rules if line.name in rule.requires))
        assert str(bound)
        assert any(known in bound & line.specifier for known in ("2.2.2", "2.2.3", "2.2.4", "2.3.1"))


@pytest.mark.parametrize(
    ("requests", "packages", "message"),
    [
        ("{cdua: '10.0'}", "[]", "cdua"),
        ("{cuda: 10.0}", "[]", "cuda"),
        ("{}", "['keras=2']", "a requirement is expected, such as 'keras==2.2.4'"),
    ],
)
def test_a_mistake_names_its_place(requests: str, packages: str, message: str) -> None:
    text = (
        f"presets:\n  mine: {{title: x, description: y, source: someone, requests: {requests}, packages: {packages}}}"
    )
    with pytest.raises(AimlsetupError, match=rf"(?s)x\.yml:2:\d+.*{message}"):
        files.check(files.parse(text, Path("x.yml")), presets.Presets, "catalog")


def framework_versions(framework: str) -> list[str]:
    return [release.version for release in KNOWN.frameworks[framework].releases]


def some(versions: list[str], wish: object) -> bool:
    return wish is None or any(version in Versions.matching(str(wish)) for version in versions)


def agree(need: Need | None, wish: object, part: str) -> bool:
    """Whether a known version of the part is within a build's need and a wish."""
    alternatives = [need] if isinstance(need, str) else need or [""]
    versions = [release.version for release in KNOWN.parts[part].releases]
    return any(
        some([version], wish) and any(version in SpecifierSet(item) for item in alternatives) for version in versions
    )
