"""Users of a host, for trying ways to become root."""

from aimlsetup.sandbox.command import run
from aimlsetup.sandbox.host import Host, check_name
from aimlsetup.sandbox.ssh import ssh_argv

ADD_KEY = """
install -d -m 700 -o "$1" -g "$1" "/home/$1/.ssh"
install -m 600 -o "$1" -g "$1" /root/.ssh/authorized_keys "/home/$1/.ssh/authorized_keys"
"""


def add_user(host: Host, name: str, password: str | None = None) -> None:
    """Make a user who may log in with the sandbox's key and use sudo.

    With a password sudo asks for it; without one sudo asks nothing. The password travels by standard
    input only.
    """
    check_name(name, "user")
    run(ssh_argv(host, "useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", name),
        doing=f"making the user {name}")
    run(ssh_argv(host, "sh", "-euc", ADD_KEY, "add-key", name), doing=f"giving {name} the sandbox's key")
    if password is None:
        run(ssh_argv(host, "tee", f"/etc/sudoers.d/{name}"), doing=f"allowing {name} sudo without a password",
            stdin=f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n")
    else:
        run(ssh_argv(host, "chpasswd"), doing=f"setting the password of {name}", stdin=f"{name}:{password}\n")
