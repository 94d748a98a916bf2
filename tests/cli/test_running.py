"""`ocrleak run` on real scripts, each that leaks beside the same one mended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from planting import COMMAND, QUIET

from pytest_ocrleak.meters import procfs

pytestmark = pytest.mark.skipif(not procfs.LINUX, reason="/proc is Linux's")
PYTHON = sys.executable
Done = subprocess.CompletedProcess[str]
Ran = Callable[..., Done]
LEAVES = """\
import atexit, os, subprocess, sys, tempfile, threading
mended = "mended" in sys.argv
over = threading.Event()
file = open("page.bin", "wb")
thread = threading.Thread(target=over.wait, name="planted", daemon=not mended)
thread.start()
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
number, name = tempfile.mkstemp(prefix="planted-")
os.close(number)
if mended:
    file.close()
    over.set()
    child.communicate()
    atexit.register(os.unlink, name)
os.unlink("page.bin")
if not mended:
    print(name)
"""
TELLS = "import sys; print(__name__, __package__, sys.argv, sys.path, sys.flags, globals().keys())"
POOL = """\
import atexit, threading, time
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(1)
print(pool.submit(str, "pool").result())
file = open("/dev/null")
atexit.register(file.close)
gate = threading.Event()
threading.Thread(target=lambda: gate.wait() and print("late")).start()
gate.set()
"""
FAILS = """\
def read(path):
    file = open(path)
    raise ValueError(path)


