"""Byte sizes and counts, read and written the way people do."""

import re

WHOLE = 999.5  # from here on three digits do not do, and a number is told as a whole one

FACTORS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1024, "mi": 1024**2, "gi": 1024**3}


def parse(text: float | str) -> float:
    """Return the bytes in ``4096``, ``"4 KiB"``, ``"1MB"`` or ``"0.5 GiB"``; case does not matter.

    Raises
    ------
    ValueError
        It is no size, or a negative one.

    """
    if isinstance(text, float):
        text = f"{text:f}"
    match = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*([kmg]i?|)b?", str(text).strip().lower())
    if not match:
        raise ValueError(f"{text!r} is not a size: write a number of bytes, or one like '4 KiB'")
    return float(match[1]) * FACTORS[match[2]]


def human(amount: float, unit: str = "B") -> str:
    """Return ``"9.7 MB"`` or ``"1,200 blocks"``, and a plain number for a count of things."""
    if unit != "B":
        number = f"{amount:.3g}" if abs(amount) < WHOLE else f"{amount:,.0f}"
        blocks = "block" if number == "1" else "blocks"
        return f"{number} {blocks}" if unit == "blocks" else number
    size, sign = abs(amount), "-" if amount < 0 else ""
    for name, factor in (("GB", 1000**3), ("MB", 1000**2), ("KB", 1000)):
        if size >= factor:
            return f"{sign}{size / factor:.1f} {name}"
    return f"{sign}{size:.3g} B" if size < WHOLE else f"{sign}{size:.0f} B"
