"""What a host is, as far as going back has to restore it: packages, files, links, units and accounts."""

import json
import subprocess
from typing import Any

from aimlsetup import sandbox

# Left out: what the system itself writes all the time, caches of apt and dpkg, and copies that account tools make.
SCRIPT = r"""
import grp, hashlib, json, os, pwd, stat, subprocess
ROOTS = ["/etc", "/opt", "/srv", "/usr/local", "/home", "/root", "/codehub", "/codehub-config", "/virtualmachines",
         "/external4docker", "/var/lib", "/var/cache", "/var/spool", "/var/mail", "/var/opt", *sorted(
         "/" + name for name in os.listdir("/") if name.startswith(("aimldl", "data")))]
LEFT_OUT = ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
            "/etc/.pwd.lock", "/etc/ld.so.cache", "/var/lib/dpkg", "/var/lib/apt", "/var/cache/apt",
            "/var/cache/debconf",
            "/var/cache/ldconfig", "/var/cache/aimlsetup", "/var/lib/systemd", "/var/lib/private", "/var/lib/ucf",
            "/srv/site", "/srv/repository", "/var/cache/private", "/root/.ansible", "/etc/mailcap", "/etc/ssh/ssh_host")
found = {}
def look(path):
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        found[path] = "link " + os.readlink(path)
        return
    what = "directory"
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as handle:
            what = hashlib.sha256(handle.read()).hexdigest()
    found[path] = "%o %d:%d %s" % (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid, what)
for root in ROOTS:
    for above, names, files in os.walk(root):
        names[:] = [name for name in names if not os.path.join(above, name).startswith(LEFT_OUT)]
        for name in names + files:
            path = os.path.join(above, name)
            if not path.startswith(LEFT_OUT) and not name.endswith(".pyc") and name != "__pycache__":
                look(path)
    if os.path.isdir(root) and root not in ("/etc", "/opt", "/srv", "/home", "/root"):
        look(root)
def said(*argv):
    return subprocess.run(argv, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C")).stdout.splitlines()
units = {}
for line in said("systemctl", "list-unit-files", "--no-legend", "--no-pager", "--type=service,socket,timer"):
    units[line.split()[0]] = line.split()[1]
for line in said("systemctl", "list-units", "--all", "--no-legend", "--no-pager", "--plain", "--type=service,socket"):
    if line.split()[1] != "not-found" and line.split()[0] in units:
        units[line.split()[0]] += " " + line.split()[2]
volatile = ("user@", "user-runtime-dir@", "systemd-", "ssh", "apt-daily", "dpkg-db", "e2scrub", "fstrim", "logrotate",
            "man-db")
print(json.dumps({
    "packages": said("dpkg-query", "-W", "-f", "${binary:Package} ${Version} ${db:Status-Abbrev}\\n"),
    "automatic": sorted(said("apt-mark", "showauto")),
    "held": sorted(said("apt-mark", "showhold")),
    "files": found,
    "units": {name: units[name] for name in units if not name.startswith(volatile)},
    "users": sorted(map(str, map(tuple, pwd.getpwall()))),
    "groups": sorted(map(str, map(tuple, grp.getgrall()))),
}))
"""


def footprint(host: sandbox.Host) -> dict[str, Any]:
    """The host as it is now."""
    done = subprocess.run(
        sandbox.ssh_argv(host, "python3", "-"), input=SCRIPT, capture_output=True, text=True, timeout=120, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is not as it was, one line each."""
    lines = []
    for part in before:
        was, now = (side[part] if isinstance(side[part], dict) else dict.fromkeys(side[part], "there")
                    for side in (before, after))  # fmt: skip
        lines += [
            f"{part} {name}: {was.get(name, 'absent')} → {now.get(name, 'absent')}"
            for name in sorted(was.keys() | now.keys())
            if was.get(name) != now.get(name)
        ]
    return lines
