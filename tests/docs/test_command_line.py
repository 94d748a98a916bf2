"""What the page on the command line shows is what the commands print about a real process."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from blocks import Block, blocks
from planting import COMMAND, PROGRAM, QUIET
from reports import LEAK, check, report
from shown import Shown, plain
from stories import at
from terminal import Terminal

from pytest_ocrleak.cli import doctor
from pytest_ocrleak.cli.checkup.plants import Seen
from pytest_ocrleak.cli.checkup.trust import Here
from pytest_ocrleak.cli.pages import plain as pages

PAGE = "docs/command-line.md"
BEFORE = (
    ("deleted", 12), ("same", 57), ("close_wait", 20), ("workers", 24),
    ("zombies", 3), ("children", 1), ("memory", 2),
)  # fmt: skip
AFTER = (("memory", 1), ("workers", 4), *[("same", 1)] * 20, ("same", 2))
MACHINE = re.compile(  # rows that are others on each machine
    r"librar|growth per minute is|heaps of threads|kernel pages|mapped files|thread stacks"
    r"|more below|^heap |Uss|Pss"
)
LOOSE = (
    (r"[▁▂▃▄▅▆▇█▏▎▍▌▋▊▉]+", ""),
    (r"─+", ""),
    (r" growth per minute", ""),  # told from 10 seconds on
    (r"^\S*python[\d.]* ", "python "),
    (r"python[\d.]*\*?", "python"),
    (r"of user \S+", "of user root"),
    (r"tmp\w{5,8}\b", "tmpX"),
    (r"\d+", "N"),
    (r"N(?:[– ]N)+|<N%|N%", "N"),
)
SCAN = at(
    {
        1: "import sys\nimport threading\nready = threading.Event()",
        4: "page = open(sys.argv[1], 'rb')\nprint(len(page.read()))",
        6: "threading.Thread(target=ready.wait, name='ocr-worker', daemon=True).start()",
    }
)
THING = Seen(
    available=True, unit="", planted_per_run=1.0, verdict="leak", per_run=1.0, nothing="clean"
)
BYTES = THING._replace(unit="B")
HEALTHY = {
    "fds": THING._replace(planted="1 descriptor"),
    "maps": BYTES._replace(planted="1 mapped page", planted_per_run=4096, per_run=4096),
    "threads": THING._replace(planted="1 thread"),
    "processes": THING._replace(planted="1 child"),
    "heap": BYTES._replace(planted="1 KiB of malloc", planted_per_run=1024, per_run=1040),
    "pyblocks": BYTES._replace(
        unit="blocks", planted="16 Python objects", planted_per_run=16, per_run=16
    ),
    "rss": BYTES._replace(
        planted="1 MB written to", planted_per_run=1e6, per_run=1e6, resolution=77.3
    ),
    "tempfiles": THING._replace(planted="1 temp file"),
    "gpu": Seen(available=False, reason="no NVIDIA driver"),
}
BATCH = "import cache\n\ncache.pages.append([object() for _ in range(100)])\n"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="made on Linux")


def loosened(lines: Sequence[str]) -> list[str]:
    """Return lines without what another process or machine has others of."""
    kept = [line for line in plain(lines) if not MACHINE.search(line)]
    for varying, instead in LOOSE:
        kept = [re.sub(varying, instead, line) for line in kept]
    return kept


def shows(block: Block, output: str, folder: Path) -> None:
    """Compare what a block shows with an output; ``…`` is understood at both ends."""
    printed = [line for line in block.lines if not line.startswith("$ ")]
    real = output.replace(str(folder), "").splitlines()
    Shown(f"line {block.line}", ["…", *loosened(printed), "…"]).check(loosened(real))


def by_first_words() -> dict[str, list[Block]]:
    """Return the page's blocks by the command, or by how what `watch` writes begins."""
    found: dict[str, list[Block]] = {}
    for block in blocks(PAGE):
        words = re.match(r"\$ ocrleak (\w+)|(Process)|\d+:\d+", block.text)
        assert words, block
        found.setdefault(words[1] or words[2] or "lines", []).append(block)
    return found


SHOWN = by_first_words()


class Server:
    """The page's server, with a folder of its own for temp files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "srv/ocr"
        (self.folder / "tmp").mkdir(parents=True)
        shutil.copyfile(PROGRAM, self.folder / "server.py")
        self.process = subprocess.Popen(
            [sys.executable, "server.py"],
            cwd=self.folder,
            env={**os.environ, "TMPDIR": str(self.folder / "tmp")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def plant(self, things: Sequence[tuple[str, int]]) -> None:
        """Have it take things, and wait until it has."""
        assert self.process.stdin
        assert self.process.stdout
        for name, count in things:
            print(name, count, file=self.process.stdin, flush=True)
            assert self.process.stdout.readline().strip() == name

    def end(self) -> None:
        """Let it end."""
        self.process.communicate()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a short path: long ones are cut where lines are short."""
    with tempfile.TemporaryDirectory(prefix="o") as made:
        yield Path(made)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """Give the server as it is when the page begins."""
    made = Server(folder)
    made.plant(BEFORE)
    yield made
    if made.process.returncode is None:
        made.end()


