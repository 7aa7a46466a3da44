"""Figures out of samples. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from aimlsetup.models.load import Asked, Latency, Measured, Memory, Row, Sample, Second, Target

TIMEOUT = "timeout"
POINTS = 200  # of a curve


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share (0 to 1) of the ordered values does not exceed."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None


def latency(samples: Iterable[Sample]) -> Latency:
    """Of those that were answered or timed out: a connection that is refused at once is an error and no fast answer."""
    ordered = sorted(sample.ms for sample in samples if sample.status or sample.error == TIMEOUT)
    return Latency(
        p50=percentile(ordered, 0.5),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99),
        longest=ordered[-1] if ordered else None,
    )


def rows(samples: Sequence[Sample], seconds: float) -> list[Row]:
    """One row for all requests to a target and, where there are several scenarios, one for each."""
    named = sorted({sample.scenario for sample in samples})
    found = [row("all", samples, seconds)]
    if len(named) > 1:
        found += [row(name, [sample for sample in samples if sample.scenario == name], seconds) for name in named]
    return found


def row(name: str, samples: Sequence[Sample], seconds: float) -> Row:
    """The figures of these samples."""
    errors = Counter(sample.error for sample in samples if sample.error)
    return Row.model_validate(
        {
            "scenario": name,
            "requests": len(samples),
            "rate": round(len(samples) / seconds, 3) if seconds else 0.0,
            "latency": latency(samples),
            "errors": dict(sorted(errors.items())),
        }
    )


def timeline(samples: Iterable[Sample], seconds: int) -> list[Second]:
    """Second by second of the run, those without a request too: a gap is what one looks for."""
    bins: dict[int, list[Sample]] = {number: [] for number in range(seconds)}
    for sample in samples:
        bins.setdefault(max(int(sample.at), 0), []).append(sample)
    return [
        Second(
            second=number,
            requests=len(found),
            errors=sum(sample.error is not None for sample in found),
            latency=latency(found),
        )
        for number, found in sorted(bins.items())
    ]


def spread(samples: Iterable[Sample]) -> list[tuple[float, float]]:
    """(milliseconds, share of requests answered within them), rising, in at most so many points."""
    ordered = sorted(sample.ms for sample in samples if sample.status)
    step = max(len(ordered) // POINTS, 1)
    wanted = [*range(0, len(ordered), step), *([len(ordered) - 1] if ordered else [])]
    return [(ordered[index], (index + 1) / len(ordered)) for index in sorted(set(wanted))]


def asked(targets: Sequence[Target], samples: Sequence[Sample], took: float) -> list[Asked]:
    """Each target with its figures."""
    found: list[list[Sample]] = [[] for _ in targets]
    for sample in samples:
        found[sample.target].append(sample)
    seconds = math.ceil(took)
    return [
        Asked(target=target, rows=rows(own, took), timeline=timeline(own, seconds), spread=spread(own))
        for target, own in zip(targets, found, strict=True)
    ]


def memory(measured: Mapping[str, Sequence[Measured]], took: float) -> list[Memory]:
    """Of each service: the last value before the run, the highest in it, the first after it."""
    return [_memory(service, samples, took) for service, samples in sorted(measured.items()) if samples]


def _memory(service: str, samples: Sequence[Measured], took: float) -> Memory:
    before = [sample.bytes for sample in samples if sample.at <= 0]
    during = [sample.bytes for sample in samples if 0 < sample.at <= took]
    after = [sample.bytes for sample in samples if sample.at > took]
    return Memory(
        service=service,
        before=before[-1] if before else None,
        peak=max(during or before or after),
        after=after[0] if after else None,
        samples=[(round(sample.at, 2), sample.bytes) for sample in samples],
    )
