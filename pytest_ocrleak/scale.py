"""What the readings of a meter can show."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """What the readings of a meter can show.

    ``exact`` readings count things or their bytes, without noise. ``quantum`` is the smallest
    change, ``hidden`` how much can be taken before the first change shows (glibc hands out blocks
    that a thread keeps in store), ``floor`` the growth per run below which noise is expected.
    """

    unit: str = "B"
    exact: bool = False
    quantum: float = 1.0
    hidden: float = 0.0
    floor: float = 0.0
