"""What apt-get and dpkg say, as data: the simulated transaction, what is wrong with it, what went wrong in words.

Pure functions over their output in the C locale. Standard library only, Python 3.6 syntax.
"""

import fnmatch
import re

INST = re.compile(r"^Inst (\S+)(?: \[([^\]]*)\])? \((\S+)", re.MULTILINE)
REMV = re.compile(r"^(?:Remv|Purg) (\S+)(?: \[([^\]]*)\])?", re.MULTILINE)
DOWNGRADED = re.compile(r"^The following packages will be DOWNGRADED:\n((?: .*\n)+)", re.MULTILINE)
URI = re.compile(r"^'[^']*' \S+ (\d+)(?: .*)?$", re.MULTILINE)
LOCKED = re.compile(
    r"Could not get lock|Unable to lock|Unable to acquire the dpkg frontend lock|lock was locked by another process"
)
LOCK_HOLDER = re.compile(r"held by process (\d+)(?: \(([^)]*)\))?|another process with pid (\d+)")
# A second letter of dpkg's status that `dpkg --configure -a` brings on: unpacked, half-configured, triggers.
UNFINISHED = "UFWt"

# (what apt said, what that means, what to do); the first that is found counts.
CAUSES = (
    (r"NO_PUBKEY (\w+)|Missing key (\w+), which", "a repository is signed with key {0}, which this host does not know",
     "its maintainers have probably changed keys: install the new keyring file and name it in the source's Signed-By"),
    (r"(?:EXPKEYSIG|KEYEXPIRED) ?(\w*)|Signing key on (\w+) is bad:.*Expired on",
     "a repository is signed with a key that has expired ({0})",
     "check this host's clock; if that is right, install the repository's renewed keyring file"),
    (r"Verifying signature: +Not live until (\S+)", "a repository's signature is from the future ({0})",
     "this host's clock is slow: set it right"),
    (r"Signing key on (\w+) is ", "a repository is signed with key {0}, which this host does not accept",
     "install the repository's renewed keyring file"),
    (r'Failed to parse keyring "([^"]*)"', "the keyring {0} can't be read",
     "install it, or correct the source's Signed-By"),
    (r"BADSIG|signatures (?:couldn't be verified|were invalid)|Clearsigned file isn't valid|been manipulated",
     "a repository's signature does not fit its content", "a proxy or mirror has altered it: use another mirror"),
    (r"[Rr]epository '([^']*)' is not signed|InRelease' is not signed", "a repository is not signed ({0})",
     "point the source at a signed repository; unsigned ones are never used"),
    (r"is not valid yet \(invalid for another ([^)]*)\)", "a repository's index is {0} in the future",
     "this host's clock is slow: set it right"),
    (r"is expired \(invalid since ([^)]*)\)", "a repository's index expired {0} ago",
     "this host's clock is fast, or the mirror is no longer updated: check the clock, then the mirror"),
    (r"No space left on device|enough free space in (\S+)", "the disk is full ({0})",
     "make room (`apt-get clean` frees downloaded packages)"),
    (r"Read-only file system", "a file system is mounted read-only", "mount it writable"),
    (r"(?:Could not|Temporary failure) resolv(?:e|ing) '([^']*)'", "the name {0} does not resolve",
     "check /etc/resolv.conf and the source's address"),
    (r"[Cc]ertificate verif(?:ication|y) failed|certificate is NOT trusted",
     "a repository's TLS certificate is not trusted",
     "install the CA's certificate (ca-certificates) or check the clock"),
    (r"407 +Proxy|401 +Unauthorized|403 +Forbidden", "a repository refuses this host ({all})",
     "check the proxy and the source's credentials"),
    (r"Could not connect to (\S+)|Unable to connect to (\S+)|Connection (?:failed|refused|timed out)",
     "a repository can't be reached ({0})", "check network, proxy and firewall, or name a mirror that answers"),
    (r"Hash Sum mismatch|unexpected size", "a download is not what its index says",
     "the mirror is being updated or a proxy altered it: try again later or use another mirror"),
    (r"404 +Not Found|does not have a Release file",
     "a repository or package is not (any longer) where the source says", "check the source's address and suite"),
    (r"Unable to locate package (\S+)", "no repository of this host has a package {0}",
     "check the name and the sources"),
    (r"Package '?([^\s']+)'? has no installation candidate", "no repository of this host offers package {0}",
     "check the name and the sources"),
    (r"Version '([^']*)' for '([^']*)' was not found", "no repository of this host has {1} in version {0}",
     "lock again, or add the source that has it"),
    (r"unmet dependencies|held broken packages|have been held back", "the wanted packages do not fit what is installed",
     "`apt-get -s install` with them shows which dependency; unhold, upgrade or remove what is in the way"),
    (r"(?:subprocess|script) .*returned error|error processing package (\S+)", "a package's own script failed ({0})",
     "its words are above; repair that, then apply again"),
)
ERRORS = ("E:", "Err:", "dpkg: error", "W: GPG", "W: Failed")  # how apt's and dpkg's lines of that kind begin
# What a fresh look at the index may cure.
STALE = re.compile(
    r"Unable to locate package|has no installation candidate|was not found|404 +Not Found|unmet dependencies|"
    r"Unable to fetch some archives|Hash Sum mismatch"
)


