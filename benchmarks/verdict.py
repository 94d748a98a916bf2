"""Measure the verdicts of pytest-ocrleak beside psleak's: leaks found, false alarms, seconds.

Run in an environment with both packages of this repository:

pip install -e . -e engine
pip install psleak jinja2
python benchmarks/verdict.py > docs/verdict-benchmark.md
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path

from verdict_bench.report import markdown
from verdict_bench.run import answers
from verdict_bench.scene import Scene
from verdict_bench.scenes import SCENES
from verdict_bench.tools import TOOLS, Answer

PACKAGES = ("pytest-ocrleak", "psleak", "psutil", "numpy", "onnxruntime", "pillow", "jinja2")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its page; return 0, or 2 when no scene has such a name."""
    options = _parser().parse_args(arguments)
    scenes = chosen(options.only)
    if not scenes:
        print(f"no scene is called {' or '.join(options.only)}", file=sys.stderr)
        return 2
    about = _about(options.jobs)
    found = []
    for number, answer in enumerate(answers(scenes, options.tools, options.jobs), 1):
        found.append(answer)
        _tell(answer, f"{number}/{len(scenes) * len(options.tools)}")
        if options.json:
            with options.json.open("a", encoding="utf-8") as file:
                print(json.dumps(asdict(answer)), file=file)
    print(markdown(about, found), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only",
        nargs="+",
        default=["*"],
        metavar="NAME",
        help="scenes to check, wildcards allowed",
    )
    parser.add_argument(
        "--tools",
        nargs="+",
        choices=TOOLS,
        default=list(TOOLS),
        help="tools to ask (default: both)",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="add every answer to a file, a line each"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="scenes at a time; with 1, the default, times compare"
    )
    return parser


def chosen(patterns: Sequence[str]) -> list[Scene]:
    """Return the scenes whose names match."""
    return [s for s in SCENES.values() if any(fnmatchcase(s.name, p) for p in patterns)]


def _tell(answer: Answer, place: str) -> None:
    """Show how far the benchmark is."""
    line = f"{place} {answer.scene} {answer.tool}: {answer.verdict} {answer.seconds:.2f} s"
    print(line, answer.told, file=sys.stderr, flush=True)


def _about(jobs: int) -> dict[str, str]:
    """Return what the numbers were measured on."""
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"load {os.getloadavg()[0]:.1f} at the start, {jobs} scene{'s' * (jobs > 1)} at a time",
        "Python": platform.python_version(),
        "Packages": ", ".join(f"{package} {version(package)}" for package in PACKAGES),
    }


if __name__ == "__main__":
    sys.exit(main())
