"""Runs the engines, each in its own process, and keeps what they answered."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

from .cases import Case
from .engines import OURS
from .score import edits


class Worker:
    """The process of one engine."""

    def __init__(self, engine: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ocr_bench.worker", engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )

    def ask(self, do: str, **order: object) -> dict[str, Any]:
        """Give one order and return the answer.

        Raises
        ------
        RuntimeError
            The process ended instead of answering.
        """
        process = self._process
        assert process.stdin is not None  # noqa: S101 (both are pipes)
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {process.args!r} ended with {process.wait()}")
        return cast("dict[str, Any]", json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            pass


@dataclass
class Reading:
    """What one engine made of one image."""

    case: Case
    text: str = ""
    error: str = ""
    seconds: list[float] = field(default_factory=list)  # one a round

    @property
    def time(self) -> float:
        """The median over the rounds, in seconds."""
        return statistics.median(self.seconds)

    @property
    def edits(self) -> tuple[int, int]:
        """See `score.edits`; nothing read counts as all wrong."""
        return edits(self.case.truth, self.text)

    def add(self, answer: dict[str, Any]) -> None:
        """Keep the answer of one round."""
        self.error = answer.get("error", "")
        self.text = answer.get("text", "")
        self.seconds.append(answer.get("seconds", float("nan")))


def read_in_turns(
    engines: Sequence[str], cases: Sequence[Case], rounds: int
) -> dict[str, list[Reading]]:
    """Let every engine read every image, one engine at a time, so that noise hits all alike.

    Image by image, each time beginning with another engine; then the next round. One image read
    beforehand and not counted warms up each engine.
    """
    readings = {engine: [Reading(case) for case in cases] for engine in engines}
    with ExitStack() as stack:
        workers = {engine: stack.enter_context(Worker(engine)) for engine in engines}
        for worker in workers.values():
            worker.ask("load")
            worker.ask("read", path=str(cases[0].path))
        for turn in range(rounds * len(cases)):
            first, index = turn % len(engines), turn % len(cases)
            for engine in (*engines[first:], *engines[:first]):
                answer = workers[engine].ask("read", path=str(cases[index].path))
                readings[engine][index].add(answer)
    return readings


@dataclass(frozen=True)
class Memory:
    """Resident bytes of one engine's process over two lives of the engine."""

    start: int
    loaded: int
    peak: int
    freed: int
    freed_again: int


def weigh(engine: str, cases: Sequence[Case]) -> Memory:
    """Load, read all images, free; and once more in the same process."""
    with Worker(engine) as worker:
        start = worker.ask("look")["rss"]
        loaded = _live(worker, cases)
        freed = worker.ask("free")
        _live(worker, cases)
        return Memory(start, loaded, freed["peak"], freed["rss"], worker.ask("free")["rss"])


def _live(worker: Worker, cases: Sequence[Case]) -> int:
    """Load and read all; return what is resident after the first image (some load only then)."""
    worker.ask("load")
    worker.ask("read", path=str(cases[0].path))
    loaded = worker.ask("look")["rss"]
    for case in cases:
        worker.ask("read", path=str(case.path))
    return int(loaded)


def read_stream(cases: Sequence[Case], count: int, every: int) -> list[int]:
    """Return the peak memory of `recognize_many` over `count` images, after each `every`."""
    paths = [str(cases[number % len(cases)].path) for number in range(count)]
    with Worker(OURS) as worker:
        return cast("list[int]", worker.ask("many", paths=paths, every=every)["rss"])