def parse_wish(text):
    """(name, version or None) of apt's own notation `name` or `name=version`, with `*` at its end for any rest. Raises
    ValueError for anything else.

    `name-`, which asks apt-get to remove, is anything else.
    """
    match = re.match(r"([a-z0-9][a-z0-9+.-]*[a-z0-9+.])(?:=([A-Za-z0-9.+:~-]+\*?))?\Z", text)
    if not match:
        raise ValueError("%r is no package: expected name or name=version, as apt-get takes them" % text)
    return match.group(1), match.group(2)


def pending(wishes, installed):
    """Names that are not installed, or not in the wanted version. `installed` is as `state.packages` gives it."""
    return sorted(
        name for name, version in wishes.items()
        if installed[name] is None or not fits(installed[name]["version"], version)
    )


def fits(version, wanted):
    """Whether a version is the wanted one, or begins like it where that ends with `*`; None wants any."""
    return fnmatch.fnmatchcase(version, wanted or "*")


def parse_simulation(output):
    """[{"name", "from", "to"}] of `apt-get -s`; `from` is None for a new package, `to` for a removed one."""
    removed = [{"name": name, "from": was or None, "to": None} for name, was in REMV.findall(output)]
    installed = [{"name": name, "from": was or None, "to": version} for name, was, version in INST.findall(output)]
    return sorted(removed + installed, key=lambda change: change["name"])


def parse_downgraded(output):
    """Names that `apt-get -s` says it would downgrade."""
    return [name for block in DOWNGRADED.findall(output) for name in block.split()]


def parse_download(output):
    """Bytes to fetch, from `apt-get --print-uris`."""
    return sum(int(size) for size in URI.findall(output))


def parse_installed_sizes(output):
    """Sum in bytes of the Installed-Size fields (KiB) of control stanzas."""
    return sum(int(size) * 1024 for size in re.findall(r"^Installed-Size: (\d+)$", output, re.MULTILINE))


def refusals(changes, wanted, downgraded=(), upgrades=False, replaces=(), refuses=(), absent=()):
    """[(package, what nobody planned, in words)]: removals, changes of installed packages that are not `wanted`, and
    new ones that match `refuses` or are built for another CUDA than what is wanted (`+cuda10.1` beside `+cuda10.0`).

    Other new dependencies are always in order; upgrades of installed packages only with `upgrades`. What matches
    `replaces` (patterns of names) may be removed or changed to any version, what is in `absent` may be removed.
    """
    suffixes = {cuda_suffix(version) for version in wanted.values()} - {None}
    found = []
    for change in changes:
        name = change["name"].partition(":")[0]
        if change["to"] is None:
            if name not in absent and not matches(name, replaces):
                found.append((name, "remove %s %s" % (change["name"], change["from"])))
        elif name in wanted:
            continue
        elif matches(name, refuses) or (suffixes and cuda_suffix(change["to"]) not in suffixes | {None}):
            found.append((name, "install %s %s" % (change["name"], change["to"])))
        elif (
            change["from"] is not None
            and not matches(name, replaces)
            and (change["name"] in downgraded or not upgrades)
        ):
            verb = "downgrade" if change["name"] in downgraded else "upgrade"
            found.append((name, "%s %s from %s to %s" % (verb, change["name"], change["from"], change["to"])))
    return found


