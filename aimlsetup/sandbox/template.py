"""Root file systems: built once per recipe by mmdebstrap, kept as a tarball with its digest, and unpacked."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aimlsetup.errors import AimlsetupError
from aimlsetup.sandbox.command import run
from aimlsetup.sandbox.recipe import Recipe
from aimlsetup.sandbox.state import State, lock, read_json, write_json

Progress = Callable[[str], None]
BUILD_LIMIT = 900  # seconds; 30 on a fast line
APT_HELPER = "/usr/lib/apt/apt-helper"
OTHER_MIRROR = "Name a mirror that this machine reaches: AIMLSETUP_SANDBOX_MIRROR='URL' or 'URL SECURITY-URL'."


def ensure(state: State, recipe: Recipe, used: set[str], progress: Progress) -> Path:
    """The directory of the recipe's unpacked root file system, built or unpacked first where needed.

    A tarball whose digest is not the recorded one is thrown away and built again; a new template takes the
    place of older ones of its kind, except those that are mounted or in `used`. Processes that want the same
    template wait for each other.
    """
    place = state.templates / recipe.key
    tree = place / "root"
    if tree.is_dir():
        return tree
    with lock(state.templates / f"{recipe.key}.lock"):
        if tree.is_dir():
            return tree
        place.mkdir(parents=True, exist_ok=True)
        tarball = place / "root.tar.zst"
        recorded = (read_json(place / "template.json") or {}).get("sha256")
        if not tarball.exists() or _digest(tarball) != recorded:
            if recorded:
                progress(f"{recipe.key}: the cached tarball is missing or not what was recorded; building it again")
            _build(recipe, place, tarball, progress)
            _drop_predecessors(state, recipe, used)
        progress(f"{recipe.key}: unpacking")
        _unpack(tarball, tree)
        return tree


def _build(recipe: Recipe, place: Path, tarball: Path, progress: Progress) -> None:
    ask_mirrors(recipe, place)
    progress(f"{recipe.key}: building the root file system (once; about half a minute, 100 MB from the mirror)")
    files, partial = place / "files", place / "partial.tar.zst"
    _lay_out(recipe, files)
    # Outside, the keys may lie elsewhere than where the sources name them.
    unsigned = [line for line in recipe.sources.splitlines() if not line.startswith("Signed-By:")]
    (place / "bootstrap.sources").write_text("\n".join(unsigned) + "\n")
    (place / "apt.conf").write_text(recipe.apt)
    with _keyring(recipe) as keyring:
        run(
            ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=tar", f"--include={','.join(recipe.packages)}",
             f"--aptopt={place / 'apt.conf'}", f"--keyring={keyring}",
             f"--customize-hook=sync-in {files} /",
             '--customize-hook=rm "$1"/etc/apt/sources.list.d/*bootstrap.sources',
             '--customize-hook=chroot "$1" update-ca-certificates',
             # Empty but fresh lists would make a role's `cache_valid_time` skip its update.
             '--customize-hook=chroot "$1" apt-get update', "--skip=cleanup/apt/lists",
             '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_*',
             recipe.release, partial, place / "bootstrap.sources"],
            doing=f"building {recipe.key}", timeout=BUILD_LIMIT,
        )
    write_json(place / "template.json", {"sha256": _digest(partial), "kind": recipe.kind})
    partial.replace(tarball)
    shutil.rmtree(files)


def ask_mirrors(recipe: Recipe, place: Path) -> None:
    """Fetch what each mirror says of its suite into `place`; an error names the one that does not answer."""
    for mirror, suite in recipe.mirrors.items():
        release = f"{mirror}/dists/{suite}/InRelease"
        _download(release, place / "InRelease", doing=f"asking the mirror {mirror} for {suite}")


@contextmanager
def _keyring(recipe: Recipe) -> Iterator[Path]:
    """The keys on this machine, else out of the package on the mirror, whose digest is known."""
    keyring, mirror = recipe.keyring, next(iter(recipe.mirrors))
    if Path(keyring.path).exists():
        yield Path(keyring.path)
        return
    if not keyring.deb:
        raise AimlsetupError(
            "sandbox-keyring", f"the keys that sign {recipe.release} are not on this machine",
            context=[f"expected: {keyring.path}"], hint=f"Install the package {keyring.package}.",
        )
    # apt checks signatures as a user of its own, to whom the sandbox's directory is closed.
    with tempfile.TemporaryDirectory(prefix="aimlsetup-keyring-") as name:
        tree, package = Path(name), Path(name, "keyring.deb")
        _download(f"{mirror}/{keyring.deb}", package, f"SHA256:{keyring.sha256}", doing=f"fetching {keyring.package}")
        run(["dpkg-deb", "--extract", package, tree], doing=f"unpacking {keyring.package}")
        tree.chmod(0o755)
        yield tree / keyring.path.lstrip("/")


def _download(url: str, target: Path, *digest: str, doing: str) -> None:
    """Fetch a file with apt's own downloader, so that its proxies, certificates and digest check count."""
    run(
        [APT_HELPER, "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10", "-o", "Acquire::Retries=1",
         "-o", "APT::Sandbox::User=root", "download-file", url, target, *digest],
        doing=doing,
        hint=OTHER_MIRROR,
    )


def _lay_out(recipe: Recipe, files: Path) -> None:
    """Write the recipe's own files and masks as a tree, to be laid over the packages'."""
    shutil.rmtree(files, ignore_errors=True)
    for name, text in {**recipe.files, recipe.sources_file: recipe.sources}.items():
        path = files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    units = files / "etc/systemd/system"
    units.mkdir(parents=True)
    for path in (files, *files.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the caller's umask is
    for unit in recipe.masked:
        (units / unit).symlink_to("/dev/null")


def _unpack(tarball: Path, tree: Path) -> None:
    partial = tree.with_name("root.partial")
    run(["rm", "-rf", "--one-file-system", partial], doing="removing a half unpacked template")
    partial.mkdir()
    run(
        ["tar", "--extract", "--zstd", "--file", tarball, "--directory", partial,
         "--numeric-owner", "--same-permissions", "--xattrs", "--xattrs-include=*"],
        doing=f"unpacking {tarball}", timeout=BUILD_LIMIT,
    )
    os.sync()
    partial.rename(tree)


def _drop_predecessors(state: State, recipe: Recipe, used: set[str]) -> None:
    mounted = Path("/proc/self/mountinfo").read_text()
    for file in state.templates.glob("*/template.json"):
        old = file.parent
        same_kind = old.name != recipe.key and read_json(file).get("kind") == recipe.kind
        if same_kind and old.name not in used and f"/{old.name}/" not in mounted:
            run(["rm", "-rf", "--one-file-system", old], doing=f"deleting the outdated {old.name}", timeout=300)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
