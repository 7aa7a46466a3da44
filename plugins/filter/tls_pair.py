"""Jinja filter `tls_pair`: a certificate and its key, and why they can't be served."""

DOCUMENTATION = r"""
---
name: tls_pair
short_description: Look at a certificate and its key before they are used
description:
  - Reads the certificate, and says when it has expired, is none, or does not belong to the key. Both fingerprints are
    of the public key, in SHA-256. Nothing of the private key is said.
options:
  _input:
    description: C(certificate), PEM or the path of a file with it on this machine, and C(key), PEM.
    type: dict
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
pair: "{{ gateway_tls | codehub.aimlsetup.tls_pair }}"
"""

RETURN = r"""
_value:
  description: >-
    C(name), of hexadecimal digits, that differs for every certificate; C(certificate), PEM; C(problems), one sentence
    each.
  type: dict
"""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

MARKER = "-----BEGIN CERTIFICATE-----"


def fingerprint(public):
    """SHA-256 of a public key, as people compare it."""
    digest = Hash(SHA256())
    digest.update(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex(":")


def read(text):
    """(PEM, why it could not be read or None)."""
    if MARKER in text or not text.startswith("/"):
        return text, None
    try:
        return Path(text).read_text(encoding="ascii"), None
    except (OSError, ValueError) as error:
        return "", f"{text}: {error}"


def chain_of(pem):
    """The certificates of a PEM text, the server's own first; none when it is no such text."""
    parts = [MARKER + part for part in pem.split(MARKER)[1:]]
    try:
        return [x509.load_pem_x509_certificate(part.encode()) for part in parts]
    except ValueError:
        return []


def dated(certificate):
    """Why a certificate is not valid today, or None."""
    now = datetime.datetime.now(datetime.timezone.utc)
    first, last = (
        getattr(certificate, f"{name}_utc", None) or getattr(certificate, name).replace(tzinfo=datetime.timezone.utc)
        for name in ("not_valid_before", "not_valid_after")
    )
    name = certificate.subject.rfc4514_string()
    if now > last:
        return f"the certificate of {name} has expired on {last:%Y-%m-%d %H:%M} UTC"
    if now < first:
        return f"the certificate of {name} is valid from {first:%Y-%m-%d %H:%M} UTC on; here it is {now:%Y-%m-%d %H:%M}"
    return None


def public_half(key):
    """(public key of a PEM private key, why there is none)."""
    try:
        return load_pem_private_key(key.encode(), None).public_key(), None
    except TypeError:
        return None, "the key has a passphrase, which nobody could type when the service starts"
    except Exception:  # noqa: BLE001 - of many kinds, and what they say may quote the key
        return None, "the key is no private key in PEM"


def mismatch(certificate, key):
    """Why certificate and key are no pair, or None."""
    public, why = public_half(key)
    if public is None:
        return why
    theirs, ours = fingerprint(certificate.public_key()), fingerprint(public)
    if theirs == ours:
        return None
    return f"the certificate does not belong to the key: it is for the public key {theirs}, the key's own is {ours}"


def tls_pair(tls):
    """`{"name", "certificate", "problems"}` of `{"certificate", "key"}`."""
    pem, unread = read(str(tls["certificate"]))
    chain = [] if unread else chain_of(pem)
    if not chain:
        return {"name": "", "certificate": "", "problems": [unread or "the certificate is none in PEM"]}
    problems = [dated(certificate) for certificate in chain] + [mismatch(chain[0], str(tls["key"]))]
    digest = Hash(SHA256())
    digest.update(pem.encode())
    return {
        "name": digest.finalize().hex()[:16],
        "certificate": pem if pem.endswith("\n") else pem + "\n",
        "problems": [problem for problem in problems if problem],
    }


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"tls_pair": tls_pair}
