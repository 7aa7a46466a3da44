"""Where it runs: the questions about hosts, as data."""

from aimlsetup.wizard import validators
from aimlsetup.wizard.kinds import INTEGER, WORDS
from aimlsetup.wizard.question import WHERE, Choice, Question, Scene, fixed, when


def _where(scene: Scene) -> tuple[Choice, ...]:
    keep = () if scene.fresh else (Choice("keep", "The hosts as the profile has them"),)
    return (
        *keep,
        Choice("sandbox", "A disposable sandbox host on this machine (try it without risk)", scene.around.sandbox_lack),
        Choice("local", "This machine"),
        Choice("ssh", "Other machines, over ssh"),
    )


HOSTS = (
    Question(
        "where",
        WHERE,
        "Where shall it run?",
        default=lambda scene: "local" if scene.around.sandbox_lack else "sandbox",
        choices=_where,
        first=True,
    ),
    Question(
        "sandbox.name",
        WHERE,
        "Name of the sandbox host",
        when=when("where", "sandbox"),
        default=fixed("quickstart"),
        validator=validators.matches(r"[a-z][a-z0-9-]{0,30}", "up to 31 lower-case letters, digits and dashes are"),
    ),
    Question(
        "sandbox.release",
        WHERE,
        "Its distribution",
        when=when("where", "sandbox"),
        default=fixed("bookworm"),
        choices=lambda scene: tuple(Choice(name, title) for name, title in scene.around.releases.items()),
    ),
    Question(
        "hosts",
        WHERE,
        "Names or addresses of the hosts",
        help="Several are separated by blanks. Names of your ssh configuration work too.",
        kind=WORDS,
        when=when("where", "ssh"),
        validator=validators.addresses,
        first=True,
    ),
    Question(
        "ssh.user",
        WHERE,
        "User to sign in as",
        help="Empty: as your ssh configuration says.",
        when=when("where", "ssh"),
        default=fixed(None),
        first=True,
        validator=validators.user,
    ),
    Question(
        "ssh.port",
        WHERE,
        "Port of ssh",
        help="Empty: as your ssh configuration says.",
        kind=INTEGER,
        when=when("where", "ssh"),
        default=fixed(None),
        first=True,
        validator=lambda value, _scene: (
            None if value is None or 1 <= value <= 65535 else "a port from 1 to 65535 is expected"
        ),
    ),
    Question(
        "become",
        WHERE,
        "How is root reached there?",
        when=when("where", "ssh", "local"),
        first=True,
        default=fixed("sudo-password"),
        choices=fixed(
            (
                Choice("none", "Not needed: already root"),
                Choice("sudo", "sudo, without a password"),
                Choice("sudo-password", "sudo, with a password (asked when it is needed, kept nowhere)"),
            )
        ),
    ),
)
