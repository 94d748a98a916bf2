"""Measure ocrleak-engine beside RapidOCR and Tesseract: accuracy, time and memory, in one run.

pip install -e engine -r benchmarks/ocr-requirements.txt
apt install tesseract-ocr
python benchmarks/ocr.py
"""

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ocr_bench.cases import REAL, Case, fingerprint, real_cases, rendered_cases
from ocr_bench.engines import ENGINES, OURS
from ocr_bench.fonts import font_files
from ocr_bench.render import COPIES
from ocr_bench.report import Results, markdown
from ocr_bench.run import read_in_turns, read_stream, weigh

PAGE = Path(__file__).parents[1] / "docs" / "ocr-benchmark.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; return 0, or 1 when ocrleak-engine itself is not installed."""
    options = _parser().parse_args(arguments)
    versions = {name: ENGINES[name]().version() for name in (OURS, *options.peers)}
    for name in (name for name, version in versions.items() if version is None):
        print(f"{name}: not installed", file=sys.stderr)
    if versions[OURS] is None:
        return 1
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("OCRLEAK_MODEL_DIR", str(Path(folder, "models")))
        text = markdown(measure(Path(folder), versions, options))
    output = options.output or (None if options.quick else PAGE)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    peers = [name for name in ENGINES if name != OURS]
    engines = f"engines to compare with (default: {' '.join(peers)})"
    parser.add_argument(
        "--peers", nargs="*", choices=peers, default=peers, metavar="NAME", help=engines
    )
    parser.add_argument("--rounds", type=int, default=3, help="times of each image (default: 3)")
    parser.add_argument(
        "--output",
        type=Path,
        help=f"page to write (default: docs/{PAGE.name}, with --quick the terminal)",
    )
    parser.add_argument("--quick", action="store_true", help="a few images once, to see it work")
    return parser


def measure(folder: Path, versions: dict[str, str | None], options: argparse.Namespace) -> Results:
    """Draw the images into `folder`, run every engine that has a version, return the numbers."""
    rendered = rendered_cases(folder, font_files())
    cases = [*rendered, *real_cases()]
    if options.quick:
        rendered, cases = rendered[::12], [*rendered[::12], *real_cases()[-3:]]
    some = [*rendered[::COPIES], *(case for case in cases if case.look == REAL)]
    engines = [name for name, version in versions.items() if version]
    step = 5 if options.quick else 100
    return Results(
        about=_about(cases, 1 if options.quick else options.rounds),
        versions=versions,
        readings=read_in_turns(engines, cases, 1 if options.quick else options.rounds),
        memory={name: weigh(name, some) for name in engines if ENGINES[name].weighed},
        stream=read_stream(rendered, 5 * step, step),
        stream_step=step,
    )


def _about(cases: Sequence[Case], rounds: int) -> dict[str, str]:
    real = sum(case.look == REAL for case in cases)
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"load {os.getloadavg()[0]:.1f} at the start",
        "Python": platform.python_version(),
        "Images": f"{len(cases) - real} rendered, {real} real, fingerprint `{fingerprint(cases)}`",
        "Rounds": str(rounds),
    }


if __name__ == "__main__":
    sys.exit(main())
