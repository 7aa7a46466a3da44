"""The host's list of trusted authorities, made anew when certificates of ours come or go. Python 3.6 syntax."""

import os
import shutil

from ansible_collections.codehub.aimlsetup.plugins.module_utils import atomic
from ansible_collections.codehub.aimlsetup.plugins.module_utils.fileset import content_of

DIRECTORY = "/usr/local/share/ca-certificates/"
LIST = "/etc/ssl/certs/ca-certificates.crt"


def refresh(module, paths):
    """Make the list anew if one of these paths is a certificate that it is made of.

    Without the package ca-certificates the certificates alone are the list, until that is installed and makes its own.
    """
    if not any(path.startswith(DIRECTORY) for path in paths):
        return
    if shutil.which("update-ca-certificates"):
        module.run_command(["update-ca-certificates"], check_rc=True)
        return
    os.makedirs(os.path.dirname(LIST), mode=0o755, exist_ok=True)
    names = sorted(os.listdir(DIRECTORY)) if os.path.isdir(DIRECTORY) else []
    content = b"".join(content_of(DIRECTORY + name) or b"" for name in names if name.endswith(".crt"))
    atomic.write(LIST, content, 0o644, 0, 0)


def bundle(certificates):
    """What the list would be with these (PEM), as bytes."""
    return (content_of(LIST) or b"") + certificates.encode()
