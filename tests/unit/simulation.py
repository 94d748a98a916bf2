"""Synthetic readings of code whose leak is known, and the verdicts that they get.

Run ``python tests/unit/simulation.py [DRAWS]`` (2000 by default) for the table of
docs/verdict.md. Each family draws its parameters anew for every series: size, noise, period and
the seconds that a run takes, from 3 µs to a second. Batches, time limit and the end of a check are
those of real ones; only the readings are computed. Sizes are bytes, noise is a single reading's.
"""

import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from pytest_ocrleak.growth import Growth, Scale, Series, due, judge
from pytest_ocrleak.repeat import BATCH_SECONDS, batch, growing, more

HEAP = Scale("B", quantum=16, hidden=1032)
TIME_LIMIT = 10.0  # seconds
READING = 0.002  # seconds that a reading takes
BUDGET = 256e6  # bytes of growth at which a check stops repeating
DRAWS = 2000

Numbers = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Code:
    """Code under check: bytes held after so many runs, noise of so many readings, true growth.

    ``growth`` is in bytes per run in the long run; ``None`` where it has no one value.
    """

    level: Callable[[Numbers], Numbers]
    noise: Callable[[int], Numbers]
    growth: float | None
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a check of such code ended with, after how many seconds."""

    growth: Growth
    seconds: float


def power(rng: Generator, low: float, high: float) -> float:
    """Draw from 10 to the ``low`` up to 10 to the ``high``, alike in each decade."""
    return float(10 ** rng.uniform(low, high))


def gauss(rng: Generator, deviation: float) -> Callable[[int], Numbers]:
    """Return normal noise."""
    return lambda readings: rng.normal(0, deviation, readings)


def none(runs: Numbers) -> Numbers:
    """Return the level of code that holds nothing."""
    return np.zeros(len(runs))


def flat(rng: Generator) -> Code:
    """Nothing at all: what a null function reads like."""
    return Code(none, np.zeros, 0, power(rng, -5.5, -1))


def first_use(rng: Generator) -> Code:
    """A step at first use."""
    size = power(rng, 2, 6.5)
    return Code(lambda n: size * (n >= 1), gauss(rng, power(rng, 0, 3.5)), 0, power(rng, -5.5, -1))


def full_cache(rng: Generator) -> Code:
    """A cache that takes a new key with each run until it is full."""
    keys, size = int(rng.choice([64, 100, 128, 256, 500, 512])), power(rng, 1.5, 4)
    noise = gauss(rng, power(rng, 0, 3))
    return Code(lambda n: size * np.minimum(n, keys), noise, 0, power(rng, -5.5, -2.3))


def random_cache(rng: Generator) -> Code:
    """A cache of keys that come at random: it fills ever more slowly."""
    seconds = power(rng, -5.5, -1)
    keys, size = rng.uniform(4, min(512, max(5, 1 / seconds))), power(rng, 1.5, 4)
    noise = gauss(rng, power(rng, 0, 3))
    return Code(lambda n: size * keys * -np.expm1(-n / keys), noise, 0, seconds)


def logarithmic_cache(rng: Generator) -> Code:
    """A cache that never quite ends to grow: half as much per run with each doubling."""
    size, seconds = power(rng, 1.5, 4.5), power(rng, -5.5, -1)
    start = rng.uniform(1, min(50, max(1.1, 0.75 / seconds)))
    return Code(lambda n: size * np.log1p(n / start), gauss(rng, power(rng, 0, 3)), 0, seconds)


def late_step(rng: Generator) -> Code:
    """Something made once, but late."""
    at, size = rng.uniform(10, 1500), power(rng, 2, 6)
    return Code(lambda n: size * (n >= at), gauss(rng, power(rng, 0, 3)), 0, power(rng, -5.5, -1))


def sawtooth(rng: Generator) -> Code:
    """Garbage that piles up until it is collected."""
    seconds = power(rng, -5.5, -1)
    period = min(power(rng, 0.5, 2.5), max(3, 1 / seconds))
    size, phase = power(rng, 2, 5.5), rng.random()
    noise = gauss(rng, power(rng, 0, 2.5))
    return Code(lambda n: size * ((n / period + phase) % 1), noise, 0, seconds)


def pool(rng: Generator) -> Code:
    """A pool of which now more, now less is in use."""
    size, width = power(rng, 3, 6), int(rng.integers(2, 40))

    def noise(readings: int) -> Numbers:
        return size / 5 * np.minimum(1, rng.geometric(1 / width, readings) / width)

    return Code(lambda n: size * (n >= 1), noise, 0, power(rng, -5.5, -1))


def spikes(rng: Generator, deviation: float, share: float) -> Callable[[int], Numbers]:
    """Return noise with rare spikes of up to 25 KB."""

    def noise(readings: int) -> Numbers:
        rare = rng.random(readings) < share
        return rng.normal(0, deviation, readings) + rare * rng.uniform(7500, 25000, readings)

    return noise


def spiky(rng: Generator) -> Code:
    """An allocator's noise, with rare large spikes."""
    noise = spikes(rng, power(rng, 0, 3), rng.uniform(0.005, 0.05))
    return Code(none, noise, 0, power(rng, -5.5, -1))


