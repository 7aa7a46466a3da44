#!/usr/bin/python
"""Ansible module: the users of a MongoDB on this host."""

DOCUMENTATION = r"""
---
module: mongodb_users
short_description: Make users of a MongoDB on this host
description:
  - The first of O(users) is the administrator. Where there is no user yet it is made through MongoDB's localhost
    exception; the others are made, or get their password and roles, by the administrator.
  - Passwords go over the connection alone, as SCRAM-SHA-256. Users that O(users) does not name stay.
  - Needs PyMongo on the host.
options:
  users:
    description: What users there are to be.
    type: list
    elements: dict
    required: true
    options:
      database:
        description: Database that knows the user.
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      password:
        description: Its password.
        type: str
        required: true
      roles:
        description: Roles, as V(ROLE) of that database or V(ROLE@DATABASE).
        type: list
        elements: str
        required: true
  port:
    description: Where it listens, on 127.0.0.1.
    type: int
    default: 27017
  patience:
    description: Seconds to wait for it.
    type: int
    default: 30
extends_documentation_fragment: [codehub.aimlsetup.run]
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
- name: Configure | Users
  codehub.aimlsetup.mongodb_users:
    users:
      - {database: admin, name: root, password: "{{ mongodb_admin_password }}", roles: [root]}
"""

RETURN = r"""
version:
  description: What the server says it is.
  type: str
  returned: success
made:
  description: Users that were (or would be) made or changed, as DATABASE.NAME.
  type: list
  elements: str
  returned: success
"""

from ansible_collections.codehub.aimlsetup.plugins.module_utils.module import writer

try:
    import pymongo
    from pymongo import errors
except ImportError:  # in a preview it is still to be installed
    pymongo = None

USER = {
    "database": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "roles": {"type": "list", "elements": "str", "required": True},
}
OPTIONS = {
    "users": {"type": "list", "elements": "dict", "required": True, "options": USER},
    "port": {"type": "int", "default": 27017},
    "patience": {"type": "int", "default": 30},
}
MECHANISM = "SCRAM-SHA-256"
AUTHENTICATION_FAILED, UNAUTHORIZED = 18, 13


class Failed(Exception):
    """What can't be done, and why."""


class Server:
    """The mongod of this host."""

    def __init__(self, params):
        self._options = {
            "host": "127.0.0.1", "port": params["port"], "directConnection": True, "appname": "aimlsetup",
            "serverSelectionTimeoutMS": params["patience"] * 1000,
        }  # fmt: skip

    def client(self, user=None):
        """A connection, of a user's where one is given."""
        options = self._options
        if user:
            options = dict(
                options, username=user["name"], password=user["password"], authSource=user["database"],
                authMechanism=MECHANISM,
            )  # fmt: skip
        return pymongo.MongoClient(**options)

    def knows(self, user):
        """Whether a user has this password."""
        try:
            with self.client(user) as client:
                client[user["database"]].command("ping")
        except errors.OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                return False
            raise
        return True


def full(user):
    """Its name with its database."""
    return "%s.%s" % (user["database"], user["name"])


def roles(user):
    """Its roles as the server has them."""
    pairs = [role.partition("@")[::2] for role in user["roles"]]
    return [{"role": role, "db": database or user["database"]} for role, database in pairs]


def same_roles(one, other):
    """Whether two lists of roles are the same."""
    return sorted((role["role"], role["db"]) for role in one) == sorted((role["role"], role["db"]) for role in other)


def command(client, user, verb, **fields):
    """Make or change one, by the verb."""
    more = dict(fields, roles=roles(user), mechanisms=[MECHANISM])
    client[user["database"]].command(verb, user["name"], **more)


def make_first(server, user):
    """The administrator, which only the localhost exception makes."""
    try:
        with server.client() as client:
            command(client, user, "createUser", pwd=user["password"])
    except errors.OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        raise Failed(
            "%s does not have this password, and there are users already.\nhint: give the password that it has, or "
            "change it by hand first" % full(user)
        )


def settle(server, client, user, dry):
    """Make or change one of the others; whether there was anything to do."""
    found = client[user["database"]].command("usersInfo", {"user": user["name"], "db": user["database"]})["users"]
    if found and same_roles(found[0].get("roles", []), roles(user)) and server.knows(user):
        return False
    if not dry:
        command(client, user, "updateUser" if found else "createUser", pwd=user["password"])
    return True


def converge(server, users, dry):
    """(the server's version, users made or changed)."""
    first, made = users[0], []
    if not server.knows(first):
        made.append(full(first))
        if dry:
            return "", [full(user) for user in users]
        make_first(server, first)
    with server.client(first) as client:
        version = client.admin.command("buildInfo")["version"]
        made += [full(user) for user in users if settle(server, client, user, dry)]
    return version, list(dict.fromkeys(made))


def main():
    """Run the module."""
    module = writer(OPTIONS)
    params = module.params
    if not params["users"]:
        module.exit_json(changed=False, made=[], version="")
    if pymongo is None:
        if module.check_mode:
            module.exit_json(changed=True, made=[full(user) for user in params["users"]], version="")
        module.fail_json(msg="this host's Python has no PyMongo; mongodb_client_packages brings it")
    try:
        version, made = converge(Server(params), params["users"], module.check_mode)
    except errors.ServerSelectionTimeoutError as error:
        if module.check_mode:
            module.exit_json(changed=True, made=[full(user) for user in params["users"]], version="")
        module.fail_json(msg="mongod does not answer on port %d: %s" % (params["port"], error))
    except (Failed, errors.PyMongoError) as error:
        module.fail_json(msg="users of MongoDB: %s" % error)
    module.exit_json(changed=bool(made), made=made, version=version)


if __name__ == "__main__":
    main()
