"""A shell file of nothing but exports, as data. Python 3.6 syntax."""

import shlex


def parsed(text):
    """{name: value} of lines `export NAME=VALUE`. Raises ValueError for a line that is anything else."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] != "export" or len(words) != 2 or "=" not in words[1] or _expands(line):
            raise ValueError("line %d is no plain `export NAME=VALUE`" % number)
        name, _sign, value = words[1].partition("=")
        found[name] = value
    return found


def _expands(line):
    """Whether the shell would put something in: what is not in single quotes and has a `$` or a backquote."""
    return any(sign in part for part in line.split("'")[::2] for sign in "$`")
