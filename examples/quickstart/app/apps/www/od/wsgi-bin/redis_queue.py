"""The way of a request through redis: from a worker of gunicorn, which asks, to a model server, which answers.

Requests to one model are messages of one stream, and its model servers one consumer group of it. A message belongs to
the server that took it until that one acknowledges it; what a dead server had taken is claimed by another. Only the
first to acknowledge may answer, and both are one script in redis, so a request is answered once or not at all. How
long a request may take is reckoned by redis' clock alone.
"""

import json
import os
import socket
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from codehub import ImageError, LateError, ModelKey, RedisAccess, UnavailableError, WrongFormatError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

GROUP = "model-servers"
SECONDS = 50  # that a request may take, unless AI_QUEUE_SECONDS says so; gunicorn ends a worker after its own 60
WAITING = 256  # requests at most; with more, none would be answered in time
ALIVE = 5000  # milliseconds for which a model server counts as alive after a heartbeat
FORGOTTEN = 3_600_000  # milliseconds after which the name of a dead one is removed
DELIVERIES = 2  # of one request: it may be what ends the model servers
ERRORS = {415: WrongFormatError, 422: ImageError}

NOW = "local now = redis.call('TIME'); now = now[1] * 1000 + math.floor(now[2] / 1000); "
PUT = NOW + """
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
local deadline = string.format('%.0f', now + ARGV[2])
return redis.call('XADD', KEYS[1], '*', 'id', ARGV[3], 'deadline', deadline, 'image', ARGV[4])
"""
ANSWER = """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('PEXPIREAT', KEYS[2], ARGV[4])
return 1
"""
BEAT = NOW + """
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[1]), ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[1])
"""
LIVING = NOW + "return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('%.0f', now), '+inf')"


class _Queue:
    """One model's keys in redis."""

    def __init__(self, access: RedisAccess, key: ModelKey) -> None:
        self.key = key
        self.place = f"redis at {access.host}:{access.port}"
        self.redis = Redis(
            host=access.host, port=access.port, db=access.database, username=access.username,
            password=access.password, socket_connect_timeout=2, socket_timeout=5,
            retry=Retry(NoBackoff(), 0),  # a repeated command could be a second request
        )  # fmt: skip
        self.stream = f"codehub:{key}:requests"
        self.alive = f"codehub:{key}:alive"
        self.facts = f"codehub:{key}:facts"

    def answer_of(self, name: str) -> str:
        """The list that gets the one answer to a request."""
        return f"codehub:{self.key}:answer:{name}"

    def living(self) -> set[bytes]:
        """The model servers that have been heard of lately."""
        return set(self.redis.eval(LIVING, 1, self.alive))


@dataclass(frozen=True)
class Facts:
    """What a model server says of its release, as far as a client may ask."""

    labels: list[str]
    accuracy: float
    release: dict[str, str]

    def summary(self) -> dict[str, str]:
        """What an answer says about the release it came from."""
        return self.release


class QueuedClassifier(_Queue):
    """Asks the model servers. Stands where a Classifier does, and loads nothing."""

    def __init__(self, access: RedisAccess, key: ModelKey, seconds: int = SECONDS) -> None:
        super().__init__(access, key)
        self.seconds = seconds

    def check(self) -> Facts:
        """What is served, while a model server is alive. Raises UnavailableError."""
        try:
            alive, facts = self.living(), self.redis.get(self.facts)
        except RedisError as error:
            raise UnavailableError(f"{self.place}: {error}") from error
        if not alive or facts is None:
            raise UnavailableError(f"no model server for {self.key} has been heard of for {ALIVE // 1000} seconds")
        return Facts(**json.loads(facts))

    def predict(self, data: bytes, _: frozenset[str]) -> dict[str, Any]:
        """What a model server makes of the image. Raises what a Classifier does, or LateError."""
        name = uuid.uuid4().hex
        try:
            message = self._put(name, data)
            found = self._wait(name) or self._give_up(name, message)
        except RedisError as error:
            raise UnavailableError(f"{self.place}: {error}") from error
        if found is None:
            raise LateError(f"no answer within {self.seconds} seconds")
        answer = json.loads(found)
        if answer["status"] != 200:
            raise ERRORS.get(answer["status"], UnavailableError)(answer["description"])
        return {**answer["body"], "request": name}

    def _put(self, name: str, data: bytes) -> bytes:
        message = self.redis.eval(PUT, 1, self.stream, WAITING, self.seconds * 1000, name, data)
        if message is None:
            raise UnavailableError(f"{WAITING} requests wait already")
        return message

    def _wait(self, name: str) -> bytes | None:
        """In short turns: a redis that is gone is noticed within one."""
        for _ in range(self.seconds):
            found = self.redis.blpop([self.answer_of(name)], timeout=1)
            if found:
                return found[1]
        return None

    def _give_up(self, name: str, message: bytes) -> bytes | None:
        """Take the request back. An answer that came in between is as good."""
        turn = self.redis.pipeline(transaction=True)
        turn.xack(self.stream, GROUP, message).xdel(self.stream, message).lpop(self.answer_of(name))
        return turn.execute()[-1]