def arenas(rng: Generator) -> Code:
    """Arenas that are retained: a few steps, ever rarer, then a plateau."""
    count = int(rng.integers(1, 5))
    times, sizes = 10 ** rng.uniform(0, 2.8, count), 10 ** rng.uniform(4, 6.3, count)

    def level(runs: Numbers) -> Numbers:
        return np.asarray((runs[:, None] >= times) @ sizes)

    return Code(level, gauss(rng, power(rng, 0, 3)), 0, power(rng, -5.5, -1))


def wandering(rng: Generator) -> Code:
    """Noise that remembers: each reading is near the one before (AR(1))."""
    memory, deviation = rng.uniform(0.5, 0.95), power(rng, 1, 4)

    def noise(readings: int) -> Numbers:
        values = rng.normal(0, deviation, readings)
        values[0] /= np.sqrt(1 - memory**2)
        for index in range(1, readings):
            values[index] += memory * values[index - 1]
        return values

    return Code(none, noise, 0, power(rng, -5.5, -1))


def two_meters(rng: Generator) -> Code:
    """Memory that moves to another meter and back."""
    seconds = power(rng, -5.5, -1)
    period = min(power(rng, 0.5, 2.5), max(3, 1 / seconds))
    size, phase = power(rng, 3, 6), rng.uniform(0, 2 * np.pi)
    noise = gauss(rng, power(rng, 0, 3))
    return Code(lambda n: size * np.sin(2 * np.pi * n / period + phase), noise, 0, seconds)


def shrinking(rng: Generator) -> Code:
    """A process that gives back what it held at the start."""
    size, runs = power(rng, 1, 4), power(rng, 1, 3)
    noise = gauss(rng, power(rng, 0, 3))
    return Code(lambda n: size * runs * np.expm1(-n / runs), noise, 0, power(rng, -5.5, -1))


def steady(rng: Generator) -> Code:
    """The same with each run, on noise of up to fifty runs' worth."""
    growth = power(rng, 1.5, 5)
    noise = gauss(rng, min(power(rng, 0, 4), 50 * growth))
    return Code(lambda n: growth * n, noise, growth, power(rng, -5.5, -1))


def small(rng: Generator) -> Code:
    """8 to 64 bytes a run, on spiky noise."""
    growth = float(rng.choice([8, 16, 32, 64]))
    noise = spikes(rng, power(rng, 0, 2.5), 0.02)
    return Code(lambda n: growth * n, noise, growth, power(rng, -5.5, -4))


