"""What a profile without root comes to for a host: everything below the user's home, and services of the user's own.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.profile import Profile, Roots

ENVIRONMENTS = "python_env"
SUPERVISOR = {"name": "supervisor", "requirements": ["supervisor"]}  # the environment, and the one package it is for


@dataclass(frozen=True)
class Account:
    """Whose things are made where nobody is root. `services` is what runs them: `systemd` or `supervisord`."""

    home: str
    services: str

    @property
    def state(self) -> str:
        """Where the user's receipts lie, as plugins/module_utils/receipts.py has it."""
        return f"{self.home}/.local/state/aimlsetup"

    def shared(self) -> dict[str, str]:
        """What the catalog's `{user.X}` stand for."""
        return {"home": self.home, "services": self.services, "state": self.state}


def account(host: str, facts: Mapping[str, Any], profile: Profile) -> Account | None:
    """Of a host whose profile has `scope: user`. One that has no Python for the user is an error (exit code 2)."""
    if profile.scope == "system":
        return None
    if "account" not in facts:
        raise AimlsetupError(
            "user-no-python",
            f"{host}: without root nothing can be installed there, and there is no Python yet",
            hint="Ask who administers the host for python3.",
            exit_code=Exit.USAGE,
        )
    return Account(facts["account"]["home"], "systemd" if facts.get("user_services") else "supervisord")


def scoped(profile: Profile, account: Account | None) -> Profile:
    """The profile as it is meant for a host: roots below the prefix, wheels alone, and what services need."""
    if account is None:
        return profile
    prefix = (profile.prefix or f"{account.home}/aimlsetup").rstrip("/")
    named = profile.roots.model_fields_set
    below = {name: prefix + path for name, path in Roots().model_dump().items() if name not in named}
    return profile.model_copy(
        update={
            "roots": profile.roots.model_copy(update=below),
            "requests": profile.requests.model_copy(update={"channel": "pip"}),
            "sections": _with_supervisor(profile, account),
        }
    )


def _with_supervisor(profile: Profile, account: Account) -> dict[str, dict[str, Any]]:
    section = profile.sections.get(ENVIRONMENTS, {})
    envs = list(section.get("envs") or [])
    if account.services != "supervisord" or not envs or any(env["name"] == SUPERVISOR["name"] for env in envs):
        return profile.sections
    return {**profile.sections, ENVIRONMENTS: {**section, "envs": [*envs, dict(SUPERVISOR)]}}
