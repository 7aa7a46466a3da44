"""Which versions go together, as a table and as a document."""

from collections.abc import Iterator, Sequence

from aimlsetup.models.matrix import Row
from aimlsetup.report.table import columns
from aimlsetup.ui import Line

HEADER = ("Python", "CUDA", "cuDNN", "TensorRT", "driver from", "libraries")
NONE = "-"


def lines(framework: str, rows: Sequence[Row]) -> list[Line]:
    """A framework's table."""
    cells = [
        (
            row.version,
            series(row.python),
            row.cuda,
            row.cudnn or NONE,
            row.tensorrt or NONE,
            row.driver,
            ", ".join(row.channels),
        )
        for row in rows
    ]
    head, *body = columns([(framework, *HEADER), *cells])
    return [Line(head, "bold"), *map(Line, body)]


def series(versions: Sequence[str]) -> str:
    """Minor versions in order, those in a row as a range: `3.6, 3.8-3.10`."""
    return ", ".join(_ranges(versions))


def _ranges(versions: Sequence[str]) -> Iterator[str]:
    run: list[str] = []
    for version in versions:
        if run and not _follows(version, run[-1]):
            yield _range(run)
            run = []
        run.append(version)
    if run:
        yield _range(run)


def _follows(version: str, before: str) -> bool:
    (major, minor), (other, last) = (map(int, text.split(".")) for text in (version, before))
    return major == other and minor == last + 1


def _range(run: Sequence[str]) -> str:
    return run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}"


def document(rows: Sequence[Row], host: str | None) -> dict[str, object]:
    """The rows for programs; `host` is for whom they hold, in words, None for any."""
    return {"version": 1, "kind": "matrix", "host": host, "rows": [row.model_dump(mode="json") for row in rows]}
