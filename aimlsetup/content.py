"""Where the Ansible content lies, and how Ansible and Python get at it.

The same roles, playbooks and plugins are the collection `codehub.aimlsetup`: in a checkout they stand at
its root, in a wheel under `aimlsetup/_collection`. Everything else asks here and never looks for itself.
"""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

NAMESPACE = "codehub"
NAME = "aimlsetup"


@cache
def root() -> Path:
    """The collection's directory: the wheel's own copy, else the checkout this package lies in."""
    package = Path(__file__).resolve().parent
    packaged = package / "_collection"
    return packaged if packaged.is_dir() else package.parent


def role(component: str) -> Path:
    """The directory of a component's role."""
    return root() / "roles" / component


def collections_dir(parent: Path) -> Path:
    """Make `parent/ansible_collections/codehub/aimlsetup` a link to the content; returns `parent`.

    `parent` is what ANSIBLE_COLLECTIONS_PATH takes. Calling it again changes nothing.
    """
    link = parent / "ansible_collections" / NAMESPACE / NAME
    link.parent.mkdir(parents=True, exist_ok=True)
    if not (link.is_symlink() and link.resolve() == root()):
        link.unlink(missing_ok=True)
        link.symlink_to(root())
    return parent


@cache
def util(name: str) -> ModuleType:
    """Import one of the collection's `plugins/module_utils` files, which hosts and controller share."""
    path = root() / "plugins" / "module_utils" / f"{name}.py"
    qualified = f"aimlsetup._util_{name}"
    spec = importlib.util.spec_from_file_location(qualified, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[qualified] = module
    spec.loader.exec_module(module)
    return module
