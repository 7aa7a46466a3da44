"""Whether sets of versions can meet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimlsetup.solver.versions import Versions, compatible

CASES = [
    ([">=1.26", "<2"], True),
    ([">=2", "<2"], False),
    ([">1.24", "<1.24.1"], True),
    (["<1.20", ">=1.20"], False),
    (["==1.19.*", "<1.19.5"], True),
    (["~=1.19.2", ">=1.20"], False),
    (["==2.21.0", "!=2.21.0"], False),
    (["<2", "!=1.5"], True),
    (["<=1.24.3,>=1.22", "<1.24"], True),
    ([">=3.20.3,<5.0.0", ">=5"], False),
    (["", "<1"], True),
    (["2.21", ">=2.21.1"], True),
    (["2.21", "<2.21"], False),
]


@pytest.mark.parametrize(("specifiers", "expected"), CASES)
def test_compatible(specifiers: list[str], expected: bool) -> None:
    assert compatible(Versions.matching(text) for text in specifiers) is expected


versions = st.lists(st.integers(0, 4), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
specifiers = st.tuples(st.sampled_from([">=", "<", "<=", ">", "==", "!="]), versions).map("".join)


@given(st.lists(specifiers, min_size=1, max_size=4), st.lists(versions, min_size=1, max_size=20))
def test_a_version_in_all_sets_is_never_missed(texts: list[str], tried: list[str]) -> None:
    sets = [Versions.matching(text) for text in texts]
    if any(all(version in member for member in sets) for version in tried):
        assert compatible(sets)


def test_one_of_several_series() -> None:
    series = Versions.one_of(["3.10", "3.12"])
    assert ["3.10" in series, "3.11" in series, "3.12.4" in series] == [True, False, True]
    assert series.text == "3.10 or 3.12"


def test_words_and_versions_are_told_apart() -> None:
    words = Versions.word(["nvidia", "distro"])
    assert ["nvidia" in words, "pip" in words, "1.0" in words] == [True, False, False]
    assert "nvidia" not in Versions.matching(">=0")
    assert "nvidia" in Versions.matching("")
    either = Versions.either(["==11.8.*", ">=12.0,<13"], "none")
    assert [text in either for text in ("11.8.1", "12.4", "13.0", "none")] == [True, True, False, True]
    assert "3.0" not in Versions.either([])


def test_the_same_set_is_one_object() -> None:
    assert Versions.matching(">=2") is Versions.matching(">=2")
    assert Versions.one_of(["3.10"]) == Versions.matching("3.10")
