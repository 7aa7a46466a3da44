#!/usr/bin/python3
"""A stand-in for mongod, as far as the role and its probes speak with one: never a part of what is installed for real.

It speaks MongoDB's wire protocol (OP_MSG, and OP_QUERY for the first hello), knows users with SCRAM-SHA-256, the
localhost exception and authorization, and keeps users in its dbPath. It writes there what a mongod leaves for others to
read: WiredTiger.turtle, mongod.lock, diagnostic.data. Like a mongod it refuses data of a series it can't open.
Needs python3-bson, which is Debian's.
"""

import base64
import hashlib
import hmac
import json
import os
import socketserver
import struct
import sys
import threading
import time

import bson

VERSION = "@VERSION@"  # filled in by who builds the package
SERIES = ["6.0", "7.0", "8.0"]
ITERATIONS = 15000
FREE = {"hello", "ismaster", "isMaster", "ping", "buildInfo", "buildinfo", "saslStart", "saslContinue", "endSessions"}
LOCK = threading.Lock()


class Refused(Exception):
    """An error of the server's: code, name, text."""


def settings(path):
    """{"storage.dbPath": "…"} of a YAML file of mappings, as ours are."""
    found, inside = {}, []
    with open(path) as handle:
        for line in handle:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            indent = len(line) - len(line.lstrip())
            name, _colon, value = line.strip().partition(":")
            inside = [one for one in inside if one[0] < indent] + [(indent, name)]
            if value.strip():
                found[".".join(one[1] for one in inside)] = value.strip().strip("'\"")
    return found


