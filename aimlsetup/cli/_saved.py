"""What `plan -o` writes: a plan to apply, or a page to read, by the file's ending."""

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from aimlsetup import catalog, files, ui
from aimlsetup.cli._options import PROFILE
from aimlsetup.cli._site import Site
from aimlsetup.errors import AimlsetupError
from aimlsetup.models.plan import Plan
from aimlsetup.report import page
from aimlsetup.report.page.consents import Consent, consents
from aimlsetup.report.page.ticket import Ticket

MODE = 0o600  # a plan shows what configuration files hold


def save(
    outputs: Sequence[Path], site: Site, limit: str | None, made: Plan, errors: Mapping[str, AimlsetupError]
) -> None:
    """Write each file anew. With errors there is no plan to apply; a page says what they are."""
    saved = [path for path in outputs if not page.is_page(path)]
    for path in saved:
        if errors:
            ui.warn(f"{path}: not written, since not every host could be planned")
        else:
            files.write(path, json.dumps(made.model_dump(mode="json"), indent=1, sort_keys=True) + "\n", MODE)
    ticket = Ticket(
        plan=made,
        profile=site.path.name,
        made=datetime.now(UTC),
        version=version("aimlsetup"),
        command=command(site, limit, saved[0] if saved else None),
        saved=bool(saved),
        errors=errors,
        consents={name: _consents(site, name) for name in made.hosts},
    )
    for path in outputs:
        if page.is_page(path):
            files.write(path, page.render(ticket, path), MODE)


def command(site: Site, limit: str | None, saved: Path | None) -> str:
    """The command line that applies the plan."""
    words = ["apply", *([str(saved)] if saved else [])]
    words += ["--profile", str(site.path)] if site.path != PROFILE else []
    words += site.inventories.options()
    words += ["--limit", limit] if limit else []
    return shlex.join(["aimlsetup", *words])


def _consents(site: Site, host: str) -> dict[str, list[Consent]]:
    options = catalog.load().options
    return {name: consents(arguments, options[name]) for name, arguments in site.components(host).items()}
