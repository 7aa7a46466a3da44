"""Checkouts of real repositories: versions, shapes, and local work that is never thrown away."""

import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Repository

Given = Callable[..., dict[str, Any]]
Apply = Callable[[dict[str, Any]], list[str]]


def files(work: Path) -> set[str]:
    found = {path for path in work.rglob("*") if path.is_file() and ".git" not in path.relative_to(work).parts}
    return {str(path.relative_to(work)) for path in found}


@pytest.mark.parametrize("version", [None, "main", "dev", "v1", "v2", "refs/tags/v2", "refs/heads/dev", "COMMIT"])
def test_versions(source: Repository, given: Given, apply: Apply, tmp_path: Path, version: str | None) -> None:
    version = source.git("rev-parse", "v1") if version == "COMMIT" else version
    wanted = source.git("rev-parse", (version or "main") + "^{commit}")
    assert apply(given(version=version)) == ["new"]
    assert source.git("rev-parse", "HEAD", cwd=tmp_path / "work") == wanted
    on_branch = version in (None, "main", "dev", "refs/heads/dev")
    assert source.git("rev-parse", "--abbrev-ref", "HEAD", cwd=tmp_path / "work") == (
        (version or "main").rsplit("/", 1)[-1] if on_branch else "HEAD"
    )
    assert apply(given(version=version)) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["library", "source", "work"]


def test_a_version_is_changed_and_changed_back(source: Repository, given: Given, apply: Apply, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    for version in ("v1", "v2", "v1", "dev", "main"):
        apply(given(version=version, submodules=True))
        assert files(tmp_path / "work") == source.tree(version) | {".gitmodules"}
        assert source.git("status", "--porcelain", cwd=tmp_path / "work") == ""
        assert apply(given(version=version, submodules=True)) == []
    previous = source.git("rev-parse", "refs/aimlsetup/previous", cwd=tmp_path / "work")
    assert previous == source.git("rev-parse", "v1"), "for undoing"


def test_a_branch_that_moved_on(source: Repository, given: Given, apply: Apply, tmp_path: Path) -> None:
    apply(given())
    source.commit(source.path, {"later": "x"}, "later")
    assert apply(given()) == ["head"]
    assert (tmp_path / "work" / "later").exists()
    source.git("reset", "-q", "--hard", "v1")
    assert apply(given()) == ["head"], "a branch that was rewritten: our own commit is nobody's work"


def test_a_pinned_branch_stays_where_it_is_pinned(
    source: Repository, given: Given, apply: Apply, tmp_path: Path
) -> None:
    pinned = source.git("rev-parse", "HEAD")
    source.commit(source.path, {"later": "x"}, "later")
    apply(given(version="main", commit=pinned))
    assert source.git("rev-parse", "HEAD", cwd=tmp_path / "work") == pinned
    assert source.git("status", "-b", "--porcelain", cwd=tmp_path / "work") == "## main...origin/main [behind 1]"
    assert apply(given(version="main", commit=pinned)) == []
    assert apply(given(version="main", commit=pinned, sparse=["src"])) == ["sparse"]
    assert source.git("rev-parse", "HEAD", cwd=tmp_path / "work") == pinned
    source.git("reset", "-q", "--hard", "v1")
    assert apply(given(version="main", commit=pinned)) == ["sparse"], "a branch that was rewritten"
    assert source.git("rev-parse", "main", cwd=tmp_path / "work") == pinned
    assert apply(given(version="main", commit=source.git("rev-parse", "v1"))) == ["head"]


def test_a_pinned_commit_that_a_rewritten_branch_left_is_still_had(
    source: Repository, given: Given, apply: Apply, tmp_path: Path
) -> None:
    pinned = source.git("rev-parse", "HEAD")
    source.git("reset", "-q", "--hard", "v1")
    source.git("tag", "-d", "v2")
    apply(given(version="main", commit=pinned))
    assert source.git("rev-parse", "HEAD", cwd=tmp_path / "work") == pinned


@pytest.mark.parametrize("commit", ["main", "abc123", "-" * 40, "A" * 40])
def test_a_pin_is_a_whole_commit(checkout: Any, given: Given, apply: Apply, commit: str) -> None:
    with pytest.raises(checkout.gitnames.Bad, match="is no commit"):
        apply(given(commit=commit))


def test_a_commit_on_no_branch(source: Repository, given: Given, apply: Apply, tmp_path: Path) -> None:
    source.commit(source.path, {"gone": "x"}, "gone")
    commit = source.git("rev-parse", "HEAD")
    source.git("reset", "-q", "--hard", "v1")
    apply(given(version=commit))
    assert (tmp_path / "work" / "gone").exists()


def test_sparse_and_whole(given: Given, apply: Apply, tmp_path: Path) -> None:
    apply(given(sparse=["new"]))
    assert {path.split("/")[0] for path in files(tmp_path / "work")} == {"new", ".gitmodules"}
    assert apply(given(sparse=["new"])) == []
    assert apply(given(sparse=["src", "new"])) == ["sparse"]
    assert apply(given()) == ["sparse"]
    assert {path.split("/")[0] for path in files(tmp_path / "work")} == {"new", "src", ".gitmodules"}


def test_empty_directories_in_the_place_stay(given: Given, apply: Apply, tmp_path: Path) -> None:
    (tmp_path / "work" / "www" / "uploads").mkdir(parents=True)
    (tmp_path / "work" / "www").chmod(0o2770)
    (tmp_path / "work").chmod(0o2775)
    apply(given())
    assert (tmp_path / "work" / "www" / "uploads").is_dir()
    assert stat.S_IMODE((tmp_path / "work" / "www").stat().st_mode) == 0o2770
    assert stat.S_IMODE((tmp_path / "work").stat().st_mode) == 0o2775
    assert apply(given()) == []


def test_a_moved_head_is_repaired(source: Repository, given: Given, apply: Apply, tmp_path: Path) -> None:
    apply(given())
    source.git("checkout", "-q", "v1", cwd=tmp_path / "work")
    assert apply(given()) == ["head"]
    assert source.git("status", "-b", "--porcelain", cwd=tmp_path / "work") == "## main...origin/main"


def modify(work: Path, git: Any) -> None:
    (work / "src" / "0").write_text("mine")


def untracked(work: Path, git: Any) -> None:
    (work / "mine").write_text("mine")


def stash(work: Path, git: Any) -> None:
    modify(work, git)
    git("stash", "--quiet", cwd=work)


def commit(work: Path, git: Any) -> None:
    modify(work, git)
    git("commit", "-qam", "mine", cwd=work)


def commit_on_a_branch(work: Path, git: Any) -> None:
    git("checkout", "-q", "-b", "mine", cwd=work)
    commit(work, git)
    git("checkout", "-q", "v2", cwd=work)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (modify, "file     M src/0"),
        (untracked, r"file    \?\? mine"),
        (stash, r"stash   stash@\{0\}"),
        (commit, "commit  [0-9a-f]+ mine"),
        (commit_on_a_branch, "commit  [0-9a-f]+ mine"),
    ],
)
def test_local_work_stops_a_change(
    checkout: Any, source: Repository, given: Given, apply: Apply, tmp_path: Path, change: Any, shown: str
) -> None:
    apply(given(version="v2"))
    change(tmp_path / "work", source.git)
    before = (source.git("rev-parse", "HEAD", "--branches", cwd=tmp_path / "work"), files(tmp_path / "work"))
    with pytest.raises(checkout.workcopy.Refused, match=shown):
        apply(given(version="v1"))
    assert before == (source.git("rev-parse", "HEAD", "--branches", cwd=tmp_path / "work"), files(tmp_path / "work"))


