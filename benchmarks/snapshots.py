"""What reading a process costs, and that it moves nothing it reads.

Run ``python benchmarks/snapshots.py [READINGS]`` (100 000 by default). It takes that many readings
of all meters in a row and prints by how much each figure has moved since the first thousand; then
what one reading of each meter costs beside psutil's nearest call, interleaved, as ratios.
"""

import sys
import timeit
from collections.abc import Callable

import psutil

from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS, read
from pytest_ocrleak.readings import Readings
from pytest_ocrleak.settle import Patience

WARM = 1000
ROUNDS = 30
ME = psutil.Process()
PEERS: dict[str, Callable[[], object]] = {
    "fds": lambda: (ME.open_files(), ME.net_connections()),
    "maps": lambda: ME.memory_maps(grouped=False),
    "threads": ME.threads,
    "processes": lambda: ME.children(recursive=True),
    "heap": psutil.heap_info,
    "rss": ME.memory_full_info,
}


def movement(readings: int) -> None:
    """Print how far each meter moved over many readings."""
    limits = Limits()
    meters = limits.meters
    for _ in range(WARM):
        read(meters)
    series = Readings(limits)
    for _ in range(readings):
        read(meters)
    series.add(readings, Patience(0.0))
    print(f"| meter | moved over {readings} readings |\n| --- | --- |")
    for meter in meters:
        growth = series.growth(meter.name)
        steps = growth.series if growth else ()
        told = f"{sum(steps):g} {meter.unit}" if steps else growth.reason if growth else "-"
        print(f"| {meter.name} | {told} |")


def costs() -> None:
    """Print the cost of a reading beside psutil's, the median of interleaved rounds."""
    print("\n| meter | reading, µs | psutil's nearest call = 1 |\n| --- | --- | --- |")
    for name, meter in METERS.items():
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(timeit.timeit(meter.read, number=10) / 10)
            if name in PEERS:
                theirs.append(timeit.timeit(PEERS[name], number=10) / 10)
        mine = sorted(ours)[ROUNDS // 2]
        ratio = f"{mine / sorted(theirs)[ROUNDS // 2]:.2g}" if theirs else "-"
        print(f"| {name} | {mine * 1e6:.0f} | {ratio} |")


if __name__ == "__main__":
    movement(int(sys.argv[1]) if sys.argv[1:] else 100_000)
    costs()
