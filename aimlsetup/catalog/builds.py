"""Shape of `python_builds.yml`: standalone builds of CPython, and which of them modules run on."""

from aimlsetup.catalog.records import SourceText, SpecifierText, VersionText
from aimlsetup.models.base import Document
from aimlsetup.models.build import PythonBuild


class PythonBuilds(Document):
    """`python_builds.yml`, newest first.

    `glibc` is the oldest they run with, `modules` which of them ansible-core accepts for a host's modules.
    """

    glibc: VersionText
    modules: SpecifierText
    source: SourceText
    builds: list[PythonBuild]
