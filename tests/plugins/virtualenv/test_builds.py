"""Real builds with uv and pip: dated, flipped when complete, kept while they hold, never repaired in place."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.plugins.virtualenv.conftest import Index, Site

DATED = r"py_3-\d+_\d{4}-\d\d-\d\d"
LEGACY = [
    path for version in ("3.6", "3.7") for path in sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))
]


def test_a_build_is_dated_linked_and_kept(site: Site) -> None:
    wanted = site.environment(("tiny", "1.0"))
    foreseen = site(wanted, check=True)
    assert foreseen["changed"]
    assert foreseen["plan"]["packages"] == [{"name": "tiny", "from": None, "to": "1.0"}]
    assert site.there() == []
    built = site(wanted)
    assert re.fullmatch(DATED, site.behind())
    assert built["generations"] == {"py_3": site.behind()}
    assert site.says("import tiny; print(tiny.VERSION)") == "1.0"
    again = site(wanted)
    assert not again["changed"]
    assert again["generations"] == built["generations"]
    assert not site(wanted, check=True)["changed"]


def test_what_a_build_takes_is_foreseen_and_nothing_where_there_is_none(site: Site) -> None:
    wanted = site.environment(("tiny", "1.0"), download=1000)
    plan = site(wanted, check=True)["plan"]
    assert (plan["download"], plan["disk"], plan["estimated"], plan["unsized"]) == (1000, 8900, True, [])
    assert site(site.environment(("tiny", "1.0")), check=True)["plan"]["unsized"] == ["py_3"]
    site(wanted)
    plan = site(wanted, check=True)["plan"]
    assert (plan["download"], plan["disk"], plan["estimated"]) == (0, 0, False)
    assert not site(site.environment(("tiny", "1.0"), download=2000))["changed"], "a size is no input"


@pytest.mark.parametrize("check", [True, False])
def test_what_cannot_fit_is_refused_before_anything_is_built(site: Site, *, check: bool) -> None:
    site(site.environment(("tiny", "1.0")))
    before = (site.there(), site.behind())
    refused = site(site.environment(("tiny", "2.0"), download=10**18), check=check)
    assert refused["failed"]
    assert re.search(r" has \d+ MB free, and 1000000000000 MB are needed\. Nothing was built", refused["msg"])
    assert (site.there(), site.behind()) == before


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_wheel_of_a_further_index_is_taken_from_there(
    site: Site, tmp_path_factory: pytest.TempPathFactory, installer: str
) -> None:
    further = Index(tmp_path_factory.mktemp("cu126"), {("tiny", "2.0+cu126"): []})
    wanted = site.environment(("needy", "1.0"), installer=installer)
    wanted["requirements"].append(further.requirement("tiny", "2.0+cu126"))
    assert "tiny" in site(wanted)["msg"], "the one index does not have it"
    assert site({**wanted, "indexes": [further.url]})["built"] == ["py_3"]
    assert site.says("import needy, tiny; print(tiny.VERSION)") == "2.0+cu126"
    assert not site({**wanted, "indexes": ["file:///elsewhere"]})["changed"], "where it came from is no input"


def test_other_inputs_are_built_beside_and_the_old_one_stays(site: Site) -> None:
    first = site(site.environment(("tiny", "1.0")))["generations"]["py_3"]
    second = site(site.environment(("tiny", "2.0"), ("needy", "1.0")))
    assert re.fullmatch(DATED + r"_\d{6}", site.behind()), "the second of a day"
    assert {"name": "tiny", "from": "1.0", "to": "2.0"} in second["plan"]["packages"]
    assert site.there() == sorted(["py_3", first, site.behind()])
    back = site(site.environment(("tiny", "1.0")))
    assert site.behind() == first
    assert back["built"] == [], "going back flips the link and builds nothing"


@pytest.mark.parametrize(
    "damage", ["lib/python*/site-packages/tiny*", "lib/python*/site-packages/*.dist-info", "bin/python"]
)
def test_one_that_no_longer_holds_is_replaced_not_repaired(site: Site, damage: str) -> None:
    wanted = site.environment(("tiny", "1.0"))
    site(wanted)
    old = site.root / site.behind()
    for path in old.glob(damage):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    left = sorted(path.name for path in old.rglob("*"))
    assert site(wanted)["built"] == ["py_3"]
    assert site.behind() != old.name
    assert sorted(path.name for path in old.rglob("*")) == left
    assert site.says("import tiny; print(tiny.VERSION)") == "1.0"


def test_a_removed_link_is_made_again_without_a_build(site: Site) -> None:
    wanted = site.environment(("tiny", "1.0"))
    built = site(wanted)["generations"]
    (site.root / "py_3").unlink()
    again = site(wanted)
    assert again["changed"]
    assert again["built"] == []
    assert again["generations"] == built


@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        (["tiny==2.0 --hash=sha256:" + "0" * 64], "hint: what the index served"),
        (["absent==1.0 --hash=sha256:" + "0" * 64], "absent"),
    ],
)
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_failed_build_never_flips_and_leaves_nothing(
    site: Site, requirements: list[str], said: str, installer: str
) -> None:
    site(site.environment(("tiny", "1.0")))
    before, there = site.behind(), site.there()
    answer = site({**site.environment(), "requirements": requirements, "installer": installer})
    assert answer["failed"]
    assert said in answer["msg"]
    assert len(answer["msg"].splitlines()) < 25
    assert (site.behind(), site.there()) == (before, there)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_requirements_that_contradict_each_other_fail_before_the_flip(site: Site, installer: str) -> None:
    answer = site(site.environment(("tiny", "1.0"), ("needy", "1.0"), installer=installer))
    assert answer["failed"]
    assert "needy" in answer["msg"]
    assert site.there() == []


def test_a_killed_build_is_swept_and_done_again(site: Site) -> None:
    site(site.environment(("tiny", "1.0")))
    before = site.behind()
    with site.start(site.environment(("tiny", "2.0"), installer="pip")) as building:
        deadline = time.monotonic() + 30
        while not list(site.root.glob(".*.building")) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(building.pid, signal.SIGKILL)  # its installer lives on, and the next run waits for it
    assert site.behind() == before
    after = site(site.environment(("tiny", "2.0")))
    assert after["removed"], "the unfinished one"
    assert site.says("import tiny; print(tiny.VERSION)") == "2.0"
    assert site.there() == sorted(["py_3", before, site.behind()])


def test_old_ones_are_kept_as_many_as_wished(site: Site) -> None:
    wishes = [site.environment(("tiny", version), keep=0) for version in ("1.0", "2.0")]
    site(wishes[0])
    first = site.behind()
    assert site(wishes[1])["removed"] == [first]
    assert site.there() == sorted(["py_3", site.behind()])
    assert site()["removed"], "an environment that is no longer listed goes"
    assert site.there() == []


def test_one_in_use_is_never_removed(site: Site) -> None:
    site(site.environment(("tiny", "1.0"), keep=0))
    used = site.behind()
    argv = [str(site.root / used / "bin" / "python"), "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(argv) as process:
        try:
            assert site(site.environment(("tiny", "2.0"), keep=0))["removed"] == []
        finally:
            process.kill()
    assert site(site.environment(("tiny", "2.0"), keep=0))["removed"] == [used]


def test_what_others_made_stays_and_is_not_replaced(site: Site) -> None:
    theirs = site.root / "py_3-11_2019-12-21"
    (theirs / "bin").mkdir(parents=True)
    (site.root / "mine").mkdir()
    site(site.environment(("tiny", "1.0"), keep=0))
    assert {theirs.name, "mine"} <= set(site.there())
    refused = site(site.environment(("tiny", "1.0"), name="mine"))
    assert refused["failed"]
    assert "move it away" in refused["msg"]


@pytest.mark.parametrize("python", [sys.executable, *map(str, LEGACY)])
def test_pip_serves_every_python(site: Site, python: str) -> None:
    answer = site(site.environment(("needy", "1.0"), ("tiny", "2.0"), python=python, installer="pip"))
    assert not answer.get("failed"), answer["msg"]
    assert site.says("import tiny, needy; print(tiny.VERSION)") == "2.0"


@pytest.mark.parametrize(
    ("python", "said"), [("3.99", "there are: 3."), ("/bin/true", "not a Python 3"), ("/nowhere", "not a")]
)
def test_a_python_that_is_not_there_is_named(site: Site, python: str, said: str) -> None:
    answer = site(site.environment(("tiny", "1.0"), python=python))
    assert answer["failed"]
    assert said in answer["msg"]
    assert site.there() == []
