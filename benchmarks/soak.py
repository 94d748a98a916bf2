"""Let engines live side by side in many threads for minutes, and see what grows and what fails.

python benchmarks/soak.py > docs/soak-benchmark.md
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from overhead_bench.environment import commit
from soak_bench.lives import Soak, Tally, life, sheets
from soak_bench.report import Results, failed, markdown

THREADS, MINUTES, WAVE = 8, 10.0, 15.0  # threads, and for how long; seconds between readings
ALONE = 20  # engines that live one by one before, to compare with
PACKAGES = ("pytest-ocrleak", "ocrleak-engine", "onnxruntime", "numpy", "Pillow")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its page; return 0, or 1 where anything failed or leaks."""
    options = _parser().parse_args(arguments)
    about = _about(options)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options, about)
    about["Load"] = f"{about['Load']}, {os.getloadavg()[0]:.1f} at the end"
    print(markdown(found), end="")
    return int(failed(found))


def measure(folder: Path, options: argparse.Namespace, about: dict[str, str]) -> Results:
    """Let engines live alone, then in threads."""
    pages, alone = sheets(folder), Tally()
    for number in range(ALONE):
        life(folder, number, pages, alone.times)
        alone.lives += 1
    start = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - start:.0f} s: {what}", file=sys.stderr, flush=True)

    tell(f"{len(pages)} pages, {ALONE} engines lived alone")
    soak = Soak(folder, options.threads, pages, tell)
    meters = soak.run(options.minutes * 60, min(WAVE, options.minutes * 60 / 8))
    return Results(about, meters, soak.tally, alone)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--threads",
        type=int,
        default=THREADS,
        metavar="N",
        help="threads that make and free engines (default: %(default)s)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        metavar="N",
        help="how long they do (default: %(default)g)",
    )
    return parser


def _about(options: argparse.Namespace) -> dict[str, str]:
    """Return what the numbers were measured on."""
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "Load": f"{os.getloadavg()[0]:.1f} at the start",
        "Python": platform.python_version(),
        "Packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "Commit": commit(),
        "Soak": f"{options.threads} threads, {options.minutes:g} minutes",
    }


if __name__ == "__main__":
    sys.exit(main())
