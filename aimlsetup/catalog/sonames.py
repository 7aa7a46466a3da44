"""Shapes of `sonames.yml`: by what names frameworks ask the loader for a part's libraries."""

from packaging.specifiers import SpecifierSet

from aimlsetup.catalog.records import SourceText, SpecifierText
from aimlsetup.models.base import Document


class Series(Document):
    """The libraries of some releases of a part."""

    versions: SpecifierText
    names: list[str]
    source: str


class Sonames(Document):
    """`sonames.yml`; `driver` are those of the driver, whatever its version."""

    sources: dict[str, SourceText]
    driver: list[str]
    parts: dict[str, list[Series]]

    def of(self, part: str, version: str | None) -> list[str]:
        """The names of a part's release (`12.4`, or as little as `9`); none where nobody wrote them down."""
        found = (series.names for series in self.parts[part] if version and version in SpecifierSet(series.versions))
        return next(found, [])
