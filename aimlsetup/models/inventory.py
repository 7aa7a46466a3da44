"""Hosts of existing Ansible inventories, and what opens these. No I/O here."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from aimlsetup.models.profile import Host


@dataclass(frozen=True)
class Inventories:
    """Existing inventories as they were named, and what opens their vaults beyond what Ansible's settings say."""

    paths: tuple[Path, ...] = ()
    vault_password_file: Path | None = None
    vault_password: str | None = field(default=None, repr=False)  # as it was typed

    def options(self) -> list[str]:
        """The options of a command line that name them; of what was typed there is none."""
        given = [word for path in self.paths for word in ("--inventory", str(path))]
        return given + (["--vault-password-file", str(self.vault_password_file)] if self.vault_password_file else [])


class Listed(Host):
    """A host of an existing inventory. How it is reached and becomes root stands there, and Ansible reads it itself.

    `address`, `port` and `python` are known where the inventory says them plainly. `defines` names its variables there,
    `hidden` are values of those that may be secrets.
    """

    inventories: Inventories
    defines: frozenset[str] = frozenset()
    hidden: frozenset[str] = Field(default=frozenset(), repr=False)
    asks_password: bool = False  # whether ssh itself is given a password
