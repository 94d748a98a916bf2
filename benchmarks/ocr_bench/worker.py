"""The process of one engine: takes orders as JSON lines, answers each with one.

An engine alone in its process is what makes its memory its own. What the engine prints goes to
standard error, so that the answers stay clean.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from ocr_bench import memory
from ocr_bench.engines import ENGINES, Engine


def answer(engine: Engine, order: dict[str, Any]) -> dict[str, Any]:
    """Carry out one order and return what came of it."""
    match order["do"]:
        case "load":
            engine.load()
        case "read":
            start = time.perf_counter()
            text = engine.read(order["path"])
            return {"text": text, "seconds": time.perf_counter() - start}
        case "free":
            engine.free()
            memory.settle()
        case "many":
            return {"rss": list(read_many(order["paths"], order["every"])), "peak": memory.peak()}
    return {"rss": memory.resident(), "peak": memory.peak()}


def read_many(paths: list[str], every: int) -> Iterator[int]:
    """Read `paths` with `recognize_many` and yield the peak after each `every` pages."""
    from ocrleak_engine import OcrEngine  # noqa: PLC0415 (only this process of the five has it)

    with OcrEngine() as engine:
        for count, _ in enumerate(engine.recognize_many(paths), 1):
            if count % every == 0:
                yield memory.peak()


def main() -> None:
    """Serve the engine named on the command line until the orders end."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    engine = ENGINES[sys.argv[1]]()
    for line in sys.stdin:
        try:
            reply = answer(engine, json.loads(line))
        except Exception as error:  # noqa: BLE001 (an engine may raise anything; it is reported)
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)


if __name__ == "__main__":
    main()
