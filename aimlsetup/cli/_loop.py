"""Observe → compare → act → observe: the one place that joins the parts which do not know each other."""

import functools
import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aimlsetup import compare, ui
from aimlsetup.cli import _consent, _private_python, _resume
from aimlsetup.cli._site import Site, digest, ensure_lock
from aimlsetup.engine import act, failures, harvest, inputs
from aimlsetup.engine.act import Work
from aimlsetup.engine.observe import Observed, observe
from aimlsetup.engine.runner import Event, Result
from aimlsetup.engine.session import Session
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.observation import Observation
from aimlsetup.models.plan import Cost, Drift, Effects, Expected, HostPlan, Plan, Planned

ROOM = "Free space there, or give `roots` that lie on a larger disk."
ROUNDS = 5  # more than any chain of components that depend on each other's outputs


@dataclass
class Seen:
    """One host as it is, next to what it should be."""

    observation: Observation
    expected: dict[str, Expected]
    drifts: list[Drift]

    @property
    def basis(self) -> str:
        """Digest of what a plan for this host rests on."""
        return compare.basis(self.expected, self.observation)


@dataclass
class Outcome:
    """What became of one host."""

    applied: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    error: AimlsetupError | None = None
    wave: int | None = None  # where there are several
    untouched: bool = False

    @property
    def status(self) -> str:
        """failed, done, unchanged since there is nothing to do, or untouched since another host failed before it."""
        if self.error or self.untouched:
            return "failed" if self.error else "untouched"
        return "done" if self.applied or self.removed else "unchanged"


def again() -> str:
    """The command line that was given, to be given once more."""
    return shlex.join(["aimlsetup", *sys.argv[1:]])


def look(session: Session, names: Iterable[str], *, deep: bool = False) -> Observed:
    """Observe hosts."""
    with ui.waiting("observing"):
        return observe(session, names, deep=deep)


def look_and_judge(
    site: Site, session: Session, *, deep: bool = False, solve: bool = True
) -> tuple[dict[str, Seen], dict[str, AimlsetupError]]:
    """Observe the site's hosts and compare them with the lock, which is solved first where it is missing or outdated.

    Returns the hosts, and why others could not be observed. Without `solve` a missing lock is an error.
    """
    observed = look(session, site.hosts, deep=deep)
    if observed.hosts:
        ensure_lock(site, observed.hosts, solve=solve)
    return judge(site, session, observed.hosts), dict(observed.errors)


def judge(site: Site, session: Session, observed: Mapping[str, Observation]) -> dict[str, Seen]:
    """Compare hosts with the lock."""
    seen = {}
    for name, observation in observed.items():
        expected = inputs.expected(site.components(name), session.secrets)
        seen[name] = Seen(observation, expected, compare.compare(expected, observation))
    return seen


def work_of(site: Site, seen: Mapping[str, Seen]) -> dict[str, Work]:
    """What there is to do, by host; hosts with nothing to do are left out."""
    work = {}
    for name, host in seen.items():
        run, removed = compare.to_apply(host.drifts)
        arguments = site.components(name)
        work[name] = Work({component: arguments[component] for component in run if component in arguments}, removed)
    return {name: part for name, part in work.items() if part}


def plan(site: Site, session: Session, seen: Mapping[str, Seen]) -> tuple[Plan, dict[str, AimlsetupError]]:
    """What would change, with what a check-mode run of the drifted components says; and hosts it failed on."""
    work = work_of(site, seen)
    effects, errors = {}, {}
    if work:
        observed = {name: seen[name].observation for name in work}
        python = _private_python.prepare(site.profile, session, work, observed)
        result = _watched(session, python.left(work), "previewing", check=True, own=python.variables)
        effects = harvest.effects(result.events, session.secrets.scrub) | python.effects
        errors = errors_of(session, result, python.left(work)) | python.errors
    made = outline(site, seen)
    hosts = {name: _with_effects(name, host, effects) for name, host in made.hosts.items()}
    hosts = {
        name: host.model_copy(update={"keeps": _consent.kept(host, seen[name].observation)}) if host.drifted else host
        for name, host in hosts.items()
    }
    return made.model_copy(update={"hosts": hosts}), _without_room(hosts) | errors


def _with_effects(name: str, host: HostPlan, effects: Mapping[tuple[str, str], Effects]) -> HostPlan:
    drifts = [
        drift.model_copy(update={"effects": effects.get((name, drift.component), drift.effects)})
        for drift in host.drifts
    ]
    return host.model_copy(update={"drifts": drifts, "cost": Cost.of(drift.effects for drift in drifts)})


def _without_room(hosts: Mapping[str, HostPlan]) -> dict[str, AimlsetupError]:
    """Hosts whose disks are certainly too small for all that is to be made; where they may be, a warning."""
    found = {}
    for name, host in hosts.items():
        if short := compare.shortage(host):
            found[name] = AimlsetupError("disk-full", f"{name}: {short}, so nothing was changed", hint=ROOM)
        elif short := compare.shortage(host, likely=True):
            ui.warn(f"{name}: this may not fit: {short} (an estimate)")
    return found


