"""How often a check runs the code, and for how long at most."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

OVERTIME = 3  # times the time limit that runs may take before there are enough to judge bytes
Count = int | Literal["auto"]
Clock = Callable[[], float]


def called(function: Callable[..., object], *arguments: object) -> None:
    """Call a function and drop what it returns.

    Raises
    ------
    TypeError
        It returned a coroutine or generator: its code has not run, and nothing was checked.

    """
    finished(function, function(*arguments))


def finished(function: object, result: object) -> None:
    """Drop what a function returned.

    Raises
    ------
    TypeError
        It is a coroutine or generator: the function's code has not run, and nothing was checked.

    """
    if inspect.iscoroutine(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result):
            result.close()
        name = getattr(function, "__qualname__", repr(function))
        raise TypeError(
            f"{name} returned a {type(result).__name__} instead of running: "
            "give a plain function that runs it to its end, with asyncio.run or list()"
        )


class Progress(Protocol):
    """How far a check has come."""

    @property
    def runs(self) -> int:
        """The runs that were made."""

    def rising(self) -> Mapping[str, float]:
        """Return by meter what has visibly grown since the warm-up, per run."""

    @property
    def few(self) -> bool:
        """Whether there are too few readings to judge bytes."""

    @property
    def full(self) -> bool:
        """Whether no reading fits any more."""

    @property
    def excessive(self) -> bool:
        """Whether going on would harm the machine."""

    def decided(self, spent: float) -> bool:
        """Tell whether every verdict is known, given the share of the time that has passed."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Runs to judge and runs to make before them, ``"auto"`` for as many as it takes.

    ``time_limit`` is in seconds; after it the verdict is given on what is known. Runs so slow that
    bytes cannot be judged by then get up to three times as long, or a check that was asked for
    would pass without a verdict. ``show`` is told how far the check has come, with the seconds it
    took until then.
    """

    runs: Count = "auto"
    warmup: Count = "auto"
    time_limit: float = 10.0
    show: "Show | None" = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, least in (("runs", 1), ("warmup", 0)):
            value = getattr(self, name)
            if value != "auto" and not (type(value) is int and value >= least):
                raise ValueError(
                    f"{name}={value!r}: write 'auto' or a whole number from {least} on"
                )
        if not (isinstance(self.time_limit, (int, float)) and self.time_limit > 0):
            raise ValueError(f"time_limit={self.time_limit!r}: write a number of seconds above 0")

    def over(self, readings: Progress, seconds: float) -> bool:
        """Tell whether to stop: no room, no time, too much grown, or everything decided."""
        spent = seconds / self.time_limit / (OVERTIME if readings.few else 1)
        if readings.full or readings.excessive or spent >= 1:
            return True
        return self.runs == "auto" and readings.decided(spent)

    def told(self, readings: Progress, seconds: float) -> None:
        """Show how far a check has come, where somebody looks."""
        if self.show is not None:
            self.show(readings, self, seconds)

    @property
    def first(self) -> int:
        """The runs that warm up, at least, before any is judged."""
        return 1 if self.warmup == "auto" else self.warmup

    @property
    def last(self) -> int:
        """The number of the last run, where their number is fixed."""
        return self.first + (0 if self.runs == "auto" else self.runs)


Show = Callable[[Progress, Pace, float], None]