def test_local_work_is_left_alone_where_nothing_is_due(given: Given, apply: Apply, tmp_path: Path) -> None:
    apply(given())
    modify(tmp_path / "work", None)
    assert apply(given()) == []


def test_ignored_files_stay(given: Given, apply: Apply, tmp_path: Path) -> None:
    apply(given(version="v1"))
    with (tmp_path / "work" / ".git" / "info" / "exclude").open("a") as exclude:
        exclude.write("weights\n")
    (tmp_path / "work" / "weights").write_text("trained")
    apply(given(version="v2"))
    assert (tmp_path / "work" / "weights").read_text() == "trained"


@pytest.mark.parametrize(
    ("there", "why"),
    [
        (lambda work: work.write_text("x"), "file or link"),
        (lambda work: work.symlink_to("/tmp"), "file or link"),
        (lambda work: (work.mkdir(), (work / "data").touch()), "no repository: data"),
        (lambda work: (work.mkdir(), (work / "link").symlink_to("/tmp")), "no repository: link"),
    ],
)
def test_something_in_the_way(checkout: Any, given: Given, apply: Apply, tmp_path: Path, there: Any, why: str) -> None:
    there(tmp_path / "work")
    with pytest.raises(checkout.workcopy.Refused, match=why):
        apply(given())


def test_somebody_elses_checkout(checkout: Any, source: Repository, given: Given, apply: Apply, tmp_path: Path) -> None:
    source.git("clone", "-q", str(source.library), str(tmp_path / "work"))
    with pytest.raises(checkout.workcopy.Refused, match=r"there is a checkout of .*library"):
        apply(given())


def test_a_clone_made_by_hand_is_taken_over(source: Repository, given: Given, apply: Apply, tmp_path: Path) -> None:
    source.git("clone", "-q", f"file://{source.path}", str(tmp_path / "work"))
    assert apply(given(version="v1")) == ["head"]


def test_a_bad_version_changes_nothing(checkout: Any, given: Given, apply: Apply, tmp_path: Path) -> None:
    with pytest.raises(checkout.gitnames.Bad, match=r"no branch or tag v3\. Near: v2, v1"):
        apply(given(version="v3"))
    assert not (tmp_path / "work").exists()


def test_nothing_is_left_of_a_session(given: Given, apply: Apply, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = tempfile.mkdtemp

    def noted(**options: Any) -> str:
        made.append(make(**options))
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", noted)
    apply(given())
    assert made
    assert not any(Path(directory).exists() for directory in made)
