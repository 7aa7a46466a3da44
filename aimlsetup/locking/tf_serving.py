"""What the lock decides for `tf_serving`: the repository it comes from, and which build of it the CPU can run."""

from typing import Any

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import repositories
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.locking.platforms import Platform
from aimlsetup.locking.stack.facts import word

COMPONENT = "tf_serving"
SOURCE = "tensorflow_serving"
PACKAGE = "tensorflow-model-server"


def decide(case: Case) -> Decided:
    """The one repository, and the build for CPUs without AVX where the host has one of these."""
    arguments: dict[str, Any] = {"repository": repository(case)}
    if "package" not in case.profile.sections.get(COMPONENT, {}):
        arguments["package"] = PACKAGE if "avx" in case.platform.features else f"{PACKAGE}-universal"
    return Decided(arguments)


def repository(case: Case) -> dict[str, Any]:
    """As the role takes it. An error (exit code 4) where it has nothing for the host's machine."""
    apt = case.catalog.sources[SOURCE].apt
    if apt is None or not serves(case.platform, case):
        raise AimlsetupError(
            "tf-serving-platform",
            f"TensorFlow Serving is not built for {case.platform.name}",
            context=[f"asked for by the component {COMPONENT} of {', '.join(case.hosts)}"],
            hint=f"leave {COMPONENT} out for these hosts, with 'groups' in the profile",
            exit_code=Exit.NO_SOLUTION,
        )
    return repositories.repository(SOURCE, apt, case)


def serves(platform: Platform, case: Case) -> bool:
    """Whether the repository has it for a platform."""
    apt = case.catalog.sources[SOURCE].apt
    return apt is not None and platform.arch in apt.arches and word(platform.release) in apt.keys
