"""A component's section of the profile as a model, built from its role's argument spec."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, create_model

from aimlsetup.models.base import Document
from aimlsetup.models.profile import AbsolutePath, SecretReference

SCALARS: dict[str, Any] = {
    "str": str,
    "path": AbsolutePath,
    "int": int,
    "float": float,
    "bool": bool,
    "raw": Any,
}


def section_model(component: str, options: Mapping[str, Any], solved: Iterable[str] = ()) -> type[Document]:
    """The model of `component`'s section: keys without the role's prefix, unknown ones refused.

    Nothing at the top is required: what a section leaves out has a default. What is `solved` is the lock's alone and no
    key of the section; dotted names among it are options of lists and mappings, which may be given or left out.
    """
    prefix, names = f"{component}_", tuple(solved)
    unprefixed = {name.removeprefix(prefix): dict(option, required=False) for name, option in options.items()}
    return _model(component, {name: option for name, option in unprefixed.items() if name not in names}, names)


def _model(name: str, options: Mapping[str, Any], solved: tuple[str, ...]) -> type[Document]:
    # Fields have names of our own, so that an option may be called as a method of pydantic's is.
    fields: dict[str, Any] = {
        f"field_{key}": _field(f"{name}.{key}", key, option, solved) for key, option in options.items()
    }
    return create_model(name, __base__=Document, **fields)


def _field(path: str, key: str, option: Mapping[str, Any], solved: tuple[str, ...]) -> tuple[Any, Any]:
    kind = _type(path, option, solved)
    text = _prose(option.get("description"))
    if option.get("required") and path.partition(".")[2] not in solved:
        return (kind, Field(alias=key, description=text))
    return (kind | None, Field(default=option.get("default"), alias=key, description=text))


def _type(path: str, option: Mapping[str, Any], solved: tuple[str, ...]) -> Any:
    kind = option.get("type", "str")
    if option.get("no_log"):
        return SecretReference
    if option.get("choices"):
        return Literal[tuple(option["choices"])]
    if kind == "list":
        element = dict(option, type=option.get("elements", "raw"))
        return list[_type(path, element, solved)]  # type: ignore[misc]
    if kind == "dict":
        return _model(path, option["options"], solved) if option.get("options") else dict[str, Any]
    return SCALARS[kind]


def _prose(description: str | list[str] | None) -> str:
    return " ".join(description) if isinstance(description, list) else description or ""
