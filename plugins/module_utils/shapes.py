"""What values must look like that end up in unit files, account databases or command lines: roles refuse others before
they change anything, profiles with line and column.

Standard library only, Python 3.6 syntax.
"""

import ipaddress
import re

# kind: (pattern of the whole, what is expected).
SHAPES = {
    "account": (r"[a-z_][a-z0-9_-]{0,31}", "the name of an account, such as codehub"),
    "app": (r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", "module:function, such as web_server:main"),
    "base_path": (r"(/[A-Za-z0-9_.~-]+)+", "a path such as /api/vision/v2, without a slash at its end"),
    "body_size": (r"[1-9][0-9]{0,8}[kKmMgG]?", "a size as nginx writes it, such as 8M"),
    "build": (r"3\.[0-9]{1,2}\.[0-9]{1,2}-[0-9]{8}", "a build of Python, such as 3.13.17-20261021"),
    "common_name": (r"[A-Za-z0-9][\w.-]{0,62}", "the common name of a virtualenv, such as py_3"),
    "cpu_quota": (r"[1-9][0-9]{0,4}%", "a share of one CPU in percent, such as 150%"),
    "bytes": (r"[1-9][0-9]{0,14}([kmg]b)?", "a number of bytes, or a size such as 512mb or 2gb"),
    "database": (r"[A-Za-z0-9_-]{1,63}", "the name of a database, of letters, digits, '_' and '-'"),
    "device": (r"/dev/[\w./-]+|(char|block)-[\w*-]+", "a device such as /dev/nvidia0 or char-nvidia-uvm"),
    "gpu": (r"[0-9]{1,3}|(GPU|MIG)-[0-9A-Za-z/-]{1,80}", "a GPU's index or UUID, such as 0 or MIG-…"),
    "host": (r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", "the name or IPv4 address of one host"),
    "host_name": (r"[A-Za-z0-9_][\w.-]{0,252}", "the name of a host, such as gpu1"),
    "health_path": (r"/[!-~]*", "the path of a URL, beginning with /"),
    "memory": (r"[0-9]+[KMGT]?|[0-9]{1,3}%|infinity", "a size such as 4G"),
    "mongodb": (r"[0-9]{1,2}\.[0-9](\.[0-9]{1,3})?", "a series of MongoDB such as '8.0', or a version such as '8.0.4'"),
    "mode": (r"[0-7]{3,4}", "permissions as octal text, such as '2775'"),
    "model_key": (
        r"[A-Za-z0-9]\w{0,62}-[A-Za-z0-9]\w{0,62}-[0-9]{1,9}",
        "<org>-<problem_id>-<rel_num>, such as vidteq-rld-1",
    ),
    "module": (r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", "the name of a Python module, such as tensorflow"),
    # systemd reads a few paths unquoted, with wildcards; Ansible expands variables in one; ':' separates several.
    "path": (
        r"/[^\x00-\x1f\x7f\"\\*?\[\]$:]*(?<!\s)",
        "an absolute path without quotes, backslashes, '$', ':', wildcards and control characters",
    ),
    "certificates": (
        r"/[A-Za-z0-9_.+@ /-]+|\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s-]+( CERTIFICATE[A-Za-z0-9+/=\s-]+)*",
        "the path of a PEM file on the machine that runs aimlsetup",
    ),
    "origin": (
        r"https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?",
        "a server as http(s)://HOST[:PORT], without path and account",
    ),
    # The first line of a script names its interpreter, and can quote nothing.
    "path_prefix": (r"/|(/[A-Za-z0-9._~-]+)+/?", "the path that URLs begin with, such as / or /jupyter"),
    "plain_path": (r"/[A-Za-z0-9_.+@/-]+", "an absolute path of letters, digits and '_.+@-'"),
    "proxy": (
        r"http://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?",
        "a proxy as http://HOST[:PORT]; its account belongs into credentials",
    ),
    "python_version": (r"3\.[0-9]{1,2}", "a Python as major.minor, such as 3.11"),
    "relative_path": (r"[^\x00-\x1f\x7f/][^\x00-\x1f\x7f]*", "a relative path without '..'"),
    "series": (r"[0-9]{1,3}\.[0-9]{1,3}", "a release of CUDA as major.minor, such as '12.4'"),
    "role": (r"[A-Za-z][A-Za-z0-9_-]{0,62}(@[A-Za-z0-9_-]{1,63})?", "a role as ROLE or ROLE@DATABASE"),
    "sha256": (r"[0-9a-f]{64}", "a sha256 in 64 hex digits"),
    "size": (r"[0-9]+[KMGT]?", "a size such as 4G"),
    "tool_path": (r"(/[A-Za-z0-9_.~-]+)+/", "a path with a slash at both ends, such as /tensorboard/"),
    "tensorflow_model": (r"[A-Za-z0-9][\w.-]{0,127}", "the name of a model, such as vidteq-rld-1"),
    "token": (r"[!-~]{16,256}", "16 to 256 printable characters without blanks"),
    "unit": (r"[A-Za-z0-9:_.@-]+\.service", "the name of a unit, such as gunicorn.service"),
    "setting": (r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", "the name of a setting, such as ARCHS or DBCFG.OASISCFG"),
    "url": (
        r"(https?|file)://(?![^/]*@)[!-~]+",
        "the URL of a package index, without a password (those belong into the netrc file of who asks it)",
    ),
    "url_path": (r"(/[A-Za-z0-9_.~-]*)+", "a path such as /api/vision/v2/health, of letters, digits and '_.~-'"),
    "username": (r"[A-Za-z0-9_][!-9;-~]*", "the name of an account, without blanks and ':'"),
    "variable": (r"[A-Za-z_]\w*", "the name of an environment variable"),
}


def expected(kind, value):
    """None when a value is of this kind, else what was expected. A path that climbs (`..`) never is."""
    pattern, words = SHAPES[kind]
    text = str(value)
    fits = re.match("(?:%s)\\Z" % pattern, text, re.ASCII) and ".." not in text.split("/")
    return None if fits else words


def expected_address(value):
    """None when a value is an IP address, else what was expected."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return "an IP address, such as 127.0.0.1"
    return None


def expected_endpoint(value):
    """None when a value is what one can connect to, else what was expected."""
    if expected_address(value) and expected("host", value):
        return "an IP address, or the name of a host"
    return None


def expected_network(value):
    """None when a value is an IP address or network, else what was expected."""
    try:
        ipaddress.ip_network(str(value))
    except ValueError:
        return "an IP address or a network, such as 10.0.0.0/8"
    return None


def expected_client(value):
    """None when a value is an IP address, a network or `localhost`, as systemd filters by, else what was expected."""
    try:
        ipaddress.ip_network("127.0.0.0/8" if value == "localhost" else str(value), strict=False)
    except ValueError:
        return "an IP address, a network such as 10.0.0.0/8, or localhost"
    return None
