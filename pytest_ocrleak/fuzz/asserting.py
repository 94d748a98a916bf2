"""The assertion that users type: no sequence of calls leaks."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from pytest_ocrleak.check import Checker, Tolerance, named
from pytest_ocrleak.fuzz import paste
from pytest_ocrleak.fuzz.explore import Space, tour
from pytest_ocrleak.fuzz.play import Player, checked, nothing
from pytest_ocrleak.fuzz.search import Culprit, Search, searched
from pytest_ocrleak.fuzz.steps import Call, planned
from pytest_ocrleak.growth import Growth
from pytest_ocrleak.outcome import LeakError
from pytest_ocrleak.release import Life

SHORTEST = "shortest sequence that leaks:"
SHORT = "a sequence that leaks (with more seconds it may get shorter):"


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried without a leak: so many different sequences, and the calls in them.

    ``meters`` say what a life with each declared call once does when it is repeated.
    """

    sequences: int
    calls: int
    seconds: float
    meters: Mapping[str, Growth] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.sequences} sequences, {self.calls} calls in {self.seconds:.1f} s: no leak"


class Options(TypedDict, total=False):
    """The options of `assert_no_sequence_leaks`."""

    free: str | Callable[[Any], object] | None
    seconds: float
    sequences: int
    length: int
    seed: int
    drops: bool
    track: str | Iterable[str] | None
    ignore: str | Iterable[str]
    tolerance: Tolerance | None


def assert_no_sequence_leaks(  # noqa: PLR0913 - the interface that users type
    factory: Callable[[], Any],
    *calls: Call,
    free: str | Callable[[Any], object] | None = "free_resources",
    seconds: float = 60.0,
    sequences: int = 200,
    length: int = 8,
    seed: int = 0,
    drops: bool = False,
    track: str | Iterable[str] | None = None,
    ignore: str | Iterable[str] = (),
    tolerance: Tolerance | None = None,
    check: Checker | None = None,
) -> Tried:
    """Try random sequences of calls on one or two objects; none of them may leave anything.

    A step is one of the calls, making a second object beside the first, freeing, freeing again,
    use after freeing, dropping a freed object and making another. Whatever `Exception` a step
    raises is accepted. A sequence that leaks is shortened, and the error has it as a test to paste.

    Parameters
    ----------
    factory, free
        Make an object; free it, by a method's name or a callable. With ``"__exit__"`` it is
        entered and left as a context manager, with ``None`` it is only dropped.
    calls
        The calls to try, ``Call("recognize", "scan.png")``; arguments are values, or hypothesis
        strategies.
    seconds, sequences, length
        How long the search takes at most, how many sequences it tries, how many steps each has.
    seed
        The same seed tries the same sequences, as far as the time allows.
    drops
        Whether objects may also be dropped without having been freed.
    track, ignore, tolerance
        As in `assert_no_growth`, a run being one sequence.
    check
        The checker whose limits apply and which records the result.

    Raises
    ------
    LeakError
        A sequence leaks.

    """
    __tracebackhide__ = True
    valid(calls, {"seconds": seconds, "sequences": sequences, "length": length})
    given = {"track": track, "ignore": ignore, "tolerance": tolerance}
    checker = check or Checker()
    limits = checker.limits.narrowed(track, ignore, tolerance)
    life = lived(factory, free)
    checked(life, calls)
    clock = time.perf_counter
    search = Search(life, limits, seconds, clock, drops or free is None, checker.show)
    space = Space(calls, length, frees=free is not None)
    culprit = searched(search, space, sequences=sequences, seed=seed)
    meters = concluded(checker, search, culprit, given)
    return Tried(search.sequences, search.calls, search.spent, meters)


def lived(factory: Callable[[], Any], free: str | Callable[[Any], object] | None) -> Life:
    """Return how objects are made and freed, where ``None`` frees nothing."""
    return Life(factory, None, nothing if free is None else free)


def once(
    factory: Callable[[], Any],
    calls: Iterable[Call],
    free: str | Callable[[Any], object] | None,
) -> None:
    """Make each call once on one object, and judge nothing."""
    Player(lived(factory, free), planned(tour(calls), drops=False))()


def concluded(
    checker: Checker, search: Search, culprit: Culprit, given: Mapping[str, Any]
) -> Mapping[str, Growth]:
    """Record what was found, and add to the error of a leak the test to paste."""
    __tracebackhide__ = True
    run = search.player(culprit.drawn)
    found = culprit.found
    if found.leaks:
        run()
        found = named(found, run, search.limits)
    factory = search.life.factory
    name = getattr(factory, "__qualname__", repr(factory))
    try:
        return checker._conclude("release", name, found, search.limits)  # noqa: SLF001 - as all do
    except LeakError as error:
        if not error.leaks:
            raise
        heading = SHORTEST if culprit.shortest else SHORT
        message = f"{error}\n\n{heading}\n\n{paste.test(run, given)}"
        raise LeakError(message, error.check) from None


def valid(calls: Iterable[object], amounts: Mapping[str, float]) -> None:
    """Refuse what cannot be meant.

    Raises
    ------
    TypeError, ValueError
        A call is none, there is none, or an amount is not above 0.

    """
    every = list(calls)
    if not every:
        raise ValueError("no call to try: declare some, Call('recognize', 'scan.png')")
    for each in every:
        if not isinstance(each, Call):
            raise TypeError(f"{each!r} is no call: write Call({each!r}, arguments…)")
    for name, amount in amounts.items():
        if not (isinstance(amount, (int, float)) and amount > 0):
            raise ValueError(f"{name}={amount!r}: write a number above 0")
