"""What the lock decides for `repos`: the commit that each branch or tag is, where its remote can be asked from here."""

from collections.abc import Iterable, Mapping
from typing import Any

from aimlsetup.content import util
from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.locking import remotes
from aimlsetup.locking.decision import Case, Decided
from aimlsetup.models.lock import Pin, Reason
from aimlsetup.models.profile import Profile

COMPONENT = "repos"
DEFAULT_BRANCH = "the default branch"


def decide(case: Case) -> Decided:
    """Pin every checkout of the profile. A branch or tag that its remote does not have is an error (exit code 2)."""
    entries: list[Mapping[str, Any]] = case.profile.sections.get(COMPONENT, {}).get("checkouts") or []
    if not entries:
        return Decided({})
    pins = {entry["dest"]: _pin(entry, case) for entry in entries}
    pinned = [{**entry, "commit": _commit(pins[entry["dest"]].version)} for entry in entries]
    return Decided({"checkouts": pinned}, pins)


def _commit(version: str) -> str | None:
    return version if util("gitnames").COMMIT.match(version) else None


def _pin(entry: Mapping[str, Any], case: Case) -> Pin:
    version = entry.get("version")
    wish = Reason(kind="wish", text=f"repos.checkouts: {version or DEFAULT_BRANCH} of {entry['url']}")
    exact = entry.get("commit") or (version and _commit(version))
    if exact:
        return Pin(version=exact, because=[wish])
    before = _before(entry, case)
    if before and not case.follow:
        return before
    try:
        found = _asked(entry, case)
    except remotes.Silent as silent:
        why = Reason(kind="remote", text=f"not pinned, looked up when the role runs: {silent}")
        return before or Pin(version=version or "HEAD", because=[wish, why])
    commit, reference = _meant(entry, found)
    return Pin(version=commit, because=[wish, Reason(kind="remote", text=reference, source=entry["url"])])


def _before(entry: Mapping[str, Any], case: Case) -> Pin | None:
    """The earlier pin of the same wish, if it is a commit."""
    arguments = case.old.components.get(COMPONENT, {}) if case.old else {}
    same = [
        other
        for other in arguments.get(f"{COMPONENT}_checkouts") or []
        if all(other.get(key) == entry.get(key) for key in ("dest", "url", "version"))
    ]
    pin = case.old.pins.get(entry["dest"]) if case.old and same else None
    return pin if pin and _commit(pin.version) else None


def _asked(entry: Mapping[str, Any], case: Case) -> remotes.References:
    """References of the remote. Raises Silent."""
    if on_hosts(entry["url"], case.profile, case.hosts):
        raise remotes.Silent("it is a path on the host")
    return remotes.references(entry["url"], entry.get("known_hosts") or ())


def on_hosts(url: str, profile: Profile, hosts: Iterable[str]) -> bool:
    """Whether it is a path, and that on other machines than this one. Raises `gitnames.Bad`."""
    here = all(profile.hosts[host].connection == "local" for host in hosts)
    return util("gitnames").source(url)[0] == "file" and not here


def _meant(entry: Mapping[str, Any], found: remotes.References) -> tuple[str, str]:
    """(commit, reference) that the wished version is on the remote."""
    names = util("gitnames")
    try:
        wanted = names.resolve(entry.get("version"), *found)
    except names.Bad as bad:
        raise AimlsetupError(
            "repository-version",
            f"repos.checkouts: {entry['dest']}: {bad}",
            context=[f"repository: {entry['url']}"],
            hint="correct 'version' in the profile",
            exit_code=Exit.USAGE,
        ) from None
    return wanted.commit, wanted.ref
