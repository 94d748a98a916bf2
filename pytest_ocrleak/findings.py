"""From readings to findings: what each meter says, and the leaks by name."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median

from pytest_ocrleak.difference import leak, leaks, outermost, tally
from pytest_ocrleak.growth import FEW, Growth, Verdict
from pytest_ocrleak.inventory import Leak, MappedFile, Snapshot, Thread
from pytest_ocrleak.meters import METERS, Meter
from pytest_ocrleak.readings import Readings
from pytest_ocrleak.release import Lives
from pytest_ocrleak.sizes import human
from pytest_ocrleak.watch import Held, Owner

ONE_TIME = {"heap": 8e6}  # bytes that a first life may leave for good
HELD = {"heap": 256 << 10, "gpu": 2 << 20}  # bytes that a freed object may hold until it is dropped
CONTEXT = 2 << 20  # bytes of device memory that one pass may leave: CUDA takes that many at a time
OVERHEAD = 64 << 10  # bytes that a thing which stays may hold beside itself
GROWS = "grows by"
ONCE = "one pass cannot tell a first use from a leak"
LOADED = "a library was loaded inside, whose threads may be meant to stay: load it before"
HOLDER = "the freed object itself: it went only when that was dropped"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found: runs made, the meters' verdicts, the leaks by name."""

    runs: int
    meters: Mapping[str, Growth]
    leaks: tuple[Leak, ...]


def one_pass(readings: Readings) -> Findings:
    """Judge one pass: things exactly, bytes against a tolerance that the user gave."""
    meters = {meter.name: passed(readings, meter.name) for meter in readings.limits.meters}
    return Findings(1, told(meters, readings), tuple(named(readings, meters)))


def watched(owner: Owner, left: Iterable[Held]) -> Findings:
    """Judge a test or a fixture's life in one pass: what it left, and how bytes changed in it."""
    meters, found = {}, list(left)
    for meter in owner.limits.meters:
        things = [held for held in found if meter.name == held.meter]
        meters[meter.name] = seen_once(owner, meter, len(things))
    named_leaks = [*things_left(found), *bytes_left(meters, owner.took_over)]
    return Findings(1, meters, tuple(named_leaks))


def seen_once(owner: Owner, meter: Meter, things: int) -> Growth:
    """Return what one meter says after one pass, of so many things that stayed."""
    verdict: Verdict = "leak" if things else "clean"
    if meter.exact:
        return Growth(verdict, things, things, things, runs=1, series=(things,), unit=meter.unit)
    change, given = owner.bytes[meter.name], owner.limits.tolerance.get(meter.name)
    accepted = CONTEXT if given is None and meter.name == "gpu" and change else given
    told = Growth("clean", change, change, change, runs=1, series=(change,), unit=meter.unit)
    if accepted is None:
        return replace(told, verdict="unjudged", reason=ONCE)
    verdict = "leak" if change > accepted else "clean"
    return replace(told, verdict=verdict, resolution=accepted, accepted=accepted)


def things_left(found: Iterable[Held]) -> Iterator[Leak]:
    """Return things that stayed by their names, the longest lived first."""
    shown = set(map(id, outermost(held.item for held in found)))
    places: dict[tuple[str, str, str], int] = {}
    for held in found:
        if id(held.item) in shown:
            key = held.meter, held.item.what, held.opened_in
            places[key] = places.get(key, 0) + 1
    for (meter, what, opened_in), count in places.items():
        one = leak(meter, what, count, count)
        yield replace(one, opened_at=(opened_in,)) if opened_in else one


def bytes_left(meters: Mapping[str, Growth], took_over: Iterable[str]) -> Iterator[Leak]:
    """Return bytes that grew by more than is accepted, and who took them on a device."""
    for name, growth in meters.items():
        if growth.verdict == "leak" and not METERS[name].exact:
            what = f"grew by {human(growth.per_run, growth.unit)}"
            one = leak(name, what, 1, growth.per_run)
            yield replace(one, opened_at=tuple(took_over)) if name == "gpu" else one


