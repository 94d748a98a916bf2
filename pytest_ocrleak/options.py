"""Every option and ini key, declared once, and what the user typed as checked values."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_ocrleak import limits
from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS

REPORTS = (".json",)


def declare(parser: pytest.Parser) -> None:
    """Declare the options on the command line and the keys of the ini file."""
    names = ", ".join(METERS)
    group = parser.getgroup("ocrleak", "ocrleak: what native engines leave behind")
    add = group.addoption
    add("--ocrleak-off", action="store_true", help="check nothing: the fixture's checks pass")
    add("--ocrleak-track", metavar="NAMES", help=f"meters to judge, comma-separated: {names}")
    add("--ocrleak-require", metavar="NAMES", help="meters that must be readable here, or stop")
    add("--ocrleak-strict", action="store_true", help="an inconclusive check fails")
    add(
        "--ocrleak-report",
        metavar="FILE",
        action="append",
        default=[],
        help="write a report, its kind by suffix: .json; may be given several times",
    )
    ini = parser.addini
    ini("ocrleak_track", "meters to judge, comma-separated (default: all readable here)")
    ini("ocrleak_require", "meters that must be readable here, or the session stops")
    ini("ocrleak_strict", "an inconclusive check fails", type="bool", default=False)
    ini("ocrleak_ignore", "what may linger, lines 'meter:glob  # reason'", type="linelist")
    ini("ocrleak_tolerance", "accepted growth per run, lines 'heap = 4 KiB'", type="linelist")


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
    strict = bool(given(config, "ocrleak_strict"))
    return Limits(tracked, rules, tolerance, strict=strict, required=needed)


def given(config: pytest.Config, name: str) -> Any:
    """Return what the command line says, else what the ini file says."""
    return config.getoption(name) or config.getini(name)


@contextmanager
def usage(name: str) -> Iterator[None]:
    """Turn a wrong value into pytest's usage error, with the option's name."""
    try:
        yield
    except ValueError as error:
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
        if path.suffix not in REPORTS:
            raise pytest.UsageError(
                f"--ocrleak-report: {path.name!r} has none of the suffixes {', '.join(REPORTS)}"
            )
    return tuple(paths)
