"""Counts, shares and lists of numbers in few words."""

from collections.abc import Iterable

BAR = 24  # columns of a bar that stands for all
EIGHTHS: tuple[str, ...] = ("", *"▏▎▍▌▋▊▉")
MOST = 8  # ranges of numbers that a list tells


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def times(count: int) -> str:
    """Return a count that stands out where there are several."""
    return f"×{count:,}" if count > 1 else "1"


def percent(part: float, whole: float) -> str:
    """Return a share in percent."""
    if not whole:
        return ""
    return f"{part / whole:.0%}" if not 0 < part < whole / 100 else "<1%"


def bar(part: float, whole: float) -> str:
    """Return a share as a bar, visible for what is there at all."""
    if part <= 0 or not whole:
        return ""
    full, rest = divmod(max(1, round(BAR * len(EIGHTHS) * part / whole)), len(EIGHTHS))
    return "█" * full + EIGHTHS[rest]


def listed(numbers: Iterable[int]) -> str:
    """Return numbers as ranges, ``"3–9 12"``, the last one where there are many ranges."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    told = [str(low) if low == high else f"{low}–{high}" for low, high in found[:MOST]]
    return " ".join((*told, *([f"… {found[-1][1]}"] if len(found) > MOST else [])))
