"""Whether a service of this host answers. Python 3.6 syntax."""

import http.client
import ssl
import urllib.error
import urllib.request

ATTEMPT_SECONDS = 5
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy knows nothing of this host's ports


def opener(url):
    """What to ask with. A certificate is given for the name that clients use, and this asks the host itself."""
    if not url.startswith("https:"):
        return DIRECT
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))


def answer(url):
    """None when it answers 200, else what happened instead."""
    try:
        with opener(url).open(url, timeout=ATTEMPT_SECONDS) as response:
            return None if response.status == 200 else "HTTP %d" % response.status
    except urllib.error.HTTPError as error:
        return "HTTP %d: %s" % (error.code, error.read(300).decode("utf-8", "replace"))
    except (OSError, http.client.HTTPException) as error:
        return str(error)
