"""A released Keras model that turns an image into a label and scores."""

import logging
import os
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from codehub import ImageError, ModelKey, Release, UnavailableError, WrongFormatError, whole_number
from PIL import Image

MAX_PIXELS = 25_000_000

log = logging.getLogger(__name__)


class Classifier:
    """Loads a release when made, and remembers why it could not.

    Make it in the process that answers: TensorFlow starts threads, and with a GPU a context, that do not
    survive a fork.
    """

    def __init__(self, root: Path, key: ModelKey) -> None:
        self._pid = os.getpid()
        self._reason: str | None = None
        try:
            self._release = Release.find(root, key)
            self._model = _load(self._release.weights())
            self._answer(np.zeros(self._model.input_shape[1:], "float32"))
        except Exception as error:  # whatever it is, the health route has to report it
            log.exception("cannot serve %s", key)
            self._reason = f"{type(error).__name__}: {error}"

    def check(self) -> Release:
        """The release being served. Raises UnavailableError."""
        if self._reason:
            raise UnavailableError(self._reason)
        if os.getpid() != self._pid:
            raise UnavailableError("the model was loaded before the fork: run gunicorn without --preload")
        return self._release

    def predict(self, data: bytes, formats: frozenset[str]) -> dict[str, Any]:
        """`label`, the most likely one for an encoded image, `scores`, each label's from 0 to 1, and the `release`.

        Raises UnavailableError, or ImageError when `data` is not an image of those `formats`.
        """
        release = self.check().summary()
        return {**self._answer(decode(data, formats, self._model.input_shape[1:3])), "release": release}

    def _answer(self, pixels: np.ndarray) -> dict[str, Any]:
        scores = np.asarray(self._model(pixels[np.newaxis], training=False))[0]
        if not np.isfinite(scores).all():
            raise UnavailableError("the model's prediction is not finite: train or copy the release again")
        named = {label: float(score) for label, score in zip(self._release.labels, scores, strict=True)}
        return {"label": max(named, key=named.__getitem__), "scores": named}


def _load(weights: Path) -> Any:
    _bound_gpu_memory(whole_number(os.environ, "AI_GPU_MEMORY_MB", None))
    import keras  # seconds and threads, which the process that only forks must not pay for

    return keras.saving.load_model(weights, compile=False)


def _bound_gpu_memory(megabytes: int | None) -> None:
    """Leave the rest of each visible GPU to other services; by itself TensorFlow takes all there is."""
    if megabytes is None:
        return
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        bound = tf.config.LogicalDeviceConfiguration(memory_limit=megabytes)
        tf.config.set_logical_device_configuration(gpu, [bound])


def decode(data: bytes, formats: frozenset[str], size: tuple[int, int]) -> np.ndarray:
    """The image as grey levels from 0 (black) to 1 (white), shape (height, width, 1).

    Raises ImageError unless `data` is one of `formats` (Pillow's names), whole and of bearable size.
    """
    expected = " or ".join(sorted(formats))
    try:
        with Image.open(BytesIO(data), formats=sorted(formats)) as image:
            _refuse_huge(image)
            grey = image.convert("L").resize((size[1], size[0]), Image.Resampling.BOX)
    except Image.UnidentifiedImageError as error:
        raise WrongFormatError(f"expected a {expected} image") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ImageError(f"a damaged {expected} image: {error}") from error
    return np.asarray(grey, "float32")[..., np.newaxis] / 255


def _refuse_huge(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:  # known from the header, before the pixels take memory
        raise ImageError(f"{image.width}x{image.height} pixels; at most {MAX_PIXELS:,} are read")
