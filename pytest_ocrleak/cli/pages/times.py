"""Spans and moments of time, written the way people do."""

from datetime import UTC, datetime
from itertools import pairwise

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: float) -> str:
    """Return ``"3 h 12 min"``: the two largest units that matter."""
    left = max(0, int(seconds))
    for (size, unit), (smaller, name) in pairwise(UNITS):
        if left >= size:
            rest = left % size // smaller
            return f"{left // size} {unit}{f' {rest} {name}' if rest else ''}"
    return f"{left} s"


def clock(epoch: float) -> str:
    """Return the local time of a moment."""
    return datetime.fromtimestamp(epoch, tz=UTC).astimezone().strftime("%H:%M:%S")


def stamp(epoch: float) -> str:
    """Return a moment as programs write it (ISO 8601)."""
    return datetime.fromtimestamp(epoch, tz=UTC).isoformat(timespec="milliseconds")
