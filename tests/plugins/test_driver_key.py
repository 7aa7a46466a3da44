"""The key for Secure Boot, handed to the firmware. A stand-in for mokutil takes it: test hosts have no firmware."""

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

MOKUTIL = """#!/bin/sh
case $1 in
  --sb-state) echo "SecureBoot enabled" ;;
  --test-key) if [ -e {0}/enrolled ]; then echo "$2 is already enrolled"
              elif [ -e {0}/request ]; then echo "$2 is already in the enrollment request"
              else echo "$2 is not enrolled"; fi ;;
  --import) read -r first; read -r second; [ "$first" = "$second" ] || exit 1
            [ ! -e {0}/full ] || {{ echo "no room for $first" >&2; exit 1; }}
            echo "$first" >{0}/request ;;
esac
"""


class Ended(Exception):
    """The module's last words."""


class Firmware:
    """A machine with Secure Boot on, seen through the module."""

    def __init__(self, key: Any, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.key, self.place = key, place
        variable = place / key.evidence.facts.SECURE_BOOT
        variable.parent.mkdir(parents=True)
        variable.write_bytes(b"\6\0\0\0\1")
        (place / "mok.pub").touch()
        (place / "bin").mkdir()
        tool = place / "bin" / "mokutil"
        tool.write_text(MOKUTIL.format(place))
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{place / 'bin'}:{os.environ['PATH']}")
        monkeypatch.setattr(key.evidence, "OWN_KEY", str(place / "mok.pub"))
        monkeypatch.setattr(key.driver, "KEY_PASSWORD", str(place / "password"))
        monkeypatch.setattr(key, "writer", lambda _options: self)
        self.check_mode = False
        self.params = {"root": str(place)}
        self.warnings = io.StringIO()

    def warn(self, text: str) -> None:
        self.warnings.write(text)

    def run_command(self, argv: list[str], data: str) -> tuple[int, str, str]:
        done = subprocess.run(argv, input=data, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def exit_json(self, **result: Any) -> None:
        raise Ended(json.dumps(result))

    def fail_json(self, **result: Any) -> None:
        raise Ended(json.dumps({"failed": True, **result}))

    def __call__(self) -> dict[str, Any]:
        with pytest.raises(Ended) as ended:
            self.key.main()
        result: dict[str, Any] = json.loads(str(ended.value))
        return result

    @property
    def password(self) -> Path:
        return self.place / "password"


@pytest.fixture
def firmware(_collection: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Firmware:
    from ansible_collections.codehub.aimlsetup.plugins.modules import driver_key

    return Firmware(driver_key, tmp_path, monkeypatch)


def test_the_firmware_is_asked_once_with_a_password_that_only_root_can_read(firmware: Firmware) -> None:
    assert firmware() == {"changed": True, "password_file": str(firmware.password)}
    word = firmware.password.read_text().strip()
    assert (firmware.place / "request").read_text().strip() == word
    assert firmware.password.stat().st_mode & 0o777 == 0o600
    assert word not in firmware.warnings.getvalue()
    assert str(firmware.password) in firmware.warnings.getvalue()
    assert firmware() == {"changed": False, "password_file": str(firmware.password)}
    assert firmware.password.read_text().strip() == word


def test_an_enrolled_key_needs_no_password_any_more(firmware: Firmware) -> None:
    firmware()
    (firmware.place / "enrolled").touch()
    assert firmware() == {"changed": False, "password_file": None}
    assert not firmware.password.exists()


def test_a_preview_asks_nobody(firmware: Firmware) -> None:
    firmware.check_mode = True
    assert firmware()["changed"]
    assert not firmware.password.exists()
    assert not (firmware.place / "request").exists()


def test_what_mokutil_refuses_is_told_without_the_password(firmware: Firmware) -> None:
    (firmware.place / "full").touch()
    told = firmware()
    assert told["failed"]
    assert "no room for ********" in told["msg"]
    assert not firmware.password.exists()
