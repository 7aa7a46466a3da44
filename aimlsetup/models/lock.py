"""The lock: exact facts to reach, per host class, each pin with its reasons."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from aimlsetup.models.base import Document


class _Brief(Document):
    """Written without what it does not say."""

    @model_serializer(mode="wrap")
    def _said(self, whole: SerializerFunctionWrapHandler) -> Mapping[str, Any]:
        return {name: value for name, value in whole(self).items() if value not in (None, {})}


class Reason(_Brief):
    """Why a pin is what it is: a `wish` of the profile, a `fact` of the catalog with its source, something `observed`
    on the host, or an `index` or the `remote` of a repository that was asked. `pin` is the one whose need it is.
    """

    kind: Literal["wish", "fact", "observed", "index", "remote"]
    text: str
    source: str | None = None
    pin: str | None = None


class Pin(_Brief):
    """One exact version; of a repository the commit, or the branch or tag where that could not be looked up.

    `packages` are those that apt is to install for it, with exact versions; None is what only the index can say.
    """

    version: str
    because: list[Reason]
    packages: dict[str, str | None] = Field(default_factory=dict)


class Change(Document):
    """One pin of a host class that came (`before` is None), went (`after` is None) or has another version."""

    host_class: str
    pin: str
    before: str | None
    after: str | None
    because: list[Reason]


class HostClass(Document):
    """Hosts that share one solution.

    `components` maps a component to a value for every argument of its role, by full role variable name
    (`python_env_root`). A secret argument holds a reference (`env:NAME`), never its value.
    """

    hosts: list[str]
    platform: dict[str, str]  # id, version, arch, python
    gpus: dict[str, str] = Field(default_factory=dict)  # by host, what of its GPUs it was solved for
    groups: dict[str, list[str]] = Field(default_factory=dict)  # by host, of the profile's groups those it is in
    pins: dict[str, Pin]
    components: dict[str, dict[str, Any]]


class Lock(Document):
    """`aimlsetup.lock.yml`: generated, sorted, never edited."""

    version: Literal[1] = 1
    kind: Literal["lock"] = "lock"
    profile: str = Field(description="sha256 of the profile it was solved for")
    classes: dict[str, HostClass]

    def class_of(self, host: str) -> HostClass | None:
        """The class a host belongs to."""
        return next((found for found in self.classes.values() if host in found.hosts), None)
