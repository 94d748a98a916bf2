"""The command line as its users meet it: real processes, terminals, pipes and signals."""

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from planting import COMMAND, QUIET, Planted, ocrleak
from terminal import Terminal

from pytest_ocrleak.cli import main as program
from pytest_ocrleak.cli.documents.record import record
from pytest_ocrleak.cli.pages import screen
from pytest_ocrleak.cli.process.holdings import Holdings
from pytest_ocrleak.meters import procfs

pytestmark = pytest.mark.skipif(not procfs.LINUX, reason="/proc is Linux's")
LEAVE, CURSOR = "\x1b[?1049l", "\x1b[?25h"  # the first screen again, the cursor again


def test_inspect_tells_what_is_odd_first(planted: Planted) -> None:
    """In plain lines where stdout is no terminal."""
    planted("deleted", 2)
    planted("same", 57)
    planted("zombies", 1)
    found = ocrleak("inspect", planted.pid, COLUMNS="80")
    assert (found.returncode, found.stderr) == (0, "")
    odd, rest = found.stdout.index("== What looks odd"), found.stdout.index("== Resident memory")
    assert odd < found.stdout.index("open ×57: file /tmp/") < rest
    assert odd < found.stdout.index("1 zombie among its children") < rest
    assert "deleted" in found.stdout[rest:]
    assert "GPU memory: " in found.stdout
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert "\x1b" not in found.stdout


def test_inspect_writes_json_that_is_read_again(planted: Planted) -> None:
    """Also where names are no Unicode."""
    planted("nasty", 2)
    data = json.loads(ocrleak("inspect", planted.pid, "--json").stdout)
    found = record(Holdings, data)
    assert found.process.pid == planted.pid
    assert sum("\\udcff" in each.target for each in found.descriptors) == 2


def test_names_of_others_drive_no_terminal(planted: Planted) -> None:
    """Neither in plain lines nor in colour."""
    planted("nasty", 1)
    plain, colour = ocrleak("inspect", planted.pid).stdout, Terminal("inspect", planted.pid).rest()
    assert "\\x1b[2Jred\\n0\\u202e\\udcff" in plain
    assert "\\x1b[2Jred" in colour
    assert not {"\x1b[2J", "\u202e"} & {text for text in ("\x1b[2J", "\u202e") if text in colour}


def test_a_terminal_gets_colour() -> None:
    """Rich does it."""
    assert "\x1b[" in Terminal("inspect", os.getpid()).rest()


def test_without_rich_a_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert screen.colourful()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert not screen.colourful()


