"""The wheel, installed into an empty environment outside the checkout, does the quickstart's apply; the model it serves
is as good over HTTP as it was when it was trained.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from aimlsetup import sandbox
from tests.e2e.site import binds, git
from tests.examples import quickstart
from tests.packaging.built import ROOT, run

pytestmark = [pytest.mark.host, pytest.mark.network]
PORT = 4100
WANTED = 0.95


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`aimlsetup` of an environment that holds the wheel and its dependencies, and knows no checkout."""
    directory = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "env", cwd=directory)
    uv = Path(sys.executable).parent / "uv"
    lock = ROOT / "requirements" / "lock.txt"
    certificates = {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    run(uv, "pip", "install", "--python", "env", "-c", lock, wheel, cwd=directory, **certificates)
    return directory / "env" / "bin" / "aimlsetup"


def application(directory: Path) -> Path:
    """The quickstart's application as a bare git repository."""
    run("cp", "-r", quickstart.APP, directory / "app", cwd=directory)
    git("init", "-q", cwd=directory / "app")
    git("add", "-A", cwd=directory / "app")
    git("commit", "-qm", "Application", cwd=directory / "app")
    git("clone", "-q", "--bare", "app", "app.git", cwd=directory)
    return directory / "app.git"


def held_out_images(host: sandbox.Host, directory: Path) -> list[Path]:
    """The images that the served model has never seen, made on the host by the environment that serves."""
    script = Path(quickstart.__file__).with_name("digits_as_images.py")
    manifest = f"/aimldl-dat/release/{quickstart.WEIGHTS}/release.json"
    facts = json.loads(run(*sandbox.ssh_argv(host, "cat", manifest), cwd=directory))
    python = "/virtualmachines/virtualenvs/py_3/bin/python"
    subprocess.run(
        sandbox.ssh_argv(host, "tee", "/tmp/images.py"),
        input=script.read_bytes(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    run(*sandbox.ssh_argv(host, "mkdir", "-p", "/tmp/images"), cwd=directory)
    run(*sandbox.ssh_argv(host, python, "/tmp/images.py", json.dumps(facts["held_out"]), "/tmp/images"), cwd=directory)
    packed = subprocess.run(
        sandbox.ssh_argv(host, "tar", "-C", "/tmp/images", "-c", "."), check=True, capture_output=True
    ).stdout
    (directory / "images").mkdir()
    subprocess.run(["tar", "-x"], cwd=directory / "images", input=packed, check=True)
    return sorted((directory / "images").glob("*_*.png"))


def label(host: sandbox.Host, image: Path) -> int:
    """What the served model says an image shows."""
    request = urllib.request.Request(
        f"http://{host.address}:{PORT}{quickstart.VISION}/predict",
        data=image.read_bytes(),
        headers={"Content-Type": "image/png"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return int(json.load(response)["label"])


def test_the_wheel_serves_the_digits(command: Path, tmp_path: Path) -> None:
    name = f"wheel-{os.getpid()}"
    content = run(
        command.with_name("python"), "-c", "from aimlsetup import content; print(content.root())", cwd=tmp_path
    )
    text = Path(content.strip(), "examples", "quickstart", "aimlsetup.yml").read_text()
    (tmp_path / "aimlsetup.yml").write_text(text.replace("  quickstart:", f"  {name}:"))
    _, cache = binds(tmp_path)
    try:
        app = f"{application(tmp_path)}:/srv/quickstart/app.git"
        host = sandbox.up([name], "trixie", binds=[app, cache])[0]
        state = {"XDG_STATE_HOME": str(tmp_path / "state")}
        run(command, "apply", "--yes", cwd=tmp_path, **state)
        run(command, "verify", cwd=tmp_path, **state)
        images = held_out_images(host, tmp_path)
        right = sum(label(host, image) == int(image.stem.split("_")[1]) for image in images)
        assert len(images) >= 400
        assert right / len(images) >= WANTED
    finally:
        sandbox.down([name])
