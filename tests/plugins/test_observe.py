"""The observe module run as a plain script, by every Python found here from 3.6 on."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from aimlsetup import content

SCRIPT = content.root() / "plugins" / "modules" / "observe.py"
NAMES = [f"python3.{minor}" for minor in range(6, 15)]
PYTHONS = sorted(
    {path for name in NAMES if (path := shutil.which(name))}
    | {str(path) for path in Path.home().glob(".pyenv/versions/3.*/bin/python3.[0-9]*") if "-" not in path.name}
)


@pytest.mark.parametrize("python", [path for path in PYTHONS if "/shims/" not in path])
def test_as_a_plain_script(python: str) -> None:
    done = subprocess.run([python, "-I", str(SCRIPT)], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    facts = document["facts"]
    assert document["version"] == 1
    assert facts["cpu"]["count"] >= 1
    assert facts["memory"]["total"] >= facts["memory"]["available"] > 0
    assert facts["release"]["id"]
    assert any(disk["mount"] == "/" and disk["free"] <= disk["size"] for disk in facts["disks"])
    assert facts["secure_boot"] in ("on", "off", "unsupported")


def test_gpus_on_the_bus(tmp_path: Path) -> None:
    """A card is known by its PCI class and ids alone: driver or not, display or compute class."""

    def device(address: str, **files: str) -> None:
        (tmp_path / address).mkdir()
        for name, text in files.items():
            (tmp_path / address / name).write_text(text + "\n")

    common = {"vendor": "0x10de", "subsystem_vendor": "0x1458", "subsystem_device": "0x4090"}
    device("0000:01:00.0", **common, **{"class": "0x030000", "device": "0x2684"})
    device("0000:01:00.1", **common, **{"class": "0x040300", "device": "0x22ba"})  # its sound function
    device("0000:02:00.0", **common, **{"class": "0x030200", "device": "0x2335"})
    from ansible_collections.codehub.aimlsetup.plugins.module_utils import facts

    found = facts.gpus(str(tmp_path))
    assert [(gpu["address"], gpu["id"], gpu["driver"]) for gpu in found] == [
        ("0000:01:00.0", "10de:2684", None),
        ("0000:02:00.0", "10de:2335", None),
    ]
