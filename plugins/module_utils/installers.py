"""Filling a virtualenv: finding its interpreter, and uv or pip as its installer.

Only wheels and source distributions with a given sha256 get in. Standard library only, Python 3.6 syntax.
"""

import configparser
import os
import platform
import re
import subprocess
import sys

from ansible_collections.codehub.aimlsetup.plugins.module_utils import facts, network, state

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"  # the host's own trust, private authorities included
PIP_SETTINGS = "/etc/pip.conf"
OUTPUT_LINES = 12
OLDEST = [3, 8]
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+(?=@)")  # in a URL; older pips print them
# What a Python started by somebody else's environment would otherwise pick up.
LEFT_OUT = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV")
HINTS = {
    r"hash mismatch|do not match the hashes|hashes are required": "what the index served is not what was locked. "
    "Nothing of it was installed. If the change is known to be right, run `aimlsetup lock` again.",
    r"\b407\b|[Pp]roxy [Aa]uthentication": "the proxy refuses this host: check its entry in network_credentials.",
    r"\b40[13]\b|[Uu]nauthorized|[Ff]orbidden": "the package index refuses this host: check its entry in "
    "network_credentials.",
    r"no space left": "the disk is full. Free space and apply again.",
    r"certificate|UnknownIssuer|SSLError": "this host does not trust the index's certificate: install its authority's "
    "(update-ca-certificates), and check the clock.",
    r"dns error|error sending request|connect|timed out|resolve|proxy": "the package index can't be reached from "
    "this host: check network, proxy, and python_env_index.",
    r"ensurepip|python3[0-9.]*-venv": "this Python comes without ensurepip: add its venv package (python3-venv) to "
    "base_packages.",
    r"building source distributions|no wheels|no-build|source tree|platform|python ABI tag": "a package has no wheel "
    "for this Python and platform: choose another version or Python and lock again, or use the installer pip.",
    r"incompatible|has requirement|requires ": "the requirements contradict each other: lock them again.",
}


class Failed(Exception):
    """An interpreter that isn't there, or an installer that failed: what, its last words, and what to do."""