@pytest.mark.parametrize("command", ["inspect", "watch"])
def test_a_process_that_is_not_there_is_one_sentence(command: str) -> None:
    """And exit code 1."""
    child = subprocess.Popen(["true"])
    child.wait()
    found = ocrleak(command, child.pid)
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == f"ocrleak: there is no process {child.pid}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        *((), ("nonsense",), ("inspect",), ("inspect", "x"), ("inspect", "0"), ("inspect", "-1")),
        *(
            ("inspect", "٣"),
            ("inspect", "9" * 40),
            ("diff", "one"),
            ("watch", "self", "--interval", "0"),
        ),
        *(("watch", "self", "--interval", value) for value in ("x", "0", "nan", "inf", "-1")),
    ],
)
def test_bad_usage_is_told(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2, and nothing on stdout."""
    with pytest.raises(SystemExit) as end:
        program.main(arguments)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert not out
    assert "usage: ocrleak" in err


@pytest.mark.parametrize("arguments", [("inspect",), ("inspect", "--json"), ("watch",)])
def test_a_reader_that_has_seen_enough_ends_it_quietly(
    planted: Planted, arguments: tuple[str, ...]
) -> None:
    """`head` closes the pipe after the first line."""
    writing = [*COMMAND, arguments[0], str(planted.pid), *arguments[1:]]
    process = subprocess.Popen(
        writing,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**QUIET, "PYTHONUNBUFFERED": ""},
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_full_disk_is_told_with_where(arguments: tuple[str, ...]) -> None:
    """That it was stdout; the interpreter adds nothing when it ends."""
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [*COMMAND, "inspect", "self", *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True, env=QUIET, check=False,
        )  # fmt: skip
    assert found.returncode == 1
    assert found.stderr == (
        "ocrleak: stopped: stdout cannot be written (No space left on device): print elsewhere\n"
    )


def test_without_a_terminal_lines_have_80_columns(planted: Planted) -> None:
    """As everywhere; and `COLUMNS` says otherwise."""
    planted("same", 57)
    assert max(map(len, ocrleak("inspect", planted.pid).stdout.splitlines())) <= 80
    assert max(map(len, ocrleak("inspect", planted.pid, COLUMNS="160").stdout.splitlines())) > 80


def test_the_version_is_told() -> None:
    """That of the distribution."""
    found = ocrleak("--version")
    assert (found.returncode, found.stdout) == (0, f"ocrleak {version('pytest-ocrleak')}\n")


def watching(planted: Planted, *arguments: str) -> "subprocess.Popen[str]":
    """Start to watch, several times a second."""
    return subprocess.Popen(
        [*COMMAND, "watch", str(planted.pid), "--interval", "0.05", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=QUIET,
    )


def test_watch_tells_what_appeared_until_the_process_ends(planted: Planted) -> None:
    """A JSON object a line, the last one with what it had last."""
    watch = watching(planted, "--json")
    assert watch.stdout
    first = json.loads(watch.stdout.readline())
    planted("same", 5)
    lines: list[dict[str, Any]] = [first]
    while lines[-1]["meters"]["fds"]["change"] < 5:
        lines.append(json.loads(watch.stdout.readline()))
    appeared = [entry for line in lines for entry in line["appeared"] if entry["meter"] == "fds"]
    assert sum(entry["count"] for entry in appeared) == 5
    planted.end()
    *_, last = watch.communicate()[0].splitlines()
    assert json.loads(last)["ended"] is True
    assert json.loads(last)["last"]["fds"] == first["meters"]["fds"]["now"] + 5
    assert watch.returncode == 0


def test_watch_writes_lines_where_there_is_no_terminal(planted: Planted) -> None:
    """The end of the process is a sentence."""
    watch = watching(planted)
    assert watch.stdout
    assert "threads 1" in watch.stdout.readline()
    planted("threads", 3)
    seen = ""
    while "threads 4 (+3)" not in seen or "threads: thread ocr-worker-*" not in seen:
        seen += watch.stdout.readline()
    planted.end()
    out, err = watch.communicate()
    assert (watch.returncode, err) == (0, "")
    assert f"process {planted.pid} (" in out.splitlines()[-1]
    assert "threads 4 (+3)" in out.splitlines()[-1]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_signal_ends_watching_well(
    planted: Planted, ending: signal.Signals, arguments: tuple[str, ...]
) -> None:
    """Ctrl-C and a plain kill: exit code 0, nothing to complain about."""
    watch = watching(planted, *arguments)
    assert watch.stdout
    watch.stdout.readline()
    watch.send_signal(ending)
    _, err = watch.communicate()
    assert (watch.returncode, err) == (0, "")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_terminal_is_left_clean(planted: Planted, ending: signal.Signals) -> None:
    """The first screen is back, the cursor too, and the last page stays."""
    terminal = Terminal("watch", planted.pid, "--interval", "0.05")
    terminal.until(lambda seen: "What it holds" in seen)
    planted("same", 3)
    terminal.until(lambda seen: "model.onnx" in seen)
    terminal.process.send_signal(ending)
    after = terminal.rest().rpartition(LEAVE)[2]
    assert terminal.process.returncode == 0
    assert CURSOR in terminal.seen
    assert "model.onnx" in after
    assert "\x1b[?1049h" not in after


def test_a_terminal_is_told_when_the_process_ended(planted: Planted) -> None:
    """In the last line, below the last page."""
    terminal = Terminal("watch", planted.pid, "--interval", "0.05")
    terminal.until(lambda seen: "What it holds" in seen)
    planted.end()
    last = terminal.rest().rpartition(LEAVE)[2].rstrip().splitlines()
    assert terminal.process.returncode == 0
    assert "ended" in " ".join(last[-2:])


def test_the_command_loads_nothing_into_a_session() -> None:
    """Importing the package imports no command line, and the command line no pytest."""
    code = (
        "import sys, pytest_ocrleak; assert 'pytest_ocrleak.cli' not in sys.modules;"
        "import pytest_ocrleak.cli.main; assert not {'pytest', 'rich', 'pynvml'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
