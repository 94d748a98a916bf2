"""Answers -> Markdown; writes nothing itself."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from .run import LIMIT
from .scene import SCENES, Scene
from .tools import OURS, PEER, Answer

MEDIAN, SHARE = 0.5, 1.0  # seconds to a verdict, and its share of psleak's, at most
OPEN = 2  # inconclusive checks of clean code, at most
TIME_LIMIT = 10.0  # seconds that a check may take until it says so
ONCE = 0.8e6, 1.3e6  # bytes that are told as "about 1 MB"
Table = Sequence[Sequence[str]]

_INTRODUCTION = f"""\
Written by `python benchmarks/verdict.py`; not to be edited. Each check runs in a fresh process and
an empty folder, the two tools taking turns scene by scene in the same run, each as its own
documentation says: `pytest_ocrleak.assert_no_growth(fn)` with its defaults, and
`psleak.MemoryLeakTestCase.execute(fn)` with its defaults under `PYTHONMALLOC=malloc`. Seconds are
those of the check alone, from its call to its end; after {LIMIT:.0f} s a process is ended, and has
no verdict. Ratios are ocrleak's seconds divided by psleak's."""
_ON_TIME = f"""\
In brackets: the verdicts of ocrleak and of psleak. Where time ran out, {LIMIT:.0f} s are counted;
what ended in an error is left out. "Both right" is where each found the leak, or called clean what
is clean."""
_ON_LEAKS = """\
The heap grows by chunks of the C library's allocator: 80 B where 64 were asked for, 32 B where 16
or 8 were; both tools read the same figure. What stays once does not grow: it counts as found
when the verdict states it as the heap's one-time residue (`Growth.one_time`).
`child_kept` ends at 2000 children for the machine's sake, fewer than psleak's rounds make."""
_ON_CYCLES = """\
psleak counts a reference cycle as a leak by design ("uncollectable GC object"), also where the
collector finds it; such findings are told apart."""


@dataclass(frozen=True, slots=True)
class Results:
    """All answers of one run, by tool and scene."""

    about: Mapping[str, str]  # date, machine, versions: shown as they are
    answers: Mapping[str, Mapping[str, Answer]]

    def of(self, tool: str, *, leaking: bool) -> list[Answer]:
        """Return a tool's answers to the leaks, or to the clean functions."""
        every = self.answers.get(tool, {}).values()
        return [each for each in every if bool(SCENES[each.scene].stays) == leaking]

    def seconds(self, tool: str, *, leaking: bool | None = None) -> list[float]:
        """Return the seconds of a tool's verdicts, all or of one kind; where time ran out, all."""
        every = list(self.answers.get(tool, {}).values())
        kept = every if leaking is None else self.of(tool, leaking=leaking)
        return [each.seconds for each in kept if each.verdict != "error"]

    def both(self) -> list[tuple[Answer, Answer]]:
        """Return the answers of both tools to each scene that both are right about."""
        ours, peers = self.answers.get(OURS, {}), self.answers.get(PEER, {})
        pairs = [(ours[name], peers[name]) for name in ours if name in peers]
        return [pair for pair in pairs if all(map(right, pair))]


@dataclass(frozen=True, slots=True)
class Goal:
    """What was to be reached, and what was: a sentence."""

    reached: bool
    sentence: str

    @property
    def line(self) -> str:
        """Return it as an item of a list."""
        return f"- **{'Reached' if self.reached else 'Missed'}**: {self.sentence}"


def markdown(about: Mapping[str, str], answers: Sequence[Answer]) -> str:
    """Return the page."""
    by_tool = {tool: {each.scene: each for each in answers if each.tool == tool}
               for tool in (OURS, PEER)}  # fmt: skip
    return "\n".join(_page(Results(about, by_tool))).rstrip() + "\n"


def found(answer: Answer) -> bool:
    """Tell whether a tool found what a scene leaves; psleak may call it by any name."""
    scene = SCENES[answer.scene]
    told = not answer.meters or any(answer.meters[m]["verdict"] == "leak" for m in scene.meters)
    return (answer.verdict == "leak" and told) or (scene.once and _states_once(answer))


