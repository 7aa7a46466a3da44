"""Columns and sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup.report.table import columns, size

CELL = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=9)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1)))
def test_cells_of_a_column_begin_below_each_other(rows: list[list[str]]) -> None:
    lines = columns(rows)
    assert [line.split() for line in lines] == rows
    for index in range(1, len(rows[0])):
        start = sum(max(len(row[column]) for row in rows) + 2 for column in range(index))
        assert all(line[start:].startswith(row[index]) for line, row in zip(lines, rows, strict=True))


def test_no_rows_no_lines() -> None:
    assert columns([]) == []


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_600_000_000, "1.6 GB"), (5 * 10**13, "50000.0 GB")],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text
