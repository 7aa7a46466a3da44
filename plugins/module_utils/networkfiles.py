"""What a host's files say of its way out: apt's settings and accounts, trusted authorities, our own modules' settings.

Pure. Standard library only, Python 3.6 syntax.
"""

import hashlib
import json
import re

from ansible_collections.codehub.aimlsetup.plugins.module_utils import network, shapes

APT = "/etc/apt/apt.conf.d/90aimlsetup-network"
ACCOUNTS = "/etc/apt/auth.conf.d/90aimlsetup-network.conf"
AUTHORITY = "/usr/local/share/ca-certificates/aimlsetup-%s.crt"
HEADER = "Written by aimlsetup (network), and again by the next apply."
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----\n", re.DOTALL)
PASSWORD = re.compile(r"[!-~]+")  # apt has no way to write a blank in one


def problems(settings):
    """What is wrong with the arguments, in words that hold no secret."""
    wanted = [("proxy", "proxy", settings["proxy"])] if settings["proxy"] else []
    wanted += [("no_proxy", "host", name) for name in settings["no_proxy"]]
    for one in settings["credentials"]:
        wanted += [("credentials.url", "origin", one["url"]), ("credentials.username", "username", one["username"])]
        if not PASSWORD.fullmatch(one["password"] or ""):
            yield "credentials: the password for %s is empty, or has a blank or control character in it" % one["url"]
    for option, kind, value in wanted:
        words = shapes.expected(kind, value)
        if words:
            yield "%s: %r is not accepted: expected %s" % (option, value, words)
    origins = [network.origin(one["url"]) for one in settings["credentials"]]
    for double in sorted({one for one in origins if origins.count(one) > 1}, key=str):
        yield "credentials: two for %s://%s:%s" % double
    if settings["ca_bundle"] and not authorities(settings["ca_bundle"]):
        yield "ca_bundle: there is no certificate in it; expected PEM (-----BEGIN CERTIFICATE-----)"


def authorities(bundle):
    """{path: text} of the certificates in a bundle, a file for each, named by its content."""
    found = CERTIFICATE.findall((bundle or "").replace("\r", "").rstrip("\n") + "\n")
    return {AUTHORITY % hashlib.sha256(text.encode()).hexdigest()[:12]: text for text in found}


def apt_settings(settings):
    """[(name, value)] of what apt is told; no secret is among it."""
    if not settings["proxy"]:
        return []
    names = [("Proxy", settings["proxy"].rstrip("/") + "/")]
    names += [("Proxy::" + name, "DIRECT") for name in network.LOCAL + tuple(settings["no_proxy"])]
    return [("Acquire::%s::%s" % (scheme, name), value) for scheme in ("http", "https") for name, value in names]


def apt_text(settings):
    """Apt's configuration file, "" where there is nothing to say."""
    lines = ['%s "%s";\n' % pair for pair in apt_settings(settings)]
    return "// %s\n%s" % (HEADER, "".join(lines)) if lines else ""


def accounts_text(settings, salt):
    """Apt's accounts, "" without any. An account goes over plain http only where its URL says http.

    The salt makes the file's digest, which receipts and observations have, tell nothing of a password.
    """
    lines = []
    for one in settings["credentials"]:
        scheme, host, port = network.origin(one["url"])
        place = "%s%s:%d" % ("http://" if scheme == "http" else "", host, port)
        bare = place.rpartition(":")[0]
        machines = [place] + ([bare] if port == network.PORTS[scheme] else [])
        lines += ["machine %s login %s password %s\n" % (name, one["username"], one["password"]) for name in machines]
    return "# %s %s\n%s" % (HEADER, salt, "".join(lines)) if lines else ""


def own_text(settings, salt):
    """What our own modules read, "" where there is nothing to say."""
    said = {key: settings[key] for key in ("proxy", "no_proxy", "credentials") if settings[key]}
    return json.dumps(dict(said, salt=salt), indent=1, sort_keys=True) + "\n" if said else ""


def salt_of(text):
    """The salt in a file that is there already, None without."""
    found = re.search(r"\b[0-9a-f]{32}\b", text)
    return found.group(0) if found else None
