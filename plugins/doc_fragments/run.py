"""Documentation of the options every writing module shares (see module_utils/module.py)."""


class ModuleDocFragment:
    """The run a module call belongs to."""

    DOCUMENTATION = r"""
options:
  holder:
    description: Who applies; names the controller in the host's lease.
    type: str
    default: ''
  run:
    description: Identifier of this apply. The host's lease is taken for it; empty takes none.
    type: str
    default: ''
  take_lock:
    description: Take the lease over from a holder whose module is gone although it has not expired.
    type: bool
    default: false
  adopt:
    description:
      - What may be changed although it was there before and no receipt owns it, by name (path, unit, account). Anything
        else of that kind ends the task before it is touched. Unset lets anything be changed.
    type: list
    elements: str
  receipts:
    description: Where the receipts lie that tell what is owned.
    type: path
    default: /var/lib/aimlsetup/receipts
"""
