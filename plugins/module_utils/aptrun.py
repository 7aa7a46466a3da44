"""Running apt's and dpkg's commands: in the C locale, without questions, waiting for others that use them."""

import os
import subprocess
import time

from ansible_collections.codehub.aimlsetup.plugins.module_utils import apt

ENVIRONMENT = {
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_SUSPEND": "1",  # needrestart would restart services in the middle of an apply
}
POLL = 2.0  # seconds between attempts to get a lock


class Commands:
    """apt-get and dpkg of this host, for a module. Whatever can't be done ends it with an explanation."""

    def __init__(self, module):
        self.module = module
        self.waited = 0.0

    def fail(self, msg, **more):
        """End the module."""
        self.module.fail_json(msg=msg, waited=self.waited, **more)

    @staticmethod
    def execute(argv):
        """(exit status, standard output and error as text)."""
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, **ENVIRONMENT), check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def patiently(self, argv):
        """`execute`, repeated while another process holds a lock it needs, up to the module's `lock_timeout`."""
        limit = self.module.params["lock_timeout"]
        started = time.monotonic()
        while True:
            status, output = self.execute(argv)
            if not (status and apt.locked(output)):
                return status, output
            if time.monotonic() - started > limit:
                self.fail(
                    "%s: waited %d s for %s, which holds apt's or dpkg's lock.\nhint: let it end (unattended upgrades "
                    "can take minutes), then apply again." % (" ".join(argv[:2]), limit, apt.lock_holder(output))
                )
            if not self.waited:
                self.module.warn("waiting for %s, which uses apt or dpkg" % apt.lock_holder(output))
            time.sleep(POLL)
            self.waited = round(self.waited + POLL, 1)
