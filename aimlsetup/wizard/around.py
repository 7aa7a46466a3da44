"""What the wizard knows before it asks: components from catalog and roles."""

from collections.abc import Mapping

from aimlsetup.catalog import Catalog, presets
from aimlsetup.wizard.question import Component, Surroundings


def surroundings(catalog: Catalog, releases: Mapping[str, str], sandbox_lack: str | None) -> Surroundings:
    """`releases` are those a sandbox host may have, by name; `sandbox_lack` says why none can be booted here.

    Arguments that the catalog fills from the profile's shared parts, or that the lock finds out, are not asked.
    """
    components = tuple(
        Component(
            name,
            entry.title,
            {
                variable.removeprefix(f"{name}_"): option
                for variable, option in catalog.options[name].items()
                if variable.removeprefix(f"{name}_") not in {*entry.arguments, *entry.solved}
            },
            entry.device,
            rootless=entry.user is not None,
            implied=entry.implied,
            optional=entry.optional,
        )
        for name, entry in catalog.components.items()
    )
    return Surroundings(components, releases, sandbox_lack, presets.load())
