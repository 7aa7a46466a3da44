"""What users get: the wheel carries the content, the collection nothing else, and both work anywhere."""

import sys
import tarfile
import zipfile
from pathlib import Path

from tests.packaging.built import BIN, ROOT, run

CONTENT = ("roles/codehub/tasks/main.yml", "playbooks/site.yml", "plugins/modules/observe.py", "meta/runtime.yml")


def roles() -> list[str]:
    return sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())


def test_wheel_carries_package_catalog_and_content(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"aimlsetup/_collection/{name}" for name in CONTENT} <= names
    assert {f"aimlsetup/catalog/components/{role}.yml" for role in roles()} <= names
    assert {f"aimlsetup/_collection/roles/{role}/meta/argument_specs.yml" for role in roles()} <= names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"aimlsetup"}


def test_collection_carries_content_and_nothing_of_development(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = {name.removeprefix("./") for name in archive.getnames()}
    assert set(CONTENT) <= names
    tops = {name.split("/")[0] for name in names}
    expected = {
        "CHANGELOG.md",
        "FILES.json",
        "LICENSE",
        "MANIFEST.json",
        "README.md",
        "docs",
        "examples",
        "inventories",
        "meta",
    }
    assert tops == expected | {"playbooks", "plugins", "roles"}


def test_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--system-site-packages", "env", cwd=tmp_path)
    run("env/bin/python", "-m", "pip", "install", "-q", "--no-deps", wheel, cwd=tmp_path)
    root = run("env/bin/python", "-c", "from aimlsetup import content; print(content.root())", cwd=tmp_path)
    assert Path(root.strip()).is_relative_to(tmp_path / "env")


def test_collection_installs_and_its_playbooks_parse(tarball: Path, tmp_path: Path) -> None:
    run(BIN / "ansible-galaxy", "collection", "install", "--offline", "-p", tmp_path, tarball, cwd=tmp_path)
    for playbook in ("site", "verify", "archive"):
        run(
            *(BIN / "ansible-playbook", "--syntax-check", "-i", "localhost,", f"codehub.aimlsetup.{playbook}"),
            cwd=tmp_path,
            ANSIBLE_COLLECTIONS_PATH=str(tmp_path),
        )