def converge(
    site: Site, session: Session, seen: Mapping[str, Seen], *, take_lock: bool = False, title: str = "applying"
) -> dict[str, Outcome]:
    """Act on what drifted and look again, until nothing drifts: outputs of one component may be inputs of another."""
    outcomes = {name: Outcome() for name in seen}
    current = dict(seen)
    for name in work_of(site, seen):
        if busy := seen[name].observation.facts.get("package_locks"):
            ui.warn(f"{name}: apt or dpkg is in use there ({', '.join(busy)}); what installs packages waits for it")
    for _ in range(ROUNDS):
        current = _hopeless_left_out(site, current, outcomes)
        work = work_of(site, current)
        if not work:
            break
        errors = _acted(site, session, work, {name: current[name].observation for name in work}, title, take_lock)
        _note(outcomes, work, errors)
        after = look(session, [name for name in work if name not in errors])
        _note(outcomes, {}, after.errors)
        current = _unstable_left_out(current, judge(site, session, after.hosts), outcomes)
    return outcomes


def _acted(
    site: Site,
    session: Session,
    work: Mapping[str, Work],
    observed: Mapping[str, Observation],
    title: str,
    take_lock: bool,
) -> dict[str, AimlsetupError]:
    """Do the work; why hosts did not get to the end of it."""
    python = _private_python.prepare(site.profile, session, work, observed)
    left, resume = python.left(work), _resume.variables(site, session)
    own = {name: {**resume.get(name, {}), **python.variables.get(name, {})} for name in left}
    result = _watched(session, left, title, take_lock=take_lock, own=own)
    return errors_of(session, result, left) | python.errors


def outline(site: Site, seen: Mapping[str, Seen]) -> Plan:
    """What would change, without asking the hosts for details."""
    hosts = {
        name: HostPlan(
            observed=host.basis,
            drifts=[Planned(**drift.model_dump(), undo=compare.undo(drift)) for drift in host.drifts],
        )
        for name, host in seen.items()
    }
    return Plan(lock=digest(site.solved), hosts=hosts)


def _note(outcomes: Mapping[str, Outcome], work: Mapping[str, Work], errors: Mapping[str, AimlsetupError]) -> None:
    for name, error in errors.items():
        outcomes[name].error = error
    for name, part in work.items():
        if name not in errors:
            done = outcomes[name]
            done.applied += [component for component in part.components if component not in done.applied]
            done.removed += part.removed


def _hopeless_left_out(site: Site, seen: Mapping[str, Seen], outcomes: Mapping[str, Outcome]) -> dict[str, Seen]:
    """Hosts with room for what is to be made; on another nothing is begun."""
    for name, host in seen.items():
        if short := compare.hopeless(host.drifts, site.components(name), host.observation):
            outcomes[name].error = AimlsetupError("disk-full", f"{name}: {short}", hint=ROOM)
    return {name: host for name, host in seen.items() if not outcomes[name].error}


def _unstable_left_out(
    before: Mapping[str, Seen], after: Mapping[str, Seen], outcomes: Mapping[str, Outcome]
) -> dict[str, Seen]:
    """Hosts worth another round; one that drifts as it did before acting would drift for ever."""
    for name, host in after.items():
        left = [drift for drift in host.drifts if drift.action != "="]
        same = [drift for drift in left if drift in before[name].drifts]
        if same:
            outcomes[name].error = AimlsetupError(
                "apply-unstable",
                f"{name}: {same[0].component} differs again right after it was applied",
                context=same[0].reasons[:5],
                hint="Something else on the host changes it; find out what, then apply again.",
            )
    return {name: host for name, host in after.items() if not outcomes[name].error}


def _watched(
    session: Session,
    work: Mapping[str, Work],
    title: str,
    *,
    check: bool = False,
    take_lock: bool = False,
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> Result:
    run = functools.partial(act.site, session, work, check=check, take_lock=take_lock, own=own)
    return watched(session, title, work, run)


def watched(session: Session, title: str, work: Mapping[str, Work], run: Callable[[], Result]) -> Result:
    """Run something with its progress on the screen."""
    with ui.progress(title, {name: [*part.removed, *part.components] for name, part in work.items()}) as shown:
        session.on_event = lambda event: watch(shown, event, session.secrets.scrub)
        result = run()
        for name in work:
            shown.finished(name)
        return result


def watch(shown: ui.Progress, event: Event, scrub: Callable[[str], str]) -> None:
    """Show one event."""
    if event.kind == "started" and event.component:
        shown.started(event.host, event.component, event.task)
    elif event.kind in ("failed", "unreachable") and not event.ignored:
        said = failures.words(event.result).strip().splitlines() or [event.kind]
        shown.failed(event.host, event.component or event.task, scrub(said[0]))
    elif event.kind == "ok":
        for warning in event.result.get("warnings", []):
            shown.warned(event.host, event.component or event.task, scrub(str(warning)))


def errors_of(session: Session, result: Result, work: Collection[str]) -> dict[str, AimlsetupError]:
    """Why hosts did not get to the end."""
    stopped = result.failed | result.unreachable
    if result.status and not stopped:
        stopped = set(work)
    return {
        name: failures.task_error(
            name, result.failures(name), again=again(), log=str(session.log.path), scrub=session.secrets.scrub
        )
        for name in work
        if name in stopped
    }


def tell(errors: Mapping[str, AimlsetupError]) -> None:
    """Every host's error, whole, on standard error."""
    ui.show([ui.Line(str(error), "bad") for _, error in sorted(errors.items())], to_stderr=True)


def conclude(errors: Mapping[str, AimlsetupError], hosts: int, *, otherwise: Exit = Exit.DONE) -> Exit:
    """The exit code: a single cause keeps its own, some hosts done and some not have theirs."""
    if not errors:
        return otherwise
    if len(errors) < hosts:
        return Exit.PARTIAL
    codes = {error.exit_code for error in errors.values()}
    return codes.pop() if len(codes) == 1 else Exit.FAILED
