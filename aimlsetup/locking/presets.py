"""A profile with its preset's wishes beneath its own. Pure."""

from aimlsetup.catalog import presets
from aimlsetup.models.profile import Profile


def filled(profile: Profile) -> Profile:
    """What the profile itself says counts; of frameworks and the driver, key by key."""
    if profile.preset is None:
        return profile
    beneath, own = presets.load()[profile.preset].requests, profile.requests
    given = {name: getattr(own, name) for name in own.model_fields_set}
    wishes = {name: getattr(beneath, name) for name in beneath.model_fields_set} | given
    if {"framework"} <= own.model_fields_set & beneath.model_fields_set:
        wishes["framework"] = {**beneath.framework, **own.framework}
    if {"driver"} <= own.model_fields_set & beneath.model_fields_set:
        said = {name: getattr(own.driver, name) for name in own.driver.model_fields_set}
        wishes["driver"] = beneath.driver.model_copy(update=said)
    return profile.model_copy(update={"requests": own.model_copy(update=wishes)})
