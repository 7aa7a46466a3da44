"""What outlives a reboot: why it was done, how to recover at the console, and the service that goes on with the apply.

All of it is root's alone. Standard library only, Python 3.6 syntax.
"""

import json
import os
import shlex
import shutil

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic, systemd

HOME = "/var/lib/aimlsetup"
MARK = HOME + "/reboot.json"
NOTE = HOME + "/recovery.txt"
KEPT = HOME + "/resume"
UNIT = "aimlsetup-resume.service"
UNIT_FILE = "/etc/systemd/system/" + UNIT
BLACKLIST = "/etc/modprobe.d/aimlsetup-nvidia.conf"

# `disable` comes first: whatever becomes of the apply, the boot after that is an ordinary one.
TEXT = """# Written by aimlsetup before a reboot; it runs once and is disabled by its own start.
[Unit]
Description=aimlsetup goes on after the reboot
Wants=network-online.target
After=network-online.target multi-user.target

[Service]
Type=oneshot
TimeoutStartSec=infinity
WorkingDirectory={directory}
EnvironmentFile={environment}
ExecStartPre=/bin/systemctl disable {unit}
ExecStart={command}

[Install]
WantedBy=graphical.target multi-user.target
"""
RECOVERY = """Before this reboot the NVIDIA driver was changed ({reasons}).
Should the machine not come up, or without a picture:
  1. in the boot menu choose the advanced options' recovery mode, or press e and add to the line that begins with linux:
       nomodeset systemd.unit=multi-user.target
  2. log in as root on the text console (Ctrl+Alt+F3) and run:
       systemctl disable {unit}
{commands}       systemctl reboot
This is kept in {note}.
"""
SPECIAL = {"\\": "\\\\", '"': '\\"', "$": "\\$", "`": "\\`"}


def quoted(text):
    """A value of an environment file."""
    if "\n" in text or "\0" in text:
        raise ValueError("a variable for the time after the reboot can't hold line breaks")
    return '"' + "".join(SPECIAL.get(character, character) for character in text) + '"'


def word(text):
    """A word of a unit's command line."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'


def unit(command, directory):
    """The service's text."""
    return TEXT.format(
        unit=UNIT,
        directory=directory.replace("%", "%%"),
        environment=os.path.join(KEPT, "environment"),
        command=" ".join(map(word, command)),
    )


def note(reasons, packages):
    """What to do at the console when the machine does not come up as it should."""
    commands = []
    if packages:
        names = " ".join(map(shlex.quote, packages))
        commands += ["apt-mark unhold " + names, "apt-get remove -y " + names]
    commands += ["rm -f " + BLACKLIST, "update-initramfs -u -k all"]
    lines = "".join("       %s\n" % command for command in commands)
    return RECOVERY.format(reasons="; ".join(reasons), unit=UNIT, commands=lines, note=NOTE)


def write_note(text):
    """Keep the note where it is found without aimlsetup."""
    os.makedirs(HOME, mode=0o755, exist_ok=True)
    atomic.write(NOTE, text.encode(), 0o600, 0, 0)


def remember(record):
    """Why, and in which boot, a reboot was asked for."""
    os.makedirs(HOME, mode=0o755, exist_ok=True)
    atomic.write(MARK, json.dumps(record).encode(), 0o600, 0, 0)


def enable(how):
    """Have the apply begun again after the next boot: `command`, `directory`, `environment` (JSON), files to `keep`."""
    shutil.rmtree(KEPT, ignore_errors=True)
    os.makedirs(KEPT, mode=0o700)
    for name, path in sorted(how["keep"].items()):
        with open(path, "rb") as handle:
            atomic.write(os.path.join(KEPT, os.path.basename(name)), handle.read(), 0o600, 0, 0)
    lines = ["%s=%s\n" % (name, quoted(value)) for name, value in sorted(json.loads(how["environment"]).items())]
    atomic.write(os.path.join(KEPT, "environment"), "".join(lines).encode(), 0o600, 0, 0)
    atomic.write(UNIT_FILE, unit(how["command"], how["directory"]).encode(), 0o644, 0, 0)
    systemd.control("daemon-reload")
    systemd.control("enable", UNIT)


def left():
    """Whether anything of an earlier reboot is left."""
    return os.path.exists(MARK) or os.path.exists(NOTE)


def forget(note=True):
    """Remove what was written for a reboot; the note stays where it may still be needed.

    The service's own files stay until the next one: it may be what runs this.
    """
    for path in (MARK, NOTE) if note else (MARK,):
        if os.path.exists(path):
            os.unlink(path)