@dataclass(frozen=True)
class Request:
    """A request as a model server gets it. `deadline` is in milliseconds of redis' clock."""

    message: bytes
    name: str
    deadline: int
    image: bytes


class Consumer(_Queue):
    """A model server's end of the queue."""

    def __init__(self, access: RedisAccess, key: ModelKey) -> None:
        super().__init__(access, key)
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"  # nobody's ever again
        self._grouped = False

    def beat(self, facts: Mapping[str, Any]) -> None:
        """Say that this server is alive, and what it serves."""
        self.redis.eval(BEAT, 2, self.alive, self.facts, ALIVE, self.name, json.dumps(facts))

    def next(self) -> Request | None:
        """The next request that is still waited for; None when there was none for a second.

        Asked with nothing in hand: what this server had taken and could not answer is taken again.
        """
        self._join()
        try:
            for message, fields in self._abandoned() or self._new():
                if request := self._fit(message, fields):
                    return request
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._grouped = False  # redis has lost its data, or somebody took it away
        return None

    def answer(self, request: Request, answer: Mapping[str, Any]) -> bool:
        """Whether this was the first answer; another one reaches nobody. It expires with the request."""
        keys = [self.stream, self.answer_of(request.name)]
        until = request.deadline + 1000
        return bool(self.redis.eval(ANSWER, 2, *keys, GROUP, request.message, json.dumps(answer), until))

    def leave(self) -> None:
        """Be no longer asked. What could not be answered stays in the group, for another server to claim."""
        with suppress(RedisError):
            self.redis.zrem(self.alive, self.name)
            if not self.redis.xpending_range(self.stream, GROUP, "-", "+", 1, self.name):
                self.redis.xgroup_delconsumer(self.stream, GROUP, self.name)

    def _join(self) -> None:
        if self._grouped:
            return
        try:
            self.redis.xgroup_create(self.stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        alive = self.living()
        for other in self.redis.xinfo_consumers(self.stream, GROUP):
            if other["name"] not in alive and not other["pending"] and other["idle"] > FORGOTTEN:
                self.redis.xgroup_delconsumer(self.stream, GROUP, other["name"])
        self._grouped = True

    def _new(self) -> list[Any]:
        found = self.redis.xreadgroup(GROUP, self.name, {self.stream: ">"}, count=1, block=1000)
        return found[0][1] if found else []

    def _abandoned(self) -> list[Any]:
        """One message that a dead server had taken, now this one's."""
        taken = self.redis.xpending_range(self.stream, GROUP, "-", "+", 100)
        others = self.living() - {self.name.encode()} if taken else set()
        for entry in taken:
            if entry["consumer"] in others:
                continue
            found = self.redis.xclaim(self.stream, GROUP, self.name, 1000, [entry["message_id"]])
            if found and found[0][1] and entry["times_delivered"] >= DELIVERIES:
                said = f"{entry['times_delivered']} model servers have ended over it"
                self.answer(_read(*found[0]), {"status": 503, "description": said})
            elif found:
                return found
        return []

    def _fit(self, message: bytes, fields: Mapping[bytes, bytes] | None) -> Request | None:
        """The request, unless nobody waits for it any more."""
        request = _read(message, fields) if fields else None  # None: it was taken back
        seconds, microseconds = self.redis.time()
        if request and request.deadline > seconds * 1000 + microseconds // 1000:
            return request
        self.redis.pipeline(transaction=True).xack(self.stream, GROUP, message).xdel(self.stream, message).execute()
        return None


def _read(message: bytes, fields: Mapping[bytes, bytes]) -> Request:
    return Request(message, fields[b"id"].decode(), int(fields[b"deadline"]), fields[b"image"])
