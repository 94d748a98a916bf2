"""A verdict with its figures, as frozen data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["clean", "leak", "inconclusive", "unavailable", "unjudged"]


@dataclass(frozen=True, slots=True)
class Growth:
    """What one meter did while the code ran again and again.

    ``per_run``, its interval ``low`` to ``high``, and ``resolution`` are in bytes or things per
    run; ``one_time`` is what the first runs left for good; ``series`` is the change from reading
    to reading, ``batches`` the runs in between. ``reason`` says why a verdict is not `clean` or
    `leak`: readings may contradict each other, the meter cannot be read here, or one pass cannot
    judge it. ``parts`` tells of resident memory what its change over the whole check is made of,
    in bytes. ``accepted`` is the tolerance.
    """

    verdict: Verdict
    per_run: float = 0.0
    low: float = 0.0
    high: float = 0.0
    resolution: float = 0.0
    one_time: float = 0.0
    runs: int = 0
    series: tuple[float, ...] = ()
    unit: str = "B"
    reason: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    accepted: float = 0.0
    batches: tuple[int, ...] = ()
