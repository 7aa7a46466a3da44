"""Each kind of drift is seen, named, and repaired by running exactly the components it belongs to."""

import json
import re
import time
import urllib.request
from typing import Any

import pytest

from aimlsetup import sandbox
from tests.e2e.site import KEY, PORT, Site
from tests.remote import on

pytestmark = [pytest.mark.host, pytest.mark.network]

# By the component that has to be named. What happens at once does not hide one another.
DAMAGE = {
    "a changed file, a removed link, a moved git head, an uninstalled Python package": {
        "codehub": ["sh", "-c", "echo '# edited' >> /codehub-config/app.yml"],
        "data_links": ["rm", "/aimldl-dat/logs"],
        "repos": ["runuser", "-u", "codehub", "--", "git", "-C", "/codehub/apps/site", "checkout", "-q", "v1"],
        "python_env": ["sh", "-c", "rm -r /virtualmachines/virtualenvs/py_3/lib/python3*/site-packages/gunicorn*"],
    },
    "a stopped unit": {
        "ai_service": ["systemctl", "stop", f"codehub-ai@{KEY}.service", f"codehub-ai@{KEY}.socket"],
    },
    # As after a run that was killed between writing its files and its handlers: nothing differs but the process.
    "a process older than its files": {
        "ai_service": [
            "sh",
            "-euc",
            f"""
            file=/etc/systemd/system/codehub-ai@{KEY}.service.d/started-with.conf
            cp -a $file /root/kept
            sed -i 's/\\(AIMLSETUP_STARTED_WITH=\\).*/\\1before/' $file
            systemctl daemon-reload; systemctl restart codehub-ai@{KEY}.service
            cp -a /root/kept $file; rm /root/kept
            systemctl daemon-reload
         """,
        ],
    },
}
DEPENDENTS = {"python_env": {"ai_service"}, "repos": {"ai_service"}}


def receipts(host: sandbox.Host) -> dict[str, Any]:
    """Modification time of each receipt: tells which roles ran."""
    lines = on(host, "sh", "-c", "stat -c '%n %Y.%y' /var/lib/aimlsetup/receipts/*.json").splitlines()
    return dict(line.rsplit("/", 1)[1].split(" ", 1) for line in lines)


def answer(host: sandbox.Host) -> dict[str, Any]:
    """What the API says."""
    with urllib.request.urlopen(f"http://{host.address}:{PORT}/api/vision/v2/models", timeout=20) as response:
        found: dict[str, Any] = json.load(response)
        return found


def drifting(site: Site, expect: int = 0) -> set[str]:
    """Components that verify names, and its exit code."""
    document = json.loads(site.run("verify", "--json", expect=expect))
    return {proof["component"] for proof in document["proofs"] if not proof["ok"]}


def test_the_site_answers(site: Site, host: sandbox.Host) -> None:
    assert answer(host)["model"] == KEY
    assert answer(host)["environment"] == "production"


def test_a_second_apply_runs_no_role(site: Site, host: sandbox.Host) -> None:
    before = receipts(host)
    document = json.loads(site.run("apply", "--yes", "--json"))
    assert not document["hosts"][host.name]["applied"]
    assert receipts(host) == before


@pytest.mark.parametrize("damage", DAMAGE)
def test_drift_is_named_and_repaired_alone(site: Site, host: sandbox.Host, damage: str) -> None:
    components = set(DAMAGE[damage])
    before = receipts(host)
    for command in DAMAGE[damage].values():
        on(host, *command)
    assert drifting(site, expect=3) == components
    site.run("apply", "--yes")
    after = receipts(host)
    changed = {re.sub(r"\.json$", "", name) for name in after if after[name] != before[name]}
    assert changed >= components
    assert changed - components <= set().union(*(DEPENDENTS.get(name, set()) for name in components))
    assert drifting(site) == set()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and answer(host)["model"] != KEY:
        time.sleep(0.2)
    assert answer(host)["model"] == KEY
