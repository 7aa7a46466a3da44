"""Which hosts are changed together: one first, then the rest in waves. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

FORM = re.compile(r"(\d{1,9})(%?)")


@dataclass(frozen=True)
class Serial:
    """How many hosts a wave has: a number, or a percentage of all that are changed, at least one."""

    number: int
    percent: bool = False

    @classmethod
    def of(cls, text: str) -> "Serial":
        """`3` or `25%`. Anything else is a ValueError that says what is expected."""
        found = FORM.fullmatch(text.strip())
        serial = cls(int(found[1]), bool(found[2])) if found else cls(0)
        if not 1 <= serial.number <= (100 if serial.percent else serial.number):
            raise ValueError(f"a number of hosts from 1, or a percentage from 1% to 100%, is expected, not {text!r}")
        return serial

    def size(self, hosts: int) -> int:
        """Hosts of one wave, of so many that are changed."""
        return max(1, hosts * self.number // 100) if self.percent else self.number


def waves(hosts: Sequence[str], serial: Serial | None = None) -> list[list[str]]:
    """The first host alone, then the others in waves; without `serial` all of them in one."""
    first, rest = list(hosts[:1]), list(hosts[1:])
    size = serial.size(len(hosts)) if serial else max(1, len(rest))
    others = [rest[start : start + size] for start in range(0, len(rest), size)]
    return [first, *others] if first else []
