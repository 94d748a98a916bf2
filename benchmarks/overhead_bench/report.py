"""Runs -> Markdown; writes nothing itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from .run import LARGE, SLOW, SMALL, WEIGHED, Run, Weight
from .suites import DESCRIPTORS, OPENED, THREADS
from .ways import WAYS, Way

LIMITS = {  # ratios to the base, at most, and how they are told
    "idle": (1.03, "installed and idle"),
    "ocrleak": (1.25, "with `--ocrleak`"),
    "two-ocrleak": (1.25, "with `-n 2 --ocrleak`, of `-n 2` alone"),
    "held-ocrleak": (1.5, f"with {DESCRIPTORS} descriptors and {THREADS} threads held"),
}
BYTES = 300  # a test, at most
Table = Sequence[Sequence[str]]

_INTRODUCTION = f"""\
Written by `python benchmarks/overhead.py`; not to be edited. Each run is a fresh process of
`python -m pytest -p no:cacheprovider -q` on a suite of tests that do nothing
(`def test_0(): pass`), with `PYTEST_DISABLE_PLUGIN_AUTOLOAD=1` and only the plugin that is named.
The base names one, too, an empty module: for each `-p` pytest looks through the entry points of
all that is installed, as it does wherever it loads plugins by itself. All ways take turns in each
round (A B C, then B C A), in the same run on the same machine. Ratios are of the wall time of whole
processes, interpreter's start and imports included: the median of the rounds' ratios, by which
goals are judged, and a way's minimum divided by its base's, which a quiet moment can distort. CPU
is the median ratio of CPU time, children included, which neighbours on the machine disturb least. A
way that takes more than {SLOW:g} times as long as its base runs once, on the smallest suite alone;
other plugins, by which nothing is judged, take part in the first rounds."""
_ON_WAYS = f"""\
Two workers are `-n 2` of pytest-xdist, and their base is `-n 2` with the empty plugin. Where much
is held, a conftest opens {DESCRIPTORS} descriptors and starts {THREADS} threads, and the base does
so, too. Where files are opened, each test opens and closes {OPENED}; noting the line of each is
part of `--ocrleak`, unless it is turned off. pyleak looks only at tests with its marker
`no_leaks`, which each module then sets. The
module of dask's plugin imports `distributed`, idle or not."""
_ON_MEMORY = f"""\
Resident memory of the process with `--ocrleak` minus without, as VmHWM (most) and VmRSS (end) tell
it when the session finishes. A test is the difference between {LARGE} and {SMALL} tests divided by
their number, the median of the rounds; what the plugin itself loads drops out of it."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What was to be reached, and what was: a sentence."""

    reached: bool
    sentence: str

    @property
    def line(self) -> str:
        """Return it as an item of a list."""
        return f"- **{'Reached' if self.reached else 'Missed'}**: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Ratio:
    """How a way's times are to its base's: in the median round, of the minima, and of CPU time."""

    middle: float
    least: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Results:
    """All numbers of one run, and the ways that do not run with the reasons."""

    ways: Sequence[Way]
    broken: Mapping[str, str]
    runs: Sequence[Run]
    weights: Sequence[Weight]

    @property
    def sizes(self) -> list[int]:
        """Return the sizes of the suites that were run."""
        return sorted({run.tests for run in self.runs})

    def of(self, way: str, tests: int) -> dict[int, Run]:
        """Return the runs of a way, by round, in which all tests passed."""
        every = (run for run in self.runs if run.way == way and run.tests == tests)
        return {run.round: run for run in every if not run.error}

    def failure(self, way: str, tests: int) -> str:
        """Return why a way did not run, nothing where it did."""
        errors = [r.error for r in self.runs if r.way == way and r.tests == tests and r.error]
        return self.broken.get(way, "") or (errors[0] if errors else "")

    def ratio(self, way: Way, tests: int) -> Ratio | None:
        """Return how a way is to its base, where both ran in the same round."""
        ours, base = self.of(way.name, tests), self.of(way.base, tests)
        both = sorted(ours.keys() & base.keys())
        if not both:
            return None
        return Ratio(
            median(ours[n].seconds / base[n].seconds for n in both),
            min(ours[n].seconds for n in ours) / min(base[n].seconds for n in base),
            median(ours[n].cpu / base[n].cpu for n in both),
        )

    def per_test(self, what: str) -> list[float]:
        """Return by round how many bytes of ``peak`` or ``end`` the plugin holds for a test."""
        held = {(w.way, w.tests, w.round): getattr(w, what) for w in self.weights}
        base, ours = WEIGHED

        def extra(tests: int, number: int) -> int:
            return int(held[ours, tests, number] - held[base, tests, number])

        rounds = {number for _, _, number in held}
        return [(extra(LARGE, n) - extra(SMALL, n)) / (LARGE - SMALL) for n in sorted(rounds)]


