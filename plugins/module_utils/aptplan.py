"""What apt's files are to say of repositories and versions, and who else on the host says it. Pure.

A repository is {"name", "uri", "suites", "components", "architectures", "key", "signed_by"} as the module apt_source
takes it; a source that is there already is one of `aptsources.entries()`. Standard library only, Python 3.6 syntax.
"""

import re

OWN = "/etc/apt/sources.list.d/aimlsetup-"
SOURCES = OWN + "%s.sources"
KEYRING = "/etc/apt/keyrings/aimlsetup-%s.gpg"
PREFERENCES = "/etc/apt/preferences.d/aimlsetup.pref"
HEADER = "# Written by aimlsetup (gpu_sources), and again by the next apply.\n"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
URL = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+")
WORD = re.compile(r"[!-~]+")  # no space, no line break: a value stays in its field
TEXT = re.compile(r"[ -~]+")
FINGERPRINT = re.compile(r"[0-9A-F]{40}")


def problems(repositories, pins):
    """What is wrong with the arguments, in words; empty when nothing is."""
    found = []
    names = [repository["name"] for repository in repositories]
    found += ["two repositories are called %s" % name for name in sorted(set(names)) if names.count(name) > 1]
    places = [(place(one["uri"], suite), one["name"]) for one in repositories for suite in one["suites"]]
    found += [
        "%s and %s are the same repository" % (first[1], second[1])
        for index, first in enumerate(places)
        for second in places[index + 1 :]
        if first[0] == second[0]
    ]
    for repository in repositories:
        found += ["repository %s: %s" % (repository["name"], what) for what in _wrong(repository)]
    for pin in pins:
        found += ["pin of %s: %s" % (", ".join(pin["packages"]) or "nothing", what) for what in _wrong_pin(pin)]
    return found


def _wrong(repository):
    words = repository["suites"] + repository["components"] + repository["architectures"]
    if not NAME.fullmatch(repository["name"]):
        yield "its name may have lower-case letters, digits, - and _"
    for url in (repository["uri"], (repository["key"] or {}).get("url")):
        if url is not None and not URL.fullmatch(url):
            yield "%r is no URL" % url
    for word in words + [repository["signed_by"] or "-"]:
        if not WORD.fullmatch(word):
            yield "%r has a space or control character in it" % word
    if any(suite.endswith("/") for suite in repository["suites"]) == bool(repository["components"]):
        yield "a flat suite (that ends with /) has no components, any other has some"
    if bool(repository["key"]) == bool(repository["signed_by"]):
        yield "expected one of key and signed_by"
    for what in _wrong_key(repository["key"] or {"fingerprints": ["0" * 40]}):
        yield what


def _wrong_key(key):
    if not key["fingerprints"]:
        yield "no fingerprint says which key is meant"
    for fingerprint in key["fingerprints"]:
        if not FINGERPRINT.fullmatch(normal(fingerprint)):
            yield "%r is no full fingerprint (40 hexadecimal digits)" % fingerprint


def _wrong_pin(pin):
    if bool(pin["version"]) == bool(pin["pin"]):
        yield "expected one of version and pin"
    for word in pin["packages"]:
        if not WORD.fullmatch(word):
            yield "%r is no name of a package" % word
    if not pin["packages"] or not TEXT.fullmatch(pin["version"] or pin["pin"] or "-"):
        yield "expected names of packages, and text without line breaks"


def normal(fingerprint):
    """A fingerprint as keyrings give it."""
    return fingerprint.replace(" ", "").upper()


def place(uri, suite):
    """What makes two sources the same repository, however they are written: neither scheme nor slashes count."""
    path = uri.partition(":")[2].strip("/")
    if suite.endswith("/"):
        return (path + "/" + suite.strip("/")).strip("/"), "/"
    return path, suite


def others(repository, sources):
    """The sources on the host that name the same repository."""
    places = [place(repository["uri"], suite) for suite in repository["suites"]]
    return [source for source in sources if place(source["uri"], source["suite"]) in places]


def owners(repositories, sources):
    """Why these can't be this host's sources: another file names one already. In words, each with file and line.

    A distribution's archive (`signed_by`) is shared with the host's own lists: see `stanzas`.
    """
    return [
        "%s:%d names %s already%s"
        % (source["file"], source["line"], source["uri"], _by(source["signed_by"]))
        for repository in repositories
        if repository["key"]
        for source in others(repository, sources)
    ]


def _by(signed_by):
    if not signed_by:
        return ", signed by any key that apt trusts"
    return ", signed by %s" % ("a key in the file itself" if "BEGIN PGP" in signed_by else signed_by)


def stanzas(repository, sources, keyring):
    """[{field: value}] that apt needs to have all of a repository, beside the sources that are there.

    Of a distribution's archive only what the host's own lists lack, signed by what they name: apt reads nothing at all
    when two stanzas of one suite differ in that.
    """
    groups = {}
    for suite in repository["suites"]:
        same = others(dict(repository, suites=[suite]), sources) if repository["signed_by"] else []
        there = [component for source in same for component in source["components"]]
        lacking = tuple(component for component in repository["components"] if component not in there)
        signed_by = same[0]["signed_by"] if same else repository["signed_by"] or keyring
        if lacking or not same:
            groups.setdefault((lacking, signed_by), []).append(suite)
    return [
        {
            "Types": "deb",
            "URIs": repository["uri"],
            "Suites": " ".join(suites),
            "Components": " ".join(components),
            "Architectures": " ".join(repository["architectures"]),
            "Signed-By": (signed_by or "").replace("\n", "\n "),
        }
        for (components, signed_by), suites in sorted(groups.items(), key=lambda group: group[1])
    ]


def written(found):
    """Text of a file of stanzas, empty fields left out; "" for none."""
    texts = ["".join("%s: %s\n" % item for item in fields.items() if item[1]) for fields in found]
    return HEADER + "\n".join(texts) if texts else ""


def preferences(pins):
    """Text of the preferences file."""
    return written(
        [
            {
                "Package": " ".join(pin["packages"]),
                "Pin": "version %s" % pin["version"] if pin["version"] else pin["pin"],
                "Pin-Priority": str(pin["priority"]),
            }
            for pin in pins
        ]
    )


def retired(keyrings, ids, used):
    """{path: what is left of the keyring, b"" for nothing} of keyrings that hold keys with these ids.

    `keyrings` is {path: {fingerprint: key}}; those that a remaining source names (`used`) are left alone.
    """
    endings = tuple(normal(short) for short in ids)
    found = {}
    for path, keys in keyrings.items():
        left = {fingerprint: key for fingerprint, key in keys.items() if not fingerprint.endswith(endings)}
        if endings and path not in used and len(left) < len(keys):
            found[path] = b"".join(left.values())
    return found
