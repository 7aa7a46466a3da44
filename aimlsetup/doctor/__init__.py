"""What is wrong with a host's GPU stack, from the evidence that plugins/module_utils/evidence.py gathers. Pure.

Each file here judges one part and yields findings; the gravest come first.
"""

from collections.abc import Mapping
from typing import Any

from aimlsetup.catalog import Catalog
from aimlsetup.doctor.driver import judge as driver
from aimlsetup.doctor.frameworks import judge as frameworks
from aimlsetup.doctor.modules import judge as modules
from aimlsetup.doctor.packages import judge as packages
from aimlsetup.doctor.sources import judge as sources
from aimlsetup.models.finding import Finding

JUDGES = (driver, modules, packages, sources, frameworks)


def judge(evidence: Mapping[str, Any], catalog: Catalog) -> list[Finding]:
    """Everything there is to say about a host, problems first."""
    found = [finding for part in JUDGES for finding in part(evidence, catalog)]
    return sorted(found, key=lambda finding: finding.severity != "problem")
