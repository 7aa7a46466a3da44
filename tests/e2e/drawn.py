"""Small profiles drawn at random, and hosts that were lived on before: what going back is tried over."""

import random
from typing import Any

from tests.e2e import site
from tests.e2e.site import GUEST_APP

SERVING = 0.2
PACKAGES = ["bc", "ed", "pv", "tree", "time", "rename", "sqlite3"]  # rename and sqlite3 bring dependencies
NEEDED = ["ca-certificates", "python3", "git", "openssh-client"]
# What `lived` leaves in places that a component wants otherwise, as a plan names it.
LIVED = ["/aimldl-dat", "/aimldl-dat/logs", "/codehub", "/codehub/external", "user:codehub", "group:codehub-ai"]
DIRECTORIES = ["/aimldl-dat/logs", "/aimldl-dat/data-mongodb", "/aimldl-dat/uploads"]


def profile(draw: random.Random, host: str) -> dict[str, Any]:
    """Components and their options for a sandbox host; one in five serves."""
    if draw.random() < SERVING:
        links = [{"path": path} for path in draw.sample(DIRECTORIES, draw.randrange(1, 3))]
        return site.profile(host, data_links={"links": links})
    components = ["base", *(name for name in ("codehub", "data_links", "repos") if draw.random() < 0.6)]
    found: dict[str, Any] = {
        "version": 1,
        "hosts": {host: {"connection": "sandbox"}},
        "components": components,
        "base": _base(draw, git="repos" in components),
    }
    if "codehub" in components:
        environment = draw.choice(["production", "development"])
        found["codehub"] = {"environment": environment, "app": {"GPU_ID": draw.randrange(9)}}
    if "data_links" in components:
        paths = draw.sample(DIRECTORIES, draw.randrange(1, 3))
        found["data_links"] = {"links": [{"path": path, "mode": draw.choice(["2775", "0750"])} for path in paths]}
    if "repos" in components:
        dest = draw.choice(["/codehub/external/site", "/codehub/apps/deep/er/site"])
        checkout = {"dest": dest, "url": GUEST_APP, "version": draw.choice(["main", "v1"])}
        found["repos"] = {"checkouts": [checkout]}
    return found


def _base(draw: random.Random, *, git: bool) -> dict[str, Any]:
    return {"packages": [*NEEDED[: None if git else 2], *draw.sample(PACKAGES, draw.randrange(3))]}


def lived(draw: random.Random) -> str:
    """A shell script: what people did on a host before."""
    scripts = [
        "mkdir -p /aimldl-dat/logs/www && echo kept > /aimldl-dat/logs/www/log && chmod 700 /aimldl-dat/logs",
        "useradd --system --shell /bin/sh --home-dir /srv --no-create-home codehub || true",
        "mkdir -p /codehub/external && chmod 750 /codehub && chown daemon /codehub/external",
        "groupadd --gid 4711 codehub-ai || true",
        "apt-get -qq install --no-install-recommends tree >/dev/null && apt-mark hold tree >/dev/null",
        "apt-get -qq install --no-install-recommends bc >/dev/null && apt-mark auto bc >/dev/null",
    ]
    return "; ".join(["set -e", *draw.sample(scripts, draw.randrange(3))])
