"""What the page on debugging shows is what its programs print, line by line."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest
from shown import Shown, shown

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "debugging.md").read_text("utf8")
PROGRAMS = ROOT / "examples" / "debugging"
STAND_INS = ROOT / "tests" / "meters"
SECTIONS = dict(re.findall(r"^## \d+\. (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
OWN = {"python": (), "pytest": ("-m", "pytest"), "ocrleak": ("-m", "pytest_ocrleak")}
UUID = "GPU-00000000-0000-0000-0000-00000000000a"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="made on Linux")


@dataclass
class Session:
    """Where the commands of a section are typed, one after the other."""

    folder: Path
    environment: dict[str, str]
    numbers: dict[str, str] = field(default_factory=dict)
    shared: bool = False
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    serving: list[subprocess.Popen[str]] = field(default_factory=list)

    def type(self, commands: Sequence[Shown]) -> Iterator[list[str]]:
        """Yield the output of each command, in their order.

        Where they share neither a server nor a device they run side by side: much of what they do
        is to wait for what does not go.
        """
        if self.shared or any(one.command.endswith(" &") for one in commands):
            yield from map(self.run, commands)
        else:
            for process in [self.start(one.command) for one in commands]:
                yield process.communicate()[0].splitlines()

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a command, with this session's numbers in place of the page's."""
        typed = re.sub(r"\d+", lambda number: self.numbers.get(number[0], number[0]), command)
        program, *arguments = shlex.split(typed)
        process = subprocess.Popen(
            [sys.executable, *OWN[program], *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, one: Shown) -> list[str]:
        """Run a command as the page has it and return the lines of its output."""
        if one.command.endswith(" &"):
            return self.serve(one)
        if ended := re.fullmatch(r"kill (\d+); wait", one.command):
            os.kill(int(self.numbers[ended[1]]), signal.SIGTERM)
            return self.serving.pop().communicate()[0].splitlines()
        with self.start(one.command) as process:
            if " watch " in one.command:
                return list(self.watched(process))
            return process.communicate()[0].splitlines()

    def serve(self, one: Shown) -> list[str]:
        """Start a server, and learn which numbers it has in place of the page's."""
        server = self.start(one.command.removesuffix(" &"))
        self.serving.append(server)
        assert server.stdout
        line = server.stdout.readline()
        ours, theirs = (re.findall(r"\d+", text) for text in (one.lines[0], line))
        self.numbers.update(zip(ours, theirs, strict=True))
        return line.splitlines()

    def watched(self, watch: subprocess.Popen[str]) -> Iterator[str]:
        """Yield what is told while the server is asked for more, until that is seen; then end it.

        It tells a line at each look, so that there is always one to wait for.
        """
        server, port = self.serving[-1], list(self.numbers.values())[-1]
        assert watch.stdout
        yield watch.stdout.readline().rstrip()
        self.start(f"python server.py ask {port} 20").communicate()
        for line in islice(watch.stdout, 100):
            yield line.rstrip()
            if "CLOSE_WAIT" in line:
                break
        server.terminate()
        yield from watch.stdout.read().splitlines()

    def end(self) -> None:
        """End what still runs."""
        for process in self.started:
            if process.returncode is None:
                process.terminate()
                process.communicate()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """Give a copy of the programs, and no plugins but those that they need."""
    folder = tmp_path / "debugging"
    shutil.copytree(PROGRAMS, folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (tmp_path / "temp").mkdir()
    outer = {name: each for name, each in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {
        **outer,
        "COLUMNS": "80",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{outer.get('PATH', '')}",
        "PYTEST_ADDOPTS": "-p pytest_ocrleak.plugin -p xdist.plugin -p no:cacheprovider",
        "PYTEST_DEBUG_TEMPROOT": str(tmp_path / "temp"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    made = Session(folder, environment)
    yield made
    made.end()


@pytest.fixture
def card(session: Session, tmp_path: Path) -> Callable[[], None]:
    """Return what puts libraries in place of the NVIDIA driver's, which count what is taken."""

    def put() -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("no C compiler to build the stand-in libraries with")
        for name, library in (("nvml", "libnvidia-ml.so.1"), ("cuda", "libcuda.so.1")):
            source = STAND_INS / f"{name}_stand_in.c"
            command = [compiler, "-shared", "-fPIC", "-o", tmp_path / library, source]
            subprocess.run(command, check=True)
        state = f"driver 570.86.10\ndevice {UUID} held\nrow compute {UUID} self held\n"
        (tmp_path / "state").write_text(state, "utf8")
        session.environment.update(LD_LIBRARY_PATH=str(tmp_path), STAND_IN=str(tmp_path))
        session.shared = True

    return put


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_shows_what_is_printed(
    session: Session, card: Callable[[], None], title: str
) -> None:
    """Each command of a situation, with the leak and without."""
    if "GPU" in title:
        card()
    if "native" in title:
        pytest.importorskip("memray", reason="memray tells the lines")
    commands = list(shown(SECTIONS[title]))
    for one, output in zip(commands, session.type(commands), strict=True):
        one.check(output)


@pytest.mark.parametrize(("way", "falls"), [("leaky", False), ("fixed", True)])
def test_resident_memory_stays_up_or_falls(session: Session, way: str, falls: bool) -> None:  # noqa: FBT001
    """The page's numbers in the one place where the comparison leaves out what matters."""
    (line,) = session.run(Shown(f"python retention.py {way}", []))
    before, after = map(int, re.findall(r"\d+", line))
    assert (after - before < 50) is falls


def test_each_situation_is_whole() -> None:
    """Leak, cause and fix, code that is the programs' own, and programs that are all used."""
    programs = "".join(path.read_text("utf8") for path in PROGRAMS.glob("*.py"))
    for section in SECTIONS.values():
        assert all(code in programs for code in re.findall(r"(?s)```python\n(.*?)```", section))
        assert {"leaky", "fixed"} <= set(re.findall("leaky|fixed", section))
        assert "**Cause.**" in section
        assert "**Fix.**" in section
    named = set(re.findall(r"[a-z_]+\.py", " ".join(one.command for one in every())))
    assert named == {path.name for path in PROGRAMS.glob("*.py")}


def every() -> Iterator[Shown]:
    """Yield the commands of all situations."""
    for section in SECTIONS.values():
        yield from shown(section)


def test_a_line_that_is_not_printed_is_found() -> None:
    """The comparison itself: numbers may differ, words, lines and their order may not."""
    one = Shown("x", ["…", "fds: a 4.0 KB", "opened at x.py:3 in …", "…"])
    one.check(["head", "fds: a 12 KB", "  opened at x.py:3 in load", "tail"])
    for wrong in (["fds: a 1 KB"], ["fds: a 1 KB", "opened at x.py:4 in load"]):
        with pytest.raises(AssertionError):
            one.check(wrong)
