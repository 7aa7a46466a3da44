"""Jinja filters that write values into unit files, environment files and Python calls as data."""

DOCUMENTATION = r"""
---
name: systemd_quote
short_description: Write a value into a unit file as data
description:
  - Quotes a value as one word of a unit file, so that spaces, quotes, newlines and C(%) specifiers in it are itself.
  - V(exec) is for C(ExecStart=) and the like, where C($) would expand variables; V(environment_file) is for values of
    an C(EnvironmentFile=); V(word) is for everything else, such as C(Environment=) and C(ReadWritePaths=).
options:
  _input:
    description: The value.
    type: raw
    required: true
  context:
    description: Where it goes.
    type: str
    choices: [word, exec, environment_file]
    default: word
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
line: "ExecStart={{ argv | map('codehub.aimlsetup.systemd_quote', 'exec') | join(' ') }}"
"""

RETURN = r"""
_value:
  description: The quoted word.
  type: str
"""

ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
DOUBLED = {"word": "%", "exec": "%$", "environment_file": ""}
FILE_ESCAPES = {character: "\\" + character for character in '\\"$`'}


def systemd_quote(value, context="word"):
    """`value` as one double-quoted word that systemd reads back unchanged.

    Raises ValueError for NUL, which no process can be given.
    """
    text = str(value)
    if "\0" in text:
        raise ValueError("a value for systemd can't hold NUL")
    escapes = FILE_ESCAPES if context == "environment_file" else ESCAPES
    doubled = DOUBLED[context]
    return '"' + "".join(c * 2 if c in doubled else escapes.get(c, c) for c in text) + '"'


def python_call(function, keywords):
    """`module:function(KEY='value', …)` as gunicorn takes its application; values are string literals."""
    arguments = ", ".join(f"{key}={str(value)!r}" for key, value in keywords.items())
    return f"{function}({arguments})"


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"systemd_quote": systemd_quote, "python_call": python_call}
