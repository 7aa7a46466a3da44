"""Commands on a host."""

import subprocess

from aimlsetup import sandbox


def on(host: sandbox.Host, *argv: str, stdin: str | None = None, check: bool = True) -> str:
    """Run a command on the host; what it printed."""
    done = subprocess.run(sandbox.ssh_argv(host, *argv), input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"{argv}: {done.stderr}"
    return done.stdout
