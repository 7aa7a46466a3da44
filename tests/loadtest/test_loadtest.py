"""The command against small real servers: what goes wrong is counted, and what should be refused is expected to be."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.loadtest.server import api


def argv(urls: Sequence[str], *options: str) -> list[str]:
    given = [word for url in urls for word in ("--url", url)]
    return [sys.executable, "-m", "aimlsetup", "loadtest", "--profile", "absent.yml", *given, *options]


def run(directory: Path, urls: Sequence[str], *options: str) -> tuple[int, Any, str]:
    """(exit status, the report, what was said meanwhile)."""
    done = subprocess.run(
        argv(urls, "--json", "-o", "report", *options), cwd=directory, capture_output=True, text=True, timeout=90,
        check=False,
    )  # fmt: skip
    report = json.loads(done.stdout) if done.stdout else None
    return done.returncode, report, done.stderr


def rows(report: Any, target: int) -> dict[str, Any]:
    return {row["scenario"]: row for row in report["targets"][target]["rows"]}


def test_a_good_api_has_no_errors_and_a_bad_one_has_those_it_makes(tmp_path: Path) -> None:
    with api() as good, api(kind=True, broken_every=10, hangs_every=31) as bad:
        status, report, said = run(
            tmp_path, [good.url, bad.url, "http://127.0.0.1:1"],
            "--seconds", "6", "--rate", "30", "--users", "15", "--timeout", "2",
        )  # fmt: skip
    assert status == 1
    assert rows(report, 0)["all"]["errors"] == {}
    assert set(rows(report, 0)) == {"all", "image", "malformed", "nan", "empty"}
    assert rows(report, 0)["all"]["requests"] == pytest.approx(180, rel=0.15)
    assert rows(report, 0)["all"]["requests"] == good.asked["/api/vision/v2/predict"]
    wrong = rows(report, 1)["all"]["errors"]
    assert set(wrong) == {"HTTP 500", "timeout", "HTTP 200 for bad input"}
    assert set(rows(report, 1)["nan"]["errors"]) <= {"HTTP 500", "HTTP 200 for bad input", "timeout"}
    refused = rows(report, 2)["all"]
    assert refused["errors"] == {"connection refused": refused["requests"]}
    assert report["unmeasured"].startswith("only URLs were given")
    assert len(report["targets"][0]["timeline"]) in {6, 7}  # the last is hardly begun
    assert "of 6 s: " in said
    assert json.loads((tmp_path / "report/report.json").read_text()) == report
    assert "<svg" in (tmp_path / "report/report.html").read_text()


def test_one_scenario_alone(tmp_path: Path) -> None:
    with api() as good:
        status, report, _ = run(tmp_path, [good.url], "--seconds", "2", "--rate", "10", "--scenario", "empty")
    assert (status, list(rows(report, 0))) == (0, ["all"])
    assert good.asked["image"] == 0


def test_ctrl_c_ends_it_and_the_report_is_written(tmp_path: Path) -> None:
    with api() as good:
        began = time.monotonic()
        with subprocess.Popen(
            argv([good.url], "-o", "report", "--seconds", "60", "--rate", "20"), cwd=tmp_path,
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            while not good.asked["image"] > 20:
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=20)
        asked = good.asked["image"]
        assert process.returncode == 130
        assert time.monotonic() - began < 30
        assert "requests interrupted after" in said
        report = json.loads((tmp_path / "report/report.json").read_text())
        assert report["interrupted"] is True
        assert rows(report, 0)["all"]["requests"] > 20
        time.sleep(1)
        assert good.asked["image"] == asked


@pytest.mark.parametrize(
    ("options", "ref"),
    [
        (["--seconds", "601"], "loadtest-bounds"),
        (["--rate", "2001"], "loadtest-bounds"),
        (["--url", "ftp://x"], "loadtest-url"),
        (["--image", __file__], "loadtest-image"),
    ],
)
def test_bad_usage_asks_nobody(tmp_path: Path, options: list[str], ref: str) -> None:
    with api() as good:
        status, document, _ = run(tmp_path, [good.url], *options)
    assert (status, document["ref"], good.asked.total()) == (2, ref, 0)
