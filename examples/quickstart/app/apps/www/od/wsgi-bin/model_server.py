"""Answers the requests to one model that web_server.py puts into redis: `python model_server.py`.

API_MODEL_KEY names the model. It ends with status 1 and the reason when that cannot be loaded, and on SIGTERM when it
has answered what it has in hand.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from classifier import Classifier
from codehub import (
    ConfigError,
    ImageError,
    ModelKey,
    RedisAccess,
    Settings,
    UnavailableError,
    WrongFormatError,
    config_folders,
    release_root,
    whole_number,
)
from redis.exceptions import RedisError
from redis_queue import SECONDS, Consumer, Request

BEAT = 1  # seconds between heartbeats

log = logging.getLogger("model_server")


class ModelServer:
    """One process, one model, one request at a time."""

    def __init__(self, consumer: Consumer, classifier: Classifier, formats: frozenset[str], seconds: int) -> None:
        self.consumer = consumer
        self.classifier = classifier
        self.formats = formats
        self.seconds = seconds
        self.leaving = threading.Event()
        self._since: float | None = None  # when the request in hand was begun
        release = classifier.check()
        self._facts = {
            "labels": list(release.labels), "accuracy": release.accuracy, "release": release.summary(),
        }  # fmt: skip

    def run(self) -> None:
        """Answer until asked to leave. Without redis, try again every second."""
        said = ""
        with self._beating():
            while not self.leaving.is_set():
                try:
                    request = self.consumer.next()
                    if request:
                        self._serve(request)
                    said = ""
                except RedisError as error:
                    if said != str(error):  # not every second the same
                        said = str(error)
                        log.warning("%s: %s", self.consumer.place, said)
                    self.leaving.wait(1)
        self.consumer.leave()

    def _serve(self, request: Request) -> None:
        log.info("computing %s", request.name)
        self._since = time.monotonic()
        answer = self._answer(request.image)
        self._since = None
        first = self.consumer.answer(request, answer)
        log.info("%s %s: %s", "answered" if first else "nobody waits for", request.name, answer["status"])

    def _answer(self, image: bytes) -> dict[str, Any]:
        try:
            return {"status": 200, "body": self.classifier.predict(image, self.formats)}
        except WrongFormatError as error:
            return {"status": 415, "description": str(error)}
        except ImageError as error:
            return {"status": 422, "description": str(error)}
        except UnavailableError as error:
            return {"status": 503, "description": str(error)}
        except Exception:  # whatever it is, the next request may be another
            log.exception("a request could not be computed")
            return {"status": 503, "description": "the model server could not compute it; its log says why"}

    @contextmanager
    def _beating(self) -> Iterator[None]:
        self._beat()  # before anything is taken: another server claims what one that is not alive has
        ended = threading.Event()
        thread = threading.Thread(target=self._keep_beating, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _keep_beating(self, ended: threading.Event) -> None:
        while not ended.wait(BEAT):
            since = self._since
            if since is not None and time.monotonic() - since > self.seconds:
                log.error("a request has been computed for more than %d seconds; ending", self.seconds)
                os._exit(1)  # nobody waits for it any more, and a thread cannot end another
            self._beat()

    def _beat(self) -> None:
        try:
            self.consumer.beat(self._facts)
        except RedisError as error:
            log.debug("no heartbeat: %s", error)  # `run` finds the same, and says it


def main() -> None:
    """Serve the model of API_MODEL_KEY."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        key = ModelKey.parse(os.environ.get("API_MODEL_KEY") or "aimlsetup-digits-1")
        settings = Settings.read(config_folders(os.environ))
        access = RedisAccess.parse(settings.redis)
        seconds = whole_number(os.environ, "AI_QUEUE_SECONDS", SECONDS) or SECONDS
        classifier = Classifier(release_root(os.environ), key)
        server = ModelServer(Consumer(access, key), classifier, settings.image_formats, seconds)
    except (ConfigError, UnavailableError) as error:
        sys.exit(f"model_server: {error}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.leaving.set())
    log.info("serving %s", key)
    server.run()


if __name__ == "__main__":
    main()
