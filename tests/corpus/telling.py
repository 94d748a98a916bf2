"""Make one check in a package's own environment and tell what it found, as JSON."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from time import perf_counter

from pytest_ocrleak import Growth, Leak, LeakError


def tell(check: Callable[[], Mapping[str, Growth]]) -> None:
    """Write the leaks and all meters' verdicts."""
    started = perf_counter()
    leaks: tuple[Leak, ...] = ()
    try:
        meters = check()
    except LeakError as error:
        meters, leaks = error.check.meters, error.leaks
    told = {
        "seconds": perf_counter() - started,
        "leaks": [asdict(leak) for leak in leaks],
        "meters": {name: asdict(growth) for name, growth in meters.items()},
    }
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()
