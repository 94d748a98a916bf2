"""What a run on GitHub Actions shows beside its log: annotations, and the job's summary."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_ocrleak.meters import events
from pytest_ocrleak.report import formats

HERE, ROOT, SUMMARY = "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"


def here() -> bool:
    """Tell whether this runs on GitHub Actions."""
    return os.environ.get(HERE) == "true"


def commands(checks: Iterable[Mapping[str, Any]], tests: Path) -> Iterator[str]:
    """Yield the commands that make annotations of leaks; ``tests`` is where node ids begin."""
    from pytest_ocrleak.report.annotations import Folders, annotations  # noqa: PLC0415 - only there

    start = Path(events.base() or tests)
    yield from annotations(checks, Folders(start, tests, Path(os.environ.get(ROOT, tests))))


def summarize(document: Mapping[str, Any]) -> Iterator[str]:
    """Append a report to the job's summary; yield the sentence that says why that failed."""
    path = os.environ.get(SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(formats.rendered(".md", document))
    except Exception as error:  # noqa: BLE001 - no outcome of a test hangs on it
        yield f"ocrleak: the job's summary was not written: {error}"
