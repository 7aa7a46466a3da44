"""Which versions fit each other: wishes, facts of a host and known packages in, pins or a smallest conflict out.

Pure: no I/O, no clock. `solve` is the only entry.
"""

from aimlsetup.solver.conflict import conflict
from aimlsetup.solver.problem import Problem, Solution
from aimlsetup.solver.search import Dead, resolve


def solve(problem: Problem) -> Solution:
    """The best solution. Raises `Conflict` with the smallest set of wishes and facts that cannot hold together."""
    try:
        return resolve(problem)
    except Dead as dead:
        raise conflict(problem, dead) from None