class Store:
    """Users, in a file of the data directory."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "stand-in.json")
        self.users = {}
        if os.path.exists(self.path):
            with open(self.path) as handle:
                self.users = json.load(handle)

    def save(self):
        with open(self.path + ".new", "w") as handle:
            json.dump(self.users, handle)
        os.rename(self.path + ".new", self.path)


def credential(password):
    """What a server keeps of a password for SCRAM-SHA-256."""
    salt = os.urandom(28)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client = hmac.new(salted, b"Client Key", "sha256").digest()
    return {
        "salt": base64.b64encode(salt).decode(),
        "stored": base64.b64encode(hashlib.sha256(client).digest()).decode(),
        "server": base64.b64encode(hmac.new(salted, b"Server Key", "sha256").digest()).decode(),
    }


class Connection(socketserver.BaseRequestHandler):
    """One client."""

    def setup(self):
        self.user = None
        self.talk = None

    def exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.request.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def handle(self):
        try:
            while True:
                length, number, _to, kind = struct.unpack("<iiii", self.exactly(16))
                body = self.exactly(length - 16)
                if kind == 2013:
                    self.message(number, body)
                elif kind == 2004:
                    self.query(number, body)
                else:
                    return
        except (EOFError, ConnectionError):
            return

    def send(self, number, kind, body):
        self.request.sendall(struct.pack("<iiii", 16 + len(body), number + 1, number, kind) + body)

    def message(self, number, body):
        (flags,) = struct.unpack("<I", body[:4])
        assert body[4] == 0, "the body comes first"
        (size,) = struct.unpack("<i", body[5:9])
        answer = self.answered(bson.BSON(body[5 : 5 + size]).decode())
        if not flags & 2:
            self.send(number, 2013, struct.pack("<IB", 0, 0) + bson.BSON.encode(answer))

    def query(self, number, body):
        name_end = body.index(b"\0", 4)
        start = name_end + 1 + 8
        (size,) = struct.unpack("<i", body[start : start + 4])
        command = bson.BSON(body[start : start + size]).decode()
        answer = self.answered(dict(command, **{"$db": body[4:name_end].decode().split(".")[0]}))
        self.send(number, 1, struct.pack("<iqii", 8, 0, 0, 1) + bson.BSON.encode(answer))

    def answered(self, command):
        name = next(iter(command))
        try:
            if not self.allowed(name):
                raise Refused(13, "Unauthorized", "Command %s requires authentication" % name)
            method = getattr(self, "do_" + name.lower(), None)
            if method is None:
                raise Refused(59, "CommandNotFound", "no such command: '%s'" % name)
            return dict(method(command) or {}, ok=1.0)
        except Refused as error:
            code, title, text = error.args
            return {"ok": 0.0, "code": code, "codeName": title, "errmsg": text}

    def allowed(self, name):
        server = self.server
        local = self.client_address[0] in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
        first = name == "createUser" and local and not server.store.users
        return not server.authorization or bool(self.user) or name in FREE or first

    def do_hello(self, command):
        answer = {
            "helloOk": True, "ismaster": True, "isWritablePrimary": True, "maxBsonObjectSize": 16 << 20,
            "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000, "logicalSessionTimeoutMinutes": 30,
            "connectionId": 1, "minWireVersion": 0, "maxWireVersion": 25 if VERSION.startswith("8") else 21,
            "readOnly": False,
        }  # fmt: skip
        if command.get("saslSupportedMechs"):
            answer["saslSupportedMechs"] = ["SCRAM-SHA-256"]
        return answer

    do_ismaster = do_hello

    def do_ping(self, command):
        return {}

    do_endsessions = do_ping

    def do_buildinfo(self, command):
        return {"version": VERSION, "gitVersion": "stand-in"}

    def do_saslstart(self, command):
        if command["mechanism"] != "SCRAM-SHA-256":
            raise Refused(334, "MechanismUnavailable", "unsupported mechanism %s" % command["mechanism"])
        bare = bytes(command["payload"]).decode().partition("n,,")[2]
        fields = dict(part.split("=", 1) for part in bare.split(","))
        name = fields["n"].replace("=2C", ",").replace("=3D", "=")
        key = "%s.%s" % (command["$db"], name)
        known = self.server.store.users.get(key, {}).get("credential") or credential(os.urandom(8).hex())
        nonce = fields["r"] + base64.b64encode(os.urandom(18)).decode()
        first = "r=%s,s=%s,i=%d" % (nonce, known["salt"], ITERATIONS)
        self.talk = {"key": key, "bare": bare, "first": first, "nonce": nonce, "known": known}
        return {"conversationId": 1, "done": False, "payload": first.encode()}

    def do_saslcontinue(self, command):
        talk, payload = self.talk, bytes(command["payload"]).decode()
        if talk is None:
            raise Refused(17, "ProtocolError", "no conversation")
        if not payload:
            return {"conversationId": 1, "done": True, "payload": b""}
        without, _comma, proof = payload.rpartition(",p=")
        auth = ",".join((talk["bare"], talk["first"], without)).encode()
        stored = base64.b64decode(talk["known"]["stored"])
        signature = hmac.new(stored, auth, "sha256").digest()
        client = bytes(one ^ other for one, other in zip(base64.b64decode(proof), signature))
        good = hashlib.sha256(client).digest() == stored and ("r=" + talk["nonce"]) in without
        if not good or talk["key"] not in self.server.store.users:
            self.talk = None
            raise Refused(18, "AuthenticationFailed", "Authentication failed.")
        self.user = talk["key"]
        final = hmac.new(base64.b64decode(talk["known"]["server"]), auth, "sha256").digest()
        return {"conversationId": 1, "done": True, "payload": b"v=" + base64.b64encode(final)}

    def do_createuser(self, command):
        key = "%s.%s" % (command["$db"], command["createUser"])
        if key in self.server.store.users:
            raise Refused(51003, "Location51003", "User %s already exists" % key)
        return self.keep(key, command)

    def do_updateuser(self, command):
        key = "%s.%s" % (command["$db"], command["updateUser"])
        if key not in self.server.store.users:
            raise Refused(11, "UserNotFound", "User %s not found" % key)
        return self.keep(key, command)

    def keep(self, key, command):
        roles = [role if isinstance(role, dict) else {"role": role, "db": command["$db"]} for role in command["roles"]]
        with LOCK:
            self.server.store.users[key] = {"credential": credential(command["pwd"]), "roles": roles}
            self.server.store.save()
        return {}

    def do_usersinfo(self, command):
        asked = command["usersInfo"]
        key = "%s.%s" % (asked["db"], asked["user"])
        known = self.server.store.users.get(key)
        row = {"_id": key, "user": asked["user"], "db": asked["db"], "roles": known["roles"]} if known else None
        return {"users": [row] if row else []}


class Server(socketserver.ThreadingTCPServer):
    """One address that it listens on."""

    allow_reuse_address = True
    daemon_threads = True


def leave_traces(directory):
    """What others read of a data directory; ends where another series' data can't be opened."""
    mark = os.path.join(directory, "stand-in.version")
    if os.path.exists(mark):
        with open(mark) as handle:
            before = handle.read()
        steps = SERIES.index(VERSION.rpartition(".")[0]) - SERIES.index(before.rpartition(".")[0])
        if steps not in (0, 1):
            sys.exit("the data were written by %s, which %s can't open" % (before, VERSION))
    with open(mark, "w") as handle:
        handle.write(VERSION)
    with open(os.path.join(directory, "WiredTiger.turtle"), "w") as handle:
        handle.write("WiredTiger version string\nWiredTiger 11.3.1: (stand-in)\n")
    with open(os.path.join(directory, "mongod.lock"), "w") as handle:
        handle.write("%d\n" % os.getpid())
    diagnostics = os.path.join(directory, "diagnostic.data")
    os.makedirs(diagnostics, exist_ok=True)
    document = {"_id": 1, "type": 0, "doc": {"start": 1, "buildInfo": {"version": VERSION, "bits": 64}}}
    name = time.strftime("metrics.%Y-%m-%dT%H-%M-%SZ-00000", time.gmtime())
    with open(os.path.join(diagnostics, name), "wb") as handle:
        handle.write(bson.BSON.encode(document))


def main():
    """Serve until killed."""
    config = settings(sys.argv[sys.argv.index("--config") + 1])
    directory = config.get("storage.dbPath", "/var/lib/mongodb")
    key = config.get("security.keyFile")
    if key and (os.stat(key).st_mode & 0o077 or not os.access(key, os.R_OK)):
        sys.exit("permissions on %s are too open" % key)
    log = config.get("systemLog.path")
    if log:
        with open(log, "a") as handle:
            handle.write("stand-in %s started\n" % VERSION)
    leave_traces(directory)
    store = Store(directory)
    servers = []
    for address in config.get("net.bindIp", "127.0.0.1").split(","):
        server = Server((address, int(config.get("net.port", 27017))), Connection)
        server.store = store
        server.authorization = config.get("security.authorization") == "enabled" or bool(key)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
    threading.Event().wait()


if __name__ == "__main__":
    main()
