"""A tree made by hand in the layout that users have, with a service of their own that answers."""

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from aimlsetup import sandbox
from tests.e2e import site as small
from tests.remote import on

KEY = "vidteq-rld-1"
OWNER = "dev"
PASSWORD = "cold {{ 7 * 7 }} 'storage'"
ENVIRONMENT = "/virtualmachines/virtualenvs/py_3-11_2021-11-26"
CHECKOUT = "/codehub/external/Mask_RCNN"
LOGS = "/aimldl-dat/logs-261121_143000"
UNIT = "gunicorn.service"

APP = f"""\
# Edited by hand, in an order of its own.
API_VERSION: v2
API_VISION_BASE_URL: /api/vision
API_VISION_URL: '/api/vision/v2'
API_DEFAULT_MODEL_KEY: {KEY}
APP_NAME: falcon
ROUTER: falcon
ARCHS:
  - mask_rcnn
IDS: [ods, rbd, rld]
ORGNAME: [vidteq]
CMD: [predict, train, evaluate]
DEVICE: gpu
GPU_ID: 1
MODE: inference
HOST: 127.0.0.1
ALLOWED_FILE_TYPE: [.txt, .csv, .json, .yml]
ALLOWED_IMAGE_TYPE: [.png, .jpg, .jpeg, .gif, .tiff, .pdf]
SITE_NAME: "north"
DBCFG:
  REDISCFG: {{dbname: "0", host: 127.0.0.1, port: 6379, username: null, password: null}}
  PXLCFG: {{dbname: pxl, host: 10.0.0.7, port: 27017, username: reader, password: "{PASSWORD}"}}
"""
PATHS = """\
AI_HOME: /codehub
AI_APP: /codehub/apps
AI_CFG: /codehub/cfg
AI_CONFIG: /codehub-config
AI_DATA: /aimldl-dat
AI_LOGS: /aimldl-dat/logs
AI_HOME_EXT: /codehub/external
AI_WEIGHTS_PATH: /mnt/weights
MASK_RCNN: /codehub/external/Mask_RCNN
PYTHONPATH: {AI_APP: /codehub/apps, AI_HOME_EXT: /codehub/external, MASK_RCNN: /codehub/external/Mask_RCNN}
"""
SERVICE = f"""\
[Unit]
Description=AI API, by hand

[Service]
User={OWNER}
Group={OWNER}
WorkingDirectory=/codehub/apps/www/od/wsgi-bin
Environment="AIMLDL_ENV=production" AI_CFG=/codehub-config
ExecStart={ENVIRONMENT}/bin/gunicorn --timeout 60 \\
    -b 0.0.0.0:{small.PORT} "web_server:main(API_MODEL_KEY='{KEY}', QUEUE='false')"
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""
# Everything of the hand-made tree: type, mode, owner, target and content of each; and the unit's process.
STATE = r"""
import hashlib, json, os, subprocess
found = {}
for root in ("/codehub", "/codehub-config", "/aimldl-dat", "/aimldl-mnt", "/virtualmachines", "/etc/systemd/system"):
    for parent, directories, files in os.walk(root):
        directories[:] = [name for name in directories if name != "__pycache__"]
        for path in [parent, *(os.path.join(parent, name) for name in directories + files)]:
            info = os.lstat(path)
            link = os.readlink(path) if os.path.islink(path) else ""
            content = open(path, "rb").read() if os.path.isfile(path) and not link else b""
            found[path] = [info.st_mode, info.st_uid, info.st_gid, link, hashlib.sha256(content).hexdigest()]
shown = subprocess.run(["systemctl", "show", "gunicorn", "-p", "MainPID,NRestarts"], stdout=subprocess.PIPE, check=True)
print(json.dumps([found, shown.stdout.decode()]))
"""
PROGRAM = f"""\
#!{ENVIRONMENT}/bin/python
import sys
from gunicorn.app.wsgiapp import run
sys.exit(run())
"""
MAKE = f"""
set -eu
useradd -m -s /bin/bash {OWNER}
mkdir -p /codehub/apps/www/od /codehub/external /codehub/cfg/model/release /codehub/logs /codehub-config /aimldl-mnt \\
    /aimldl-dat/release /aimldl-dat/data-gaze /virtualmachines/virtualenvs {LOGS}/www
python3 -m venv --without-pip {ENVIRONMENT}
tar -C / -xf -
chmod 755 {ENVIRONMENT}/bin/gunicorn
ln -s /codehub-config /codehub/config
ln -s /aimldl-dat /codehub/dat
ln -s /aimldl-mnt /codehub/data
ln -s {LOGS} /aimldl-dat/logs
ln -s py_3-11_2021-11-26 /virtualmachines/virtualenvs/py_3
echo started > {LOGS}/www/access.log
chown -Rh {OWNER}: /codehub /codehub-config /aimldl-dat /aimldl-mnt /virtualmachines
chmod 750 /codehub-config
systemctl daemon-reload
systemctl enable -q --now {UNIT}
"""


def packed(files: dict[str, str], trees: dict[str, Path]) -> bytes:
    """Files and trees of this machine as an archive to unpack at the root of a host."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(path.lstrip("/"))
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
        for path, tree in trees.items():
            archive.add(tree, path.lstrip("/"))
    return content.getvalue()


def make(host: sandbox.Host, scratch: Path) -> None:
    """Make the tree and start the service; in `scratch`, a directory of this machine, it is kept for further hosts."""
    archive = scratch / "handmade.tar"
    if not archive.exists():
        _pack(archive, scratch)
    argv = sandbox.ssh_argv(host, "sh", "-c", MAKE)
    with archive.open("rb") as handle:
        done = subprocess.run(argv, stdin=handle, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    on(host, "systemctl", "is-active", UNIT)


def _pack(archive: Path, scratch: Path) -> None:
    gunicorn = scratch / "gunicorn"
    subprocess.run(
        [small.BIN / "uv", "pip", "install", "-q", "--target", gunicorn, "gunicorn"], check=True, capture_output=True
    )
    work = scratch / "checkout"
    small.git("clone", "-q", str(small.repository(scratch)), str(work), cwd=scratch)
    small.git("remote", "set-url", "origin", small.GUEST_APP, cwd=work)
    files = {
        "/codehub-config/app.yml": APP,
        "/codehub-config/paths.yml": PATHS,
        "/codehub/apps/www/od/wsgi-bin/web_server.py": (small.APP / "apps/www/od/wsgi-bin/web_server.py").read_text(),
        f"{ENVIRONMENT}/bin/gunicorn": PROGRAM,
        f"/etc/systemd/system/{UNIT}": SERVICE,
    }
    trees = {f"{ENVIRONMENT}/lib/python3.11/site-packages": gunicorn, CHECKOUT: work}
    archive.write_bytes(packed(files, trees))


def state(host: sandbox.Host) -> tuple[dict[str, Any], str]:
    """What the hand-made tree is now, and which process serves."""
    found, process = json.loads(on(host, "python3", "-c", STATE))
    return found, process


def lost(before: tuple[dict[str, Any], str], after: tuple[dict[str, Any], str]) -> dict[str, Any]:
    """What is no longer as it was; things that are new are none of it."""
    changed = {path: what for path, what in before[0].items() if after[0].get(path) != what}
    return changed | ({} if before[1] == after[1] else {"process": after[1]})
