"""Disposable Debian and Ubuntu hosts on this machine.

systemd-nspawn boots an overlay of a cached root file system in its own network namespace, with sshd.
Drive hosts by ssh only: `nsenter` keeps the caller's capabilities, and a clock set that way is this
machine's own.
"""

from aimlsetup.sandbox.host import Bind, Host, parse_bind
from aimlsetup.sandbox.lifecycle import down, find, hosts, kill, layers, remove_cache, save_layer, up
from aimlsetup.sandbox.probing import Lack, changes, probe
from aimlsetup.sandbox.recipe import RELEASES
from aimlsetup.sandbox.ssh import ssh_argv
from aimlsetup.sandbox.users import add_user

__all__ = [
    "RELEASES", "Bind", "Host", "Lack", "add_user", "changes", "down", "find", "hosts", "kill", "layers", "parse_bind",
    "probe", "remove_cache", "save_layer", "ssh_argv", "up",
]