def interpreter(wish):
    """(path, version) of the interpreter that `wish`, a version or an absolute path, names. Raises Failed."""
    if wish.startswith("/"):
        argv = [wish, "-I", "-S", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"]
        status, output = state.run(argv) if os.access(wish, os.X_OK) else (127, "")
        if status != 0 or not re.match(r"3\.\d+\.\d+$", output.strip()):
            raise Failed("%s is not a Python 3 interpreter that runs here. Correct `python` of the environment." % wish)
        return wish, output.strip()
    known = facts.pythons()
    fit = [path for path in known if (known[path] + ".").startswith(wish + ".")]
    if wish == "3" and not any(_serves(known[path]) for path in fit):
        return sys.executable, platform.python_version()
    if not fit:
        there = ", ".join("%s (%s)" % (known[path], path) for path in sorted(known)) or "none"
        raise Failed(
            "Python %s is not on this host; there are: %s. Choose one of these, install it, or give its absolute path."
            % (wish, there)
        )
    best = min(fit, key=lambda path: (not path.startswith("/usr/bin/"), path))
    return best, known[best]


def _serves(version):
    """Whether what is asked for nothing but a Python 3 can be installed on this one: what modules run on will do."""
    return [int(part) for part in version.split(".")[:2]] >= OLDEST


def pip_settings(path=PIP_SETTINGS):
    """{setting: value} of the host's own pip configuration, its [global] part."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(path)
        return dict(parser.items("global"))
    except configparser.Error:
        return {}


def environment(base, index, further, settings, way_out):
    """Environment variables for an installer: pip's own, and uv given what it does not read of pip's settings. Pure.

    `way_out` is what the host is to ask through and with, as `network.load` gives it.

    `index` None is the host's own. The URLs of `further` indexes come before it and before the host's own further ones:
    here rather than among the arguments, which everybody on the host can read.
    """
    wanted = {name: value for name, value in base.items() if name not in LEFT_OUT}
    wanted.update(LC_ALL="C.UTF-8", NO_COLOR="1", PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    wanted.update(UV_SYSTEM_CERTS="1", UV_NATIVE_TLS="1", UV_NO_PROGRESS="1", UV_PYTHON_DOWNLOADS="never")
    # A copied file can't be damaged through another environment's or the cache's; copies share blocks where the file
    # system can.
    wanted["UV_LINK_MODE"] = "copy"
    wanted.setdefault("PIP_CERT", settings.get("cert", wanted.get("SSL_CERT_FILE", BUNDLE)))
    wanted.update(network.variables(way_out))
    if index:
        index = network.authorized(index, way_out)
        for name in ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_URL"):
            wanted.pop(name, None)
        wanted.update(PIP_INDEX_URL=index, UV_DEFAULT_INDEX=index)
    elif not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & set(base):
        configured = base.get("PIP_INDEX_URL") or settings.get("index-url")
        if configured:
            wanted["UV_DEFAULT_INDEX"] = configured
    # As the lock was made: all versions of a package come from the first index that has it.
    wanted["UV_INDEX_STRATEGY"] = "first-index"
    for name in ("PIP_EXTRA_INDEX_URL", "UV_INDEX") if further else ():
        wanted[name] = " ".join([network.authorized(url, way_out) for url in further] + wanted.get(name, "").split())
    return wanted


def explained(output):
    """The end of an installer's output, and what to do about it."""
    shown = CREDENTIALS.sub("****", output)
    lines = [line.rstrip() for line in shown.splitlines() if line.strip()]
    hint = next((text for pattern, text in HINTS.items() if re.search(pattern, output, re.IGNORECASE)), None)
    return "\n".join(lines[-OUTPUT_LINES:] + (["hint: " + hint] if hint else []))


class Installer:
    """Makes a virtualenv and fills it, with `kind` "uv" or "pip"; `lock` is a descriptor its processes inherit.

    sources: (index or None for the host's own, [further indexes that come before it]).
    """

    def __init__(self, kind, uv, cache, sources, lock):
        self.uv = uv if kind == "uv" else None
        self.lock = lock
        self.variables = environment(os.environ, sources[0], sources[1], pip_settings(), network.load())
        if cache:
            self.variables["UV_CACHE_DIR"] = cache
        if kind == "uv" and not (uv and os.access(uv, os.X_OK)):
            raise Failed("uv is not at %s: it is installed before the environments that need it." % uv)

    def __call__(self, interpreter_path, directory, requirements):
        """Make `directory` a virtualenv of that interpreter with what the `requirements` file lists. Raises Failed."""
        for argv in (self._uv if self.uv else self._pip)(interpreter_path, directory, requirements):
            self._run(argv, directory)

    def _uv(self, interpreter_path, directory, requirements):
        python = os.path.join(directory, "bin", "python")
        return (
            [self.uv, "venv", "-q", "--no-project", "--python", interpreter_path, directory],
            # Compiled now: those who run it may not write here, and would compile at every start.
            [
                self.uv,
                "pip",
                "sync",
                "-q",
                "--python",
                python,
                "--require-hashes",
                "--no-build",
                "--compile-bytecode",
                "--allow-empty-requirements",
                requirements,
            ],
            [self.uv, "pip", "check", "-q", "--python", python],
        )

    def _pip(self, interpreter_path, directory, requirements):
        python = os.path.join(directory, "bin", "python")
        return (
            [interpreter_path, "-I", "-m", "venv", directory],
            [
                python,
                "-I",
                "-m",
                "pip",
                "install",
                "-q",
                "--require-hashes",
                "--no-deps",
                "--no-build-isolation",
                "-r",
                requirements,
            ],
            [python, "-I", "-m", "pip", "check"],
        )

    def _run(self, argv, directory):
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.variables,
            cwd=os.path.dirname(directory),
            pass_fds=(self.lock,),
            check=False,
        )
        if done.returncode:
            raise Failed(
                "building %s failed (%s, exit %d); the environment in use is untouched.\n%s"
                % (directory, " ".join(argv[:3]), done.returncode, explained(done.stdout.decode("utf-8", "replace")))
            )