def passed(readings: Readings, name: str) -> Growth:
    """Return what one meter says after one pass."""
    growth = final(readings, name)
    change, accepted = sum(growth.series), accepted_once(readings, name)
    if growth.verdict == "leak" and of_a_library(readings, name):
        return replace(growth, verdict="inconclusive", reason=LOADED)
    if METERS[name].exact or not growth.series:
        return growth
    seen = Growth("clean", change, change, change, runs=1, series=growth.series)
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


def libraries(snapshot: Snapshot) -> set[str]:
    """Return the paths of the libraries that are loaded."""
    maps = snapshot.items("maps")
    return {m.path for m in maps if isinstance(m, MappedFile) and m.kind == "library"}


def accepted_once(readings: Readings, name: str) -> float | None:
    """Return the bytes that one pass may leave, ``None`` where it cannot judge.

    Device memory is judged without a tolerance once there is a context: what it holds came before.
    """
    has_context = name == "gpu" and readings.series(name).values[0] > 0
    return readings.limits.tolerance.get(name, CONTEXT if has_context else None)


def repeated(readings: Readings) -> Findings:
    """Judge runs that were repeated: every meter by its growth."""
    meters = {meter.name: final(readings, meter.name) for meter in readings.limits.meters}
    meters = made_of_heap(meters)
    leaks = tuple(explained(named(readings, meters)))
    return Findings(readings.runs, told(meters, readings), leaks)


def told(meters: Mapping[str, Growth], readings: Readings) -> dict[str, Growth]:
    """Return what the meters say, what resident memory is made of, and how many libraries came."""
    told = dict(meters)
    if "rss" in told and told["rss"].series:
        told["rss"] = replace(told["rss"], parts=readings.explained())
    loaded = len(libraries(readings.latest) - libraries(readings.baseline))
    if loaded and told["maps"].verdict == "clean":
        told["maps"] = replace(told["maps"], reason=f"{loaded} libraries were loaded")
    return told


def made_of_heap(meters: Mapping[str, Growth]) -> dict[str, Growth]:
    """Accept growth of resident memory that is an accepted growth of the heap."""
    rss, heap = meters.get("rss"), meters.get("heap")
    if not rss or not heap or heap.verdict != "clean" or rss.verdict != "leak":
        return dict(meters)
    if rss.per_run > 2 * heap.high:
        return dict(meters)
    return {**meters, "rss": replace(rss, verdict="clean", reason="it is the heap's, accepted")}


def final(readings: Readings, name: str) -> Growth:
    """Return the verdict on one meter when no more runs will come.

    Memory that is mapped without a file is like other memory: a few runs cannot tell first uses
    (a numerical library's buffers) from a leak.
    """
    growth = readings.growth(name) or Growth("inconclusive", reason="no readings")
    things = readings.lingering(readings.latest, name) if growth.verdict == "leak" else ()
    nameless = all(isinstance(item, MappedFile) and item.kind == "anonymous" for item in things)
    if things and nameless and len(growth.series) <= FEW:
        return replace(growth, verdict="unjudged", reason=ONCE)
    return growth


def named(readings: Readings, meters: Mapping[str, Growth]) -> Iterator[Leak]:
    """Return the leaks of the meters that leak: things by their names, bytes by their growth."""
    for name, growth in meters.items():
        if growth.verdict != "leak":
            continue
        if METERS[name].exact:
            things = readings.lingering(readings.latest, name)
            yield from leaks(name, things, max(1, growth.runs))
        else:
            size = human(growth.per_run, growth.unit)
            what = f"{GROWS} {size} per run" if growth.runs > 1 else f"grew by {size}"
            yield leak(name, what, 1, growth.per_run)


def explained(found: Iterable[Leak]) -> Iterator[Leak]:
    """Leave out bytes that another leak explains.

    Resident memory is made of what other meters name; and each thing that stays (a file and its
    buffer, a thread and its name) holds a little memory of its own.
    """
    every = list(found)
    things = sum(one.per_run for one in every if METERS[one.meter].exact)
    beside = {one.meter for one in every} - {"rss"}
    for one in every:
        trifle = not METERS[one.meter].exact and 0 < one.per_run <= OVERHEAD * things
        if not (trifle or (one.meter == "rss" and beside)):
            yield one


