"""What every writing module of the collection shares: the run it belongs to, and the lease it renews.

`module_defaults: group/codehub.aimlsetup.writers` gives `holder`, `run`, `take_lock`, `adopt` and `receipts` once for a
whole play.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.codehub.aimlsetup.plugins.module_utils import lease, receipts

PATIENCE = 600  # seconds for a module that a killed run left behind: as long as an environment may take to build
RUN_OPTIONS = {
    "holder": {"type": "str", "default": ""},
    "run": {"type": "str", "default": ""},
    "take_lock": {"type": "bool", "default": False},
    "adopt": {"type": "list", "elements": "str"},
    "receipts": {"type": "path", "default": receipts.DIRECTORY},
}


def writer(options, **more):
    """An AnsibleModule with `options`, check mode supported, whose process now holds the host's lease."""
    module = AnsibleModule(argument_spec=dict(options, **RUN_OPTIONS), supports_check_mode=True, **more)
    if module.params["run"] and not module.check_mode:
        try:
            lease.renew(module.params["holder"], module.params["run"], module.params["take_lock"], patience=PATIENCE)
        except lease.Held as held:
            module.fail_json(msg=str(held), lease=held.lease)
    return module
