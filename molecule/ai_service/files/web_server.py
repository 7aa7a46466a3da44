"""The smallest application of the expected shape; it answers with what it was given."""

import json
import os
import sys
import time


def main(API_MODEL_KEY, QUEUE):  # noqa: N803 -- the names users' applications have
    """The WSGI application; the environment may say REFUSE (to load), SLOW (to load) or SICK (to answer)."""
    if "REFUSE" in os.environ:
        raise RuntimeError("no model to load: " + os.environ["REFUSE"])
    time.sleep(float(os.environ.get("SLOW", "0")))
    status = "503 Service Unavailable" if "SICK" in os.environ else "200 OK"
    print("loaded", API_MODEL_KEY)

    def app(_environ, start_response):
        said = {"key": API_MODEL_KEY, "queue": QUEUE, "prefix": sys.prefix, "variables": dict(os.environ)}
        body = json.dumps(said).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return app