def ocrleak(folder: Path, *words: str, **environment: str) -> str:
    """Return what a command prints, on both streams."""
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env={**QUIET, "COLUMNS": "95", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_looking_and_looking_again(server: Server, folder: Path) -> None:
    """`inspect`, and `diff` of two looks."""
    pid = str(server.process.pid)
    shows(SHOWN["inspect"][0], ocrleak(server.folder, "inspect", pid), folder)
    for name in ("before", "after"):
        told = ocrleak(server.folder, "inspect", pid, "--json")
        (server.folder / f"{name}.json").write_text(told, "utf8")
        server.plant(AFTER)
    two = ocrleak(server.folder, "diff", "before.json", "after.json")
    shows(SHOWN["diff"][1], two, folder)


def test_watching_on_a_terminal(server: Server, folder: Path) -> None:
    """A page that is drawn again and again; the last one counts."""
    terminal = Terminal("watch", server.process.pid, "--interval", "0.2")
    terminal.until(lambda seen: "What it holds" in seen)
    server.plant(AFTER)
    seen = terminal.until(lambda seen: re.search(r"(?s)\+22 .*thread +python", seen) is not None)
    terminal.process.terminate()
    terminal.rest()
    (*_, last) = (page for page in seen.split("Process ") if re.search("thread +python", page))
    drawn = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", last)
    shows(SHOWN["Process"][0], "Process " + drawn.replace("\r", ""), folder)


def test_watching_in_lines(server: Server, folder: Path) -> None:
    """A line at each look, what appeared below it, and a sentence at the end of the process."""
    command = [*COMMAND, "watch", str(server.process.pid), "--interval", "0.2"]
    watch = subprocess.Popen(command, stdout=subprocess.PIPE, env=QUIET, text=True)
    assert watch.stdout
    seen = watch.stdout.readline()
    server.plant(AFTER[:-1])
    while "(+20)" not in seen:
        seen += watch.stdout.readline()
    server.plant(AFTER[-1:])
    while "(+22)" not in seen:
        seen += watch.stdout.readline()
    seen += watch.stdout.readline()
    server.end()
    seen += watch.communicate()[0]
    block = SHOWN["lines"][0]
    head, last = block.text.rstrip().rsplit("\n", 1)
    shows(block._replace(text=f"{head}\n…\n{last}"), seen, folder)


def leaking(meter: str, what: str, count: int) -> dict[str, Any]:
    """Return a leak of a report."""
    return {**LEAK, "meter": meter, "what": what, "count": count, "fingerprint": f"{meter}{what}"}


def test_two_reports(folder: Path) -> None:
    """`diff` of reports: new, still there, gone, and what was not looked for."""
    where = "tests/test_server.py::test_"
    pool = {"kind": "fixture", "scope": "module"}
    upload, recognize = (f"{where}{name}" for name in ("upload", "recognize"))
    held = "/srv/ocr/model.onnx"
    yesterday = report(
        check("pool", leaking("fds", held, 3), nodeid=upload, **pool),
        check("", leaking("fds", "/srv/ocr/upload.png", 1), nodeid=upload),
        check("", leaking("fds", "/srv/ocr/page.pdf", 1), nodeid=f"{where}export"),
        check("", nodeid=recognize),
    )
    today = report(
        check("pool", leaking("fds", held, 57), nodeid=upload, **pool),
        check("", nodeid=upload),
        check("", leaking("threads", "Python thread ocr-worker", 1), nodeid=recognize),
    )
    for name, data in (("yesterday", yesterday), ("today", today)):
        (folder / f"{name}.json").write_text(json.dumps(data), "utf8")
    printed = ocrleak(folder, "diff", "yesterday.json", "today.json", COLUMNS="80")
    assert printed.splitlines() == SHOWN["diff"][0].lines[1:]


def test_a_script_and_a_script_repeated(folder: Path) -> None:
    """`run` tells what is left with its lines, and what grows with what keeps it."""
    here = folder / "srv/ocr"
    here.mkdir(parents=True)
    for name, text in (("scan.py", SCAN), ("batch.py", BATCH), ("cache.py", "pages = []\n")):
        (here / name).write_text(text, "utf8")
    (here / "page.png").write_bytes(bytes(4096))
    for block in SHOWN["run"]:
        words = block.lines[0].split()[2:]
        shows(block, ocrleak(here, *words), folder)


def test_what_doctor_prints() -> None:
    """The page of a machine on which all is well; test_doctor.py examines a real one."""
    here = Here(
        "CPython 3.11.7", "Linux-6.18.44-x86_64-with-glibc2.36", "6.18.44", "glibc 2.36", 20_000,
        memray="1.20.0", rich="15.0.0",
    )  # fmt: skip
    printed = pages.rendered(doctor.page(here, HEALTHY), 80)
    assert printed.splitlines() == SHOWN["doctor"][0].lines[1:]


def test_no_block_is_left_out() -> None:
    """What is shown is tried above, and what `merge` prints in test_merging.py."""
    tried = {"inspect": 1, "Process": 1, "lines": 1, "diff": 2, "run": 2, "doctor": 1, "merge": 1}
    assert {name: len(found) for name, found in SHOWN.items()} == tried
