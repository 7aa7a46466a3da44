"""The way out of a site: its proxy, and accounts by the server they are for. Hosts and controller share this.

Settings are {"proxy": URL or None, "no_proxy": [names], "credentials": [{"url", "username", "password"}]}. A credential
is for one origin: scheme, host and port. No Ansible import; standard library only, Python 3.6 syntax.
"""

import base64
import json
from urllib.parse import quote, urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

PATH = "/etc/aimlsetup/network.json"  # root's alone
PORTS = {"http": 80, "https": 443}
LOCAL = ("localhost", "127.0.0.1")


def load(path=PATH):
    """The settings of this host; without the file, or for somebody who may not read it, there are none."""
    try:
        with open(path) as handle:
            return json.load(handle)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}


def origin(url):
    """(scheme, host, port) of a URL, None where it has none of them."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None


def account(url, settings):
    """The credential for a URL's origin, or None."""
    wanted = origin(url)
    return next((one for one in settings.get("credentials", ()) if wanted and origin(one["url"]) == wanted), None)


def authorized(url, settings):
    """The URL with the account that it is asked with; one that has an account already stays as it is."""
    found = None if "@" in urlsplit(url).netloc else account(url, settings)
    if not found:
        return url
    scheme, rest = url.split("://", 1)
    return "%s://%s:%s@%s" % (scheme, quote(found["username"], safe=""), quote(found["password"], safe=""), rest)


def basic(url, settings):
    """The value of the header that logs in at a URL, or None."""
    found = account(url, settings)
    if not found:
        return None
    return "Basic " + base64.b64encode(("%(username)s:%(password)s" % found).encode()).decode()


def variables(settings):
    """{environment variable: value} for a program that is to use the proxy; none without one."""
    if not settings.get("proxy"):
        return {}
    proxy = authorized(settings["proxy"], settings)
    direct = ",".join(LOCAL + tuple(settings.get("no_proxy", ())))
    given = {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": direct}
    return dict(given, **{name.upper(): value for name, value in given.items()})


def opener(url, settings, context):
    """What opens a URL: through the proxy, or directly; without a proxy, as the environment says."""
    told = variables(settings)
    direct = urlsplit(url).hostname in told.get("no_proxy", "").split(",")
    proxies = {} if direct else dict.fromkeys(("http", "https"), told.get("http_proxy"))
    return build_opener(ProxyHandler(proxies if told else None), HTTPSHandler(context=context))


def git_settings(settings, store):
    """Lines of git's configuration that make it log in with what the file `store` has."""
    if not settings.get("credentials"):
        return ""
    quoted = store.replace("\\", "\\\\").replace('"', '\\"')
    return '[credential]\nhelper =\nhelper = "store --file=%s"\n' % quoted


def git_store(settings):
    """The content of that file."""
    return "".join(authorized(one["url"].rstrip("/"), settings) + "\n" for one in settings.get("credentials", ()))
