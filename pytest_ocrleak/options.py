"""What the user typed, on the command line, in the ini file or in a marker, as checked values."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ocrleak import limits
from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.pace import Count, Pace
from pytest_ocrleak.report.formats import SUFFIXES, missing

if TYPE_CHECKING:
    from pytest_ocrleak.hooks.gate import Gate

UPDATE = "ocrleak_update_baseline"
WRONG = "ocrleak_wrong"  # what a worker of pytest-xdist tells of a marker
MARKERS = ("ocrleak", "no_ocrleak")
TIME_LIMIT = 10.0  # seconds
SIGNATURE = "runs, warmup, track, tolerance, ignore, time_limit"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a test is checked: once, or again and again at a pace; what is judged and accepted."""

    limits: Limits
    pace: Pace | None = None


def session_limits(config: pytest.Config) -> Limits:
    """Return what the session judges and accepts.

    Raises
    ------
    pytest.UsageError
        A name, rule or size is wrong, or a required meter cannot be read here.

    """
    with usage("ocrleak_require"):
        required = given(config, "ocrleak_require")
        needed = limits.names(required) if required else ()
        for name in needed:
            require(name)
    with usage("ocrleak_track"):
        track = given(config, "ocrleak_track")
        tracked = limits.names(track) if track else None
    with usage("ocrleak_ignore"):
        rules = tuple(map(limits.rule, config.getini("ocrleak_ignore")))
    with usage("ocrleak_tolerance"):
        lines = map(limits.tolerance_line, config.getini("ocrleak_tolerance"))
        tolerance = limits.tolerances(dict(lines))
    with usage("ocrleak_runs"):
        runs(config)
    return Limits(
        tracked,
        rules,
        tolerance,
        strict=bool(given(config, "ocrleak_strict")),
        required=needed,
        origins=bool(config.getini("ocrleak_origins")),
        trace=bool(config.getoption("ocrleak_trace")),
    )


def typed(config: pytest.Config) -> bool:
    """Tell whether the command line says how to check, beside whether to."""
    return any(value for name, value in vars(config.option).items() if name.startswith("ocrleak_"))


def given(config: pytest.Config, name: str) -> Any:
    """Return what the command line says, else what the ini file says."""
    return config.getoption(name) or config.getini(name)


def runs(config: pytest.Config) -> Count | None:
    """Return how often tests are to be repeated, nothing where that was not said.

    Raises
    ------
    ValueError
        It is neither a whole number nor ``auto``.

    """
    text = given(config, "ocrleak_runs")
    if not text:
        return None
    return Pace("auto" if text == "auto" else int(text) if text.isdecimal() else text).runs


@contextmanager
def usage(name: str) -> Iterator[None]:
    """Turn a wrong value into pytest's usage error, with the option's name."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise pytest.UsageError(f"{name}: {error}") from None


def require(name: str) -> None:
    """Raise `ValueError` when a meter cannot be read here."""
    reading = METERS[name].read()
    if isinstance(reading, Unavailable):
        raise ValueError(f"{name} cannot be read here: {reading.reason}")  # noqa: TRY004


def reports(config: pytest.Config) -> tuple[Path, ...]:
    """Return the files to write reports to, as absolute paths.

    Raises
    ------
    pytest.UsageError
        A suffix names no kind of report.

    """
    paths = [config.invocation_params.dir / name for name in config.getoption("ocrleak_report")]
    for path in paths:
        if path.suffix not in SUFFIXES:
            raise pytest.UsageError(
                f"--ocrleak-report: {path.name!r} has none of the suffixes {', '.join(SUFFIXES)}"
            )
        if reason := missing(path.suffix):
            raise pytest.UsageError(f"--ocrleak-report: {reason}")
    return tuple(paths)


def gate(config: pytest.Config) -> "Gate | None":
    """Return the baseline that checks are held against, nothing where there is none.

    Raises
    ------
    pytest.UsageError
        It cannot be read, or is no baseline.

    """
    typed, update = config.getoption("ocrleak_baseline"), config.getoption(UPDATE)
    project = config.inipath.parent if config.inipath else config.rootpath
    folder = config.invocation_params.dir if typed else project
    name = typed or config.getini("ocrleak_baseline")
    if not name:
        if update:
            raise pytest.UsageError(
                "--ocrleak-update-baseline: name the file to write, --ocrleak-baseline FILE"
            )
        return None
    from pytest_ocrleak import baseline_file  # noqa: PLC0415 - only where there is one
    from pytest_ocrleak.hooks.gate import Gate  # noqa: PLC0415

    path = folder / name
    try:
        known = baseline_file.read(path, missing_ok=update)
    except baseline_file.BaselineError as error:
        raise pytest.UsageError(f"--ocrleak-baseline: {error}") from None
    return Gate(path, known, update=update, today=date.today())  # noqa: DTZ011 - the user's day


def usual(config: pytest.Config, session: Limits) -> Plan:
    """Return how tests without a marker are checked: once, or as often as the user said."""
    times = runs(config)
    return Plan(session, Pace(times) if times not in (None, 1) else None)


def marked(item: pytest.Item, session: Limits) -> Plan | None:
    """Return how a test with a marker is checked, nothing where it is not.

    The nearest marker counts: on the test, its class, its module.

    Raises
    ------
    pytest.UsageError
        Its arguments are wrong.

    """
    mark = next(mark for mark in item.iter_markers() if mark.name in MARKERS)
    try:
        with usage(f"{item.nodeid}: @pytest.mark.{mark.name}"):
            if mark.name == "no_ocrleak":
                unchecked(mark)
                return None
            return checked(mark, session, runs(item.config))
    except pytest.UsageError as error:
        getattr(item.config, "workeroutput", {})[WRONG] = str(error)  # what a controller hears
        raise


def unchecked(mark: pytest.Mark) -> None:
    """Check that a marker which leaves a test unchecked says why."""
    typed = [*mark.args, *mark.kwargs.values()]
    reason = typed[0] if len(typed) == 1 and not mark.kwargs.keys() - {"reason"} else None
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError("write why: no_ocrleak(reason='…')")


def checked(mark: pytest.Mark, session: Limits, times: Count | None) -> Plan:
    """Return how a marked test is checked; ``times`` counts where the marker says no number."""
    typed = dict(mark.kwargs)
    if mark.args:
        raise ValueError(f"name its arguments: {SIGNATURE}")
    narrowed = session.narrowed(
        typed.pop("track", None), typed.pop("ignore", ()), typed.pop("tolerance", None)
    )
    pace = Pace(
        typed.pop("runs", times or "auto"),
        typed.pop("warmup", "auto"),
        TIME_LIMIT if (limit := typed.pop("time_limit", None)) is None else limit,
    )
    if typed:
        raise ValueError(f"{', '.join(typed)} is no argument of it: there are {SIGNATURE}")
    return Plan(narrowed, pace if pace.runs != 1 else None)