def lives(found: Lives, free: str) -> Findings:
    """Judge lives: growth from life to life, and what each single life left after its freeing."""
    limits = found.readings.limits
    growths = {meter.name: final(found.readings, meter.name) for meter in limits.meters}
    growths = made_of_heap(growths)
    by_meter = {name: tuple(life_leaks(found, name, growths[name], free)) for name in growths}
    meters = {name: judged(found, name, growths[name], by_meter[name]) for name in growths}
    every = (leak for found_here in by_meter.values() for leak in found_here)
    return Findings(found.readings.runs, told(meters, found.readings), tuple(explained(every)))


def judged(found: Lives, name: str, growth: Growth, leaks_here: tuple[Leak, ...]) -> Growth:
    """Return a meter's verdict in the light of the leaks that single lives showed."""
    if leaks_here:
        per_run = growth.per_run or max(leak.per_run for leak in leaks_here)
        return replace(growth, verdict="leak", per_run=per_run, reason="")
    if found.affected[name] and growth.verdict == "clean":
        return replace(growth, verdict="inconclusive", reason="one life left something behind")
    return growth


def life_leaks(found: Lives, name: str, growth: Growth, free: str) -> Iterator[Leak]:
    """Return what leaks on one meter: by growth, by what each life leaves, by the first life."""
    if growth.verdict == "unavailable":
        return
    if METERS[name].exact:
        yield from left_things(found, name, growth)
        return
    if not growth.series:  # its readings could not be set against each other
        return
    if growth.verdict == "leak":
        size = human(growth.per_run, growth.unit)
        yield leak(name, f"{GROWS} {size} per life", 1, growth.per_run)
    limits = found.readings.limits
    held = median(found.held[name]) if found.held[name] else 0.0
    if held > limits.tolerance.get(name, HELD.get(name, math.inf)):
        yield leak(name, f"{human(held, growth.unit)} is still held after {free}", 1, held, HOLDER)
    allowed = accepted_residue(found, name)
    residue = growth.one_time - held
    if residue > allowed:
        size = f"{human(residue, growth.unit)} (accepted: {human(allowed, growth.unit)})"
        yield leak(name, f"one-time residue of {size} after the first life", 1, 0.0)


def accepted_residue(found: Lives, name: str) -> float:
    """Return what the first life may leave for good: as asked for, else by what it did."""
    limits = found.readings.limits
    if name in limits.one_time:
        return limits.one_time[name]
    if found.imported:  # modules stay by design
        return math.inf
    return max(ONE_TIME.get(name, math.inf), limits.tolerance.get(name, 0.0))


def left_things(found: Lives, name: str, growth: Growth) -> Iterator[Leak]:
    """Return the things that lives left, when more than a single one of them did."""
    affected = found.affected[name]
    if affected > 1 or affected == found.judged == 1 or growth.verdict == "leak":
        gone = tally(name, found.until_dropped[name].elements())
        for what, count in tally(name, found.lingering[name].elements()).most_common():
            with_object = gone[what] == count
            yield leak(name, what, count, count / found.judged, HOLDER if with_object else None)


def of_objects(found: Findings, objects: str) -> Findings:
    """Return findings in which what Python's allocator leaks has the names of its objects."""
    if not objects:
        return found
    every = (
        leak(one.meter, f"{one.what}: {objects}", one.count, one.per_run)
        if one.meter == "pyblocks" and one.what.startswith(GROWS)
        else one
        for one in found.leaks
    )
    return replace(found, leaks=tuple(every))


def usable(found: Findings, free: str) -> Findings:
    """Return findings with one more: the freed object could still be used."""
    return replace(
        found, leaks=(*found.leaks, leak("use", f"use after {free} did not raise", 1, 0.0))
    )
