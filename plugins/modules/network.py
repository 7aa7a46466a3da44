#!/usr/bin/python
"""Ansible module: a host's way out: proxy, trusted authorities, accounts, mirrors of its distribution."""

DOCUMENTATION = r"""
---
module: network
short_description: Give a host its proxy, authorities, accounts and mirrors
description:
  - Writes apt's settings and accounts, an authority's certificates into the host's trust, and a file of root's alone
    from which this collection's own modules take proxy and accounts. For each of O(repositories) it writes a
    F(.sources) file and sets the host's own entries of the same archive aside (commented out with a mark, which
    P(codehub.aimlsetup.retire#module) takes off again).
  - Before anything is written apt reads the repositories with the new settings, in a scratch directory; one that can't
    be reached, refuses the account or is not signed as it should be is refused by name.
options:
  proxy:
    description: Proxy for http and https, as V(http://HOST:PORT). Its account is one of O(credentials).
    type: str
  no_proxy:
    description: Hosts that are asked directly. This host itself always is.
    type: list
    elements: str
    default: []
  ca_bundle:
    description: Certificates (PEM) of authorities to trust besides the system's own.
    type: str
  credentials:
    description: Accounts, each for one server.
    type: list
    elements: dict
    default: []
    options:
      url:
        description: The server, as V(https://HOST:PORT). An account for V(http:) is sent in clear text.
        type: str
        required: true
      username:
        description: Name of the account.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
  repositories:
    description: Mirrors of the distribution's own archives.
    type: list
    elements: dict
    default: []
    options:
      name:
        description: Short name, which file names are made from.
        type: str
        required: true
      uri:
        description: Its address.
        type: str
        required: true
      suites:
        description: Suites.
        type: list
        elements: str
        required: true
      components:
        description: The archive's components. Those are used that the host's own entries have, all where it has none.
        type: list
        elements: str
        required: true
      architectures:
        description: Architectures as apt calls them.
        type: list
        elements: str
        default: []
      keyring:
        description: The distribution's own keyring on the host.
        type: str
        required: true
      key:
        description: The key of a mirror that signs by itself, instead of O(repositories[].keyring).
        type: dict
        options:
          url:
            description: Where the key is fetched from, armoured or not.
            type: str
          path:
            description: A file on the host that holds it.
            type: path
          fingerprints:
            description: Full fingerprints of the keys that are accepted.
            type: list
            elements: str
            required: true
  read:
    description: Have apt read the repositories even when nothing is to be changed.
    type: bool
    default: false
  lock_timeout:
    description: Seconds to wait for another process that uses apt.
    type: int
    default: 600
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Configure | The way out
  codehub.aimlsetup.network:
    proxy: http://proxy.example.org:3128
    repositories:
      - name: debian
        uri: https://mirror.example.org/debian
        suites: [bookworm, bookworm-updates]
        components: [main, contrib]
        keyring: /usr/share/keyrings/debian-archive-keyring.gpg
"""

RETURN = r"""
owns:
  description: The files that are (or would be) there, those with entries set aside among them.
  type: list
  elements: str
  returned: always
unowned:
  description: Marks of files that would be changed and that no receipt owns.
  type: list
  elements: dict
  returned: always
"""

import os
import shutil
import stat
import tempfile

from ansible_collections.codehub.aimlsetup.plugins.module_utils import (
    aptfiles,
    aptmirror,
    aptplan,
    aptrun,
    aptsources,
    atomic,
    network,
    networkfiles,
    trust,
    unowned,
)
from ansible_collections.codehub.aimlsetup.plugins.module_utils.fileset import content_of
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

CREDENTIAL_OPTIONS = {
    "url": {"type": "str", "required": True},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
}
REPOSITORY_OPTIONS = {
    "name": {"type": "str", "required": True},
    "uri": {"type": "str", "required": True},
    "suites": {"type": "list", "elements": "str", "required": True},
    "components": {"type": "list", "elements": "str", "required": True},
    "architectures": aptfiles.TEXTS,
    "keyring": {"type": "str", "required": True},
    "key": {"type": "dict", "options": aptfiles.KEY_OPTIONS, "no_log": False},
}
OPTIONS = {
    "proxy": {"type": "str"},
    "no_proxy": aptfiles.TEXTS,
    "ca_bundle": {"type": "str"},
    "credentials": {"type": "list", "elements": "dict", "default": [], "options": CREDENTIAL_OPTIONS},
    "repositories": {"type": "list", "elements": "dict", "default": [], "options": REPOSITORY_OPTIONS},
    "read": {"type": "bool", "default": False},
    "lock_timeout": {"type": "int", "default": 600},
}
SECRET = (network.PATH, networkfiles.ACCOUNTS)  # root's alone, and in no diff
OPEN, CLOSED = 0o644, 0o600


