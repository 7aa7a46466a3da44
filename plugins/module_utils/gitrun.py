"""Running git as the owner of a checkout, with credentials that touch neither argv, environment, log nor disk.

A deploy key is handed to an ssh-agent on its standard input; the agent lives no longer than the git command it was
started for. Host keys are always checked. Standard library only, Python 3.6 syntax.
"""

import collections
import contextlib
import grp
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile

from ansible_collections.codehub.aimlsetup.plugins.module_utils import agentrelay, network

PASSED_ON = ("PATH", "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
             "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO")  # fmt: skip
WITH_KEY = ("ssh-agent", "sh", "-c", 'ssh-add -q - && exec "$@"', "sh")
SETTINGS = """[include]
path = ~/.config/git/config
[core]
fsync = added,reference
hooksPath = /dev/null
quotePath = false
[gc]
auto = 0
[maintenance]
auto = false
[advice]
detachedHead = false
[http]
lowSpeedLimit = 1000
lowSpeedTime = 60
[user]
name = aimlsetup
email = aimlsetup@localhost
"""
HINTS = {
    "host key verification failed": "the server's host key is not known, or not the known one. Compare it with what "
    "its owner publishes, then give it as known_hosts",
    "permission denied (publickey": "the server does not accept the key. Check credentials, and what the key may read",
    "error loading key": "the deploy key is no private key that can be used without a passphrase",
    "could not resolve host": "the host's name is not known here. Check the URL and the name service",
    "connection refused": "nothing answers there. Check the URL and the port",
    "timed out": "the server does not answer. Check the network and proxy",
    "certificate": "the server's certificate is not trusted here. Install the issuing authority's certificate",
    "authentication failed": "the server refuses the account. Check its entry in network_credentials",
    "error: 401": "the server refuses the account. Check its entry in network_credentials",
    "could not read username": "the repository asks for a login; give its account in "
    "network_credentials, or use ssh with an agent or a deploy key",
    "dubious ownership": "the repository belongs to another user",
    "not our ref": "the remote no longer has the commit. Run `aimlsetup lock` again",
    "unadvertised object": "the remote does not hand out a commit that is on no branch. Run `aimlsetup lock` again",
    "no space left": "the disk is full",
    "does not appear to be a git repository": "there is no repository at this place, or it may not be read",
    "no such file or directory": "there is no repository at this place",
}


class GitError(Exception):
    """A git command that failed; `output` is what it said."""

    def __init__(self, argv, output):
        self.output = output.strip()
        low = self.output.lower()
        hint = next((". Hint: " + text for sign, text in HINTS.items() if sign in low), "")
        last = "\n".join(self.output.splitlines()[-8:]).rstrip(".")
        super().__init__("git %s: %s%s" % (argv[0], last or "failed without a word", hint))


# How a repository is reached. transport: https, ssh or file. kind: none, agent or deploy_key. known_hosts: text.
Access = collections.namedtuple("Access", "transport url kind key known_hosts")

# Whom git runs as.
Account = collections.namedtuple("Account", "name uid gid home")


class Git:
    """git as one user, for one repository's remote. Made by `session`."""

    def __init__(self, account, environment, key):
        self._account = account
        self._environment = environment
        self._key = key

    def __call__(self, cwd, *argv, **options):
        """Standard output, stripped at its end. Options: `stdin` text; `env` more variables; `remote` True gives the
        credentials; `lock` a descriptor that the command keeps open. Raises GitError.
        """
        remote = options.get("remote") and self._key is not None
        stdin = self._key if remote else options.get("stdin") or ""
        lock = options.get("lock")
        done = subprocess.run(
            self._prefix() + (list(WITH_KEY) if remote else []) + ["git"] + list(argv),
            cwd=cwd,
            env=dict(self._environment, **options.get("env", {})),
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=() if lock is None else (lock,),
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace")
            raise GitError(argv, said or done.stdout.decode("utf-8", "replace"))
        return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")

    def ask(self, cwd, *argv, **options):
        """The same, None where the command fails."""
        try:
            return self(cwd, *argv, **options)
        except GitError:
            return None

    def _prefix(self):
        if self._account.uid == os.geteuid():
            return []
        return ["setpriv", "--reuid=%d" % self._account.uid, "--regid=%d" % self._account.gid, "--init-groups", "--"]


def account_of(owner, group=None):
    """The `Account` of a user by name (None is the running one), in another group if one is named. Raises KeyError."""
    entry = pwd.getpwnam(owner) if owner else pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, grp.getgrnam(group).gr_gid if group else entry.pw_gid, entry.pw_dir)


def ssh_command(access, known_hosts):
    """What git runs as ssh."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "UserKnownHostsFile": "~/.ssh/known_hosts " + known_hosts,
        "ConnectTimeout": "30",
        "ServerAliveInterval": "15",
        "IdentityAgent": "none" if access.kind == "none" else "SSH_AUTH_SOCK",
    }
    if access.kind != "none":
        options["IdentitiesOnly"] = "no"
    if access.kind == "deploy_key":
        options["IdentityFile"] = "none"
    return " ".join(["ssh"] + [shlex.quote("-o%s=%s" % pair) for pair in sorted(options.items())])


def _write(path, text, account):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        os.fchown(handle.fileno(), account.uid, account.gid)


@contextlib.contextmanager
def session(account, access):
    """A `Git` for one remote, as that account; what it needs lies in a directory that is removed afterwards."""
    directory = tempfile.mkdtemp(prefix="aimlsetup-git-", dir="/run" if os.access("/run", os.W_OK) else None)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        os.chown(directory, account.uid, account.gid)
        known_hosts = os.path.join(directory, "known_hosts")
        trusted = access.url[len("file://") :] if access.transport == "file" else ""
        places = [trusted, os.path.join(trusted, ".git")] if trusted else []
        quoted = ['directory = "%s"\n' % place.replace("\\", "\\\\").replace('"', '\\"') for place in places]
        os.mkdir(os.path.join(directory, "git"), 0o755)
        way_out, store = network.load(), os.path.join(directory, "credentials")
        settings = SETTINGS + network.git_settings(way_out, store) + "[safe]\n" + "".join(quoted)
        _write(os.path.join(directory, "git", "config"), settings, account)
        _write(store, network.git_store(way_out), account)
        _write(known_hosts, access.known_hosts, account)
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment.update(network.variables(way_out))
        environment.update(
            HOME=account.home,
            LC_ALL="C.UTF-8",
            GIT_TERMINAL_PROMPT="0",
            GIT_OPTIONAL_LOCKS="0",
            XDG_CONFIG_HOME=directory,  # git-lfs hides GIT_CONFIG_GLOBAL from the git commands it runs
            GIT_ALLOW_PROTOCOL="https:ssh:file" if access.transport == "file" else "https:ssh",
            GIT_SSH_COMMAND=ssh_command(access, known_hosts),
            GIT_LFS_SKIP_SMUDGE="1",
        )
        if access.kind == "agent":
            agent = agentrelay.find_agent()
            if agent is None:
                raise GitError(["agent"], "no ssh agent was forwarded to this host; connect with agent forwarding")
            environment["SSH_AUTH_SOCK"] = stack.enter_context(agentrelay.relay(agent, directory, account.uid))
        key = access.key.rstrip("\n") + "\n" if access.kind == "deploy_key" else None
        yield Git(account, environment, key)
