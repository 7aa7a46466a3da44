"""Kill the controller, the remote module or the host at a random moment of an act, then look what is true.

After each kill: nothing that may not be lost is lost; `verify` tells the truth (in order or drift, never an error of
its own); the same command finishes; the next one changes nothing; and the model is served.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from aimlsetup import sandbox
from tests.faults.acts import ACTS, Act
from tests.remote import on

NAMES = [act.__name__.lower() for act in ACTS]


@dataclass(frozen=True)
class Trial:
    """One kill: of what, in which act, and after which fraction of an undisturbed one."""

    act: str
    target: str
    fraction: float


def trials(runs: int, seed: int, acts: Sequence[str]) -> Iterator[Trial]:
    """Acts and targets in turn, from a random one on, so that many runs meet every pair; 0 to 1.1 of the duration."""
    dice = random.Random(seed)
    begin = dice.randrange(12)
    for number in range(begin, begin + runs):
        yield Trial(acts[number % len(acts)], TARGETS[number % len(TARGETS)], dice.uniform(0, 1.1))


def kill_controller(process: subprocess.Popen[str], _host: sandbox.Host) -> None:
    """SIGKILL to the command and all its children."""
    os.killpg(process.pid, signal.SIGKILL)


def kill_module(process: subprocess.Popen[str], host: sandbox.Host) -> None:
    """SIGKILL to the module that runs on the host just then: by pipelining, a Python that reads its program."""
    del process
    on(host, "pkill", "-KILL", "-x", "-f", "/usr/bin/python3", check=False)


def kill_host(_process: subprocess.Popen[str], host: sandbox.Host) -> None:
    """The power fails."""
    sandbox.kill(host)


KILL: dict[str, Callable[[subprocess.Popen[str], sandbox.Host], None]] = {
    "controller": kill_controller,
    "module": kill_module,
    "host": kill_host,
}
TARGETS = tuple(KILL)


def attempt(act: Act, host: sandbox.Host, trial: Trial, duration: float) -> str:
    """One trial on a prepared host; returns what was observed after the kill, raises AssertionError on a violation."""
    process = act.site.start(*act.command)
    try:
        process.communicate(timeout=max(0.05, trial.fraction * duration))
    except subprocess.TimeoutExpired:
        KILL[trial.target](process, host)
    process.communicate(timeout=600)
    killed = process.returncode
    sandbox.up([host.name], host.release)
    act.kept(host)
    in_order = json.loads(act.site.run("verify", "--json", expect=(0, 3)))["ok"]
    act.finish(host, in_order=in_order)
    act.kept(host)
    verdict = "in order" if in_order else "drift"
    return f"{trial.act}, {trial.target} at {trial.fraction:.2f}: ended with {killed}, verify said {verdict}, finished"


def undisturbed(act: Act, host: sandbox.Host) -> float:
    """How long it takes, in seconds."""
    act.prepare(host)
    begin = time.monotonic()
    act.site.run(*act.command)
    duration = time.monotonic() - begin
    if act.lasting:
        act.finish(host, in_order=False)
    return duration


def run(
    directory: Path,
    runs: int,
    seed: int,
    say: Callable[[str], None],
    acts: Sequence[str] = NAMES,
) -> None:
    """All trials, the acts one after another; the first violation ends it with its seed."""
    say(f"seed {seed}")
    drawn = list(trials(runs, seed, acts))
    for kind in (kind for kind in ACTS if kind.__name__.lower() in acts):
        act = kind(directory / kind.__name__)
        with ExitStack() as stack:
            host = stack.enter_context(act.host())
            duration = undisturbed(act, host)
            say(f"an undisturbed {kind.__name__.lower()} takes {duration:.1f} s")
            for trial in (trial for trial in drawn if trial.act == kind.__name__.lower()):
                if not act.lasting:
                    stack.close()
                    host = stack.enter_context(act.host())
                act.prepare(host)
                say(attempt(act, host, trial, duration))


def main() -> int:
    """Command line: `tests/interrupt --runs 100`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None, help="repeats an earlier sequence of kills")
    parser.add_argument("--act", action="append", choices=NAMES, help="only this act; may be repeated")
    options = parser.parse_args()
    seed = random.randrange(10**6) if options.seed is None else options.seed
    with TemporaryDirectory() as directory:
        run(Path(directory), options.runs, seed, lambda line: print(line, flush=True), acts=options.act or NAMES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
