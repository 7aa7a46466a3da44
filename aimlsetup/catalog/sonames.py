"""Shapes of `sonames.yml`: by what names frameworks ask the loader for a part's libraries."""

from collections.abc import Iterable, Iterator, Mapping

from packaging.specifiers import SpecifierSet

from aimlsetup.catalog.records import FrameworkRelease, SourceText, SpecifierText
from aimlsetup.models.base import Document


def libraries_apart(release: FrameworkRelease | None) -> bool:
    """Whether wheels of CUDA's libraries go with a framework's release; with one that nobody knows they may."""
    return release is None or any(build.packages for build in release.builds)


class Series(Document):
    """The libraries of some releases of a part."""

    versions: SpecifierText
    names: list[str]
    source: str


class Sonames(Document):
    """`sonames.yml`; `driver` are those of the driver, whatever its version.

    `packages` are words, by library: the package that holds it has one of them in its name, whoever packages it.
    """

    sources: dict[str, SourceText]
    driver: list[str]
    parts: dict[str, list[Series]]
    packages: dict[str, list[str]]

    def of(self, part: str, version: str | None) -> list[str]:
        """The names of a part's release (`12.4`, or as little as `9`); none where nobody wrote them down."""
        found = (series.names for series in self.parts[part] if version and version in SpecifierSet(series.versions))
        return next(found, [])

    def asked(
        self, framework: str, release: FrameworkRelease | None, versions: Mapping[str, str | None]
    ) -> Iterator[tuple[str, str]]:
        """(part, name) of what a framework (`tensorflow`, `torch`) loads that was built with these `versions` of parts.

        PyTorch without wheels beside it has the rest inside, under names of its own.
        """
        yield from (("driver", name) for name in self.driver)
        if framework != "torch" or libraries_apart(release):
            yield from ((part, name) for part in self.parts for name in self.of(part, versions.get(part)))

    def holder(self, name: str, packages: Iterable[str]) -> str | None:
        """The one of these packages that holds a library, as far as names tell."""
        words = self.packages.get(name.partition(".so")[0], ())
        return next((package for package in packages if any(word in package for word in words)), None)