kept = open("/dev/null")
read("/dev/zero")
"""


@pytest.fixture
def run(tmp_path: Path) -> Ran:
    """Return what runs `ocrleak run WORDS…` in a folder of the test's own."""

    def ran(*words: str) -> Done:
        command = [*COMMAND, "run", *words]
        return subprocess.run(
            command, check=False, text=True, capture_output=True, env=QUIET, cwd=tmp_path
        )

    return ran


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Return what writes a script into that folder."""

    def written(text: str) -> str:
        (tmp_path / "script.py").write_text(text)
        return "script.py"

    return written


def line(part: str) -> int:
    """Return the line of `LEAVES` that has a part."""
    return 1 + next(at for at, text in enumerate(LEAVES.splitlines()) if part in text)


def test_what_a_script_leaves_is_told_with_its_lines(
    run: Ran, script: Callable[[str], str]
) -> None:
    """A file, a thread, a child and a temp file, each with the line that made it and its keeper."""
    found = run("--", PYTHON, script(LEAVES))
    Path(found.stdout.strip()).unlink()
    told = found.stderr
    assert found.returncode == 1
    assert told.startswith(f"ocrleak: {PYTHON} script.py leaks (fds 2, 0 allowed; threads 1")
    assert f"page.bin (deleted)\n      opened at script.py:{line('page.bin')} in <module>" in told
    assert "kept by module __main__ → file" in told
    assert f"planted\n      started at script.py:{line('thread.start')} in <module>" in told
    assert f"child process cat\n      started at script.py:{line('Popen')} in <module>" in told
    assert f"      made at script.py:{line('mkstemp')} in <module>" in told
    assert "try: close it before the script ends" in told


def test_its_mended_twin_leaves_nothing(run: Ran, script: Callable[[str], str]) -> None:
    """Also what goes in a thread that ends late, or by `atexit`; and our lines are on stderr."""
    found = run("--", PYTHON, script(LEAVES), "mended")
    assert (found.returncode, found.stdout) == (0, "")
    assert "mended leaves nothing behind (fds, maps, threads, processes, tempfiles)" in found.stderr


def test_what_a_rule_covers_may_stay(run: Ran) -> None:
    """And only the meters that are tracked are judged."""
    leak = "file = open('/dev/null')"
    assert run("--ignore", "fds:/dev/null  # why", PYTHON, "-c", leak).returncode == 0
    assert run("--track", "threads", PYTHON, "-c", leak).returncode == 0


@pytest.mark.parametrize("name", ["script.py", "folder", "-m script", "-m folder", "-c"])
def test_a_script_runs_as_it_does_alone(run: Ran, tmp_path: Path, name: str) -> None:
    """With the same arguments, folders to import from, flags and globals."""
    (tmp_path / "folder").mkdir()
    for file in ("script.py", "folder/__main__.py"):
        (tmp_path / file).write_text(TELLS)
    words = (PYTHON, "-O", "-Wignore", *name.split(), *([TELLS] if name == "-c" else []))
    words = (*words, "a b", "--json", "-c", "ü\n")
    alone = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    found = run("--", *words)
    assert found.stdout == alone.stdout
    assert found.returncode == 0, found.stderr


def test_flags_that_hide_our_own_folders_do_no_harm(run: Ran) -> None:
    """Isolated, without site-packages, from a folder with a module of a name that we import."""
    words = (PYTHON, "-I", "-S", "-c", TELLS)
    alone = subprocess.run(words, capture_output=True, text=True, check=True)
    assert run(*words).stdout == alone.stdout


def test_a_console_script_is_run_by_its_shebang(run: Ran, tmp_path: Path) -> None:
    """With the flags that stand there."""
    path = tmp_path / "tool"
    path.write_text(f"#!{PYTHON} -O\n{TELLS}")
    path.chmod(0o755)
    found = run("./tool", "x")
    assert "['./tool', 'x']" in found.stdout
    assert "optimize=1" in found.stdout
    assert found.returncode == 0


def test_the_end_of_a_script_is_the_interpreters(run: Ran, script: Callable[[str], str]) -> None:
    """A pool that nobody shuts down, a thread that ends late, a function of `atexit`."""
    found = run(PYTHON, script(POOL))
    assert found.stdout.split() == ["pool", "late"]
    assert found.returncode == 0, found.stderr


def test_each_run_of_a_repeated_script_ends_like_that(
    run: Ran, script: Callable[[str], str]
) -> None:
    """Then no things stay, and the next run has a pool again; three runs tell little of bytes."""
    found = run("--repeat", "3", "--track", "fds,threads", PYTHON, script(POOL))
    assert found.stdout.split() == ["pool", "late"] * 4
    assert "script.py does not grow in 4 runs (fds, threads)" in found.stderr
    assert found.returncode == 0


def test_an_error_is_shown_as_ever(run: Ran, script: Callable[[str], str], tmp_path: Path) -> None:
    """Then one line of ours, with what its globals hold; what the traceback held has gone."""
    words = (PYTHON, script(FAILS))
    alone = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    found = run(*words)
    shown, ours = found.stderr[: len(alone.stderr)], found.stderr[len(alone.stderr) :]
    assert shown == alone.stderr
    assert ours == (
        f"ocrleak: {PYTHON} script.py ended with exit status 1; it leaks fds: /dev/null\n"
    )
    assert found.returncode == 1


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("sys.exit(3)", 3, "ended with exit status 3; it leaves nothing behind"),
        ("sys.exit('words')", 1, "words\nocrleak: "),
        ("os._exit(4)", 4, "ended with exit status 4 before anything could be judged"),
        ("os._exit(0)", 0, "was gone before anything could be judged (os._exit, or another"),
        ("os.execv('/bin/true', ['true'])", 0, "was gone before anything could be judged"),
        ("os.kill(os.getpid(), 9)", 137, "was ended by SIGKILL before anything could be judged"),
    ],
)
def test_the_exit_status_is_the_scripts(run: Ran, code: str, status: int, said: str) -> None:
    """In whichever way it ends."""
    found = run(PYTHON, "-c", f"import os, sys; {code}")
    assert found.returncode == status
    assert said in found.stderr


def test_a_script_that_has_used_up_its_descriptors_is_judged(run: Ran) -> None:
    """Of them all, the worst leak must be told."""
    code = (
        "import os, resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "try:\n    while True: os.open('/dev/null', 0)\nexcept OSError: pass"
    )
    found = run(PYTHON, "-c", code)
    assert found.returncode == 1
    assert "fds: /dev/null ×" in found.stderr


def test_a_child_that_is_forked_off_judges_nothing(run: Ran) -> None:
    """It comes to the end of the script, too, with all that its parent holds there."""
    code = "import os; pid = os.fork(); file = pid or open('/dev/null'); pid and os.wait()"
    found = run(PYTHON, "-c", code)
    assert found.returncode == 0, found.stderr
    assert found.stderr.count("leaves nothing behind") == 1


def interrupted(folder: Path, sent: signal.Signals, *, group: bool) -> tuple[int, str]:
    """Return how a script ends that is sent a signal, alone or with us, as a terminal does it."""
    code = "import sys; file = open('/dev/null'); print(flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [*COMMAND, "run", PYTHON, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=QUIET, cwd=folder, start_new_session=True,
    )  # fmt: skip
    assert process.stdout
    process.stdout.readline()
    (os.killpg if group else os.kill)(process.pid, sent)
    return process.wait(60), process.communicate()[1]


def test_ctrl_c_goes_to_the_script(tmp_path: Path) -> None:
    """Whose traceback is the only one; then it is told what it holds."""
    status, said = interrupted(tmp_path, signal.SIGINT, group=True)
    assert status == 130
    assert said.count("Traceback") == 1
    assert "\nKeyboardInterrupt\nocrleak: " in said
    assert said.endswith("ended with exit status 130; it leaks fds: /dev/null\n")


def test_a_plain_kill_is_passed_on(tmp_path: Path) -> None:
    """The script does not outlive us."""
    status, said = interrupted(tmp_path, signal.SIGTERM, group=False)
    assert status == 143
    assert said.endswith("was ended by SIGTERM before anything could be judged\n")


COUNTS = """\
import signal
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1))
print("ready", flush=True)
while not got:
    signal.sigtimedwait([], 0.1)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
