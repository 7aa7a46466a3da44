"""The smallest application of the shape users have: health and models, no framework, no model."""

import json
import os
import sys
import time


def main(API_MODEL_KEY="none", QUEUE="false"):
    """The WSGI application; it tells who answers, so that tests see which process and environment it was."""
    about = {
        "model": API_MODEL_KEY,
        "queue": QUEUE,
        "pid": os.getpid(),
        "prefix": os.path.realpath(sys.prefix),
        "environment": os.environ.get("AIMLDL_ENV"),
    }

    def application(environ, start_response):
        path = environ["PATH_INFO"]
        if path.endswith("/slow"):
            time.sleep(0.2)
        known = path.startswith("/api/vision/v2/")
        body = json.dumps(about if known else {"error": "unknown path"}).encode()
        start_response(
            "200 OK" if known else "404 Not Found",
            [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
        )
        return [body]

    return application