def right(answer: Answer) -> bool:
    """Tell whether a tool found the leak, or called clean what is clean."""
    return found(answer) if SCENES[answer.scene].stays else answer.verdict == "clean"


def _states_once(answer: Answer) -> bool:
    least, most = ONCE
    return "heap" in answer.meters and least <= answer.meters["heap"]["one_time"] <= most


def goals(results: Results) -> list[Goal]:
    """Return the goals that the answers can tell about."""
    return [*_leak_goals(results), *_clean_goals(results), *_time_goals(results)]


def _leak_goals(results: Results) -> Iterator[Goal]:
    leaks = results.of(OURS, leaking=True)
    peers = {each.scene for each in results.of(PEER, leaking=True) if found(each)}
    both, alone = (
        [each for each in leaks if (each.scene in peers) == shared] for shared in (True, False)
    )
    for which, told in (
        (both, "every leak that psleak finds is found"),
        (alone, "the leaks that psleak does not find are found"),
    ):
        missed = [each.scene for each in which if not found(each)]
        count = f"{len(which) - len(missed)} of {len(which)}"
        yield Goal(not missed, f"{told}: {count}{_names('missed', missed)}.")


def _clean_goals(results: Results) -> Iterator[Goal]:
    clean = results.of(OURS, leaking=False)
    alarms = [each.scene for each in clean if each.verdict == "leak"]
    told = f"no false alarm in {len(clean)} clean functions: {len(alarms)}"
    yield Goal(not alarms, f"{told}{_names('alarms', alarms)}.")
    left = [each for each in clean if each.verdict not in ("clean", "leak")]
    names = _names("open", [f"{each.scene} after {each.seconds:.1f} s" for each in left])
    told = f"at most {OPEN} of them without a verdict within {TIME_LIMIT:.0f} s: {len(left)}"
    yield Goal(len(left) <= OPEN, f"{told}{names}.")


def _time_goals(results: Results) -> Iterator[Goal]:
    ours, peers = results.seconds(OURS), results.seconds(PEER)
    if ours:
        told = f"median time to a verdict at most {MEDIAN} s: {median(ours):.2f} s"
        yield Goal(median(ours) <= MEDIAN, f"{told}.")
    if ours and peers:
        ratio = median(ours) / median(peers)
        told = f"median time to a verdict below psleak's: {ratio:.2f} times psleak's"
        yield Goal(ratio < SHARE, f"{told} ({median(ours):.2f} s, {median(peers):.2f} s).")


def _names(what: str, names: Sequence[str]) -> str:
    return f" ({what}: {', '.join(names)})" if names else ""


def _page(results: Results) -> Iterator[str]:
    yield from ("# Verdict benchmark", "", _INTRODUCTION, "")
    yield from (f"- {key}: {value}" for key, value in results.about.items())
    yield from ("", "## Goals", "")
    yield from (goal.line for goal in goals(results))
    yield ""
    yield from _section("Seconds to a verdict", _time_table(results))
    yield from (_ON_TIME, "")
    yield from _section("Leaks", _leak_table(results))
    yield from (_ON_LEAKS, "")
    yield from _section("Clean functions", _clean_table(results))
    yield from _section("Not called clean", _offender_table(results))
    yield from (_ON_CYCLES, "")


