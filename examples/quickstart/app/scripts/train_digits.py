#!/usr/bin/env python3
"""Trains a small network on scikit-learn's handwritten digits and stores it as a release.

The release appears whole or not at all: it is made beside its place and moved there by one rename.
"""

import argparse
import fcntl
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apps/www/od/wsgi-bin"))

from codehub import MANIFEST, ConfigError, ModelKey, Release, ReleaseError, sha256

DEFAULT_KEY = "aimlsetup-digits-1"
DNNARCH = "convnet"
WEIGHTS = "digits.keras"
HELD_OUT = 0.25  # of the 1797 images


def main() -> None:
    """Leaves an intact release alone; a missing or damaged one is trained."""
    args = _arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # remarks on the CPU; what fails raises all the same
    home = args.model_key.folder(args.release_root)
    home.mkdir(parents=True, exist_ok=True)
    place = home / DNNARCH
    with _only_trainer(home):
        try:
            release = Release.read(place / "weights")
            release.weights()
        except ReleaseError:
            release = _publish(args.model_key, place, args.seed, args.epochs)
        else:
            print(f"{args.model_key}: intact, nothing to do")
    print(f"{args.model_key}: accuracy {release.accuracy:.4f} on the held-out images, in {place}")


def train(key: ModelKey, seed: int, epochs: int, weights: Path) -> dict[str, Any]:
    """Trains, writes the Keras model to `weights`, and returns the content of its release.json.

    The same seed, epochs and packages give the same network and the same held-out images.
    """
    import keras  # here, since it takes seconds that an intact release does not need
    import numpy as np
    import sklearn
    import tensorflow as tf
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    digits = load_digits()
    pixels = (digits.images / 16.0).astype("float32")[..., np.newaxis]
    learn, held_out = train_test_split(
        np.arange(len(pixels)), test_size=HELD_OUT, random_state=seed, stratify=digits.target
    )
    model = _network(keras, pixels.shape[1:], len(digits.target_names))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(pixels[learn], digits.target[learn], batch_size=32, epochs=epochs, verbose=0)
    _, accuracy = model.evaluate(pixels[held_out], digits.target[held_out], verbose=0)
    model.save(weights)
    return {
        "model_key": str(key),
        "weights": weights.name,
        "sha256": sha256(weights),
        "labels": [str(name) for name in digits.target_names],
        "accuracy": float(accuracy),
        "held_out": sorted(int(index) for index in held_out),
        "seed": seed,
        "epochs": epochs,
        "python": platform.python_version(),
        "packages": {module.__name__: module.__version__ for module in (keras, np, sklearn, tf)},
    }


def _network(keras: Any, shape: tuple[int, ...], classes: int) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(64, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def _publish(key: ModelKey, place: Path, seed: int, epochs: int) -> Release:
    draft = place.with_name(f".{place.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)  # what a killed training left
    folder = draft / "weights"
    folder.mkdir(parents=True)
    facts = train(key, seed, epochs, folder / WEIGHTS)
    (folder / MANIFEST).write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", "utf-8")
    for path in (folder / WEIGHTS, folder / MANIFEST, folder, draft):
        _sync(path)
    shutil.rmtree(place, ignore_errors=True)  # a damaged one: a rename cannot replace what is not empty
    draft.rename(place)
    _sync(place.parent)
    return Release.read(place / "weights")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _only_trainer(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # the kernel lets go of it when the process ends, however it ends
        yield
    finally:
        os.close(handle)


def _key(text: str) -> ModelKey:
    try:
        return ModelKey.parse(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model-key",
        type=_key,
        default=os.environ.get("API_MODEL_KEY") or DEFAULT_KEY,
        metavar="KEY",
        help=f"what the release is called ($API_MODEL_KEY, else {DEFAULT_KEY})",
    )
    parser.add_argument("--release-root", type=Path, required=True, metavar="DIR", help="the release tree")
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="of the split and the training (7)")
    parser.add_argument("--epochs", type=int, default=20, metavar="N", help="passes over the images (20)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
