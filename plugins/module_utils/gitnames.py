"""Names that git is given: URLs, versions, destinations, sparse paths; and which commit a version means. Pure.

Whatever could be taken for an option, another transport or another place is refused here, before git sees it.
Standard library only, Python 3.6 syntax.
"""

import collections
import difflib
import os
import re

COMMIT = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\Z")
HTTPS = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?/[^\s]+\Z")
SSH = re.compile(r"ssh://([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?/[^\s-][^\s]*\Z")
SCP = re.compile(r"([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^:\s/-][^:\s]*\Z|"
                 r"[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:/[^:\s]+\Z")  # fmt: skip

# kind: branch, tag or commit. ref: full name on the remote, None for a commit. name: short name. commit: its hash.
Wanted = collections.namedtuple("Wanted", "kind ref name commit")


class Bad(Exception):
    """A name that is refused; says what was expected."""


def _climbs(path):
    return ".." in path.split("/")


def source(url):
    """(transport, URL as git is given it) of a repository; transport is https, ssh or file. Raises Bad."""
    if not url.isprintable() or _climbs(url.replace(":", "/")):
        raise Bad("%s is no URL of a repository: it has control characters or '..'" % ascii(url))
    if url.startswith("file:///"):
        url = url[len("file://") :]
    if url.startswith("/") and not url.startswith("//"):
        return "file", "file://" + os.path.normpath(url)
    if HTTPS.match(url) and "@" not in url.split("/")[2]:
        return "https", url
    if SSH.match(url) or SCP.match(url):
        return "ssh", url
    raise Bad(
        "%s is no URL of a repository that is accepted: expected https://HOST/PATH (without a password in it), "
        "ssh://[USER@]HOST/PATH, [USER@]HOST:PATH or an absolute path" % ascii(url)
    )


def destination(path):
    """A checkout's absolute directory, normalised. Raises Bad."""
    plain = os.path.normpath(path)
    if not path.isprintable() or not path.startswith("/") or _climbs(path) or plain in ("/", "//"):
        raise Bad("%s is no place for a checkout: expected an absolute path without '..'" % ascii(path))
    return plain


def version(name):
    """A branch, tag, commit or full reference name as given, by git's own rules for them. Raises Bad."""
    forbidden = re.search(r"[\s~^:?*\[\\\x00-\x1f\x7f]|\.\.|@\{|//|/\.|\.lock(/|\Z)", name)
    if not name or forbidden or name.startswith(("-", "/", ".")) or name.endswith(("/", ".")) or name == "@":
        raise Bad("%s is no name of a branch, tag or commit" % ascii(name))
    return name


def commit(name):
    """A commit by all of its digits. Raises Bad."""
    if not COMMIT.match(name):
        raise Bad("%s is no commit: expected all of its 40 (or 64) hexadecimal digits" % ascii(name))
    return name


def sparse(paths):
    """Directories of a sparse checkout, sorted. Raises Bad."""
    for path in paths:
        parts = path.split("/")
        if not path.isprintable() or re.search(r'^-|[*?\[\\"!#]', path) or "" in parts or "." in parts or ".." in parts:
            raise Bad("%s is no directory of a repository: expected a plain relative path" % ascii(path))
    return sorted(set(paths))


def known_hosts(lines):
    """Lines for a known_hosts file, as text. Raises Bad."""
    for line in lines:
        if not line.isprintable() or len(line.split()) < 3:
            raise Bad("%s is no line of a known_hosts file: expected HOST TYPE KEY" % ascii(line))
    return "".join(line + "\n" for line in lines)


def references(text):
    """({full name: commit}, full name of the default branch or None) of `git ls-remote --symref` output.

    An annotated tag has the commit it was made for.
    """
    found, default = {}, None
    for line in text.splitlines():
        value, _tab, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            default = value[len("ref: ") :]
        elif name.endswith("^{}"):
            found[name[:-3]] = value
        elif not value.startswith("ref: "):
            found.setdefault(name, value)
    return found, default


def resolve(name, found, default):
    """The `Wanted` that a version means on a remote with these references; None as name is the default branch.

    Raises Bad, with names that are near, when there is none or more than one.
    """
    if name is None:
        if default not in found:
            raise Bad("the repository has no default branch (is it empty?); name a version")
        return _wanted(default, found)
    full = [name] if name.startswith("refs/") else ["refs/heads/" + name, "refs/tags/" + name]
    meant = [ref for ref in full if ref in found]
    if len(meant) > 1:
        raise Bad("%s is both a branch and a tag: name refs/heads/%s or refs/tags/%s" % (name, name, name))
    if meant:
        return _wanted(meant[0], found)
    if COMMIT.match(name):
        return Wanted("commit", None, name, name)
    short = sorted({ref.split("/", 2)[2] for ref in found if ref.startswith(("refs/heads/", "refs/tags/"))})
    near = difflib.get_close_matches(name, short, n=5, cutoff=0.5) or short[:5]
    hint = " A commit is given by all of its 40 digits." if re.match(r"[0-9a-f]{6,39}\Z", name) else ""
    raise Bad("there is no branch or tag %s. Near: %s.%s" % (name, ", ".join(near) or "none", hint))


def _wanted(ref, found):
    kind = {"heads": "branch", "tags": "tag"}.get(ref.split("/")[1], "commit")
    return Wanted(kind, ref, ref.split("/", 2)[2], found[ref])
