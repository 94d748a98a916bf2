"""One pass: things are judged exactly, bytes against what the user accepts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pytest_ocrleak.causes.attribution import causes
from pytest_ocrleak.difference import leak, leaks
from pytest_ocrleak.findings import GREW, ONCE, Findings, final, held_by, libraries, named, told
from pytest_ocrleak.growth import Growth, Verdict
from pytest_ocrleak.inventory import UNKNOWN, Cause, Item, Leak, Thread
from pytest_ocrleak.ledger import BLOCK, DEVICE, Held, Owner, size
from pytest_ocrleak.meters import METERS, Meter
from pytest_ocrleak.readings import Readings
from pytest_ocrleak.sizes import human

LOADED = "a library was loaded inside, whose threads may be meant to stay: load it before"


def one_pass(readings: Readings) -> Findings:
    """Judge one pass: things exactly, bytes against a tolerance that the user gave."""
    meters = {meter.name: passed(readings, meter.name) for meter in readings.limits.meters}
    return Findings(1, told(meters, readings), tuple(named(readings, meters)))


def watched(owner: Owner, left: Iterable[Held], lost: Mapping[str, str]) -> Findings:
    """Judge a test or a fixture's life in one pass: what it left, and how bytes changed in it.

    ``lost`` are the meters that could not be read, with the reasons: they show no one to be clean.
    """
    meters, found = {}, list(left)
    for meter in owner.limits.meters:
        things = [held for held in found if meter.name == held.meter]
        amount = sum(size(held.item) or 1 for held in things)
        seen = seen_once(owner, meter, amount)
        if meter.name in lost and seen.verdict != "leak":
            seen = Growth("unavailable", unit=meter.unit, reason=lost[meter.name])
        meters[meter.name] = seen
    leaking = (held for held in found if meters[held.meter].verdict == "leak")
    named_leaks = [*things_left(leaking), *bytes_left(meters, owner.took_over)]
    return Findings(1, meters, tuple(named_leaks))


def seen_once(owner: Owner, meter: Meter, things: int) -> Growth:
    """Return what one meter says after one pass, of so many things or bytes that stayed."""
    given = owner.limits.tolerance.get(meter.name)
    verdict: Verdict = "leak" if things > (given or 0) else "clean"
    if meter.exact:
        seen = Growth(verdict, things, things, things, runs=1, series=(things,), unit=meter.unit)
        return replace(seen, accepted=given or 0.0)
    change = owner.bytes[meter.name]
    accepted = BLOCK if given is None and meter.name == DEVICE and change else given
    told = Growth("clean", change, change, change, runs=1, series=(change,), unit=meter.unit)
    if accepted is None:
        return replace(told, verdict="unjudged", reason=ONCE)
    verdict = "leak" if change > accepted else "clean"
    return replace(told, verdict=verdict, resolution=accepted, accepted=accepted)


def things_left(found: Iterable[Held]) -> Iterator[Leak]:
    """Return things that stayed by their names, the longest lived first."""
    every = list(found)
    known = causes(held.item for held in every)
    groups: dict[tuple[str, str], dict[Item, Cause]] = {}
    for held in every:
        group = groups.setdefault((held.meter, held.opened_in), {})
        group[held.item] = known.get(held.item, UNKNOWN)
    for (meter, opened_in), things in groups.items():
        for one in leaks(meter, things, 1, things):
            said = any(line.endswith(f" in {opened_in}") for line in one.opened_at)
            during = (f"during {opened_in}",) if opened_in and not said else ()
            yield replace(one, opened_at=one.opened_at + during)


def bytes_left(meters: Mapping[str, Growth], took_over: Iterable[str]) -> Iterator[Leak]:
    """Return bytes that grew by more than is accepted, and who took them on a device."""
    during = tuple(f"during {each}" for each in took_over)
    for name, growth in meters.items():
        if growth.verdict == "leak" and not METERS[name].exact:
            what = f"{GREW} {human(growth.per_run, growth.unit)}"
            cause = held_by(name)
            yield leak(
                *(name, what, 1, growth.per_run),
                cause._replace(opened_at=during if name == DEVICE else ()),
            )


def passed(readings: Readings, name: str) -> Growth:
    """Return what one meter says after one pass."""
    growth = final(readings, name)
    change, accepted = sum(growth.series), accepted_once(readings, name)
    if growth.verdict == "leak" and of_a_library(readings, name):
        return replace(growth, verdict="inconclusive", reason=LOADED)
    if METERS[name].exact or not growth.series:
        return growth
    seen = Growth(
        *("clean", change, change, change), runs=1, series=growth.series, unit=growth.unit
    )
    if accepted is None:
        return replace(seen, verdict="unjudged", reason=ONCE)
    if change > accepted and (reason := readings.contradiction(name)):
        return replace(seen, verdict="inconclusive", reason=reason)
    verdict: Verdict = "leak" if change > accepted else "clean"
    return replace(seen, verdict=verdict, resolution=accepted, accepted=accepted)


def of_a_library(readings: Readings, name: str) -> bool:
    """Tell whether all that stays may be the pool of a library that was loaded in the pass."""
    if name != "threads" or libraries(readings.latest) <= libraries(readings.baseline):
        return False
    threads = readings.lingering(readings.latest, name)
    return not any(isinstance(thread, Thread) and thread.python for thread in threads)


def accepted_once(readings: Readings, name: str) -> float | None:
    """Return the bytes that one pass may leave, ``None`` where it cannot judge.

    Device memory is judged without a tolerance once there is a context: what it holds came before.
    """
    has_context = name == DEVICE and readings.series(name).values[0] > 0
    return readings.limits.tolerance.get(name, BLOCK if has_context else None)
