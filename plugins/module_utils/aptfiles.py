"""apt's files before they are written: keys fetched and compared, repositories read from a scratch directory, diffs.

What `apt_source` and `network` share. `host` is an `aptrun.Commands`. Standard library only, Python 3.6 syntax.
"""

import os
import shutil
import tempfile

from ansible_collections.codehub.aimlsetup.plugins.module_utils import apt, aptplan, aptsources, atomic
from ansible_collections.codehub.aimlsetup.plugins.module_utils.fileset import content_of

TEXTS = {"type": "list", "elements": "str", "default": []}
KEY_OPTIONS = {
    "url": {"type": "str"},
    "path": {"type": "path"},
    "fingerprints": {"type": "list", "elements": "str", "required": True},
}
REPOSITORY_OPTIONS = {
    "name": {"type": "str", "required": True},
    "uri": {"type": "str", "required": True},
    "suites": dict(TEXTS, default=["/"]),
    "components": TEXTS,
    "architectures": TEXTS,
    "key": {"type": "dict", "options": KEY_OPTIONS, "no_log": False},
    "signed_by": {"type": "str"},
}
HELPER = "/usr/lib/apt/apt-helper"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
TIMEOUT = 30  # seconds for a key


class Refused(Exception):
    """What can't be had, in words."""


class ToCome(Exception):
    """In check mode: can't be known before an earlier component has installed what it needs."""


def offered(host, key):
    """Content of the file that a key is said to be in; fetched as apt fetches, by its proxy and certificates."""
    if key["path"]:
        try:
            return content_of(key["path"]) or b""
        except OSError as error:
            raise Refused("its key can't be read: %s" % error)
    if not key["url"]:
        raise Refused("no such key is on this host, and neither url nor path says where it is")
    with tempfile.TemporaryDirectory(prefix="aimlsetup-key-") as scratch:
        shutil.chown(scratch, "_apt")  # the account that apt fetches as
        path = os.path.join(scratch, "key")
        options = ["Acquire::Retries=2", "Acquire::http::Timeout=%d" % TIMEOUT]
        status, output = host.execute([HELPER, "-q"] + host.words(options) + ["download-file", key["url"], path])
        if status == 0:
            return content_of(path) or b""
    if host.module.check_mode and "ertificate" in output and not os.path.exists(CERTIFICATES):
        raise ToCome("%s can't be fetched before CA certificates are installed" % key["url"])
    raise Refused(apt.explanation("its key can't be fetched", output))


def keyring(host, key, path):
    """What a repository's keyring is to hold: accepted keys alone, those it has and those that are offered."""
    accepted = [aptplan.normal(fingerprint) for fingerprint in key["fingerprints"]]
    have = aptsources.blocks(content_of(path) or b"")
    kept = {fingerprint: have[fingerprint] for fingerprint in accepted if fingerprint in have}
    if len(kept) < len(set(accepted)):
        found = aptsources.blocks(offered(host, key))
        kept.update({fingerprint: found[fingerprint] for fingerprint in accepted if fingerprint in found})
        if not kept:
            raise Refused(
                "%s holds %s\n  expected %s\nhint: that key was not trusted. If its owner has really changed keys, the "
                "new fingerprint belongs into the profile or a newer aimlsetup."
                % (key["path"] or key["url"], ", ".join(sorted(found)) or "no key", " or ".join(accepted))
            )
    return b"".join(kept.values())


def read(host, files, found):
    """Have apt read the repositories, named by files in a scratch directory; nothing is trusted for it beyond them."""
    scratch = tempfile.mkdtemp(prefix="aimlsetup-apt-")
    try:
        os.chmod(scratch, 0o755)  # noqa: S103 - apt fetches as its own user
        for directory in ("sources", "lists/partial"):
            os.makedirs(os.path.join(scratch, directory))
        for name, of_one in found.items():
            path = aptplan.KEYRING % name
            trial = os.path.join(scratch, name + ".gpg")
            if path in files:
                atomic.write(trial, files[path], 0o644)
            text = aptplan.written(of_one).replace(path, trial)
            atomic.write(os.path.join(scratch, "sources", name + ".sources"), text.encode(), 0o644)
        options = ["Dir::Etc::SourceList=/dev/null", "Dir::Etc::SourceParts=%s/sources" % scratch]
        options += ["APT::Update::Error-Mode=any", "APT::Get::List-Cleanup=0", "Acquire::Retries=2"]
        if host.module.check_mode:
            options += ["Dir::State::Lists=%s/lists" % scratch, "Dir::Cache=%s" % scratch]
        status, output = host.patiently(["apt-get", "-q"] + host.words(options) + ["update"])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if status:
        host.fail(apt.explanation("reading the repositories, which are not used yet", output))


def shown(path, before, after):
    """One entry of Ansible's diff; of a keyring its fingerprints."""
    sides = {}
    for side, content in (("before", before), ("after", after)):
        keys = aptsources.fingerprints(content or b"")
        sides[side] = "".join(key + "\n" for key in keys) if keys else (content or b"").decode("utf-8", "replace")
    return dict(sides, before_header=path, after_header=path)


def put(path, content):
    """Write a file, or remove it where nothing is left of it."""
    if content is None:
        os.unlink(path)
    else:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        atomic.write(path, content, 0o644, 0, 0)
