"""`aimlsetup explain`: why a pin is what it is, and why not otherwise."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aimlsetup.cli._described import described_options
from aimlsetup.cli._options import common, print_document
from aimlsetup.errors import AimlsetupError, Exit

if TYPE_CHECKING:
    from aimlsetup.cli._cases import Cases
    from aimlsetup.locking.alternatives import Asked
    from aimlsetup.report.explanation import Answer, Solved


@click.command()
@click.argument("pin", required=False)
@click.option("--why-not", metavar="WISH", help="Would this do as well, such as tensorflow==1.13.1 or cuda=10.0?")
@described_options
@common
def command(
    pin: str | None,
    why_not: str | None,
    gpus: tuple[str, ...],
    distro: str | None,
    profile: Path,
    limit: str | None,
    as_json: bool,
) -> int:
    """Show why a pin of the lock is what it is: wishes, facts with their sources, other pins. Changes nothing.

    Without a lock, and for --why-not, the hosts are looked at and solved for now. With --gpu or --distro no host is
    needed, and no profile. A wish that will not do ends with exit code 4.

    \b
    aimlsetup explain                                 every pin in a line
    aimlsetup explain cuda                            one of them, and all that it goes back to
    aimlsetup explain --why-not tensorflow==1.13.1
    aimlsetup explain cuda --gpu "RTX 4090" --distro ubuntu2204
    """
    from aimlsetup.cli._cases import Cases

    cases = Cases(profile, limit, gpus, distro)
    if why_not and pin:
        raise AimlsetupError(
            "explain-both", "explain: PIN or --why-not is expected, not both at once", exit_code=Exit.USAGE
        )
    return _answer(cases, why_not, as_json=as_json) if why_not else _explain(cases, pin, as_json=as_json)


def _explain(cases: "Cases", pin: str | None, *, as_json: bool) -> int:
    from aimlsetup import ui
    from aimlsetup.report import explanation

    solved = cases.locked() if cases.lock else _now(cases, pin)
    if cases.outdated:
        ui.warn(f"{cases.path} has changed since it was locked; this is the lock")
    if pin and not any(explanation.matching(pin, found.pins) for found in solved):
        raise _unknown(pin, solved)
    if as_json:
        print_document(explanation.document(solved, pin))
        return Exit.DONE
    for found in solved:
        ui.show([ui.Line(found.title, "bold")])
        names = explanation.matching(pin, found.pins) if pin else []
        for name in names:
            ui.show([*explanation.tree(name, found.pins, ui.width()), ui.Line("")])
        if not pin:
            ui.show(explanation.overview(found.pins, ui.width()))
    return Exit.DONE


def _now(cases: "Cases", pin: str | None) -> "list[Solved]":
    """Solved without a lock. Where no profile wishes for anything, the pin that is asked for is wished for."""
    from aimlsetup import catalog
    from aimlsetup.locking import alternatives

    profile = cases.profile
    if pin and not cases.path.exists():
        profile = alternatives.wishing(profile, alternatives.asked(pin, catalog.load()))
    return [
        cases.solved(name, alike.profile, alike.platform, alike.hosts, None)
        for name, alike in cases.alike(profile).items()
    ]


def _unknown(pin: str, solved: "list[Solved]") -> AimlsetupError:
    names = {name for found in solved for name in found.pins}
    names |= {name.partition(".")[2] for name in names if "." in name}
    near = difflib.get_close_matches(pin, names)
    return AimlsetupError(
        "pin-unknown",
        f"nothing is pinned under the name {pin!r}",
        context=[f"the nearest: {', '.join(near)}"] if near else [],
        hint=f"`aimlsetup explain` lists all pins; `aimlsetup explain --why-not {pin}` asks for one that is not there.",
        exit_code=Exit.USAGE,
    )


def _answer(cases: "Cases", text: str, *, as_json: bool) -> int:
    from aimlsetup import catalog, ui
    from aimlsetup.locking import alternatives
    from aimlsetup.report import explanation

    answers = _answers(cases, alternatives.asked(text, catalog.load()))
    if as_json:
        print_document(explanation.answers_document(text, answers))
    else:
        ui.show([line for found in answers for line in explanation.answer(text, found, ui.width())])
    return Exit.NO_SOLUTION if any(found.refusal for found in answers) else Exit.DONE


def _answers(cases: "Cases", wish: "Asked") -> "list[Answer]":
    from aimlsetup.locking import alternatives, changes
    from aimlsetup.report.explanation import Answer

    wished, answers = alternatives.wishing(cases.profile, wish), []
    for name, (platform, hosts, profile) in cases.alike(wished).items():
        own = cases.profile.of(cases.profile.groups_of(hosts[0]))
        try:
            after = cases.solved(name, alternatives.wishing(profile, wish), platform, hosts, wish)
        except AimlsetupError as error:
            if error.exit_code != Exit.NO_SOLUTION:
                raise
            answers.append(Answer(cases.unsolved(name, platform, hosts, {}), refusal=error))
            continue
        try:
            before = cases.solved(name, own, platform, hosts, None)
        except AimlsetupError:  # what the profile wishes for has no solution, with this it has one
            before = cases.unsolved(name, platform, hosts, {})
        answers.append(Answer(after, list(changes.between(name, before.pins, after.pins))))
    return answers