def every_fiftieth(rng: Generator) -> Code:
    """At every fiftieth run only."""
    size = power(rng, 2.7, 5)
    noise = gauss(rng, power(rng, 0, 2))
    return Code(lambda n: size * (n // 50), noise, size / 50, power(rng, -5.5, -2.7))


def late(rng: Generator) -> Code:
    """From the hundredth run on."""
    growth = power(rng, 1.7, 4)
    noise = gauss(rng, power(rng, 0, 3))
    return Code(lambda n: growth * np.maximum(0, n - 100), noise, growth, power(rng, -5.5, -2.7))


def amortized(rng: Generator) -> Code:
    """A list or dict that makes room for ever more: rare steps, each larger."""
    growth, factor = power(rng, 0.9, 3), float(rng.choice([1.125, 1.5, 2.0]))
    phase = rng.random()

    def level(runs: Numbers) -> Numbers:
        steps = np.floor(np.log(np.maximum(runs, 1)) / np.log(factor) + phase)
        return np.asarray(growth * factor ** (steps + 1 - phase))

    return Code(level, gauss(rng, power(rng, 0, 2)), None, power(rng, -5.5, -4))


def on_sawtooth(rng: Generator) -> Code:
    """Beneath garbage that piles up and is collected."""
    period, size = power(rng, 0.5, 2.5), power(rng, 2, 4)
    growth, noise = power(rng, 1.7, 4), gauss(rng, power(rng, 0, 2))
    return Code(
        lambda n: growth * n + size * (n / period % 1), noise, growth, power(rng, -5.5, -2.7)
    )


def at_random(rng: Generator) -> Code:
    """At some of the runs, by chance: from one in twenty to one in two."""
    share, size = rng.uniform(0.05, 0.5), power(rng, 2, 5)

    def level(runs: Numbers) -> Numbers:
        came = rng.binomial(np.diff(runs, prepend=0).astype(int), share)
        return np.cumsum(size * came)

    return Code(level, gauss(rng, power(rng, 0, 2)), size * share, power(rng, -5.5, -2.7))


def slow(rng: Generator) -> Code:
    """Runs of 50 ms to a second: few, after a first use of 2 MB."""
    growth = power(rng, 4, 7)
    noise = gauss(rng, min(growth / 10, 3000))
    return Code(lambda n: growth * n + 2e6 * (n >= 1), noise, growth, power(rng, -1.3, 0))


def beside_arena(rng: Generator) -> Code:
    """Beside an arena that was retained once."""
    at, size, growth = power(rng, 0, 2.5), power(rng, 4, 6), power(rng, 2, 4)
    noise = gauss(rng, power(rng, 0, 3))
    return Code(lambda n: growth * n + size * (n >= at), noise, growth, power(rng, -5.5, -2.7))


Family = Callable[[Generator], Code]
CLEAN: tuple[Family, ...] = (
    *(flat, first_use, full_cache, random_cache, logarithmic_cache, late_step, sawtooth, pool),
    *(spiky, arenas, wandering, two_meters, shrinking),
)
LEAKING: tuple[Family, ...] = (
    *(steady, small, every_fiftieth, late, amortized, on_sawtooth, at_random, slow, beside_arena),
)


def warm_up(seconds: float) -> int:
    """Return the runs that find out how fast the code is: 1, then ever more."""
    size, runs = 1, 2
    while size * seconds <= BATCH_SECONDS:
        size = more(size, size * seconds)
        runs += size
    return runs


def readings(seconds: float) -> Iterator[tuple[int, float]]:
    """Yield the runs made by each reading, and the seconds spent, as a check would."""
    runs = warm_up(seconds)
    spent = runs * seconds + READING
    yield runs, spent
    for size in growing(batch(seconds)):
        runs, spent = runs + size, spent + size * seconds + READING
        yield runs, spent
        if spent >= TIME_LIMIT:
            return


def check(code: Code, leak: float = 0.0) -> Outcome:
    """Check such code, with so many bytes per run leaking besides."""
    runs, spent = zip((0, 0.0), *readings(code.seconds), strict=False)
    counts = np.array(runs, float)
    held = code.level(counts) + leak * counts + code.noise(len(counts))
    values = (np.floor(held / HEAP.quantum) * HEAP.quantum).tolist()
    looked = 0
    for end in range(2, len(runs) + 1):
        over = spent[end - 1] >= TIME_LIMIT or values[end - 1] - values[1] > BUDGET
        share = 1.0 if over else spent[end - 1] / TIME_LIMIT
        if not over and not due(end, looked):
            continue
        looked = end
        if growth := judge(Series(runs[:end], values[:end], HEAP), None, share):
            return Outcome(growth, spent[end - 1])
    raise AssertionError("a check whose time is over has a verdict")


def outcomes(family: Family, draws: int) -> Iterator[tuple[Code, Outcome, Callable[..., Outcome]]]:
    """Yield each draw, its outcome, and the same check with a leak added to the same readings."""
    for draw in range(draws):
        seed = [zlib.crc32(family.__name__.encode()), draw]
        code = family(default_rng(seed))
        again = partial(_again, family, seed)
        yield code, check(code), again


def _again(family: Family, seed: list[int], leak: float) -> Outcome:
    return check(family(default_rng(seed)), leak)


@dataclass
class Rates:
    """How often a family got which verdict, how often its interval held, what it would catch."""

    verdicts: Counter[str]
    held: int = 0
    known: int = 0
    caught: int = 0
    tried: int = 0
    missed_above: int = 0  # clean verdicts whose stated resolution the true growth exceeds


def rates(family: Family, draws: int = DRAWS) -> Rates:
    """Return a family's rates; what was called clean is tried again with a leak as stated."""
    found = Rates(Counter())
    for code, outcome, again in outcomes(family, draws):
        growth = outcome.growth
        found.verdicts[growth.verdict] += 1
        if code.growth is not None:
            found.known += 1
            found.held += growth.low <= code.growth * (1 + 1e-9) <= growth.high * (1 + 2e-9)
        if growth.verdict == "clean" and family in CLEAN:
            found.tried += 1
            found.caught += again(growth.resolution).growth.verdict == "leak"
        if growth.verdict == "clean" and (code.growth or 0) > growth.resolution:
            found.missed_above += 1
    return found


def table(draws: int) -> Iterator[str]:
    """Return the table of docs/verdict.md, line by line."""
    yield "| series | clean | leak | inconclusive | interval holds | resolution caught |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for family in (*CLEAN, *LEAKING):
        found = rates(family, draws)
        counts = [found.verdicts[name] for name in ("clean", "leak", "inconclusive")]
        held = f"{found.held / found.known:.1%}" if found.known else "-"
        caught = f"{found.caught / found.tried:.2%}" if found.tried else "-"
        cells = (str(family.__doc__).rstrip("."), *map(str, counts), held, caught)
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS):
        print(line, flush=True)  # noqa: T201 - a table to copy
