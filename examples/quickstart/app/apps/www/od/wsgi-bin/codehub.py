"""What codehub put on this host: the settings in app.yml and the tree of released models. Imports nothing heavy."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

IMAGE_FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG"}
MANIFEST = "release.json"

_KEY = re.compile(r"([A-Za-z0-9]\w{0,62})-([A-Za-z0-9]\w{0,62})-([0-9]{1,9})", re.ASCII)
_URL = re.compile(r"(/[A-Za-z0-9_.~-]+)+")


class ConfigError(ValueError):
    """A setting that cannot be used; the message names its file or parameter and what was expected."""


class ReleaseError(Exception):
    """A release that is missing or damaged; the message names the path and the remedy."""


class ImageError(Exception):
    """An image that cannot be read; the message is for the person who sent it."""


class WrongFormatError(ImageError):
    """Bytes of another kind than the image formats that are allowed."""


class UnavailableError(Exception):
    """There is no model to ask; the message says why."""


class LateError(Exception):
    """No answer came in time; the message says how long it was waited for."""


@dataclass(frozen=True)
class RedisAccess:
    """`DBCFG.REDISCFG` of app.yml: the redis through which requests get to the model server."""

    host: str
    port: int = 6379
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, document: object) -> "RedisAccess":
        """Raises ConfigError; what it quotes is never the password."""
        if not isinstance(document, dict):
            raise ConfigError("DBCFG.REDISCFG: expected a mapping with host and port")
        host, port, number = document.get("host"), document.get("port", cls.port), str(document.get("dbname") or "0")
        if not (isinstance(host, str) and host):
            raise ConfigError(f"DBCFG.REDISCFG.host: expected a name or an address, found {host!r}")
        if isinstance(port, bool) or not (isinstance(port, int) and 0 < port < 65536):
            raise ConfigError(f"DBCFG.REDISCFG.port: expected a TCP port, found {port!r}")
        if not (number.isascii() and number.isdigit()):
            raise ConfigError(f"DBCFG.REDISCFG.dbname: expected a number, found {number!r}")
        for name in ("username", "password"):
            if not isinstance(document.get(name), str | None):
                raise ConfigError(f"DBCFG.REDISCFG.{name}: expected text, as in quotation marks")
        return cls(host, port, int(number), document.get("username") or None, document.get("password") or None)


@dataclass(frozen=True)
class Settings:
    """What this application uses of app.yml."""

    vision_url: str = "/api/vision/v2"
    image_formats: frozenset[str] = frozenset(IMAGE_FORMATS.values())  # as Pillow names them
    redis: object = field(default=None, repr=False)  # DBCFG.REDISCFG as it stands: only with a queue it must be right

    @classmethod
    def read(cls, folders: Iterable[Path]) -> "Settings":
        """The settings in the first folder that has an app.yml, or the defaults where none has.

        Raises ConfigError, with line and column for a syntax error.
        """
        for file in (folder / "app.yml" for folder in folders):
            try:
                return cls.parse(yaml.safe_load(file.read_text("utf-8")))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError, yaml.YAMLError) as error:
                raise ConfigError(f"{file}: {error}") from error
        return cls()

    @classmethod
    def parse(cls, document: object) -> "Settings":
        """Settings out of app.yml's content; keys that are not there keep their defaults."""
        if not isinstance(document, dict):
            raise ConfigError("expected a mapping of settings")
        url = document.get("API_VISION_URL", cls.vision_url)
        if not (isinstance(url, str) and _URL.fullmatch(url)):
            raise ConfigError(f"API_VISION_URL: expected a path such as /api/vision/v2, found {url!r}")
        types = document.get("ALLOWED_IMAGE_TYPE", list(IMAGE_FORMATS))
        if not (isinstance(types, list) and all(isinstance(item, str) for item in types)):
            raise ConfigError(f"ALLOWED_IMAGE_TYPE: expected a list such as [png, jpg], found {types!r}")
        names = {item.lower().lstrip(".") for item in types}
        formats = frozenset(IMAGE_FORMATS[name] for name in names if name in IMAGE_FORMATS)
        if not formats:
            raise ConfigError(f"ALLOWED_IMAGE_TYPE: none of {types!r} is served here ({', '.join(IMAGE_FORMATS)})")
        databases = document.get("DBCFG")
        access = databases.get("REDISCFG") if isinstance(databases, dict) else None
        return cls(url, formats, access)