def matches(name, patterns):
    """Whether a name matches one of these patterns, in which * and ? stand for any text and any character."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def cuda_suffix(version):
    """`cuda10.0` of NVIDIA's `5.1.5-1+cuda10.0`: the CUDA that a package is built for; None of other versions."""
    match = re.search(r"\+(cuda\d+\.\d+)$", version or "")
    return match.group(1) if match else None


def chain(stanzas, wanted, name):
    """Why a package comes in: names from one of `wanted` to `name`, each of which depends on the next.

    `stanzas` are the control stanzas of all packages that come in, as `apt-cache show` prints them. [] if none does.
    """
    needs, gives = {}, {}
    for package, fields in control(stanzas):
        clauses = ", ".join(fields[key] for key in ("Pre-Depends", "Depends") if key in fields)
        needs[package] = re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]*)", clauses)
        for provided in [package] + re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9+.-]*)", fields.get("Provides", "")):
            gives.setdefault(provided, set()).add(package)
    paths = [[start] for start in sorted(wanted) if start in needs]
    seen = set(wanted)
    for path in paths:  # grows while it is read: the nearest first
        if path[-1] == name:
            return path
        after = sorted({giver for need in needs[path[-1]] for giver in gives.get(need, ())} - seen)
        seen.update(after)
        paths += [path + [package] for package in after]
    return []


def control(stanzas):
    """[(package, {field: text})] of control stanzas, continued lines joined."""
    found = []
    for stanza in re.split(r"\n\s*\n", stanzas):
        fields = dict(re.findall(r"^([A-Z][A-Za-z-]*): *(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE))
        if "Package" in fields:
            found.append((fields["Package"], fields))
    return found


def removals(output):
    """Names that `apt-get -s` would remove."""
    return {name.partition(":")[0] for name, _was in REMV.findall(output)}


def unfinished(status):
    """Packages that dpkg has left half done, from lines of `${db:Status-Abbrev}\\t${binary:Package}`."""
    rows = [line.split("\t") for line in status.splitlines()]
    return sorted(name for abbreviation, name in rows if abbreviation[1:2] in UNFINISHED)


def locked(output):
    """Whether a command failed only because another one holds apt's or dpkg's lock."""
    return bool(LOCKED.search(output))


def lock_holder(output):
    """Who that is, in words."""
    match = LOCK_HOLDER.search(output)
    if not match:
        return "another process"
    pid, name, other = match.groups()
    return "process %s%s" % (pid or other, " (%s)" % name if name else "")


def diagnose(output):
    """(what went wrong, what to do) in words, from apt's output."""
    for pattern, what, hint in CAUSES:
        match = re.search(pattern, output)
        if match:
            parts = [part for part in match.groups() if part]
            filled = what.format(*(parts or [""] * 2), all=match.group(0))
            return filled.replace(" ()", ""), hint
    return "apt-get failed", "its words are above"


def explanation(doing, output, limit=8):
    """An error's text: what was done, what that means, apt's own words (its last errors), what to do."""
    what, hint = diagnose(output)
    errors = [line for line in output.splitlines() if line.startswith(ERRORS)]
    words = (errors or [line for line in output.splitlines() if line.strip()])[-limit:]
    return "\n".join(["%s: %s." % (doing, what)] + ["  " + line[:300] for line in words] + ["hint: %s." % hint])
