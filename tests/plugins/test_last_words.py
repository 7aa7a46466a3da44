"""What a failed service said is shown with its cause, whatever gunicorn and its restarts say after it."""

from collections.abc import Callable
from importlib import import_module

import pytest

START = ["[1] [INFO] Starting gunicorn 27.0.1", "[1] [INFO] Listening at: unix:/run/x", "[2] [INFO] Booting worker: 2"]
NOISE = [f"W0000 tensorflow: line {number}" for number in range(40)]
RAISED = [
    "[2] [ERROR] Exception in worker process",
    "Traceback (most recent call last):",
    '  File "/env/lib/gunicorn/arbiter.py", line 609, in spawn_worker',
    "    worker.init_process()",
    '  File "/srv/app/web_server.py", line 12, in main',
    '    raise RuntimeError("no model to load")',
    "RuntimeError: no model to load",
]
EXITED = ["[2] [INFO] Worker exiting (pid: 2)", "[1] [ERROR] Worker (pid:2) exited with code 3"]
HALTED = [
    "Traceback (most recent call last):",
    *[line for number in range(20) for line in (f'  File "/env/lib/gunicorn/{number}.py", line 1', "    call()")],
    "gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>",
]
Telling = Callable[[list[str]], list[str]]


@pytest.fixture(scope="module")
def telling() -> Telling:
    found: Telling = import_module("ansible_collections.codehub.aimlsetup.plugins.module_utils.systemd").telling
    return found


@pytest.mark.parametrize(
    "lines",
    [
        START + RAISED + EXITED,
        START + NOISE + RAISED + EXITED + HALTED,
        START + RAISED + EXITED + HALTED + START + NOISE,
        (START + RAISED + EXITED + HALTED) * 3,
    ],
    ids=["raised", "halted", "started again", "three attempts"],
)
def test_the_cause_is_among_few_lines(telling: Telling, lines: list[str]) -> None:
    told = telling(lines)
    assert "RuntimeError: no model to load" in told
    assert len(told) <= 14


@pytest.mark.parametrize("lines", [[], START, START + NOISE, START + HALTED])
def test_without_a_cause_the_last_lines_are_shown(telling: Telling, lines: list[str]) -> None:
    assert telling(lines) == lines[-14:]
