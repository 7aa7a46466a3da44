"""What systemd reads back is what was written, whatever it was: asked of a real systemd."""

import json
import random
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from aimlsetup import content, sandbox

HOSTILE = [
    "", " ", "plain", "two words", " padded ", "'", '"', "\\", "\\\\n", "a\nb", "\n", "tab\there", "\r", "%n", "%%",
    "$HOME", "${HOME}", "$$", "$(id)", "`id`", ";", "; rm -rf /", "#", "# not a comment", "=", "-x", "@x", "!x", ":x",
    "../../etc", "{{ lookup('pipe', 'id') }}", "{% raw %}", "é", "\U0001d4b3", "\x01\x1b[0m\x7f", "a\\", 'end"',
    "\\x41", "\\u0041", "\\101", "*?[a]",
]  # fmt: skip
DUMP = "import json, os, sys; json.dump([sys.argv[1:], dict(os.environ)], open('/root/seen.json', 'w'))"


def values() -> list[str]:
    """The hostile ones, and seeded mixtures of their characters."""
    chance = random.Random(4100)
    alphabet = sorted(set("".join(HOSTILE)))
    return HOSTILE + ["".join(chance.choices(alphabet, k=chance.randint(1, 30))) for _ in range(100)]


@pytest.fixture(scope="module")
def quote() -> Callable[[str, str], str]:
    spec: dict[str, Any] = {}
    exec((content.root() / "plugins" / "filter" / "systemd_quote.py").read_text(), spec)  # noqa: S102 -- our own filter
    found: Callable[[str, str], str] = spec["systemd_quote"]
    return found


@pytest.mark.host
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_values_come_back(release: str, request: pytest.FixtureRequest, quote: Callable[[str, str], str]) -> None:
    host: sandbox.Host = request.getfixturevalue(release)
    wanted = values()
    unit = ["[Service]", "Type=oneshot", "EnvironmentFile=/root/quoting.env"]
    unit += [f"Environment={quote(f'WORD{i}={value}', 'word')}" for i, value in enumerate(wanted)]
    argv = ["/usr/bin/python3", "-c", DUMP, *wanted]
    unit.append("ExecStart=" + " ".join(quote(word, "exec") for word in argv))
    variables = [f"FILE{i}={quote(value, 'environment_file')}" for i, value in enumerate(wanted)]
    for path, lines in {"/run/systemd/system/quoting.service": unit, "/root/quoting.env": variables}.items():
        write = sandbox.ssh_argv(host, "sh", "-c", f"cat >{path}")
        subprocess.run(write, input="\n".join(lines) + "\n", text=True, check=True, timeout=60)
    run = "systemctl daemon-reload; systemctl start quoting.service && cat /root/seen.json"
    done = subprocess.run(
        sandbox.ssh_argv(host, "sh", "-c", run), capture_output=True, text=True, check=True, timeout=60
    )
    arguments, environment = json.loads(done.stdout)
    assert arguments == wanted
    assert [environment[f"WORD{i}"] for i in range(len(wanted))] == wanted
    assert [environment[f"FILE{i}"] for i in range(len(wanted))] == wanted


def test_nul_is_refused(quote: Callable[[str, str], str]) -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b", "word")
