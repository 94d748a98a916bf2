"""Measure how large reports are, how long they take to render, and to open in a browser.

python benchmarks/report.py > docs/report-benchmark.md
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

from overhead_bench.environment import commit
from report_bench.documents import CHECKS, LEAKS, mixture, worst

from pytest_ocrleak.report.formats import SUFFIXES, rendered

ROUNDS = 5
LARGEST = 5e6  # bytes of a page
SLOWEST = 10  # times as long as writing the JSON
PACKAGES = ("pytest-ocrleak", "Jinja2", "matplotlib", "playwright")
EMPTY = "<!DOCTYPE html><html lang=en><title>empty</title><p>nothing"
LOADED = "(() => { const [n] = performance.getEntriesByType('navigation');"
LOADED += " return [n.domContentLoadedEventEnd, n.loadEventEnd]; })()"
_INTRODUCTION = f"""\
Written by `python benchmarks/report.py`; not to be edited. Two documents of {CHECKS} checks each:
one in which {LEAKS} leak, a tenth are repeated and a few are inconclusive, and the worst, in which
every check was repeated and leaks another thing. Each rendering is that of a fresh process, the
import of what renders included; all formats take turns in each round. Ratios are of CPU time, which
neighbours on the machine disturb least: the median of the rounds' ratios to JSON. A page is opened
from a file, all pages in turn in each round, in one browser; the ratio is to an empty page in the
same round, of the time until the document is read (DOMContentLoaded) and until it is laid out and
loaded (load)."""


def render(suffix: str, source: Path, target: Path) -> float:
    """Render a document in this process, and return the seconds of CPU that it took."""
    told = json.loads(source.read_text("utf-8"))
    start = time.process_time()
    text = rendered(suffix, told)
    seconds = time.process_time() - start
    target.write_text(text, "utf-8")
    return seconds


def rendering(name: str, folder: Path, rounds: int) -> dict[str, float]:
    """Return by format how long a fresh process takes, as a ratio to JSON."""
    found: dict[str, list[float]] = {suffix: [] for suffix in SUFFIXES}
    for place in range(rounds):
        took = {}
        for turn in range(len(SUFFIXES)):
            suffix = SUFFIXES[(place + turn) % len(SUFFIXES)]
            arguments = [__file__, "--render", suffix, str(folder / name), str(folder)]
            done = subprocess.run(
                [sys.executable, *arguments], check=True, capture_output=True, text=True
            )
            took[suffix] = float(done.stdout)
        for suffix, seconds in took.items():
            found[suffix].append(seconds / took[".json"])
        print(f"{name}: round {place + 1}", file=sys.stderr, flush=True)
    return {suffix: median(ratios) for suffix, ratios in found.items()}


def opening(pages: Mapping[str, Path], rounds: int) -> dict[str, tuple[float, float]]:
    """Return how long a browser takes to open each page, as ratios to the one called empty."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - may not be there

    found: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for place in range(rounds + 1):
            took = {}
            for name, path in pages.items():
                page = browser.new_page()
                page.goto(path.as_uri())
                took[name] = page.evaluate(LOADED)
                page.close()
            for name, (read, loaded) in took.items() if place else ():  # the first warms up
                found[name].append((read / took["empty"][0], loaded / took["empty"][1]))
        browser.close()
    return {
        name: (median(read for read, _ in each), median(loaded for _, loaded in each))
        for name, each in found.items()
    }


def chromium() -> str:
    """Return the browser that is installed.

    Raises
    ------
    OSError
        There is none.

    """
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise OSError("no Chromium is on the PATH")
    return found


def measure(rounds: int) -> Iterator[str]:
    """Yield the page's lines."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "empty.html").write_text(EMPTY, "utf-8")
        told = {"mixture": mixture(), "worst": worst()}
        for name, made in told.items():
            (folder / name).write_text(json.dumps(made), "utf-8")
        ratios = {name: rendering(name, folder, rounds) for name in told}
        pages = {name: folder / f"{name}.html" for name in ("empty", *told)}
        try:
            opened: Mapping[str, tuple[float, float]] = opening(pages, rounds)
        except (ImportError, OSError) as error:
            opened = {}
            print(f"no page was opened: {error}", file=sys.stderr)
        sizes = {
            name: {s: (folder / f"{name}{s}").stat().st_size for s in SUFFIXES} for name in told
        }
        yield from goals(sizes, ratios)
        for name in told:
            yield from table(name, sizes[name], ratios[name], opened)


def goals(
    sizes: Mapping[str, Mapping[str, int]], ratios: Mapping[str, Mapping[str, float]]
) -> Iterator[str]:
    """Yield what was to be reached, and whether it was."""
    largest = max(each[".html"] for each in sizes.values())
    slowest = max(each[".html"] for each in ratios.values())
    yield from ("## Goals", "")
    yield goal(
        f"a page of {LARGEST / 1e6:g} MB at most: {largest / 1e6:.1f} MB", largest <= LARGEST
    )
    times = f"at most {SLOWEST} times as long as JSON: {slowest:.1f} times"
    yield goal(times, slowest <= SLOWEST)
    yield ""


def goal(sentence: str, reached: object) -> str:
    """Return a goal as an item of a list."""
    return f"- **{'Reached' if reached else 'Missed'}**: {sentence}."


def table(
    name: str,
    sizes: Mapping[str, int],
    ratios: Mapping[str, float],
    opened: Mapping[str, tuple[float, float]],
) -> Iterator[str]:
    """Yield what was measured of a document."""
    told = {"mixture": f"{LEAKS} of {CHECKS} checks leak", "worst": f"All {CHECKS} checks leak"}
    yield from (f"## {told[name]}", "")
    yield "| format | MB | rendering, JSON = 1 | read, empty page = 1 | loaded, empty page = 1 |"
    yield "| --- | --- | --- | --- | --- |"
    for suffix in SUFFIXES:
        seen = opened.get(name) if suffix == ".html" else None
        cells = [f"{each:.1f}" for each in seen] if seen else ["—", "—"]
        size = f"{sizes[suffix] / 1e6:.2f}"
        yield f"| `{suffix}` | {size} | **{ratios[suffix]:.2f}** | {' | '.join(cells)} |"
    yield ""


def about() -> Iterator[str]:
    """Yield what the numbers were measured on."""
    yield f"- Date: {datetime.now(UTC):%Y-%m-%d}"
    load = f"load {os.getloadavg()[0]:.1f} at the start"
    yield f"- Machine: {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {load}"
    yield f"- Python: {platform.python_version()}"
    yield f"- Packages: {', '.join(map(' '.join, packages()))}"
    try:
        told = subprocess.run([chromium(), "--version"], check=True, capture_output=True, text=True)
        yield f"- Browser: {told.stdout.strip()}"
    except (OSError, subprocess.CalledProcessError) as error:
        yield f"- Browser: none ({error})"
    yield f"- Commit: {commit()}"


def packages() -> Iterator[tuple[str, str]]:
    """Yield the packages that take part, with their versions."""
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its page; or render one document and print the seconds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, metavar="N", help="(default: %(default)s)"
    )
    parser.add_argument("--render", nargs=3, metavar=("SUFFIX", "DOCUMENT", "FOLDER"))
    options = parser.parse_args(arguments)
    if options.render:
        suffix, source, folder = options.render
        print(render(suffix, Path(source), Path(folder) / f"{Path(source).name}{suffix}"))
        return 0
    print("\n".join(("# Report benchmark", "", _INTRODUCTION, "", *about(), "")), flush=True)
    print("\n".join(measure(options.rounds)).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
