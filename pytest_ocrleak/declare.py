"""Every option, ini key and marker, declared once; what was typed is read in `options`."""

import pytest

METERS = "fds, maps, threads, processes, heap, pyblocks, rss, tempfiles, gpu"
CHECKED = (
    "ocrleak(runs='auto', warmup='auto', track=None, tolerance=None, ignore=(), time_limit=None): "
    "repeat this test, its function-scoped fixtures anew each time, and fail it where a meter "
    "grows per run; with runs=1 check what one pass leaves behind."
)
STRICT = "an inconclusive check fails, and baseline entries and ignore rules that nothing needs"
UNCHECKED = "no_ocrleak(reason): do not check this test and its function-scoped fixtures."


def options(parser: pytest.Parser) -> None:
    """Declare the options on the command line and the keys of the ini file."""
    add = parser.getgroup("ocrleak", "ocrleak: what native engines leave behind").addoption
    ini = parser.addini
    add("--ocrleak", action="store_true", help="check every test and every fixture of every scope")
    ini("ocrleak", "check every test and every fixture", type="bool", default=False)
    add("--ocrleak-off", action="store_true", help="check nothing: the fixture's checks pass")
    add(
        "--ocrleak-runs",
        metavar="N|auto",
        help="repeat each checked test, its function-scoped fixtures anew each time, and judge "
        "growth per run",
    )
    ini("ocrleak_runs", "how often to repeat each checked test: a number, or auto")
    add("--ocrleak-track", metavar="NAMES", help=f"meters to judge, comma-separated: {METERS}")
    ini("ocrleak_track", "meters to judge, comma-separated (default: all readable here)")
    add("--ocrleak-require", metavar="NAMES", help="meters that must be readable here, or stop")
    ini("ocrleak_require", "meters that must be readable here, or the session stops")
    add("--ocrleak-strict", action="store_true", help=STRICT)
    ini("ocrleak_strict", STRICT, type="bool", default=False)
    add(
        "--ocrleak-trace",
        action="store_true",
        help="run what leaks some more, and tell the native allocation stacks (extra: trace)",
    )
    ini("ocrleak_origins", "note the line that makes each thing", type="bool", default=True)
    ini("ocrleak_ignore", "what may linger, lines 'meter:glob  # reason'", type="linelist")
    ini("ocrleak_tolerance", "accepted growth per run, lines 'heap = 4 KiB'", type="linelist")
    add(
        "--ocrleak-report",
        metavar="FILE",
        action="append",
        default=[],
        help="write a report, its kind by suffix: .json, .html, .md; may be given several times",
    )
    add("--ocrleak-baseline", metavar="FILE", help="known leaks, which do not fail (TOML)")
    ini("ocrleak_baseline", "file with the known leaks, which do not fail")
    add(
        "--ocrleak-update-baseline",
        action="store_true",
        help="accept today's leaks: rewrite the baseline, and fail for none of them",
    )


def markers(config: pytest.Config) -> None:
    """Declare the markers."""
    for line in (CHECKED, UNCHECKED):
        config.addinivalue_line("markers", line)


def asked(config: pytest.Config) -> bool:
    """Tell whether an option or a key of the ini file was given."""
    names = (
        "off",
        "update_baseline",
        "runs",
        "track",
        "require",
        "strict",
        "report",
        "trace",
        "baseline",
    )
    keys = ("runs", "track", "require", "strict", "ignore", "tolerance", "baseline")
    return bool(
        config.getoption("ocrleak")
        or config.getini("ocrleak")
        or any(config.getoption(f"ocrleak_{name}") for name in names)
        or any(config.getini(f"ocrleak_{key}") for key in keys)
    )
