"""The vision API as a WSGI application: health, models and predict.

gunicorn "web_server:main(API_MODEL_KEY='aimlsetup-digits-1', QUEUE='false')"

With QUEUE='true' it loads no model: requests go through redis to `python model_server.py`.
"""

import os
from typing import Any, BinaryIO, Protocol

import falcon
from codehub import (
    ImageError,
    LateError,
    ModelKey,
    RedisAccess,
    Settings,
    UnavailableError,
    WrongFormatError,
    config_folders,
    release_root,
    whole_number,
    with_queue,
)

MAX_BODY = 8 * 1024 * 1024  # bytes, the same as nginx's client_max_body_size
CHUNK = 64 * 1024


def main(API_MODEL_KEY: str = "aimlsetup-digits-1", QUEUE: str = "false") -> falcon.App:  # noqa: N803  their names
    """The application that gunicorn calls in each worker; the model is loaded here, after the fork.

    A release that cannot be loaded is reported by the health route; a wrong setting raises ConfigError.
    """
    key = ModelKey.parse(API_MODEL_KEY)
    queued = with_queue(QUEUE)
    settings = Settings.read(config_folders(os.environ))
    return application(settings, key, _queued(settings, key) if queued else _loaded(key))


class Answerer(Protocol):
    """What answers: a model in this process, or the way to one."""

    def check(self) -> Any:
        """The release being served. Raises UnavailableError."""

    def predict(self, data: bytes, formats: frozenset[str]) -> dict[str, Any]:
        """What the model makes of an encoded image."""


def _loaded(key: ModelKey) -> Answerer:
    from classifier import Classifier  # numpy and Pillow, which only the model needs

    return Classifier(release_root(os.environ), key)


def _queued(settings: Settings, key: ModelKey) -> Answerer:
    from redis_queue import SECONDS, QueuedClassifier  # redis, which is needed for nothing else

    seconds = whole_number(os.environ, "AI_QUEUE_SECONDS", SECONDS) or SECONDS
    return QueuedClassifier(RedisAccess.parse(settings.redis), key, seconds)


def application(settings: Settings, key: ModelKey, classifier: Answerer) -> falcon.App:
    """The routes below API_VISION_URL; every answer, an error's too, is JSON."""
    app = falcon.App()
    app.req_options.media_handlers[falcon.MEDIA_MULTIPART] = _multipart()
    app.set_error_serializer(_error_as_json)
    app.add_route(f"{settings.vision_url}/health", Health(key, classifier))
    app.add_route(f"{settings.vision_url}/models", Models(key, classifier))
    app.add_route(f"{settings.vision_url}/predict", Predict(key, classifier, settings.image_formats))
    return app


class Health:
    """Answers 200 when the model is loaded and has made a finite prediction, here or in a model server; else 503."""

    def __init__(self, key: ModelKey, classifier: Answerer) -> None:
        self.key = key
        self.classifier = classifier

    def on_get(self, _: falcon.Request, resp: falcon.Response) -> None:
        """`{"status", "model_key", "release"}`, or why not as `reason`."""
        try:
            resp.media = {
                "status": "ok",
                "model_key": str(self.key),
                "release": self.classifier.check().summary(),
            }
        except UnavailableError as error:
            resp.status = falcon.HTTP_503
            resp.media = {"status": "unavailable", "model_key": str(self.key), "reason": str(error)}


class Models:
    """Lists what this service can be asked: one model."""

    def __init__(self, key: ModelKey, classifier: Answerer) -> None:
        self.key = key
        self.classifier = classifier

    def on_get(self, _: falcon.Request, resp: falcon.Response) -> None:
        """`{"models": [{"model_key", "release", "labels", "accuracy"}]}`, empty while none is loaded."""
        try:
            release = self.classifier.check()
        except UnavailableError:
            resp.media = {"models": []}
            return
        facts = {"labels": release.labels, "accuracy": release.accuracy}
        resp.media = {"models": [{"model_key": str(self.key), "release": release.summary(), **facts}]}


class Predict:
    """Classifies one image, sent as the body or as the part `image` of a multipart form."""

    def __init__(self, key: ModelKey, classifier: Answerer, formats: frozenset[str]) -> None:
        self.key = key
        self.classifier = classifier
        self.formats = formats

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """`{"label", "scores", "model_key", "release"}`, with a queue also the `request` that the model server logs."""
        data = _image(req)
        try:
            resp.media = {**self.classifier.predict(data, self.formats), "model_key": str(self.key)}
        except WrongFormatError as error:
            raise falcon.HTTPUnsupportedMediaType(description=str(error)) from error
        except ImageError as error:
            raise falcon.HTTPUnprocessableEntity(description=str(error)) from error
        except UnavailableError as error:
            raise falcon.HTTPServiceUnavailable(description=str(error)) from error
        except LateError as error:
            raise falcon.HTTPGatewayTimeout(description=str(error)) from error


def _image(req: falcon.Request) -> bytes:
    if req.content_length is None:
        raise falcon.HTTPLengthRequired(description="send the body with a Content-Length")
    if req.content_length > MAX_BODY:
        _discard(req.bounded_stream)
        raise falcon.HTTPContentTooLarge(description=f"at most {MAX_BODY} bytes are read")
    is_form = (req.content_type or "").startswith(falcon.MEDIA_MULTIPART)
    data = _form_image(req) if is_form else req.bounded_stream.read()
    if not data:
        raise falcon.HTTPBadRequest(description="no image: send it as the body or as the form part `image`")
    return data


def _form_image(req: falcon.Request) -> bytes | None:
    try:
        return {part.name: part.get_data() for part in req.get_media()}.get("image")
    except ValueError as error:  # falcon lets a part's undecodable name through
        raise falcon.HTTPBadRequest(description=f"a malformed form: {error}") from error


def _discard(stream: BinaryIO) -> None:
    """Reads on for a while: a client that is cut off while it sends never sees the answer."""
    for _ in range(4 * MAX_BODY // CHUNK):
        if not stream.read(CHUNK):
            break


def _multipart() -> falcon.media.MultipartFormHandler:
    handler = falcon.media.MultipartFormHandler()
    handler.parse_options.max_body_part_buffer_size = MAX_BODY
    return handler


def _error_as_json(_: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    resp.media = error.to_dict()
    resp.content_type = falcon.MEDIA_JSON
