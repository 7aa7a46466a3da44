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
OPTIONS = (
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "Dpkg::Use-Pty=0",
    "-o",
    "Acquire::Retries=2",
    "-o",
    "APT::Install-Recommends=0",
    "-o",
    "APT::Keep-Downloaded-Packages=1",
)
# What these let through is judged on the simulation instead, name by name.
INSTALL = ("--allow-downgrades", "--allow-change-held-packages", "install", "--")
ARCHIVES = "/var/cache/apt/archives"
POLL = 2.0  # seconds between attempts to get a lock


class Commands:
    """apt-get and dpkg of this host, for a module. Whatever can't be done ends it with an explanation.

    `settings` (`Name=value`) are apt's for this module's calls, beside those that the host has.
    """

    def __init__(self, module, settings=()):
        self.module = module
        self.settings = list(settings)
        self.waited = 0.0

    def words(self, settings):
        """Arguments that give apt these settings."""
        return [word for setting in self.settings + list(settings) for word in ("-o", setting)]

    def fail(self, msg, **more):
        """End the module."""
        self.module.fail_json(msg=msg, waited=self.waited, **more)

    @staticmethod
    def execute(argv, cwd=None):
        """(exit status, standard output and error as text)."""
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, **ENVIRONMENT), cwd=cwd, check=False,
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
