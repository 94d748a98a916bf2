"""`ocrleak doctor`: whether each meter sees a known leak here, and how fine it is."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pytest_ocrleak.cli.command import DONE, FAILED, Command, add_json
from pytest_ocrleak.cli.pages import screen
from pytest_ocrleak.cli.pages.tables import Column, Page, Row, Table, lines
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.sizes import human

if TYPE_CHECKING:
    from pytest_ocrleak.cli.checkup.plants import Seen
    from pytest_ocrleak.cli.checkup.trust import Here

AT_ONCE = 2  # processes: they wait for most of their time
SECONDS = 60  # that one meter's process may take
NEAR = 2  # times the plant, or its part, that may be measured: allocators round up
FINEST = {"B": 1.0, "blocks": 0.01}
COLUMNS = (
    Column("meter"),
    Column("planted per run"),
    Column("seen"),
    Column("measured", "right", spare=True),
    Column("idle"),
    Column("noise", "right", spare=True),
    Column("resolution", "right", spare=True),
    Column("read from", elastic=True, wide=True),
)


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Examine meter after meter, and tell what was found."""
    from pytest_ocrleak.cli.checkup import trust  # noqa: PLC0415 - slow to load

    meters = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name, seen in zip(METERS, pool.map(examine, METERS), strict=True):
            meters[name] = seen
            if sys.stderr.isatty():
                print(f"{name}: {told(seen)}", file=sys.stderr)  # noqa: T201 - as it goes on
    here = trust.here()
    if arguments.json:
        screen.write_json(as_data(here, meters))
    else:
        screen.show(page(here, meters))
    return DONE if all(map(well, meters.values())) else FAILED


def told(seen: "Seen") -> str:
    """Return in a word how a meter did, while others are still tried."""
    if not planted(seen):
        return "not tried"
    return "well" if well(seen) else "not well"


def examine(name: str) -> "Seen":
    """Return what a process of its own saw of a meter's plant."""
    from pytest_ocrleak.cli.checkup.plants import Seen  # noqa: PLC0415 - slow to load

    command = [sys.executable, "-m", "pytest_ocrleak.cli.checkup.plants", name]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, text=True, check=True, timeout=SECONDS
        )
        return Seen(**json.loads(done.stdout))
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [""])[-1]
        return Seen(available=True, reason=f"{last} (exit code {error.returncode})".strip())
    except subprocess.TimeoutExpired:
        return Seen(available=True, reason=f"no answer in {SECONDS} s")


def planted(seen: "Seen") -> bool:
    """Tell whether there was anything to plant, or trying it failed."""
    return seen.available and bool(seen.planted or not seen.source)


def sees(seen: "Seen") -> bool:
    """Tell whether a meter called its plant a leak, of about its size."""
    near = seen.planted_per_run / NEAR <= seen.per_run <= seen.planted_per_run * NEAR
    return seen.verdict == "leak" and near


def well(seen: "Seen") -> bool:
    """Tell whether a meter can be trusted, as far as it could be tried."""
    return not planted(seen) or (sees(seen) and seen.nothing == "clean")


def page(here: "Here", meters: Mapping[str, "Seen"]) -> Page:
    """Return what was found as a page."""
    from pytest_ocrleak.cli.checkup import trust  # noqa: PLC0415 - slow to load

    rows = tuple(row(name, seen) for name, seen in meters.items())
    limits = tuple(trust.limits(here, meters))
    return (
        lines("Here", *trust.told(here)),
        Table("A known leak for each meter, and nothing", COLUMNS, rows, tuple(reasons(meters))),
        *((lines("What limits trust here", *limits, tone="odd"),) if limits else ()),
        lines("In short", conclusion(meters)),
    )


def row(name: str, seen: "Seen") -> Row:
    """Return one meter's row."""
    if not seen.verdict:
        return Row((name, *"-" * 6, seen.source), "dim" if well(seen) else "odd")
    cells = (
        seen.planted,
        "yes" if sees(seen) else f"no: {seen.verdict}",
        human(seen.per_run, seen.unit),
        seen.nothing,
        human(seen.noise if seen.noise >= FINEST.get(seen.unit, 0.0) else 0.0, seen.unit),
        fineness(name, seen),
        seen.source,
    )
    return Row((name, *cells), "good" if well(seen) else "odd")


def fineness(name: str, seen: "Seen") -> str:
    """Return the smallest growth per run that a check finds here, no finer than matters."""
    finest = max(seen.resolution, FINEST.get(seen.unit, 0.0))
    return "exact" if METERS[name].exact else f"±{human(finest, seen.unit)}"


def reasons(meters: Mapping[str, "Seen"]) -> Iterator[str]:
    """Yield why meters could not be tried, or did not say what they should."""
    for name, seen in meters.items():
        if seen.reason:
            yield f"{name}{'' if seen.available else ' unavailable'}: {seen.reason}"


def conclusion(meters: Mapping[str, "Seen"]) -> str:
    """Return the one sentence at the end."""
    wrong = [why for name, seen in meters.items() if (why := failure(name, seen))]
    if wrong:
        return f"not to be trusted here: {'; '.join(wrong)}"
    tried = [name for name, seen in meters.items() if planted(seen)]
    others = [name for name in meters if name not in tried]
    untried = f" ({', '.join(others)} could not be tried)" if others else ""
    return (
        f"{len(tried)} of {len(meters)} meters see the leak that was planted for them, and are "
        f"quiet where nothing is done{untried}"
    )


def failure(name: str, seen: "Seen") -> str:
    """Return what is wrong with a meter in a few words, nothing where all is well."""
    if well(seen):
        return ""
    if not seen.verdict:
        return f"{name} gave no answer"
    if not sees(seen):
        amount = human(seen.per_run, seen.unit)
        return f"{name} does not see {seen.planted} per run (it says {seen.verdict}, {amount})"
    return f"{name} says {seen.nothing} where nothing is done"


def as_data(here: "Here", meters: Mapping[str, "Seen"]) -> Mapping[str, object]:
    """Return what was found as plain data."""
    from pytest_ocrleak.cli.checkup import trust  # noqa: PLC0415 - slow to load
    from pytest_ocrleak.cli.documents.record import SCHEMA  # noqa: PLC0415 - with its readers

    told = {
        name: {
            **seen._asdict(),
            "seen": sees(seen) if planted(seen) else None,
            "quiet": seen.nothing == "clean" if planted(seen) else None,
        }
        for name, seen in meters.items()
    }
    return {
        "schema_version": SCHEMA,
        "tool": {"name": "pytest-ocrleak", "version": trust.installed("pytest-ocrleak")},
        "environment": here._asdict(),
        "meters": told,
        "limits": list(trust.limits(here, meters)),
        "trusted": all(map(well, meters.values())),
        "conclusion": conclusion(meters),
    }


COMMAND = Command("doctor", "show that each meter sees a known leak here", declare, run)
