#!/usr/bin/python
"""Ansible module: apt's third-party sources, each with its own key, and what versions they may give."""

DOCUMENTATION = r"""
---
module: apt_source
short_description: Make apt use repositories, each with one key, and pin packages
description:
  - Writes one F(.sources) file and one keyring for each of O(repositories), and one preferences file for O(pins). A
    key is trusted only for its repository, and only when its fingerprint is the one that is expected.
  - Looks first for other files that name the same repository, and refuses, naming file and line. Then apt reads the
    repositories with the new keys; one that is not signed as it should be, or out of date, is refused. Nothing below
    F(/etc/apt) is written before that.
  - Of a distribution's own archive (O(repositories[].signed_by)) only those components are added that the host's own
    lists lack, signed by what these name.
  - In check mode apt reads the repositories into a scratch directory; nothing else is written.
options:
  repositories:
    description: What apt is to use.
    type: list
    elements: dict
    required: true
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
        description: Suites; one that ends with V(/) is a flat repository's directory.
        type: list
        elements: str
        default: [/]
      components:
        description: Components; none for a flat repository.
        type: list
        elements: str
        default: []
      architectures:
        description: Architectures as apt calls them. None means the host's own.
        type: list
        elements: str
        default: []
      key:
        description: The key that signs it.
        type: dict
        options:
          url:
            description: Where the key is fetched from, armoured or not.
            type: str
          path:
            description: A file on the host that holds it, instead of O(repositories[].key.url).
            type: path
          fingerprints:
            description: Full fingerprints of the keys that are accepted. Others in the same file are left out.
            type: list
            elements: str
            required: true
      signed_by:
        description: A keyring that is there already, such as a distribution's own, instead of O(repositories[].key).
        type: str
  pins:
    description: What versions of which packages apt may choose.
    type: list
    elements: dict
    default: []
    options:
      packages:
        description: Names; C(*) and C(?) stand for any text and any character.
        type: list
        elements: str
        required: true
      version:
        description: The version.
        type: str
      pin:
        description: Any other pin of apt's, such as C(release l=NVIDIA CUDA), instead of O(pins[].version).
        type: str
      priority:
        description: apt's priority; above 1000 even a downgrade.
        type: int
        default: 1001
  retired_keys:
    description: Ids of keys that are taken out of all keyrings which no remaining source names.
    type: list
    elements: str
    default: []
  retired_lists:
    description: Files in F(/etc/apt/sources.list.d) to be removed, whatever is in them.
    type: list
    elements: str
    default: []
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
- name: Configure | NVIDIA's repository
  codehub.aimlsetup.apt_source:
    repositories:
      - name: nvidia_cuda
        uri: https://mirror.example.org/cuda/debian12/x86_64
        key:
          url: https://mirror.example.org/cuda/debian12/x86_64/3bf863cc.pub
          fingerprints: [EB693B3035CD5710E231E123A4B469963BF863CC]
    pins:
      - {packages: [cuda-toolkit-12-4], version: 12.4.1-1}
    retired_keys: [7fa2af80]
    retired_lists: [cuda.list]
"""

RETURN = r"""
owns:
  description: The files that are (or would be) there for these repositories and pins.
  type: list
  elements: str
  returned: always
unowned:
  description: Marks of files that would be changed or removed, and of other owners of a repository, without a receipt.
  type: list
  elements: dict
  returned: always
retires:
  description: Legacy lists and keyrings that were (or would be) removed or rewritten.
  type: list
  elements: str
  returned: always
"""

import os

from ansible_collections.codehub.aimlsetup.plugins.module_utils import aptfiles, aptplan, aptrun, aptsources, unowned
from ansible_collections.codehub.aimlsetup.plugins.module_utils.aptfiles import TEXTS
from ansible_collections.codehub.aimlsetup.plugins.module_utils.fileset import content_of
from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

