"""Jinja filter `kept_text`: a file's own text where it means what is to be written."""

DOCUMENTATION = r"""
---
name: kept_text
short_description: The text that is there, where it means the same as the text that is wanted
options:
  _input:
    description: The text that is wanted.
    type: str
    required: true
  there:
    description: What the module slurp said of the file; without C(content) there is none.
    type: dict
    required: true
  kind:
    description: How both are read. Of V(exports) only lines C(export NAME=VALUE) may be there.
    type: str
    choices: [yaml, exports]
    required: true
author: [aimlsetup maintainers]
"""

EXAMPLES = r"""
content: "{{ lookup('ansible.builtin.template', 'paths.yml.j2') | codehub.aimlsetup.kept_text(found, 'yaml') }}"
"""

RETURN = r"""
_value:
  description: One of the two texts, byte for byte.
  type: str
"""

import base64

import yaml
from ansible_collections.codehub.aimlsetup.plugins.module_utils import exports


def meaning(text, kind):
    """The text as data. Raises ValueError or yaml.YAMLError."""
    return exports.parsed(text) if kind == "exports" else yaml.safe_load(text)


def kept_text(wanted, there, kind):
    """The text that is there if it means what is wanted, else what is wanted."""
    if "content" not in there:
        return wanted
    try:
        found = base64.b64decode(there["content"]).decode()
        return found if meaning(found, kind) == meaning(wanted, kind) else wanted
    except (ValueError, yaml.YAMLError):
        return wanted


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self):
        """The filters of this file."""
        return {"kept_text": kept_text}
