"""A standalone build of CPython: one archive that is unpacked anywhere and runs there."""

from typing import Annotated, Literal

from pydantic import Field

from aimlsetup.models.base import Document

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class PythonBuild(Document):
    """CPython `version` as `build` (a date, by which its maker tells repeated builds apart), for one architecture.

    The archive is a .tar.gz with one directory `python` in it. `file` is its name where that is not the usual one.
    """

    version: Annotated[str, Field(pattern=r"^3\.[0-9]{1,2}\.[0-9]{1,2}$")]
    build: Annotated[str, Field(pattern="^[0-9]{8}$")]
    arch: Literal["x86_64", "aarch64"]
    sha256: Sha256
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*\.tar\.gz$")] | None = None

    @property
    def name(self) -> str:
        """What its directory on hosts is called after: `3.12.15-20261021`."""
        return f"{self.version}-{self.build}"

    @property
    def minor(self) -> str:
        """`3.12`."""
        return self.version.rpartition(".")[0]

    @property
    def archive(self) -> str:
        """The name of its archive."""
        usual = f"cpython-{self.version}+{self.build}-{self.arch}-unknown-linux-gnu-install_only_stripped.tar.gz"
        return self.file or usual