def markdown(about: Mapping[str, str], results: Results) -> str:
    """Return the page."""
    return "\n".join(_page(about, results)).rstrip() + "\n"


def goals(results: Results) -> Iterator[Goal]:
    """Yield the goals that the numbers can tell about."""
    for name, (limit, told) in LIMITS.items():
        found = {tests: results.ratio(WAYS[name], tests) for tests in results.sizes}
        ratios = {tests: ratio for tests, ratio in found.items() if ratio}
        if ratios:
            said = ", ".join(
                f"{_said(ratio)} with {tests} tests" for tests, ratio in ratios.items()
            )
            reached = all(round(ratio.middle, 2) <= limit for ratio in ratios.values())
            yield Goal(reached, f"{told}: at most {limit} times as long: {said}.")
    if results.weights:
        held = median(results.per_test("peak"))
        yield Goal(held <= BYTES, f"memory: at most {BYTES} B a test: {held:.0f} B.")


def _said(ratio: Ratio) -> str:
    return f"{ratio.middle:.2f} (minima {ratio.least:.2f}, CPU {ratio.cpu:.2f})"


def _page(about: Mapping[str, str], results: Results) -> Iterator[str]:
    yield from ("# Overhead benchmark", "", _INTRODUCTION, "")
    yield from (f"- {key}: {value}" for key, value in about.items())
    yield from ("", "## Goals", "")
    yield from (goal.line for goal in goals(results))
    yield ""
    for tests in results.sizes:
        yield from _section(f"{tests} tests", _time_table(results, tests))
    if results.runs:
        yield from (_ON_WAYS, "")
    if results.weights:
        yield from _section("Memory", _memory_table(results))
        yield _ON_MEMORY


def _section(title: str, table: Table) -> Iterator[str]:
    head, *rows = table
    yield from (f"## {title}", "", _row(head), _row(["---"] * len(head)))
    yield from map(_row, rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _time_table(results: Results, tests: int) -> Table:
    head = ["way", "arguments", "runs", "least s", "median ratio", "of minima", "CPU"]
    return [head, *(_time_row(results, way, tests) for way in results.ways)]


def _time_row(results: Results, way: Way, tests: int) -> Sequence[str]:
    runs = list(results.of(way.name, tests).values())
    ratio = results.ratio(way, tests)
    shown = [way.told, f"`{' '.join(way.arguments)}`" if way.arguments else "", str(len(runs))]
    if ratio is None:
        reason = results.failure(way.name, tests) or f"over {SLOW:g} times as long with fewer tests"
        return [*shown, "—", f"not run: {_cell(reason)}", "—", "—"]
    least = min(run.seconds for run in runs)
    return [
        *shown,
        f"{least:.2f}",
        f"**{ratio.middle:.2f}**",
        f"{ratio.least:.2f}",
        f"{ratio.cpu:.2f}",
    ]


def _cell(text: str) -> str:
    """Return text that a table can hold."""
    return text.replace("|", "\\|").replace("\n", " ")


def _memory_table(results: Results) -> Table:
    head = ["tests", "without, MB at most", "at the end", "`--ocrleak`, MB at most", "at the end"]
    rows = [
        [str(tests), *(f"{size / 1e6:.1f}" for size in _sizes(results, tests))]
        for tests in (SMALL, LARGE)
    ]
    peak, end = (results.per_test(what) for what in ("peak", "end"))
    told = [f"**{median(each):.0f} B** ({_rounds(each)})" for each in (peak, end)]
    return [head, *rows, ["a test", "", "", *told]]


def _sizes(results: Results, tests: int) -> Iterator[float]:
    """Yield the median of each figure, without the plugin and with it."""
    for way in WEIGHED:
        found = [w for w in results.weights if w.way == way and w.tests == tests]
        yield median(weight.peak for weight in found)
        yield median(weight.end for weight in found)


def _rounds(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:.0f}" for number in numbers)
