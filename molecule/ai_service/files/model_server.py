"""The smallest model server: it keeps what it was started with where its web side could read it, and waits for work."""

import json
import os
import sys

import redis

queue = redis.Redis()
queue.set("server:" + os.environ["API_MODEL_KEY"], json.dumps([sys.argv[1:], dict(os.environ)]))
while True:
    queue.blpop("work:" + os.environ["API_MODEL_KEY"])
