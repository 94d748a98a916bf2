"""The checks that users call: before and after, again and again, and life after life."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from pytest_ocrleak import difference, findings, meters, onepass, settle
from pytest_ocrleak.capture import uncaptured
from pytest_ocrleak.causes import allocations, attribution, objects, origins, replay
from pytest_ocrleak.findings import Findings
from pytest_ocrleak.growth import Growth
from pytest_ocrleak.inventory import Leak, Snapshot
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import events
from pytest_ocrleak.outcome import Check, Kind, LeakError
from pytest_ocrleak.pace import Count, Pace, Show
from pytest_ocrleak.readings import Readings
from pytest_ocrleak.release import Life, relive
from pytest_ocrleak.repeat import repeat
from pytest_ocrleak.report import text

if TYPE_CHECKING:
    from pytest_ocrleak.fuzz.asserting import Options, Tried
    from pytest_ocrleak.fuzz.steps import Call

Tolerance = Mapping[str, float | str]
Beside = Callable[[Limits], AbstractContextManager[Callable[[Readings], object]]]
NOISE = {  # a life, see docs/verdict.md
    "heap": 8192.0,
    "pyblocks": 16.0,
    "rss": 262144.0,
    "gpu": 262144.0,
}


meters.load()


def named(found: Findings, run: Callable[[], object], limits: Limits) -> Findings:
    """Return findings in which more runs tell what the leaks are and where they come from.

    Growth of bytes is told by the objects that there are ever more of, which it may belong to;
    things that no event of Python told of by the line after which they are there. Code that fails
    by now, say for want of what it leaks, is run no more: the verdict stands.
    """
    with suppress(Exception):
        for more in (counted, traced, placed):
            found = more(found, run, limits)
    return found


def counted(found: Findings, run: Callable[[], object], _: Limits) -> Findings:
    """Return findings with the objects that there are ever more of, where bytes grow."""
    if not any(map(findings.of_bytes, found.leaks)):
        return found
    kinds = objects.grown(run)
    return findings.of_objects(found, objects.told(kinds), objects.kept(run, kinds))


def placed(found: Findings, run: Callable[[], object], limits: Limits) -> Findings:
    """Return findings with the lines after which things are there that have none yet."""
    unknown = {leak.meter for leak in found.leaks if findings.unknown(leak)}
    if not (limits.origins and unknown):
        return found
    return findings.replayed(found, replay.places(run, unknown))


def traced(found: Findings, run: Callable[[], object], limits: Limits) -> Findings:
    """Return findings with the stacks that allocate what leaks, or why there are none."""
    meter = findings.untraced(found) if limits.trace else ""
    if not meter:
        return found
    try:
        seen = allocations.grown(run, meter=meter)
    except allocations.UntraceableError as error:
        return findings.allocated(found, meter, [str(error)], ())
    blocks = meter == "pyblocks"  # which memray counts, too, but in bytes
    rest = "" if blocks else allocations.unseen(seen, found.meters[meter].per_run)
    lines = [*allocations.told(seen), *filter(None, [rest])]
    places = seen.stacks[0].places if seen.stacks and not rest else ()
    return findings.allocated(found, meter, lines, places)


def discard(_: Check) -> None:
    """Keep no record of a check: outside pytest the error is the report."""


@contextmanager
def alone(_: Limits) -> Generator[Callable[[Readings], object]]:
    """Let a guard stand where there is nobody else whose things may come within it."""
    yield lambda _: None


@dataclass(frozen=True, slots=True)
class Checker:
    """The checks under common limits, each handed to ``record``, which may return it judged.

    The module's functions are those of a checker without limits; the pytest fixture is one with
    the session's. ``show`` is told how far a check has come. ``beside`` is entered while a guard
    stands, and gives what leaves out of its readings what is others'.
    """

    limits: Limits = field(default_factory=Limits, repr=False)
    record: Callable[[Check], Check | None] = field(default=discard, repr=False)
    show: Show | None = field(default=None, repr=False)
    beside: Beside = field(default=alone, repr=False)

    def snapshot(self) -> Snapshot:
        """Return what the process holds now, after garbage was collected.

        From then on it is noted who makes what, for a comparison to tell.
        """
        if self.limits.origins:
            origins.begin()
            events.want()
        settle.settle()
        return meters.read(self.limits.meters)

    def compare(self, before: Snapshot, after: Snapshot) -> list[Leak]:
        """Return what appeared between two snapshots and is still there."""
        return difference.between(before, after, self.limits.rules, attribution.causes)

    @contextmanager
    def guard(
        self,
        label: str = "",
        *,
        track: str | Iterable[str] | None = None,
        ignore: str | Iterable[str] = (),
        tolerance: Tolerance | None = None,
    ) -> Generator[None]:
        """Fail if what is inside leaves anything behind.

        Things are judged exactly, bytes only against a tolerance that is given, since a first use
        is no leak. An error inside passes through unjudged: its traceback keeps things alive. What
        fixtures hold that were set up inside and live on is left out: it is theirs.

        Raises
        ------
        LeakError
            Something stayed.

        """
        __tracebackhide__ = True
        limits = self.limits.narrowed(track, ignore, tolerance)
        readings = Readings(limits, warm=True)
        with self.beside(limits) as leave_out:
            with origins.noted(wanted=limits.origins):
                yield
            leave_out(readings)
        readings.add(1, settle.Patience())
        self._conclude("guard", label, onepass.one_pass(readings), limits)

    def assert_no_growth(  # noqa: PLR0913 - the interface that users type
        self,
        fn: Callable[..., object],
        *args: Any,
        runs: Count = "auto",
        warmup: Count = "auto",
        track: str | Iterable[str] | None = None,
        ignore: str | Iterable[str] = (),
        tolerance: Tolerance | None = None,
        time_limit: float = 10.0,
        **kwargs: Any,
    ) -> Mapping[str, Growth]:
        """Repeat ``fn(*args, **kwargs)`` until each meter shows whether it grows.

        Parameters
        ----------
        runs, warmup
            How many runs are judged, and made before them; ``"auto"``: as many as it takes.
        track, ignore, tolerance
            The meters to judge; rules ``meter:glob`` for what may linger; accepted growth per run
            by meter, ``{"heap": "1 KiB"}``.
        time_limit
            Seconds after which the verdict is given on what is known.

        Raises
        ------
        LeakError
            A meter grows.

        """
        __tracebackhide__ = True
        limits = self.limits.narrowed(track, ignore, tolerance)
        pace = Pace(runs, warmup, time_limit, self.show)
        with uncaptured():
            run = partial(fn, *args, **kwargs)
            found = named(findings.repeated(repeat(run, limits, pace)), run, limits)
        name = getattr(fn, "__qualname__", repr(fn))
        return self._conclude("growth", name, found, limits)

    def assert_releases(  # noqa: PLR0913 - the interface that users type
        self,
        factory: Callable[[], Any],
        use: Callable[[Any], object] | None = None,
        *,
        free: str | Callable[[Any], object] = "free_resources",
        runs: Count = "auto",
        warmup: Count = "auto",
        track: str | Iterable[str] | None = None,
        ignore: str | Iterable[str] = (),
        tolerance: Tolerance | None = None,
        one_time: Tolerance | None = None,
        time_limit: float = 10.0,
    ) -> Mapping[str, Growth]:
        """Make, use and free object after object; what each of them leaves must be nothing.

        It is judged while the freed object is still held: what goes only with the object was not
        released by freeing it. What the first life leaves for good (imports, library tables) is
        reported apart. At the end, using a freed object must raise.

        Parameters
        ----------
        factory, use, free
            Make the object; use it; free it, by a method's name or a callable. With
            ``"__exit__"`` it is entered and left as a context manager.
        runs, warmup, track, ignore, tolerance, time_limit
            As in `assert_no_growth`, a run being one object's life.
        one_time
            What the first life may leave for good, by meter, ``{"heap": "1 MB"}``. By default 8 MB
            of heap, and anything where it imported modules.

        Raises
        ------
        LeakError
            Something stayed, or a freed object can still be used.

        """
        __tracebackhide__ = True
        limits = self.limits.narrowed(track, ignore, tolerance).for_lives(NOISE, one_time)
        life = Life(factory, use, free)
        pace = Pace(runs, warmup, time_limit, self.show)
        with uncaptured():
            found = findings.lives(relive(life, limits, pace), life.freeing)
            found = named(found, life.live, limits)
        if not found.leaks and life.usable_when_freed():
            found = findings.usable(found, life.freeing)
        name = getattr(factory, "__qualname__", repr(factory))
        return self._conclude("release", name, found, limits)

    def assert_no_sequence_leaks(
        self, factory: Callable[[], Any], *calls: "Call", **options: "Unpack[Options]"
    ) -> "Tried":
        """Try random sequences of calls, see `pytest_ocrleak.fuzz.assert_no_sequence_leaks`."""
        __tracebackhide__ = True
        from pytest_ocrleak import fuzz  # noqa: PLC0415 - most suites never come here

        return fuzz.assert_no_sequence_leaks(factory, *calls, check=self, **options)

    def _conclude(
        self, kind: Kind, name: str, found: Findings, limits: Limits
    ) -> Mapping[str, Growth]:
        """Record a check that ended, and raise if it failed."""
        __tracebackhide__ = True
        check = Check(
            kind, name, found.runs, found.meters, found.leaks, allocations=found.allocations
        )
        check = self.record(check) or check
        for meter in limits.required:
            if meter in found.meters and found.meters[meter].verdict == "unavailable":
                raise RuntimeError(
                    f"{meter} is required and was lost: {found.meters[meter].reason}"
                )
        if check.fails(strict=limits.strict):
            raise LeakError(text.failure(check), check)
        return found.meters


_unlimited = Checker()
snapshot = _unlimited.snapshot
compare = _unlimited.compare
guard = _unlimited.guard
assert_no_growth = _unlimited.assert_no_growth
assert_releases = _unlimited.assert_releases
