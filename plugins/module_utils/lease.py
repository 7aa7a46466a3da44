"""One apply at a time per host: a lease in /run, judged by the host's own boot id and boot clock.

Without root it is one per user, in the user's state directory.

It names the holder (a controller), its run, and the pid of the module that runs now. Another run takes it over only
when that pid is gone: the same controller at once (it serialises its own runs by a lock of its own), others after
expiry or when told to. Standard library only, Python 3.6 syntax.
"""

import fcntl
import json
import os
import time

DIRECTORY = "/run/aimlsetup" if os.geteuid() == 0 else os.path.expanduser("~/.local/state/aimlsetup")
SECONDS = 900
CLOCK_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", 7)  # Python 3.6 does not name it


class Held(Exception):
    """Somebody else's apply holds this host; `lease` is its record."""

    def __init__(self, lease, seconds_left):
        self.lease = lease
        self.seconds_left = seconds_left
        super().__init__(
            "another apply holds this host: holder %s, run %s, module pid %s, expires in %d s. "
            "Wait for it to end; or, when it is known to be dead, apply again with --take-lock."
            % (lease["holder"], lease["run"], lease["pid"], max(0, seconds_left))
        )


def boot_id():
    """The kernel's identifier of this boot."""
    with open("/proc/sys/kernel/random/boot_id") as handle:
        return handle.read().strip()


def process_started(pid):
    """Start time of a process in clock ticks since boot, which tells a reused pid apart; None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid) as handle:
            return handle.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def read(directory=DIRECTORY):
    """The lease's record, or None."""
    try:
        with open(os.path.join(directory, "lease.json")) as handle:
            return json.load(handle)
    except (OSError, ValueError):
        return None


def _alive(lease):
    return process_started(lease["pid"]) == lease["pid_started"]


def _blocks(lease, holder, run_id, take):
    """Whether a lease keeps this run out."""
    if lease is None or lease["boot_id"] != boot_id() or lease["run"] == run_id:
        return False
    if _alive(lease):
        return True
    return not (take or lease["holder"] == holder or _seconds_left(lease) <= 0)


def _seconds_left(lease):
    return lease["expires"] - time.clock_gettime(CLOCK_BOOTTIME)


def renew(holder, run_id, take=False, directory=DIRECTORY, seconds=SECONDS, patience=0):
    """Take or prolong the lease for this process; raises `Held` when it is another's.

    A module of the same controller that still runs was left behind by a run that was killed: it is waited for, for
    `patience` seconds.
    """
    end = time.clock_gettime(CLOCK_BOOTTIME) + patience
    while True:
        try:
            return _renew(holder, run_id, take, directory, seconds)
        except Held as held:  # noqa: PERF203 - it waits anyway
            if held.lease["holder"] != holder or time.clock_gettime(CLOCK_BOOTTIME) > end:
                raise
            time.sleep(0.5)


def _renew(holder, run_id, take, directory, seconds):
    os.makedirs(directory, mode=0o755, exist_ok=True)
    with open(os.path.join(directory, "lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lease = read(directory)
        if _blocks(lease, holder, run_id, take):
            raise Held(lease, _seconds_left(lease))
        record = {
            "holder": holder,
            "run": run_id,
            "pid": os.getpid(),
            "pid_started": process_started(os.getpid()),
            "boot_id": boot_id(),
            "expires": time.clock_gettime(CLOCK_BOOTTIME) + seconds,
        }
        temporary = os.path.join(directory, ".lease.json.%d" % os.getpid())
        with open(temporary, "w") as handle:
            json.dump(record, handle, sort_keys=True)
        os.rename(temporary, os.path.join(directory, "lease.json"))


def release(run_id, directory=DIRECTORY):
    """Give the lease back; True when it was this run's."""
    lease = read(directory)
    if lease is None or lease["run"] != run_id:
        return False
    os.unlink(os.path.join(directory, "lease.json"))
    return True
