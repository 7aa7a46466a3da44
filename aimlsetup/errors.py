"""The one kind of expected failure; anything else is a bug and keeps its traceback."""

import re
from enum import IntEnum

# A terminal acts on these; what an error quotes (a value, a host's words) must not make it.
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


class Exit(IntEnum):
    """Exit codes that scripts can rely on."""

    DONE = 0
    FAILED = 1
    USAGE = 2  # bad usage or input: file, line, column, what was expected
    DRIFT = 3  # `plan --exit-code`, `verify`
    NO_SOLUTION = 4
    CONSENT = 5  # reboot, licence, something in the way
    PARTIAL = 6  # some hosts done, some not
    INTERRUPTED = 130


class AimlsetupError(Exception):
    """What went wrong, where, and what to do; printed on one screen by `aimlsetup.__main__`.

    `ref` names the kind for scripts and searches (`profile-unknown-key`), `message` says what happened,
    `context` holds lines of where and what was expected, `hint` what to do next. None may hold a secret.
    """

    def __init__(
        self,
        ref: str,
        message: str,
        *,
        context: tuple[str, ...] | list[str] = (),
        hint: str | None = None,
        exit_code: Exit = Exit.FAILED,
    ) -> None:
        super().__init__(message)
        self.ref = ref
        self.message = message
        self.context = tuple(context)
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        lines = [f"error: {self.message} [{self.ref}]", *(f"  {line}" for line in self.context)]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(CONTROL.sub(lambda found: repr(found[0])[1:-1], line) for line in lines)

    def document(self) -> dict[str, object]:
        """The same as a versioned document for `--json`."""
        return {
            "version": 1,
            "kind": "error",
            "ref": self.ref,
            "message": self.message,
            "context": list(self.context),
            "hint": self.hint,
            "exit_code": int(self.exit_code),
        }
