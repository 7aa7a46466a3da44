#!/usr/bin/python
"""Ansible module: the memory that services take now, or second by second for a while. Reads only."""

DOCUMENTATION = r"""
---
module: service_memory
short_description: Memory of services
description:
  - Adds up the memory of the processes in the control groups of each service's running units, pages that several
    processes share by their share (PSS), so that workers that were forked from one another are not counted twice.
  - Changes nothing, in check mode or not. Without root only one's own processes are seen.
options:
  services:
    description:
      - By a name of your choice, the units that belong together, as C(systemctl) takes them, such as
        V(codehub-ai-vidteq-rld-1.service) or V(codehub-ai-vidteq-rld-1@*.service).
    type: dict
    required: true
  seconds:
    description: For how long a sample is taken every second; 0 takes one.
    type: int
    default: 0
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: See what a service takes
  codehub.aimlsetup.service_memory:
    services:
      rld: [codehub-ai-vidteq-rld-1.service]
  register: __site_memory
"""

RETURN = r"""
samples:
  description:
    - C({"ago", "services"}), the oldest first. C(ago) are the seconds until the answer, C(services) are by name
      C({"bytes", "limited", "processes"}). C(limited) is what systemd counts against the limit of the units, null where
      it does not count. A service of which no process runs is left out.
  type: list
  elements: dict
  returned: always
"""

import os
import re
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import state

GROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")
UNLIMITED = 2**63  # systemd writes the largest number for what it does not count
PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def units(patterns):
    """[(control group, bytes that systemd counts or None)] of the running units that these patterns name."""
    asked = ["show", "-p", "ControlGroup,MemoryCurrent", "--"] + patterns
    _status, output = state.run(state.SYSTEMCTL + asked)
    found = []
    for block in output.strip().split("\n\n"):
        shown = dict(line.partition("=")[::2] for line in block.splitlines())
        if shown.get("ControlGroup"):
            counted = shown.get("MemoryCurrent", "")
            found.append((shown["ControlGroup"], int(counted) if counted.isdigit() else None))
    return found


def processes(group):
    """Ids of the processes in a control group and those below it, whichever hierarchy systemd has here."""
    for root in GROUPS:
        top = root + group
        if os.path.exists(top + "/cgroup.procs"):
            lists = [os.path.join(folder, "cgroup.procs") for folder, _folders, _files in os.walk(top)]
            return {pid for path in lists for pid in read(path).split()}
    return set()


def read(path):
    """A file's text, nothing where it is gone or not ours to read."""
    try:
        with open(path) as handle:
            return handle.read()
    except OSError:
        return ""


def memory(pid):
    """Bytes of a process by its share; where the kernel does not say that, all it has resident."""
    share = PSS.search(read("/proc/%s/smaps_rollup" % pid))
    if share:
        return int(share.group(1)) * 1024
    pages = read("/proc/%s/statm" % pid).split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def sample(services):
    """{name: {"bytes", "limited", "processes"}} now."""
    found = {}
    for name, patterns in services.items():
        running = units(patterns)
        pids = set().union(*(processes(group) for group, _counted in running)) if running else set()
        counted = [limited for _group, limited in running if limited is not None and limited < UNLIMITED]
        if pids:
            found[name] = {
                "bytes": sum(map(memory, pids)),
                "limited": sum(counted) if counted else None,
                "processes": len(pids),
            }
    return found


def samples(services, seconds):
    """[(time, sample)], one each second."""
    began = time.monotonic()
    taken = [(began, sample(services))]
    for number in range(1, seconds + 1):
        time.sleep(max(began + number - time.monotonic(), 0))
        taken.append((time.monotonic(), sample(services)))
    return taken


def main():
    """Answer."""
    module = AnsibleModule(
        argument_spec={
            "services": {"type": "dict", "required": True},
            "seconds": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    taken = samples(module.params["services"], module.params["seconds"])
    now = time.monotonic()
    module.exit_json(
        changed=False, samples=[{"ago": round(now - when, 3), "services": found} for when, found in taken]
    )


if __name__ == "__main__":
    main()