PIN_OPTIONS = {
    "packages": {"type": "list", "elements": "str", "required": True},
    "version": {"type": "str"},
    "pin": {"type": "str"},
    "priority": {"type": "int", "default": 1001},
}
OPTIONS = {
    "repositories": {"type": "list", "elements": "dict", "required": True, "options": aptfiles.REPOSITORY_OPTIONS},
    "pins": {"type": "list", "elements": "dict", "default": [], "options": PIN_OPTIONS},
    "retired_keys": dict(TEXTS, no_log=False),
    "retired_lists": TEXTS,
    "read": {"type": "bool", "default": False},
    "lock_timeout": {"type": "int", "default": 600},
}
LISTS = "/etc/apt/sources.list.d"


def wanted(host, sources):
    """({path: content} of all that is to be there, {name: stanzas}); keys are fetched where they are missing."""
    module, files, found = host.module, {}, {}
    for repository in module.params["repositories"]:
        path = aptplan.KEYRING % repository["name"]
        found[repository["name"]] = aptplan.stanzas(repository, sources, path)
        try:
            if repository["key"]:
                files[path] = aptfiles.keyring(host, repository["key"], path)
            elif not os.path.exists(repository["signed_by"]):
                raise aptfiles.Refused("there is no keyring %s" % repository["signed_by"])
        except aptfiles.ToCome as reason:
            files[path] = b""
            module.warn("%s: %s" % (repository["name"], reason))
        except aptfiles.Refused as reason:
            module.fail_json(msg="repository %s: %s" % (repository["name"], reason))
    texts = {aptplan.SOURCES % name: aptplan.written(of_one) for name, of_one in found.items()}
    texts[aptplan.PREFERENCES] = aptplan.preferences(module.params["pins"])
    files.update({path: text.encode() for path, text in texts.items() if text})
    return files, found


def legacy(params):
    """Paths of lists that older instructions left."""
    return [os.path.join(LISTS, os.path.basename(name)) for name in params["retired_lists"]]


def retirement(params, sources):
    """{path: what is left of it, None for nothing} of legacy lists and of keyrings with retired keys."""
    gone = {path: None for path in legacy(params) if os.path.exists(path)}
    used = {source["signed_by"] for source in sources}
    rings = {path: aptsources.blocks(content_of(path) or b"") for path in aptsources.keyrings()}
    own = {aptplan.KEYRING % repository["name"] for repository in params["repositories"]}
    left = aptplan.retired(rings, params["retired_keys"], used | own)
    return dict(gone, **{path: content or None for path, content in left.items()})


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    wrong = aptplan.problems(params["repositories"], params["pins"])
    if wrong:
        module.fail_json(msg="\n".join(wrong))
    passing = (aptplan.OWN, *legacy(params))
    sources = [source for source in aptsources.entries() if not source["file"].startswith(passing)]
    taken = aptplan.owners(params["repositories"], sources)
    if taken:
        module.fail_json(
            msg="another file names the same repository, and apt can't have two owners of one. Nothing was changed.\n"
            "%s\nhint: remove these lines (or the package that owns the file: dpkg -S), then apply again."
            % "\n".join("  " + line for line in taken),
            consent="adopt",
        )
    ledger = unowned.Ledger(module)
    host = aptrun.Commands(module)
    files, found = wanted(host, sources)
    retires = retirement(params, sources)
    changes = {path: content for path, content in {**retires, **files}.items() if content_of(path) != content}
    try:
        for path in (path for path in changes if os.path.exists(path)):
            why = "it would be removed" if changes[path] is None else "its content would be another"
            ledger.meet("paths", path, unowned.REPLACE, why)
    except unowned.Unasked as error:
        module.fail_json(msg=str(error), consent="adopt", unowned=ledger.marks)
    unread = [path for path in changes if path not in retires and path != aptplan.PREFERENCES]
    if (unread or params["read"]) and all(files.values()):
        aptfiles.read(host, files, {name: of_one for name, of_one in found.items() if of_one})
    diff = [aptfiles.shown(path, content_of(path), content) for path, content in changes.items()]
    if not module.check_mode:
        for path, content in changes.items():
            aptfiles.put(path, content)
    owns = {"owns": sorted(files), "retires": sorted(retires), "unowned": ledger.marks}
    module.exit_json(changed=bool(changes), diff=diff, **owns)


if __name__ == "__main__":
    main()
