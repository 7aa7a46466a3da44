"""Saved changes of a host, to be laid under others: how tests share what is slow to install."""

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.sandbox.state import State, lock, read_json, write_json


@dataclass(frozen=True)
class Layer:
    """A named layer: what it was made on, and the trees it consists of, topmost first."""

    name: str
    release: str
    template: str
    trees: tuple[str, ...]


def save(state: State, layer: Layer, upper: Path) -> None:
    """Move a powered-off host's changes into the layer's new topmost tree; replaces a layer of that name."""
    tree = f"{layer.name}-{uuid.uuid4().hex[:8]}"
    with lock(state.layers / "lock"):
        _trees(state).mkdir(parents=True, exist_ok=True)
        upper.rename(_trees(state) / tree)
        write_json(_file(state, layer.name), asdict(layer) | {"trees": [tree, *layer.trees]})


def saved(state: State) -> list[Layer]:
    """Every layer, stale ones included."""
    documents = (read_json(path) for path in sorted(state.layers.glob("*.json")))
    return [Layer(**document | {"trees": tuple(document["trees"])}) for document in documents if document]


def find(state: State, name: str, template: str) -> Layer:
    """The layer of that name for a template; one made on another template is dropped, and an error as well."""
    by_name = {layer.name: layer for layer in saved(state)}
    layer = by_name.get(name)
    if layer and layer.template == template:
        return layer
    if layer:
        drop(state, name)
    there = f"it was made on {layer.template}" if layer else f"there are: {', '.join(by_name) or 'none'}"
    raise AimlsetupError(
        "sandbox-no-layer", f"there is no layer {name!r} for {template}", context=[there],
        hint="Bring a host up, prepare it, and save it under that name.", exit_code=Exit.USAGE,
    )


def drop(state: State, name: str) -> None:
    """Forget a layer. Its trees are deleted by `prune`, when no host stands on them."""
    _file(state, name).unlink(missing_ok=True)


def paths(state: State, trees: Sequence[str]) -> list[Path]:
    """Where trees lie."""
    return [_trees(state) / tree for tree in trees]


def prune(state: State, used: set[str]) -> None:
    """Delete the trees that neither a layer nor `used`, the hosts' ones, names."""
    with lock(state.layers / "lock"):
        kept = used | {tree for layer in saved(state) for tree in layer.trees}
        for tree in _trees(state).glob("*"):
            if tree.name not in kept:
                shutil.rmtree(tree)


def _trees(state: State) -> Path:
    return state.layers / "trees"


def _file(state: State, name: str) -> Path:
    return state.layers / f"{name}.json"
