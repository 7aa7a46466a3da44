"""Ask what a service needs before it starts, and say in one sentence what does not answer.

    preflight.py NEEDS.json

The file is {"app": path of app.yml, "needs": [{"kind", "config", "host", "port", "url", "seconds"}]}, as
`ai_service_services[].needs` has them. It is made by aimlsetup, runs as the service does, on the Python of its
environment, and asks as the service itself will: with redis and pymongo, which the environment has to contain. Ends
with 0, or with 69 (nothing there) or 78 (it can't be asked) as sysexits.h has them. Python 3.6 syntax.
"""

import importlib
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request

UNAVAILABLE, UNUSABLE = 69, 78
PAUSE = 0.5  # seconds between two attempts
PORTS = {"redis": 6379, "mongodb": 27017}
WANTS = {"redis": "redis", "mongodb": "pymongo"}


class Absent(Exception):
    """It does not answer (yet); says why."""


class Unusable(Exception):
    """It can't be asked at all, however long one waits; says why."""


def module(name):
    """A package of the environment."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Unusable("the environment has no %s: add it to its requirements" % {"yaml": "pyyaml"}.get(name, name))


def access(need, app):
    """The need with what its entry of DBCFG says."""
    found = {}
    if need.get("config"):
        try:
            with open(app) as handle:
                found = module("yaml").safe_load(handle)["DBCFG"][need["config"]]
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise Unusable("%s has no DBCFG.%s (%s)" % (app, need["config"], type(error).__name__))
    own = {key: need[key] for key in ("host", "port") if need.get(key)}
    usual = {"host": "127.0.0.1", "port": PORTS.get(need["kind"])}
    return dict(usual, **dict({key: value for key, value in found.items() if value}, **own))


def ask_redis(to, seconds):
    """PING, logged in where there is a password."""
    redis = module("redis")
    try:
        redis.Redis(
            host=to["host"], port=int(to["port"]), username=to.get("username"), password=to.get("password"),
            socket_timeout=seconds, socket_connect_timeout=seconds,
        ).ping()  # fmt: skip
    except redis.RedisError as error:
        raise Absent(str(error))


def ask_mongodb(to, seconds):
    """`ping` after hello, logged in where there is a password."""
    pymongo = module("pymongo")
    login = {"username": to["username"], "password": to.get("password")} if to.get("username") else {}
    if login:
        login["authSource"] = to.get("dbname") or "admin"
    milliseconds = int(seconds * 1000)
    client = pymongo.MongoClient(
        host=to["host"], port=int(to["port"]), serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds,
        socketTimeoutMS=milliseconds, directConnection=True, **login
    )  # fmt: skip
    try:
        client.admin.command("ping")
    except pymongo.errors.PyMongoError as error:
        raise Absent(str(error).partition(", Timeout:")[0].partition(" (configured timeouts")[0])
    finally:
        client.close()


def ask_http(to, seconds):
    """A status below 400."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(to["url"], timeout=seconds).close()
    except urllib.error.HTTPError as error:
        raise Absent("HTTP %d" % error.code)
    except (OSError, ValueError) as error:
        raise Absent(str(getattr(error, "reason", error)))


def ask_tcp(to, seconds):
    """A connection."""
    try:
        socket.create_connection((to["host"], int(to["port"])), seconds).close()
    except OSError as error:
        raise Absent(error.strerror or str(error))


ASK = {"redis": ask_redis, "mongodb": ask_mongodb, "http": ask_http, "tcp": ask_tcp}


def name_of(need, to):
    """What is asked, for people."""
    place = need["url"] if need["kind"] == "http" else "%s:%s" % (to["host"], to["port"])
    return "%s at %s%s" % (need["kind"], place, " (DBCFG.%s)" % need["config"] if need.get("config") else "")


def until_it_answers(need, app):
    """Ask again and again until it answers or its seconds are over. Raises Absent or Unusable."""
    to = dict(need) if need["kind"] == "http" else access(need, app)
    deadline = time.monotonic() + need["seconds"]
    while True:
        left = deadline - time.monotonic()
        try:
            return ASK[need["kind"]](to, max(left, PAUSE))
        except Absent as absent:
            if deadline - time.monotonic() < PAUSE:
                said = "%s does not answer within %d s: %s" % (name_of(need, to), need["seconds"], absent)
                raise Absent(said)
        time.sleep(PAUSE)


def tell(sentence):
    """Say it in the journal and, where systemd listens, in the status of the unit."""
    sys.stderr.write(sentence + "\n")
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
            notify.sendall(("STATUS=" + sentence).encode())


def main():
    """Ask everything; returns the exit status."""
    with open(sys.argv[1]) as handle:
        given = json.load(handle)
    try:
        for need in given["needs"]:
            until_it_answers(need, given["app"])
    except Absent as absent:
        tell("not started: %s" % absent)
        return UNAVAILABLE
    except Unusable as unusable:
        tell("not started: what it needs can't be asked: %s" % unusable)
        return UNUSABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
