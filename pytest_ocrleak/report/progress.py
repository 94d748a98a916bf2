"""How far a check that takes long has come, in one line."""

from pytest_ocrleak.meters import METERS
from pytest_ocrleak.pace import Pace, Progress
from pytest_ocrleak.sizes import human

TOLD = 3  # meters that grow


def line(readings: Progress, pace: Pace, seconds: float) -> str:
    """Return run, time left and what is growing: ``run 12 of 25 · 3 s left · growing: fds 1``."""
    of = "" if pace.runs == "auto" else f" of {pace.last}"
    return " · ".join((f"run {readings.runs}{of}", left(readings, pace, seconds), rising(readings)))


def left(readings: Progress, pace: Pace, seconds: float) -> str:
    """Return the time left: what the runs asked for take, or until the limit at most."""
    until_limit = max(0.0, pace.time_limit - seconds)
    if pace.runs == "auto" or not readings.runs:
        return f"at most {until_limit:.0f} s left"
    rest = seconds / readings.runs * max(0, pace.last - readings.runs)
    return f"{min(rest, until_limit):.0f} s left"


def rising(readings: Progress) -> str:
    """Return what grows since the warm-up, with its growth per run."""
    rates = [f"{name} {human(rate, METERS[name].unit)}" for name, rate in readings.rising().items()]
    more = f" and {len(rates) - TOLD} more" if len(rates) > TOLD else ""
    return f"growing per run: {', '.join(rates[:TOLD])}{more}" if rates else "nothing grows"
