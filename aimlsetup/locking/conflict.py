"""A solver's conflict in words: what cannot hold together, what is known, and the nearest changes that would do."""

from aimlsetup.errors import AimlsetupError, Exit
from aimlsetup.models.lock import Reason
from aimlsetup.solver.problem import Conflict, Requirement, Suggestion

SHOWN_RELATIONS = 6  # an error is one screen


def explain(environment: str, conflict: Conflict) -> AimlsetupError:
    """One error, exit code 4."""
    held = [f"wished: {wish.reason.text}" for wish in conflict.wishes]
    held += [f"observed: {fact.text}" for fact in conflict.facts]
    known = [f"known: {_sourced(reason)}" for reason in conflict.relations[:SHOWN_RELATIONS]]
    changes = [_change(suggestion) for suggestion in conflict.suggestions]
    hint = "; or ".join(changes) if changes else "change more than one of these"
    message = f"environment {environment}: no versions meet all of this"
    return AimlsetupError("no-solution", message, context=[*held, *known], hint=hint, exit_code=Exit.NO_SOLUTION)


def _sourced(reason: Reason) -> str:
    return f"{reason.text} ({reason.source})" if reason.source else reason.text


def _change(suggestion: Suggestion) -> str:
    part = suggestion.change
    version = suggestion.chosen.get(part.name)
    if isinstance(part, Requirement):
        return (
            f"ask for {part.name} {version} instead of '{part.reason.text}'"
            if version
            else f"drop '{part.reason.text}'"
        )
    return part.remedy.format(version=version)