def _section(title: str, table: Table) -> Iterator[str]:
    head, *rows = table
    yield from (f"## {title}", "", _row(head), _row(["---"] * len(head)))
    yield from map(_row, rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _time_table(results: Results) -> Table:
    head = [
        "scenes",
        "ocrleak: median",
        "90 %",
        "psleak: median",
        "90 %",
        "ratio of medians",
        "90 %",
    ]
    kinds = {"leaks": True, "clean": False, "all": None}
    seconds = {
        name: [results.seconds(tool, leaking=leaking) for tool in (OURS, PEER)]
        for name, leaking in kinds.items()
    }
    both = results.both()
    seconds["both right"] = [[pair[tool].seconds for pair in both] for tool in (0, 1)]
    ratios = [ours.seconds / peer.seconds for ours, peer in both]
    return [head, *(_time_row(name, *each) for name, each in seconds.items()), _ratio_row(ratios)]


def _time_row(name: str, ours: Sequence[float], peers: Sequence[float]) -> Sequence[str]:
    numbers = [*_middle_and_high(ours), *_middle_and_high(peers)]
    told = ["—" if number is None else f"{number:.2f} s" for number in numbers]
    ratios = [_ratio(numbers[0], numbers[2]), _ratio(numbers[1], numbers[3])]
    return [f"{name} ({len(ours)}, {len(peers)})", *told, *ratios]


def _middle_and_high(seconds: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the median and the 90th percentile."""
    if not seconds:
        return None, None
    return median(seconds), quantiles([*seconds, *seconds], n=10, method="inclusive")[-1]


def _ratio(ours: float | None, peers: float | None) -> str:
    return "—" if ours is None or peers is None else f"**{ours / peers:.2f}**"


def _ratio_row(ratios: Sequence[float]) -> Sequence[str]:
    told = ["—" if each is None else f"{each:.2f}" for each in _middle_and_high(ratios)]
    return ["both right, ratio by scene", "", "", "", "", *told]


def _leak_table(results: Results) -> Table:
    head = [
        "scene",
        "what stays, a run",
        "ocrleak: growth per run",
        "s",
        "psleak: growth per run",
        "s",
    ]
    named = [scene for scene in SCENES.values() if scene.stays]
    asked = [scene for scene in named if any(scene.name in a for a in results.answers.values())]
    return [head, *(_leak_row(results, scene) for scene in asked)]


def _leak_row(results: Results, scene: Scene) -> Sequence[str]:
    answers = [results.answers[tool].get(scene.name) for tool in (OURS, PEER)]
    return [scene.name, scene.stays, *(cell for each in answers for cell in _leak_cells(each))]


def _leak_cells(answer: Answer | None) -> Sequence[str]:
    if answer is None:
        return ["—", "—"]
    if found(answer):
        once = answer.verdict != "leak" and f"{answer.meters['heap']['one_time'] / 1e6:.2f} MB"
        told = f"states {once} as one-time" if once else answer.told
    else:
        what = "**no verdict**" if answer.verdict in ("none", "error") else "**missed**"
        told = f"{what}: {answer.told}" if answer.told else what
    return [_cell(told), f"{answer.seconds:.2f}"]


def _cell(text: str) -> str:
    """Return text that a table can hold."""
    return text.replace("|", "\\|").replace("\n", " ")


def _clean_table(results: Results) -> Table:
    head = [
        "tool",
        "functions",
        "clean",
        "false alarms",
        "of them cycles",
        "inconclusive",
        "no verdict",
        "error",
        "meters unavailable",
    ]
    return [head, *(_clean_row(tool, results.of(tool, leaking=False)) for tool in (OURS, PEER))]


def _clean_row(tool: str, answers: Sequence[Answer]) -> Sequence[str]:
    verdicts = [answer.verdict for answer in answers]
    cycles = sum("uncollectable" in answer.told for answer in answers)
    counts = [
        verdicts.count(verdict) for verdict in ("clean", "leak", "inconclusive", "none", "error")
    ]
    counts.insert(2, cycles)
    return [tool, str(len(answers)), *map(str, counts), _unavailable(answers)]


def _unavailable(answers: Sequence[Answer]) -> str:
    """Return which meters could not be read, in how many checks and why."""
    lost = Counter(
        f"{name} ({growth['reason']})"
        for answer in answers
        for name, growth in answer.meters.items()
        if growth["verdict"] == "unavailable"
    )
    return ", ".join(f"{count} × {what}" for what, count in lost.items()) or "—"


def _offender_table(results: Results) -> Table:
    head = ["clean function", "tool", "verdict", "s", "what it says"]
    rows = [
        [each.scene, tool, each.verdict, f"{each.seconds:.2f}", _cell(_said(each))]
        for tool in (OURS, PEER)
        for each in results.of(tool, leaking=False)
        if each.verdict != "clean"
    ]
    return [head, *rows]


def _said(answer: Answer) -> str:
    """Return a finding, and the meters that are open with their reasons."""
    reasons = [
        f"{name}: {growth['reason']}"
        for name, growth in answer.meters.items()
        if growth["verdict"] == "inconclusive"
    ]
    return "; ".join([*([answer.told] if answer.told else []), *reasons])
