"""What `plan -o` writes, and the command that a page names. No host is needed."""

import shlex
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aimlsetup.cli import _saved, plan
from aimlsetup.cli._site import Site
from aimlsetup.cli.apply import apply
from aimlsetup.engine.harvest import effects
from aimlsetup.engine.runner import Event
from aimlsetup.engine.secrets import HIDDEN, Secrets
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.inventory import Inventories
from aimlsetup.models.lock import HostClass, Lock
from aimlsetup.models.plan import HostPlan, Plan, Planned
from aimlsetup.models.profile import Profile
from tests.cli.conftest import Cli

PLAN = Plan(lock="sha256:1", hosts={"gpu1": HostPlan(observed="x", drifts=[Planned(component="base", action="+")])})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    arguments: dict[str, Any] = {"data_links": {"data_links_open_files_ok": False}}
    hosts = HostClass(hosts=["gpu1"], platform={}, pins={}, components=arguments)
    profile = Profile.model_validate({"version": 1, "hosts": {}})
    return Site(tmp_path / "site.yml", profile, {}, Lock(profile="x", classes={"all": hosts}))


def test_each_file_is_what_its_ending_says_and_readable_by_its_owner_alone(site: Site, tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("change.html", "change.plan", "change.md")]
    outputs[2].write_text("what was there before")
    _saved.save(outputs, site, None, PLAN, {})
    html, saved, markdown = (path.read_text() for path in outputs)
    assert html.startswith("<!DOCTYPE html>")
    assert Plan.model_validate_json(saved) == PLAN
    assert markdown.startswith("# Planned change: site.yml\n")
    assert "what was there before" not in markdown
    words = ["aimlsetup", "apply", str(outputs[1]), "--profile", str(site.path)]
    assert shlex.join(words) in markdown
    assert {stat.S_IMODE(path.stat().st_mode) for path in outputs} == {0o600}
    assert sorted(tmp_path.iterdir()) == sorted(outputs), "nothing is left beside them"


def test_consents_are_those_of_the_lock(site: Site, tmp_path: Path) -> None:
    drift = Planned(component="data_links", action="~")
    made = Plan(lock="sha256:1", hosts={"gpu1": HostPlan(observed="x", drifts=[drift])})
    _saved.save([tmp_path / "change.md"], site, None, made, {})
    assert "| `data_links_open_files_ok` | refused |" in (tmp_path / "change.md").read_text()


def test_a_secret_in_a_diff_is_hidden_before_anything_is_escaped(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "c4nary<&>`|_*'\"")
    secrets = Secrets()
    diff = {"before": "", "after": f"password: {secrets.resolve('env:PASSWORD')}\n"}
    event = Event("ok", "gpu1", "Write", "base", "x", result={"changed": True, "diff": diff})
    drift = Planned(component="base", action="~", effects=effects([event], secrets.scrub)["gpu1", "base"])
    made = Plan(lock="sha256:1", hosts={"gpu1": HostPlan(observed="x", drifts=[drift])})
    for path in (tmp_path / "change.html", tmp_path / "change.md"):
        _saved.save([path], site, None, made, {})
        assert f"+password: {HIDDEN}" in path.read_text()
        assert "c4nary" not in path.read_text()


def test_with_errors_there_is_a_page_and_no_plan(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = {"gpu1": AimlsetupError("host-failed", "gpu1: gone")}
    _saved.save([tmp_path / "change.plan", tmp_path / "change.md"], site, None, PLAN, errors)
    assert not (tmp_path / "change.plan").exists()
    assert "change.plan: not written" in capsys.readouterr().err
    assert "gpu1: gone" in (tmp_path / "change.md").read_text()


@pytest.mark.parametrize(
    ("profile", "inventory", "limit", "saved", "words"),
    [
        ("aimlsetup.yml", None, None, None, []),
        ("aimlsetup.yml", None, "a,b", "my change.plan", ["my change.plan", "--limit", "a,b"]),
        ("$(x).yml", "in a", None, "c", ["c", "--profile", "$(x).yml", "--inventory", "in a"]),
    ],
)
def test_the_command_is_what_a_shell_takes_it_for(
    profile: str, inventory: str | None, limit: str | None, saved: str | None, words: list[str]
) -> None:
    given = Inventories((Path(inventory),) if inventory else ())
    site = Site(Path(profile), Profile(), {}, None, given)
    made = _saved.command(site, limit, Path(saved) if saved else None)
    assert shlex.split(made) == ["aimlsetup", "apply", *words]


def test_a_file_that_cannot_be_written_is_named(site: Site, tmp_path: Path) -> None:
    with pytest.raises(AimlsetupError, match=r"nowhere/change\.md"):
        _saved.save([tmp_path / "nowhere" / "change.md"], site, None, PLAN, {})


def test_where_no_host_answers_and_there_is_no_lock_it_is_said(cli: Cli) -> None:
    cli.profile({"gone": {"address": "127.0.0.1", "port": 9}})
    code, output, said = cli("plan", "-o", "change.md")
    assert (code, output) == (1, "")
    assert said.startswith("error: gone: it does not answer on ssh")
    assert not (cli.directory / "change.md").exists()


def test_a_page_cannot_be_applied(tmp_path: Path) -> None:
    page = tmp_path / "change.html"
    page.write_text("<!DOCTYPE html>")
    with pytest.raises(AimlsetupError, match="a page to read") as caught:
        apply(tmp_path / "aimlsetup.yml", None, saved=page)
    assert caught.value.exit_code == Exit.USAGE


def test_help_names_the_pages() -> None:
    said = CliRunner().invoke(plan.command, ["--help"]).output
    assert ".html" in said
    assert "aimlsetup plan -o change.plan -o change.html" in said
