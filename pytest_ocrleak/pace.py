"""How often a check runs the code, and for how long at most."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Count = int | Literal["auto"]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pace:
    """Runs to judge and runs to make before them, ``"auto"`` for as many as it takes.

    ``time_limit`` is in seconds; after it the verdict is given on what is known.
    """

    runs: Count = "auto"
    warmup: Count = "auto"
    time_limit: float = 10.0

    def __post_init__(self) -> None:
        for name, least in (("runs", 1), ("warmup", 0)):
            value = getattr(self, name)
            if value != "auto" and not (isinstance(value, int) and value >= least):
                raise ValueError(
                    f"{name}={value!r}: write 'auto' or a whole number from {least} on"
                )

    @property
    def first(self) -> int:
        """The runs that warm up, at least, before any is judged."""
        return 1 if self.warmup == "auto" else self.warmup

    @property
    def last(self) -> int:
        """The number of the last run, where their number is fixed."""
        return self.first + (0 if self.runs == "auto" else self.runs)
