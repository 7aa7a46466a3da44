"""Figures out of samples."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup.loadtest import figures
from aimlsetup.models.load import Measured, Sample, Target

TARGET = Target(name="a", url="http://a/predict")


def sample(at: float, ms: float = 10, status: int = 200, error: str | None = None, scenario: str = "image") -> Sample:
    return Sample.model_validate(
        {"at": at, "target": 0, "scenario": scenario, "ms": ms, "status": status, "error": error}
    )


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3], 0.99, 3), ([1, 2], 0.5, 1), ([1, 2, 3], 0.5, 2), (range(1, 101), 0.95, 95),
     (range(1, 101), 0.99, 99), (range(1, 1001), 0.999, 999)],
)  # fmt: skip
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, expected: float | None) -> None:
    assert figures.percentile(list(values), share) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_at_least_that_share_is_no_larger(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = figures.percentile(ordered, share)
    assert found is not None
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)


def test_a_refused_connection_is_an_error_and_no_fast_answer() -> None:
    samples = [sample(0, ms=100), sample(0, ms=1, status=0, error="connection refused")]
    assert figures.latency(samples).p50 == 100
    late = [*samples, sample(0, ms=2000, status=0, error="timeout")]
    assert figures.latency(late).longest == 2000


def test_rows_are_of_all_and_of_each_scenario() -> None:
    samples = [sample(0), sample(1), sample(1, status=500, error="HTTP 500", scenario="nan")]
    found = {row.scenario: row for row in figures.rows(samples, 2)}
    assert {name: (row.requests, row.rate, row.errors) for name, row in found.items()} == {
        "all": (3, 1.5, {"HTTP 500": 1}), "image": (2, 1.0, {}), "nan": (1, 0.5, {"HTTP 500": 1}),
    }  # fmt: skip
    assert [row.scenario for row in figures.rows(samples[:2], 2)] == ["all"]


def test_a_second_without_requests_is_in_the_timeline() -> None:
    found = figures.timeline([sample(0.1), sample(0.9, error="x"), sample(2.5)], 4)
    assert [(each.second, each.requests, each.errors) for each in found] == [(0, 2, 1), (1, 0, 0), (2, 1, 0), (3, 0, 0)]
    assert found[1].latency.p95 is None


def test_the_spread_ends_at_all_answers() -> None:
    dice = random.Random(1)
    found = figures.spread([sample(0, ms=dice.random()) for _ in range(5000)])
    assert len(found) <= figures.POINTS + 2
    assert found == sorted(found)
    assert found[-1][1] == 1
    assert figures.spread([]) == []


def test_nothing_asked_has_figures_too() -> None:
    [asked] = figures.asked([TARGET], [], 0)
    assert (asked.rows[0].requests, asked.rows[0].rate, asked.timeline) == (0, 0, [])


def test_memory_is_that_before_the_highest_during_and_the_first_after() -> None:
    measured = [Measured(-3, 5), Measured(-1, 6), Measured(1, 9), Measured(4, 8), Measured(11, 7), Measured(14, 1)]
    [found] = figures.memory({"a": measured, "b": []}, 10)
    assert (found.before, found.peak, found.after) == (6, 9, 7)
    [short] = figures.memory({"a": [Measured(3, 5)]}, 10)
    assert (short.before, short.peak, short.after) == (None, 5, None)
