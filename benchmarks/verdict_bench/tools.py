"""The two tools behind one door: each checks a function as its own documentation says."""

import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any

from verdict_bench.scene import Run

OURS, PEER = "ocrleak", "psleak"
FLOOR = 16  # bytes per call that are noise to psleak


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool said of a scene.

    ``verdict`` is `leak`, `clean`, `inconclusive`, `error`, or `none` where time ran out;
    ``seconds`` are those of the check alone, from its call to its end; ``told`` is its finding in
    words, ``meters`` all that it knows by meter.
    """

    scene: str
    tool: str
    verdict: str
    seconds: float
    told: str = ""
    runs: int = 0
    meters: dict[str, Any] = field(default_factory=dict)


def timed(check: Callable[[], object]) -> tuple[float, BaseException | None]:
    """Return the seconds that a check took, and what it raised."""
    start = time.perf_counter()
    try:
        check()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the answer
        return time.perf_counter() - start, error
    return time.perf_counter() - start, None


def ocrleak(scene: str, run: Run) -> Answer:
    """Ask `pytest_ocrleak.assert_no_growth`, with its defaults."""
    from pytest_ocrleak.check import Checker  # noqa: PLC0415 - in its own process alone
    from pytest_ocrleak.outcome import Check, LeakError  # noqa: PLC0415
    from pytest_ocrleak.sizes import human  # noqa: PLC0415

    checks: list[Check] = []
    seconds, error = timed(lambda: Checker(record=checks.append).assert_no_growth(run))
    if error is not None and not isinstance(error, LeakError):
        return Answer(scene, OURS, "error", seconds, repr(error))
    (check,) = checks
    leaking = {leak.meter for leak in check.leaks}
    told = ", ".join(
        f"{name} {human(growth.per_run, growth.unit)}"
        for name, growth in check.meters.items()
        if name in leaking
    )
    meters = {name: asdict(growth) for name, growth in check.meters.items()}
    return Answer(scene, OURS, check.verdict, seconds, told, check.runs, meters)


def psleak(scene: str, run: Run) -> Answer:
    """Ask `psleak.MemoryLeakTestCase.execute`, with its defaults, in a test case as it wants."""
    module = import_module("psleak")

    tests = {"test": lambda case: case.execute(run)}
    case: Any = type("Case", (module.MemoryLeakTestCase,), tests)
    case.setUpClass()
    seconds, error = timed(case("test").test)
    if error is None:
        return Answer(scene, PEER, "clean", seconds)
    if isinstance(error, module.Error):
        return Answer(scene, PEER, "leak", seconds, shortly(error))
    return Answer(scene, PEER, "error", seconds, repr(error))


def shortly(error: BaseException) -> str:
    """Return psleak's message as kind and last growth per call, or its first line."""
    first, *lines = str(error).splitlines()
    if type(error).__name__ == "MemoryLeakError" and lines:
        return growth_per_call(lines[-1])
    return first.partition(" after calling")[0].removeprefix("detected ")


def growth_per_call(line: str) -> str:
    """Return the heap's growth per call by a line of psleak's, or where there is none the largest.

    Such a line is ``Run #10: heap=+415024 | rss=+413696 (calls=5188, avg/call=+79)``.
    """
    calls = re.search(r"calls=\s*(\d+)", line)
    sizes = {name: int(size) for name, size in re.findall(r"(\w+)=\+(\d+)", line.partition("(")[0])}
    if not calls or not sizes:
        return line
    rates = {name: size / int(calls[1]) for name, size in sizes.items()}
    largest = "heap" if rates.get("heap", 0) > FLOOR else max(rates, key=lambda name: rates[name])
    return f"{largest} {float(f'{rates[largest]:.3g}'):g} B"


TOOLS: dict[str, Callable[[str, Run], Answer]] = {OURS: ocrleak, PEER: psleak}
