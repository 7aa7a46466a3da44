"""The profile's way out, for what a command itself asks: lock and `sources check`."""

from collections.abc import Iterator
from contextlib import contextmanager

from aimlsetup.engine.secrets import Secrets, terminal_ask
from aimlsetup.engine.workspace import workspace
from aimlsetup.locking import access, network
from aimlsetup.models.profile import Profile


@contextmanager
def way_out(profile: Profile) -> Iterator[None]:
    """Ask sources as the profile's `network` says; accounts whose password only hosts have (`host:`) are left out."""
    section = profile.sections.get(network.COMPONENT, {})
    if not any(section.get(key) for key in ("proxy", "ca_bundle", "credentials")):
        yield
        return
    given = [one for one in section.get("credentials") or [] if not one["password"].startswith("host:")]
    secrets = Secrets(ask=terminal_ask())
    settings = {
        "proxy": section.get("proxy"),
        "no_proxy": section.get("no_proxy") or [],
        "credentials": [{**one, "password": secrets.resolve(one["password"])} for one in given],
    }
    with workspace() as space, access.using(access.Access(settings, network.certificates(profile), space.root)):
        yield
