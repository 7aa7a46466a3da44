"""Where apt fetches from, as data: every source with its file and line, and the keys in every keyring.

Reads what apt reads, in both of its formats, and needs neither apt, gpg nor root. Standard library only, Python 3.6
syntax.
"""

import base64
import glob
import hashlib
import os
import re

DIRECTORY = "/etc/apt"
KEYRINGS = ("/etc/apt/trusted.gpg", "/etc/apt/trusted.gpg.d/*", "/etc/apt/keyrings/*", "/usr/share/keyrings/*")
ONE_LINE = re.compile(r"^(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+\S+)*)\s*$")
PUBLIC_KEY = 6  # the packet's tag
FIELD = re.compile(r"([A-Za-z0-9-]+):(.*)")


def parse_one_line(text):
    """Entries of a `.list` file: [{"line", "types", "uris", "suites", "components", "signed_by"}]."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = ONE_LINE.match(line.partition("#")[0].strip())
        if match:
            kind, options, uri, suite, components = match.groups()
            settings = dict(word.split("=", 1) for word in (options or "").split() if "=" in word)
            found.append(
                {
                    "line": number,
                    "types": [kind],
                    "uris": [uri],
                    "suites": [suite],
                    "components": components.split(),
                    "signed_by": settings.get("signed-by"),
                }
            )
    return found


def parse_deb822(text):
    """The same of a `.sources` file; `line` is where the stanza begins. Disabled stanzas are left out.

    A key that stands in the stanza itself gives `signed_by` as its text, which begins with a line break.
    """
    found = []
    for start, fields in _stanzas(text):
        words = {name: fields.get(name, "").split() for name in ("types", "uris", "suites", "components")}
        if fields.get("enabled", "yes").strip().lower() not in ("no", "false", "0") and words["uris"]:
            signed_by = fields.get("signed-by", "")
            inline = "BEGIN PGP" in signed_by
            found.append(dict(words, line=start, signed_by=signed_by if inline else signed_by.strip() or None))
    return found


PARSERS = {".list": parse_one_line, ".sources": parse_deb822}


def _stanzas(text):
    """(line of its beginning, {field in lower case: value}) of each paragraph."""
    start, fields, name = 0, {}, None
    for number, line in enumerate([*text.splitlines(), ""], 1):
        match = FIELD.match(line)
        if not line.strip():
            if fields:
                yield start, fields
            fields, name = {}, None
        elif line.startswith("#"):
            continue
        elif line[0] in " \t" and name:
            fields[name] += "\n" + line.strip()
        elif match:
            start = start if fields else number
            name = match.group(1).lower()
            fields[name] = match.group(2).strip()


def texts(directory=DIRECTORY):
    """[(path, text)] of the files that name sources, in apt's own order."""
    paths = [os.path.join(directory, "sources.list")]
    paths += sorted(glob.glob(os.path.join(directory, "sources.list.d", "*")))
    return [(path, _text(path)) for path in paths if os.path.splitext(path)[1] in PARSERS]


def parsed(path, text):
    """The entries of one such file, as `parse_one_line` gives them."""
    return PARSERS[os.path.splitext(path)[1]](text)


def entries(directory=DIRECTORY):
    """Every source of this host, `file` with each; one entry for each URL and suite.

    [{"file", "line", "uri", "suite", "components", "signed_by"}]; URLs without a slash at their end.
    """
    found = []
    for path, text in texts(directory):
        for entry in parsed(path, text):
            found += [
                {
                    "file": path,
                    "line": entry["line"],
                    "uri": uri.rstrip("/"),
                    "suite": suite,
                    "components": entry["components"],
                    "signed_by": entry["signed_by"],
                }
                for uri in entry["uris"]
                for suite in entry["suites"]
                if "deb" in entry["types"]
            ]
    return found


def named_keyrings(sources):
    """The keyring files that `entries` name."""
    words = [word for entry in sources for word in re.split(r"[\s,]+", entry["signed_by"] or "")]
    return sorted({word for word in words if word.startswith("/") and "\n" not in word})


def keyrings(named=()):
    """{path: [fingerprint, …]} of public keys (not their subkeys): where apt looks for keys, and in `named` files."""
    found = {}
    for pattern in KEYRINGS + tuple(map(glob.escape, named)):
        for path in sorted(glob.glob(pattern)):
            if path.endswith((".gpg", ".asc", ".pgp")) or path in named:
                try:
                    with open(path, "rb") as handle:
                        found[path] = fingerprints(handle.read())
                except OSError:
                    continue
    return found


def fingerprints(content):
    """Fingerprints of the version 4 public keys in a keyring, armoured or not; what is no key is passed over."""
    return list(blocks(content))


def blocks(content):
    """{fingerprint: the key with all that belongs to it, in binary} of a keyring; joined they are a keyring again."""
    found, fingerprint = {}, None
    for tag, body, packet in _packets(_dearmoured(content)):
        if tag == PUBLIC_KEY:
            known = body[:1] == b"\x04"
            key = b"\x99" + len(body).to_bytes(2, "big") + body
            fingerprint = hashlib.sha1(key).hexdigest().upper() if known else None  # noqa: S324 - OpenPGP's own
        if fingerprint:
            found[fingerprint] = found.get(fingerprint, b"") + packet
    return found


def _dearmoured(content):
    if b"-----BEGIN PGP" not in content:
        return content
    blocks = re.findall(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----(.*?)-----END", content, re.DOTALL)
    binary = b""
    for block in blocks:
        body = re.split(rb"\n\s*\n", block.replace(b"\r", b""), maxsplit=1)[-1]
        lines = [line.strip() for line in body.splitlines() if not line.startswith(b"=")]
        try:
            binary += base64.b64decode(b"".join(lines))
        except ValueError:
            continue
    return binary


def _packets(content):
    """(tag, body, all of it) of OpenPGP packets, until their end or the first that is none (RFC 4880, section 4.2)."""
    position = 0
    while position < len(content) and content[position] & 0x80:
        start, head = position, content[position]
        position += 1
        if head & 0x40:
            tag, (length, size) = head & 0x3F, _new_length(content, position)
        else:
            tag, size = (head >> 2) & 0x0F, (1, 2, 4, 0)[head & 3]
            length = int.from_bytes(content[position : position + size], "big") if size else len(content)
        position += size
        yield tag, content[position : position + length], content[start : position + length]
        position += length


def _new_length(content, position):
    """(length of the body, how many bytes said so)."""
    first = content[position] if position < len(content) else 0
    if first < 192:
        return first, 1
    if first < 224:
        second = content[position + 1] if position + 1 < len(content) else 0
        return ((first - 192) << 8) + second + 192, 2
    return int.from_bytes(content[position + 1 : position + 5], "big"), 5


def _text(path):
    try:
        with open(path, errors="replace") as handle:
            return handle.read()
    except OSError:
        return ""