def settings_files(params):
    """{path: text} of settings, accounts and certificates."""
    there = (content_of(network.PATH) or b"").decode("utf-8", "replace")
    salt = networkfiles.salt_of(there) or os.urandom(16).hex()
    texts = {
        network.PATH: networkfiles.own_text(params, salt),
        networkfiles.APT: networkfiles.apt_text(params),
        networkfiles.ACCOUNTS: networkfiles.accounts_text(params, salt),
    }
    texts.update(networkfiles.authorities(params["ca_bundle"]))
    return {path: text.encode() for path, text in texts.items() if text}


def mirror_files(host, repositories):
    """({path: content} of mirrors' files and keyrings, {path: content} of the host's own lists, {name: stanzas})."""
    files, lists, found = {}, {}, {}
    paths = [path for path, _text in aptsources.texts() if not path.startswith(aptmirror.OWN) and os.path.exists(path)]
    originals = [(path, aptmirror.restored(content_of(path).decode("utf-8", "surrogateescape"))) for path in paths]
    for path, text in originals:
        lists[path] = aptmirror.aside(path, text, repositories)[0].encode("utf-8", "surrogateescape")
    for one in repositories:
        replaced = [entry for path, text in originals for entry in aptmirror.aside(path, text, [one])[1]]
        keyring = aptplan.KEYRING % one["name"] if one["key"] else one["keyring"]
        try:
            if one["key"]:
                files[keyring] = aptfiles.keyring(host, one["key"], keyring)
            elif not os.path.exists(keyring):
                raise aptfiles.Refused("there is no keyring %s" % keyring)
        except (aptfiles.Refused, aptfiles.ToCome) as reason:
            host.fail("source %s: %s" % (one["name"], reason))
        found[one["name"]] = aptmirror.stanzas(one, replaced, keyring)
        files[aptmirror.SOURCES % one["name"]] = aptmirror.written(found[one["name"]]).encode()
    marked = {path for path, content in lists.items() if aptmirror.MARK.encode() in content}
    lists = {path: content for path, content in lists.items() if path in marked or content_of(path) != content}
    return files, lists, found


def trial(scratch, params, files):
    """Apt's settings (`Name=value`) for looking before anything is written. Secrets are in files of root's alone."""
    os.chmod(scratch, 0o755)  # noqa: S103 - apt fetches as its own user
    accounts = os.path.join(scratch, "accounts")
    os.mkdir(accounts, 0o700)
    atomic.write(os.path.join(accounts, "trial.conf"), files.get(networkfiles.ACCOUNTS, b""), CLOSED)
    given = ["%s=%s" % pair for pair in networkfiles.apt_settings(params)]
    given += ["Dir::Etc::netrcparts=" + accounts]
    if params["ca_bundle"]:
        bundle = os.path.join(scratch, "authorities.pem")
        atomic.write(bundle, trust.bundle(params["ca_bundle"]), OPEN)
        given += ["Acquire::https::CaInfo=" + bundle]
    return given


def due(path, content):
    """Whether a file is not as it is to be."""
    if content_of(path) != content:
        return True
    return path in SECRET and stat.S_IMODE(os.stat(path).st_mode) != CLOSED


def shown(path, content):
    """One entry of Ansible's diff; of what holds passwords only that it changes."""
    if path in SECRET:
        return {"before_header": path, "after_header": path, "before": "", "after": "(settings that are not shown)\n"}
    return aptfiles.shown(path, content_of(path), content)


def put(path, content):
    """Write one file."""
    if path in SECRET:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        atomic.write(path, content, CLOSED, 0, 0)
    else:
        aptfiles.put(path, content)


def converge(module, scratch):
    """Look, and act unless in check mode; the module's result."""
    params = module.params
    files = settings_files(params)
    host = aptrun.Commands(module, trial(scratch, params, files))
    mirrors, lists, found = mirror_files(host, params["repositories"])
    files.update(mirrors)
    changes = {path: content for path, content in dict(files, **lists).items() if due(path, content)}
    if found and (changes or params["read"]):
        aptfiles.read(host, mirrors, found)
    ledger = unowned.Ledger(module)
    for path in (path for path in changes if os.path.exists(path)):
        why = "entries would be set aside for a mirror" if path in lists else "its content would be another"
        ledger.meet("paths", path, unowned.REPLACE, why)
    diff = [shown(path, content) for path, content in changes.items()]
    if not module.check_mode:
        for path, content in changes.items():
            put(path, content)
        trust.refresh(module, changes)
    settings = [os.path.dirname(network.PATH)] if network.PATH in files else []
    owned = [path for path, content in lists.items() if aptmirror.MARK.encode() in content]
    owns = {"owns": sorted([*settings, *files, *owned]), "unowned": ledger.marks}
    return dict(owns, changed=bool(changes), diff=diff)


def main():
    """Run the module."""
    module = writer(OPTIONS)
    repositories = [
        dict(one, signed_by=None if one["key"] else one["keyring"]) for one in module.params["repositories"]
    ]
    wrong = list(networkfiles.problems(module.params)) + aptplan.problems(repositories, [])
    if wrong:
        module.fail_json(msg="\n".join(wrong))
    scratch = tempfile.mkdtemp(prefix="aimlsetup-network-")
    try:
        result = converge(module, scratch)
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
