"""The observe module as one file for hosts that cannot be reached: a zipapp that any Python from 3.6 on runs."""

import io
import zipapp
from pathlib import Path
from tempfile import TemporaryDirectory

from aimlsetup import content

SHARED = ("atomic", "facts", "gpu", "lease", "nvidia", "receipts", "state")


def write(path: Path) -> None:
    """Write the program. `python3 FILE [--deep]` prints the document that `observe --json` has for one host."""
    plugins = content.root() / "plugins"
    with TemporaryDirectory() as directory:
        sources = {"__main__": plugins / "modules" / "observe.py"}
        sources |= {name: plugins / "module_utils" / f"{name}.py" for name in SHARED}
        for name, source in sources.items():
            Path(directory, f"{name}.py").write_bytes(source.read_bytes())
        packed = io.BytesIO()
        zipapp.create_archive(directory, packed, interpreter="/usr/bin/env python3")
    content.util("atomic").write(str(path.resolve()), packed.getvalue(), 0o755)
