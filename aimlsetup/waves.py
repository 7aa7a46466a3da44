"""Which hosts are changed together: one first, then the rest in waves. Pure."""

import re
from collections.abc import Collection, Iterable, Sequence
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


def waves(
    hosts: Sequence[str],
    serial: Serial | None = None,
    *,
    last: Collection[str] = (),
    sharing: Iterable[Collection[str]] = (),
) -> list[list[str]]:
    """The first host alone, then the others in waves; without `serial` as many as may be at once.

    Those named in `last` come when all others are done, one by one. Of hosts that share something (`sharing`: those
    that serve one model behind a gateway) a wave without `serial` has at most half, so that the others go on.
    """
    shared = [set(group) for group in sharing if len(set(group)) > 1]
    ordinary = [name for name in hosts if name not in last]
    first, others = ordinary[:1], ordinary[1:]
    if serial:
        size = serial.size(len(hosts))
        made = [others[start : start + size] for start in range(0, len(others), size)]
    else:
        made = _spread(others, shared)
    return [wave for wave in [first, *made, *([name] for name in hosts if name in last)] if wave]


def _spread(hosts: Iterable[str], sharing: Sequence[Collection[str]]) -> list[list[str]]:
    """As few waves as come of filling one after the other."""
    made: list[list[str]] = [[]]
    for name in hosts:
        if any(name in group and len({*made[-1], name} & {*group}) > len(group) // 2 for group in sharing):
            made.append([])
        made[-1].append(name)
    return made
