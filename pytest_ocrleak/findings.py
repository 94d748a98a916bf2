"""From readings to findings: what each meter says, and the leaks by name."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from statistics import median

from pytest_ocrleak.causes.attribution import causes, of_device, one_of
from pytest_ocrleak.causes.replay import Places
from pytest_ocrleak.difference import alike, leak, leaks, tally
from pytest_ocrleak.growth import FEW, Growth
from pytest_ocrleak.inventory import UNKNOWN, Amount, Cause, Leak, MappedFile, Snapshot
from pytest_ocrleak.ledger import DEVICE
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.readings import Readings
from pytest_ocrleak.release import Lives
from pytest_ocrleak.sizes import human

ONE_TIME = {"heap": 8e6}  # bytes that a first life may leave for good
HELD = {"heap": 256 << 10, "gpu": 2 << 20}  # bytes that a freed object may hold until it is dropped
OVERHEAD = 64 << 10  # bytes that a thing which stays may hold beside itself
BLOCKS = 256  # of Python's allocator, the same
BESIDE = "no more than what the accepted things take"
TRACED = ("heap", "rss", "pyblocks")
GROWS, GREW = "grows by", "grew by"
Stack = tuple[str, ...]
ONCE = "one pass cannot tell a first use from a leak"
HELD_BY_OBJECT = Cause(kept_by=("the freed object itself: it went only when that was dropped",))


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found: runs made, the meters' verdicts, the leaks by name.

    ``allocations`` are by meter the stacks that allocate what leaks, as lines.
    """

    runs: int
    meters: Mapping[str, Growth]
    leaks: tuple[Leak, ...]
    allocations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def libraries(snapshot: Snapshot) -> set[str]:
    """Return the paths of the libraries that are loaded."""
    maps = snapshot.items("maps")
    return {m.path for m in maps if isinstance(m, MappedFile) and m.kind == "library"}


def repeated(readings: Readings) -> Findings:
    """Judge runs that were repeated: every meter by its growth."""
    meters = {meter.name: final(readings, meter.name) for meter in readings.limits.meters}
    meters = made_of_heap(beside_accepted(meters, readings))
    leaks = tuple(explained(named(readings, meters)))
    return Findings(readings.runs, told(meters, readings), leaks)


def told(meters: Mapping[str, Growth], readings: Readings) -> dict[str, Growth]:
    """Return what the meters say, what resident memory is made of, and how many libraries came."""
    told = dict(meters)
    if "rss" in told and told["rss"].series:
        told["rss"] = replace(told["rss"], parts=readings.explained())
    loaded = len(libraries(readings.latest) - libraries(readings.baseline))
    came = "a library was loaded" if loaded == 1 else f"{loaded} libraries were loaded"
    if loaded and told["maps"].verdict == "clean":
        told["maps"] = replace(told["maps"], reason=came)
    if DEVICE in told and told[DEVICE].verdict == "clean":
        told[DEVICE] = replace(told[DEVICE], reason=unused(readings.latest))
    return told


def unused(snapshot: Snapshot) -> str:
    """Return what the pools of frameworks keep of a device unused, which is no leak."""
    reading = snapshot.readings.get(DEVICE)
    parts = reading.parts if isinstance(reading, Amount) else {}
    return ", ".join(f"{name} keeps {human(-size)}" for name, size in parts.items() if size < 0)


def beside_accepted(meters: Mapping[str, Growth], readings: Readings) -> dict[str, Growth]:
    """Accept the memory that things take which come with each run and may stay.

    A file has its buffer, and what made it is noted. Where things leak, it is left out beside them.
    """
    coming, leaking = (
        readings.coming,
        {n for n, growth in meters.items() if growth.verdict == "leak"},
    )
    if not coming or any(METERS[name].exact for name in leaking):
        return dict(meters)
    room = {"B": OVERHEAD * coming, "blocks": BLOCKS * coming}
    given = readings.limits.tolerance
    return {
        name: growth
        if METERS[name].exact or name in given
        else beside(growth, room.get(growth.unit, 0.0))
        for name, growth in meters.items()
    }


def beside(growth: Growth, room: float) -> Growth:
    """Return growth as clean where it is open or a leak and fits into some room."""
    shown = growth.verdict in ("leak", "inconclusive") and growth.series
    if not shown or max(growth.per_run, growth.high) > room:
        return growth
    return replace(growth, verdict="clean", resolution=room, reason=BESIDE)


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
            yield from leaks(name, things, max(1, growth.runs), causes(things))
        else:
            size = human(growth.per_run, growth.unit)
            what = f"{GROWS} {size} per run" if growth.runs > 1 else f"{GREW} {size}"
            yield leak(name, what, 1, growth.per_run, held_by(name))


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
    growths = made_of_heap(beside_accepted(growths, found.readings))
    by_meter = {name: tuple(life_leaks(found, name, growths[name], free)) for name in growths}
    meters = {name: judged(found, name, growths[name], by_meter[name]) for name in growths}
    every = (leak for found_here in by_meter.values() for leak in found_here)
    return Findings(found.readings.runs, told(meters, found.readings), tuple(explained(every)))


