"""How sources and their answers are shown."""

from aimlsetup.models.source import Answer, Use
from aimlsetup.report import sources

SEEN = Use(
    source="ubuntu", kind="apt", title="Ubuntu", url="http://x", origin="catalog", platform="ubuntu-22.04-x86_64",
    used_by=("lock",), needed=False,
)  # fmt: skip
LOST = Answer(answers=False, said="x: Connection\x1b[2J refused", next="name a mirror")


def test_what_only_a_lock_looks_into_is_told_apart() -> None:
    assert [line.text for line in sources.lines([SEEN], [LOST])] == [
        "   source  for   platform             from     address",
        "✗  ubuntu  lock  ubuntu-22.04-x86_64  catalog  http://x",
        "",
        "✗ ubuntu (ubuntu-22.04-x86_64): x: Connection\\x1b[2J refused; a lock then goes by what was recorded",
        "    next: name a mirror",
    ]


def test_the_document_has_every_answer_or_none() -> None:
    (asked,) = sources.document([SEEN], [LOST])["sources"]  # type: ignore[misc]
    assert asked["answer"]["next"] == "name a mirror"
    (listed,) = sources.document([SEEN])["sources"]  # type: ignore[misc]
    assert (listed["answer"], listed["needed"]) == (None, False)
