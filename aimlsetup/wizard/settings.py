"""Questions that roles' argument specs make by themselves."""

from collections.abc import Iterable, Mapping
from typing import Any

from aimlsetup.catalog import values
from aimlsetup.models.profile import SecretReference
from aimlsetup.wizard import validators
from aimlsetup.wizard.kinds import CONSENT, INTEGER, TEXT, WORDS, YES_NO, Kind
from aimlsetup.wizard.question import MORE, Choice, Component, Question, fixed, having

OPTIONAL_REFERENCE = validators.fits(SecretReference, optional=True)


def _option_kind(option: Mapping[str, Any]) -> Kind | None:
    """The kind of a role argument; None for one that is only given in the profile itself."""
    if option.get("no_log"):
        return TEXT
    match option.get("type", "str"), option.get("elements"):
        case (("str" | "path"), _):
            return TEXT
        case "int", _:
            return INTEGER
        case "bool", _:
            return CONSENT if option.get("default") is None else YES_NO
        case "list", ("str" | "path"):
            return WORDS
    return None


def _option(component: Component, name: str, option: Mapping[str, Any], kind: Kind) -> Question:
    described = option.get("description", "")
    first, *rest = [described] if isinstance(described, str) else list(described)
    choices = tuple(Choice(value, str(value)) for value in option.get("choices", ()))
    return Question(
        f"{component.name}.{name}",
        MORE,
        f"{component.name}: {first.rstrip('.')}",
        help=" ".join(rest),
        kind=kind,
        when=having(component.name),
        asked=lambda scene: component.name in scene.answers["more"],
        default=fixed(option.get("default")),
        absent=option.get("default"),
        at=((component.name, name),),
        choices=fixed(choices),
        validator=_validator(component.name, name, option),
    )


def _validator(component: str, name: str, option: Mapping[str, Any]) -> validators.Validator:
    if option.get("no_log"):
        return OPTIONAL_REFERENCE
    shape = values.RULES.get(component, {}).get(name, "path" if option.get("type") == "path" else None)
    return validators.shaped(shape, optional=True) if shape else validators.anything


def settings(components: Iterable[Component], covered: Iterable[Question]) -> tuple[Question, ...]:
    """Questions about the role arguments that no other question holds, or a part of them."""
    taken = {place[:2] for question in covered for place in question.at}
    return tuple(
        _option(component, name, option, kind)
        for component in components
        for name, option in component.options.items()
        if (component.name, name) not in taken and (kind := _option_kind(option))
    )
