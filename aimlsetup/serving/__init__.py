"""The serving planner: which replica of which model goes on which GPU and port, and whether the machine holds them.

Pure: services as the profile has them and what a host has, in; services with everything said, out.
"""

from aimlsetup.serving.assign import assign
from aimlsetup.serving.resources import Conventions, Gpu, Resources, resources
from aimlsetup.serving.view import Share, Usage, usage

__all__ = ["Conventions", "Gpu", "Resources", "Share", "Usage", "assign", "resources", "usage"]
