"""Columns of text."""

from collections.abc import Sequence

GAP = "  "


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Each row as one line, its cells padded to their column's width."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def folded(head: str, names: Sequence[str], indent: str, width: int, most: int) -> list[str]:
    """`head: name, name, …` over at most so many lines of a width; what does not fit is counted."""
    lines = [f"{indent}{head}:"]
    for index, name in enumerate(names):
        left = len(names) - index
        word, more = f" {name}" + "," * (left > 1), f" … and {left} more"
        room = width - (len(more) if len(lines) == most and left > 1 else 0)
        if len(lines[-1]) + len(word) <= room:
            lines[-1] += word
        elif len(lines) < most:
            lines.append(f"{indent} {word}")
        else:
            lines[-1] = lines[-1].removesuffix(",") + more
            break
    return lines


def size(count: int) -> str:
    """Bytes for people: `1.6 GB`."""
    amount, units = float(count), ["B", "kB", "MB", "GB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"
