"""Imported first by the Python scripts of this checkout, so that they run directly: under .venv, which has the project.

Another Python is replaced by that of .venv; where there is none either, it says how to make it.
"""

import importlib.util
import os
import sys
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"

if importlib.util.find_spec("aimlsetup") is None:
    if Path(sys.executable) == PYTHON or not PYTHON.exists():
        sys.exit(f"{sys.argv[0]}: this needs the project's virtual environment; run script/bootstrap first")
    os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - its own arguments, and no shell wanted
