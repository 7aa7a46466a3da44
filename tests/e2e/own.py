"""A host that is its own controller, and what it reboots for: a GPU whose module is not loaded, until the next boot.

The checkout and its Python are bound into the host. What can't be here is the GPU: files in its place on the bus.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import yaml

from aimlsetup import sandbox
from tests.e2e.site import ROOT, Site
from tests.remote import on

BINDS = [f"{path}:{path}" for path in dict.fromkeys((str(ROOT), sys.base_prefix))]
UNIT = "aimlsetup-resume.service"
HOME = "/root/own"
# The kernel is called Debian's, which the driver was built for: the running one is that of the machine around.
ARRANGE = """
mount -t tmpfs tmpfs /sys/bus/pci/devices
gpu=/sys/bus/pci/devices/0000:01:00.0; mkdir $gpu
echo 0x10de >$gpu/vendor; echo 0x030000 >$gpu/class; echo 0x2684 >$gpu/device
ls /lib/modules >/run/kernel
mount --bind /run/kernel /proc/sys/kernel/osrelease
"""
LIMIT = 300  # seconds; an apply and a boot


@dataclass
class Own:
    """The tool on the host itself."""

    host: sandbox.Host

    def write(self, site: Site, **driver: Any) -> None:
        """The site's profile for this machine alone, with more options of the driver."""
        document = yaml.safe_load(site.path.read_text())
        document["hosts"][self.host.name]["connection"] = "local"
        document["nvidia_driver"] |= driver
        on(self.host, "install", "-D", "/dev/stdin", f"{HOME}/aimlsetup.yml", stdin=yaml.safe_dump(document))

    def run(self, *argv: str) -> str:
        """Run a command of it; what it said, and its exit code at the end. A reboot may cut that off here only."""
        words = " ".join((sys.executable, "-m", "aimlsetup", *argv))
        script = f"cd {HOME}; {words} >said 2>&1; echo exit $? >>said"
        subprocess.run(sandbox.ssh_argv(self.host, "sh", "-c", script), capture_output=True, check=False, timeout=600)
        self.until("there", lambda: self._answers("true"))
        return on(self.host, "cat", f"{HOME}/said")

    def reboots(self) -> None:
        """Apply with a GPU whose module does not load; returns when the host is up again."""
        on(self.host, "sh", "-euc", ARRANGE)
        before = self._boot()
        said = self.run("apply", "--yes")
        assert "reboots when the other hosts are done" in said
        assert UNIT in said
        self.until("rebooted", lambda: self._boot() not in ("", before))

    def until_resumed(self) -> str:
        """The state of the service that goes on, when it has begun (and so disabled itself) and ended."""
        self.until("going on", lambda: self._answers("systemctl", "is-enabled", UNIT) == "disabled")
        self.until("finished", lambda: self.resuming() in ("inactive", "failed"))
        return self.resuming()

    def resuming(self) -> str:
        """The state of the service that goes on."""
        return self._answers("systemctl", "show", "-P", "ActiveState", UNIT)

    def until(self, what: str, true: Any) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + LIMIT
        while not true():
            assert time.monotonic() < deadline, f"{self.host.name} is not {what} within {LIMIT} s"
            time.sleep(0.1)

    def _boot(self) -> str:
        return self._answers("systemctl", "show", "-P", "UserspaceTimestamp")

    def _answers(self, *argv: str) -> str:
        done = subprocess.run(sandbox.ssh_argv(self.host, *argv), capture_output=True, text=True, check=False)
        return done.stdout.strip() or ("yes" if done.returncode == 0 else "")