def judged(found: Lives, name: str, growth: Growth, leaks_here: tuple[Leak, ...]) -> Growth:
    """Return a meter's verdict in the light of the leaks that single lives showed.

    A slot that each life fills anew counts for a thing per run, though their number stays.
    """
    if leaks_here:
        left = max(leak.per_run for leak in leaks_here) if METERS[name].exact else 0.0
        per_run = growth.per_run or left
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
        yield leak(name, f"{GROWS} {size} per life", 1, growth.per_run, held_by(name))
    limits = found.readings.limits
    held = median(found.held[name]) if found.held[name] else 0.0
    if held > limits.tolerance.get(name, HELD.get(name, math.inf)):
        what = f"{human(held, growth.unit)} is still held after {free}"
        kept_by = HELD_BY_OBJECT.kept_by + found.inside + held_by(name).kept_by
        yield leak(name, what, 1, held, Cause(kept_by=kept_by))
    allowed = accepted_residue(found, name)
    residue = growth.one_time - held
    if residue > allowed:
        size = f"{human(residue, growth.unit)} (accepted: {human(allowed, growth.unit)})"
        yield leak(name, f"one-time residue of {size} after the first life", 1, 0.0)


def held_by(name: str) -> Cause:
    """Return what holds bytes on a meter, where somebody tells: the frameworks, of a device."""
    return Cause(kept_by=of_device()) if name == DEVICE else UNKNOWN


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
        gone = tally(found.until_dropped[name].elements())
        for what, count in tally(found.lingering[name].elements()).most_common():
            cause = found.causes.get((name, alike(what)), UNKNOWN)
            if gone[what] == count:
                cause = cause._replace(kept_by=HELD_BY_OBJECT.kept_by + cause.kept_by)
            yield leak(name, what, count, count / found.judged, cause)


def of_objects(found: Findings, objects: str, kept_by: tuple[str, ...]) -> Findings:
    """Return findings in which bytes that grow are told by the objects there are ever more of.

    What Python's allocator leaks has their names; other memory has what keeps them.
    """
    every = (
        replace(one, what=told_by(one, objects), kept_by=one.kept_by + kept_by)
        if objects and of_bytes(one)
        else one
        for one in found.leaks
    )
    return replace(found, leaks=tuple(every))


def allocated(found: Findings, meter: str, lines: Iterable[str], places: Stack) -> Findings:
    """Return findings with the stacks that allocate what leaks on a meter; the largest's places."""
    every = (
        replace(one, opened_at=places) if one.meter == meter and of_bytes(one) else one
        for one in found.leaks
    )
    return replace(found, leaks=tuple(every), allocations={meter: tuple(lines)})


def of_bytes(one: Leak) -> bool:
    """Tell whether a leak is bytes that grew."""
    return one.what.startswith((GROWS, GREW))


def told_by(one: Leak, objects: str) -> str:
    """Return what leaks, with the objects that it is where it is Python's."""
    return f"{one.what}: {objects}" if one.meter == "pyblocks" else one.what


def untraced(found: Findings) -> str:
    """Return the meter whose bytes leak and are to be traced: the C library's own before others."""
    leaking = {one.meter for one in found.leaks if of_bytes(one)}
    return next((meter for meter in TRACED if meter in leaking), "")


def unknown(one: Leak) -> bool:
    """Tell whether a leak is a thing of which it is not known what made it."""
    return one.meter in METERS and METERS[one.meter].exact and not one.opened_at


def replayed(found: Findings, places: Places) -> Findings:
    """Return findings in which things that had none have the places that one more run showed."""
    known = {one.opened_at[0] for one in found.leaks if one.opened_at}
    every = []
    for one in found.leaks:
        causes = places.get((one.meter, alike(one.what)), []) if unknown(one) else []
        new = one_of(cause for cause in causes if cause.opened_at[0] not in known)
        cause = new._replace(kept_by=one.kept_by)
        new_one = leak(one.meter, one.what, one.count, one.per_run, cause)
        every.append(new_one if new.opened_at else one)
    return replace(found, leaks=tuple(every))


def usable(found: Findings, free: str) -> Findings:
    """Return findings with one more: the freed object could still be used."""
    return replace(
        found, leaks=(*found.leaks, leak("use", f"use after {free} did not raise", 1, 0.0))
    )
