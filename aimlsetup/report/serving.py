"""What a host serves, on what, and how much of the machine that takes: a table, and a bar for each memory."""

from collections.abc import Iterator, Sequence

from aimlsetup.report.table import columns
from aimlsetup.serving import Share, Usage
from aimlsetup.ui import Line

GIB = 1 << 30
WIDTH = 24  # characters of a bar
HEAD = ("port", "model", "on", "workers", "memory", "GPU memory")
STANDS = ("host", "port", "model", "unit", "answers")


def lines(usage: Usage) -> list[Line]:
    """A host's table and bars; nothing where nothing is served."""
    if not usage.shares:
        return []
    rows = [HEAD, *(_row(share) for share in usage.shares)]
    table = [Line(f"    {text}", "plain" if number else "dim") for number, text in enumerate(columns(rows))]
    return [Line(f"  {usage.host} serves", "bold"), *table, *_bars(usage)]


def standing(rows: Sequence[tuple[str, str, str, str, str | None]]) -> list[Line]:
    """(host, port, model, state of the unit, why it is not healthy or None) of every replica, as a table."""
    shown = [STANDS, *((*row[:4], "healthy" if row[4] is None else row[4].partition("\n")[0]) for row in rows)]
    texts = columns(shown)
    head = [Line(texts[0], "dim")]
    return head + [Line(text, "plain" if row[4] is None else "bad") for text, row in zip(texts[1:], rows, strict=True)]


def _row(share: Share) -> tuple[str, ...]:
    on = f"GPU {share.gpu}" if share.gpu is not None else "queue" if share.queue and share.port else "CPU"
    port = str(share.port) if share.port else "-"
    return (port, share.name, on, str(share.workers), _size(share.memory), _size(share.gpu_memory))


def _size(size: int | None) -> str:
    return "-" if size is None else f"{size / GIB:.1f} GiB"


def _bars(usage: Usage) -> Iterator[Line]:
    if usage.memory and usage.has.memory:
        yield _bar("memory", usage.memory, usage.has.memory)
    for gpu in usage.has.gpus:
        title = f"GPU {gpu.id} ({gpu.name})"
        if gpu.memory:
            yield _bar(title, usage.of_gpu(gpu), gpu.memory)
        else:
            number = sum(share.gpu == gpu.id for share in usage.shares)
            yield Line(f"    {title}: {number} processes; its memory is not known before its driver runs")


def _bar(title: str, taken: int, there: int) -> Line:
    full = min(WIDTH, round(WIDTH * taken / there))
    return Line(f"    [{'#' * full}{'.' * (WIDTH - full)}] {title}: {_size(taken)} of {_size(there)} claimed")
