"""Roots, accounts and the tree, as they are. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimlsetup.models.observation import Observation
from aimlsetup.models.profile import Roots

# Where each root may be, the usual place first. A root that is nowhere is to be made in the first.
CANDIDATES = {
    "codehub": ("/codehub", "/aimldl-cod"),
    "config": ("/codehub-config", "/codehub/config", "/aimldl-cfg"),
    "data": ("/aimldl-dat", "/codehub/dat"),
    "mnt": ("/aimldl-mnt", "/codehub/mnt"),
    "doc": ("/aimldl-doc", "/codehub/doc"),
    "rpt": ("/aimldl-rpt", "/codehub/rpt"),
    "kbank": ("/aimldl-kbank", "/codehub/kbank"),
    "virtualenvs": ("/virtualmachines/virtualenvs", "/codehub/virtualmachines/virtualenvs"),
}
ROOT = "root"


@dataclass(frozen=True)
class Places:
    """Where the roots are, and whose the tree is."""

    roots: Mapping[str, str]
    owner: str
    group: str

    def wished(self) -> dict[str, str]:
        """Roots that are not in the usual place."""
        usual = Roots().model_dump()
        return {name: path for name, path in self.roots.items() if path != usual[name]}


def places(found: Observation) -> Places:
    """A root is where a directory is, not where a link to one is."""
    paths = found.found.get("paths", {})
    roots = {}
    for name, candidates in CANDIDATES.items():
        real = [path for path in candidates if paths.get(path, {}).get("type") == "directory"]
        roots[name] = (real or candidates)[0]
    whose = next((paths[path] for name in ("codehub", "data", "config") if (path := roots[name]) in paths), {})
    return Places(roots, whose.get("owner", ROOT), whose.get("group", ROOT))


def base(found: Observation, where: Places) -> dict[str, Any]:
    """Accounts and roots exactly as they are; roots that are not there belong to whom the tree belongs to."""
    paths, accounts = found.found.get("paths", {}), found.found.get("accounts", {})
    users = [
        {
            "name": name.removeprefix("user:"),
            "group": account["group"],
            "home": account["home"],
            "shell": account["shell"],
            "create_home": False,
        }
        for name, account in accounts.items()
        if name.startswith("user:")
    ]
    groups = [{"name": name.removeprefix("group:")} for name in accounts if name.startswith("group:")]
    roots = []
    for name, path in where.roots.items():
        if name == "virtualenvs":
            continue
        now = paths.get(path, {"owner": where.owner, "group": where.group, "mode": "2775"})
        roots.append({"path": path, **{key: now[key] for key in ("owner", "group", "mode")}})
    return {"groups": groups, "users": users, "roots": roots}


def codehub(found: Observation, where: Places) -> dict[str, Any]:
    """The tree's owner, and that what is there keeps its own. Configuration stays readable to who reads it now."""
    units = found.found.get("units", {}).values()
    groups = [unit["group"] for unit in units if unit.get("group")]
    service = groups[0] if groups else where.group
    return {"owner": where.owner, "group": where.group, "service_group": service, "keep": True}
