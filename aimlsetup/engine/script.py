"""A module that only reads, as one file for hosts that cannot be reached: a zipapp that any Python from 3.6 on runs."""

import io
import zipapp
from pathlib import Path
from tempfile import TemporaryDirectory

from aimlsetup import content

SHARED: dict[str, tuple[str, ...]] = {
    "observe": (
        "aptsources", "atomic", "before", "facts", "found", "gpu", "gunicornunit", "lease", "nvidia", "packageset",
        "receipts", "state", "supervisor", "systemd", "unowned",
    ),
    "doctor": ("aptsources", "evidence", "facts", "gpu", "libraries", "nvidia", "state", "supervisor"),
}


def write(path: Path, module: str = "observe") -> None:
    """Write the program. `python3 FILE` prints what the module would answer, and takes the module's flags."""
    plugins = content.root() / "plugins"
    with TemporaryDirectory() as directory:
        sources = {"__main__": plugins / "modules" / f"{module}.py"}
        sources |= {name: plugins / "module_utils" / f"{name}.py" for name in SHARED[module]}
        for name, source in sources.items():
            Path(directory, f"{name}.py").write_bytes(source.read_bytes())
        packed = io.BytesIO()
        zipapp.create_archive(directory, packed, interpreter="/usr/bin/env python3")
    content.util("atomic").write(str(path.resolve()), packed.getvalue(), 0o755)
