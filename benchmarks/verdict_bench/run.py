"""Runs the checks, each in a fresh process and an empty folder."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .scene import Scene
from .tools import PEER, Answer

LIMIT = 60.0  # seconds for a process, after which there is no verdict
BENCHMARKS = Path(__file__).parents[1]
PEER_WANTS = {"PYTHONMALLOC": "malloc", "PYTHONUNBUFFERED": "1"}


def answers(scenes: Sequence[Scene], tools: Sequence[str], jobs: int) -> Iterator[Answer]:
    """Let each tool check each scene, one after the other, beginning with another at every scene.

    Of several jobs each takes a scene of its own; times are only comparable with one.
    """

    def both(number: int) -> list[Answer]:
        first = number % len(tools)
        return [check(tool, scenes[number]) for tool in (*tools[first:], *tools[:first])]

    with ThreadPoolExecutor(jobs) as pool:
        for pair in pool.map(both, range(len(scenes))):
            yield from pair


def check(tool: str, scene: Scene) -> Answer:
    """Return what a tool says of a scene within the time that it has."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        folder, file, log = Path(home, "scene"), Path(home, "answer.json"), Path(home, "log")
        folder.mkdir()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "verdict_bench.worker", tool, scene.name, file],
                cwd=folder,
                env=environment(tool, folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            in_time = ended(process)
        if file.exists():
            return Answer(**json.loads(file.read_text(encoding="utf-8")))
        if not in_time:
            return Answer(scene.name, tool, "none", LIMIT, f"no verdict in {LIMIT:.0f} s")
        lines = log.read_text(errors="replace").split("\n")
        return Answer(scene.name, tool, "error", 0.0, " ".join(lines[-3:]).strip())


def environment(tool: str, folder: Path) -> dict[str, str]:
    """Return the environment that a tool asks for, with the scene's folder for temp files."""
    kept = {name: value for name, value in os.environ.items() if name not in PEER_WANTS}
    wants = PEER_WANTS if tool == PEER else {}
    return {**kept, **wants, "PYTHONPATH": python_path(), "TMPDIR": str(folder)}


def python_path() -> str:
    """Return where modules are looked for, the benchmark's own before others."""
    given = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(BENCHMARKS), *([given] if given else [])])


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Wait for a process, then end all that it started; tell whether it ended in time."""
    try:
        process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        return False
    else:
        return True
    finally:
        with contextlib.suppress(ProcessLookupError):  # raised if nothing of it is left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
