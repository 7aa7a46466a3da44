"""Text stays the same text in Ansible, whatever it looks like."""

import json
import subprocess
import sys
from pathlib import Path

from aimlsetup import files

TEXTS = {
    "a": "3.10", "b": "no", "c": "1e3", "d": "null", "e": "0o14", "f": "2026-11-21", "g": "<<", "h": "=", "i": "",
    "j": "{{ lookup('pipe', 'id') }}", "k": "1_000", "l": "12:30:45", "m": "~", "n": "a: b # c\n'\"{% raw %}",
    "o": "true",
}  # fmt: skip


def test_ansible_reads_back_the_very_text(tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(files.dump_unsafe({"all": {"hosts": {"one": TEXTS}}}))
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-inventory", "-i", inventory, "--host", "one"],
        capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(done.stdout) == TEXTS