again = signal.sigtimedwait([signal.SIGINT], 2)
print("got", len(got) + bool(again), flush=True)
"""
ON_A_TERMINAL = "import pty, sys; pty.spawn(sys.argv[1:])"


@pytest.mark.parametrize("way", ["alone", "group", "terminal"])
def test_the_script_has_each_interrupt_once(tmp_path: Path, way: str) -> None:
    """Whether a supervisor sends it to us alone or to the group, or a terminal does."""
    words = [*COMMAND, "run", PYTHON, "-c", COUNTS]
    command = [PYTHON, "-c", ON_A_TERMINAL, *words] if way == "terminal" else words
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe,
        env=QUIET, cwd=tmp_path, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline().split() == [b"ready"]
        if way == "terminal":
            process.stdin.write(b"\x03")
            process.stdin.flush()
        else:
            (os.killpg if way == "group" else os.kill)(process.pid, signal.SIGINT)
        line = next(each for each in process.stdout if b"got" in each)
        process.communicate()
    assert line.strip().endswith(b"got 1")


def test_an_interrupt_of_us_alone_ends_the_script(tmp_path: Path) -> None:
    """Which is judged as after Ctrl-C."""
    status, said = interrupted(tmp_path, signal.SIGINT, group=False)
    assert status == 130
    assert said.endswith("ended with exit status 130; it leaks fds: /dev/null\n")


def test_json_is_a_report_of_the_plugin(run: Ran, tmp_path: Path) -> None:
    """Alone on stdout: what the script prints goes to stderr. `ocrleak diff` takes two of them."""
    found = run("--json", PYTHON, "-c", "print('words'); file = open('/dev/null')")
    data: dict[str, Any] = json.loads(found.stdout)
    assert found.returncode == 1
    assert "words\n" in found.stderr
    assert (data["schema_version"], data["exit_status"]) == (1, 0)
    assert data["summary"] == {"checked": 1, "clean": 0, "leak": 1, "inconclusive": 0}
    (check,) = data["checks"]
    assert (check["kind"], check["name"].split()[0], check["runs"]) == ("guard", PYTHON, 1)
    (leak,) = check["leaks"]
    assert (leak["what"], leak["opened_at"]) == ("/dev/null", ["<string>:1 in <module>"])
    (tmp_path / "a.json").write_text(found.stdout)
    same = subprocess.run(
        [*COMMAND, "diff", "a.json", "a.json"], check=False, cwd=tmp_path, capture_output=True
    )
    assert same.returncode == 0


def test_a_list_that_grows_with_each_run_is_named(run: Ran, tmp_path: Path) -> None:
    """It lies in a module that stays; its twin has it in its own globals, which go."""
    (tmp_path / "store.py").write_text("kept = []\n")
    grow = "import {0}\n{1}kept.append([object() for _ in range(100)])"
    (tmp_path / "grow.py").write_text(grow.format("store", "store."))
    (tmp_path / "mended.py").write_text(grow.format("sys", "kept = []; "))
    found, mended = (run("--repeat", "8", PYTHON, name) for name in ("grow.py", "mended.py"))
    assert (found.returncode, mended.returncode) == (1, 0), found.stderr + mended.stderr
    assert "grows by 10" in found.stderr
    assert ": 100 object, " in found.stderr
    assert "kept by module store → kept[" in found.stderr


def test_native_memory_that_grows_with_each_run_is_a_leak(run: Ran) -> None:
    """By ctypes, beside its twin that frees it."""
    code = (
        "import ctypes, sys; c = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p;"
        "at = c.malloc(100_000); 'free' in sys.argv and c.free(ctypes.c_void_p(at))"
    )
    found = run("--repeat", "8", PYTHON, "-c", code)
    assert "heap: grows by 100.0 KB per run" in found.stderr
    assert found.returncode == 1
    assert run("--repeat", "8", PYTHON, "-c", code, "free").returncode == 0


def test_a_repeated_script_that_fails_is_not_judged(run: Ran) -> None:
    """It ends with the run that did."""
    code = "import sys; sys.runs = getattr(sys, 'runs', 0) + 1; sys.exit(7 * (sys.runs == 3))"
    found = run("--repeat", "8", PYTHON, "-c", f"print(1, end=''); {code}")
    assert (found.returncode, found.stdout) == (7, "111")
    assert "ended with exit status 7 before anything could be judged" in found.stderr