def config_folders(environ: Mapping[str, str]) -> list[Path]:
    """Where app.yml is looked for, in this order."""
    return [Path(folder) for folder in (environ.get("AI_CFG"), "/codehub-config") if folder]


def with_queue(text: str) -> bool:
    """What the setting QUEUE says."""
    if text not in ("true", "false"):
        raise ConfigError(f"QUEUE: expected 'true' or 'false', found {text!r}")
    return text == "true"


def whole_number(environ: Mapping[str, str], name: str, default: int | None) -> int | None:
    """A variable that holds a number from 1 on; `default` where it is not set."""
    text = environ.get(name, "")
    if text and not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise ConfigError(f"{name}: expected a number from 1 on, found {text!r}")
    return int(text) if text else default


def release_root(environ: Mapping[str, str]) -> Path:
    """The release tree: $AI_WEIGHTS_PATH, else $AI_DATA/release."""
    return Path(environ.get("AI_WEIGHTS_PATH") or Path(environ.get("AI_DATA") or "/aimldl-dat", "release"))


@dataclass(frozen=True)
class ModelKey:
    """`<org>-<problem_id>-<rel_num>`, which names one release."""

    org: str
    problem_id: str
    rel_num: str

    @classmethod
    def parse(cls, text: str) -> "ModelKey":
        """Only letters, digits and underscores get through, so a key can never lead out of the tree."""
        match = _KEY.fullmatch(text)
        if not match:
            raise ConfigError(
                f"API_MODEL_KEY: expected <org>-<problem_id>-<rel_num>, as aimlsetup-digits-1, found {text!r}"
            )
        return cls(*match.groups())

    def __str__(self) -> str:
        return f"{self.org}-{self.problem_id}-{self.rel_num}"

    def folder(self, root: Path) -> Path:
        """Where the release lies; each network architecture has a folder in it."""
        return root / self.org / self.problem_id / self.rel_num


@dataclass(frozen=True)
class Release:
    """One trained network as the release.json beside its weights describes it."""

    folder: Path  # <root>/<org>/<problem_id>/<rel_num>/<dnnarch>/weights
    file_name: str
    sha256: str
    labels: tuple[str, ...]  # in the order of the network's outputs
    accuracy: float  # on the images held out from training

    @classmethod
    def find(cls, root: Path, key: ModelKey) -> "Release":
        """The release of that key. Raises ReleaseError unless there is exactly one."""
        found = sorted(key.folder(root).glob(f"[!.]*/weights/{MANIFEST}"))
        if len(found) != 1:
            raise ReleaseError(
                f"{key.folder(root)}: expected one <dnnarch>/weights/{MANIFEST}, found {len(found)}; "
                "train or copy the release there"
            )
        return cls.read(found[0].parent)

    @classmethod
    def read(cls, folder: Path) -> "Release":
        """The release in that folder. Raises ReleaseError when it is not described there."""
        try:
            facts = json.loads((folder / MANIFEST).read_text("utf-8"))
            labels = tuple(str(label) for label in facts["labels"])
            return cls(folder, Path(facts["weights"]).name, facts["sha256"], labels, float(facts["accuracy"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ReleaseError(f"{folder / MANIFEST}: not a release description ({error!r})") from error

    def weights(self) -> Path:
        """The weights file, once its content is the one that was released. Raises ReleaseError."""
        path = self.folder / self.file_name
        try:
            found = sha256(path)
        except OSError as error:
            raise ReleaseError(f"{path}: {error.strerror}; train or copy the release again") from error
        if found != self.sha256:
            raise ReleaseError(f"{path}: expected sha256 {self.sha256}, found {found}; train or copy the release again")
        return path

    def summary(self) -> dict[str, str]:
        """What an answer says about the release it came from."""
        dnnarch = self.folder.parent
        return {"rel_num": dnnarch.parent.name, "dnnarch": dnnarch.name, "sha256": self.sha256}


def sha256(path: Path) -> str:
    """The file's digest in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
