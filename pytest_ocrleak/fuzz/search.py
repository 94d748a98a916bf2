"""The search: explore, convict, shorten, confirm."""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from pytest_ocrleak.capture import uncaptured
from pytest_ocrleak.findings import Findings
from pytest_ocrleak.fuzz.explore import Space, TimeIsUp, explore, tour
from pytest_ocrleak.fuzz.look import growing, judged, leaking, quick
from pytest_ocrleak.fuzz.play import Player
from pytest_ocrleak.fuzz.steps import Drawn, Steps, calls_in, identity, planned
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.pace import Clock, Show
from pytest_ocrleak.release import Life

EXPLORING = 2 / 3  # of the time, until a leak is found
CLOSING = 1 / 6  # of the time, for judging each call once where no sequence leaks
SPARE = 1.5  # times what convicting took, kept for convicting the shortest
TRIES = 3  # of the shortest that are judged, before the one that was convicted first is told


@dataclass(frozen=True, slots=True)
class Culprit:
    """A sequence that leaks, and what was found when it was judged; whether it is the shortest."""

    drawn: Drawn
    found: Findings
    shortest: bool = False


@dataclass(slots=True)
class Search:
    """One search through sequences of calls on the objects of a life.

    ``first`` is the first that was convicted, ``shorter`` those that look as if they leaked the
    same, ``known`` the answers by sequence, ``calls`` the declared calls that were explored.
    """

    life: Life
    limits: Limits
    seconds: float
    clock: Clock
    drops: bool = False
    show: Show | None = None
    start: float = 0.0
    cost: float = 0.0
    calls: int = 0
    first: Culprit | None = None
    shorter: list[Drawn] = field(default_factory=list)
    known: dict[bytes, bool] = field(default_factory=dict)
    sequences: int = 0

    def __post_init__(self) -> None:
        self.start = self.clock()

    @property
    def spent(self) -> float:
        """The seconds since the search began."""
        return self.clock() - self.start

    @property
    def over(self) -> bool:
        """Whether the time for exploring, or once a leak is known for shortening it, has passed."""
        if self.first is None:
            return self.spent >= EXPLORING * self.seconds
        return self.spent >= self.seconds - SPARE * self.cost

    def planned(self, drawn: Drawn) -> Steps:
        """Return the sequence that some steps make, as they were drawn."""
        return planned(drawn, drops=self.drops)

    def player(self, drawn: Drawn) -> Player:
        """Return what plays some steps, as they were drawn."""
        return Player(self.life, self.planned(drawn))

    def leaks(self, drawn: Drawn) -> bool:
        """Tell whether a sequence leaks, and always the same of the same sequence.

        Raises
        ------
        TimeIsUp
            The time for what was not asked yet has passed.

        """
        key = identity(self.planned(drawn))
        if key not in self.known:
            if self.over:
                raise TimeIsUp
            self.known[key] = self.shorter_leaks(drawn) if self.first else self.new_leaks(drawn)
        return self.known[key]

    def new_leaks(self, drawn: Drawn) -> bool:
        """Look at a sequence, and judge it if it looks suspicious."""
        run = self.player(drawn)
        self.sequences += 1
        self.calls += calls_in(run.steps)
        if growing(run, quick(self.limits), self.clock):
            begun = self.spent
            found = self.judged(drawn, self.seconds - begun)
            self.cost = self.spent - begun
            self.first = Culprit(drawn, found) if found.leaks else None
        return self.first is not None

    def shorter_leaks(self, drawn: Drawn) -> bool:
        """Look whether a sequence grows on the same meters as the one that was convicted.

        That is a judgement only for the shortest, at the end.
        """
        suspects = growing(self.player(drawn), quick(self.limits), self.clock)
        same = self.first is not None and not suspects.isdisjoint(leaking(self.first.found))
        if same:
            self.shorter.append(drawn)
        return same

    def judged(self, drawn: Drawn, seconds: float) -> Findings:
        """Judge a sequence within some seconds."""
        return judged(self.player(drawn), self.limits, seconds, self.clock, self.show)

    def culprit(self) -> Culprit | None:
        """Return the shortest sequence that leaks when it is judged, of the simplest values."""
        with suppress(TimeIsUp):
            self.shorten()
        shortest = not self.over
        for drawn in self.simplest()[:TRIES]:
            if self.spent < self.seconds:
                found = self.judged(drawn, self.seconds - self.spent)
                if found.leaks:
                    return Culprit(drawn, found, shortest)
        return self.first and replace(self.first, shortest=shortest and not self.shorter)

    def simplest(self) -> list[Drawn]:
        """Return what looks as if it leaked, the shortest first, of these what came last."""
        last_first = self.shorter[::-1]
        return sorted(last_first, key=lambda drawn: len(self.planned(drawn)))

    def shorten(self) -> None:
        """Leave out every single step that can be left out, should hypothesis have missed one."""
        position, best = 0, next(iter(self.simplest()), self.first and self.first.drawn) or ()
        while position < len(best):
            without = [*best[:position], *best[position + 1 :]]
            position, best = (0, without) if self.leaks(without) else (position + 1, best)

    def closing(self, drawn: Drawn) -> Culprit:
        """Judge a sequence in full where none looked suspicious, and shorten it if it leaks.

        Growth that is too small for a quick look, or that only resident memory shows, is found so.
        """
        seconds = CLOSING * self.seconds
        found = self.judged(drawn, seconds)
        culprit, position = Culprit(drawn, found), 0
        while found.leaks and position < len(culprit.drawn) and self.spent + seconds < self.seconds:
            shorter = [*culprit.drawn[:position], *culprit.drawn[position + 1 :]]
            without = self.judged(shorter, seconds)
            if without.leaks:
                culprit = Culprit(shorter, without)
            else:
                position += 1
        return replace(culprit, shortest=position == len(culprit.drawn))


def searched(search: Search, space: Space, *, sequences: int, seed: int) -> Culprit:
    """Return the shortest sequence that leaks, or one of each call once, which was judged then."""
    each = tour(space.calls)
    with uncaptured():
        search.player(each)()
        explore(space, search.leaks, sequences=sequences, seed=seed)
        return search.culprit() or search.closing(each)
