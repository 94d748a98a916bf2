"""Kill, or hold up, a process before every single line of the engine's file handling.

Run as a script, `kill_points.py SCENARIO FOLDER BACKUP`, in a process of its own: it forks one
child for each line that the scenario executes, and checks after each what the disk holds. It
prints the number of points tried; a violated promise ends it with a traceback.
"""

import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from ocrleak_engine import copying, models, prune, shipped
from ocrleak_engine.models import ModelFolder

TRACED = {module.__file__ for module in (copying, models, prune, shipped)} | {__file__}
OLD = {"old_a.onnx": b"a" * 3000, "old_a.txt": b"x\ny\n"}
CURRENT = {"en.onnx": b"current", "en.txt": b"z\n"}


def ship_small_files(folder: Path) -> None:
    """Ship files of the same names and a few bytes, so that hundreds of copies cost nothing."""
    small = {file.name: file.name.encode() for file in shipped.files()}
    fill(folder, small)
    (folder / "MODELS.toml").write_text(
        "\n".join(
            f'[[file]]\nname = "{name}"\nsize = {len(content)}\n'
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"'
            for name, content in small.items()
        )
    )
    shipped.files.cache_clear()
    shipped.folder = lambda: folder


def killed_at(point: int, act: Callable[[], object]) -> bool:
    """Run `act` in a child that kills itself before its `point`-th line; whether it got there."""
    child = os.fork()
    if child == 0:
        at_line(point, lambda: os.kill(os.getpid(), signal.SIGKILL))
        act()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def at_line(point: int, strike: Callable[[], object]) -> None:
    """Call `strike` before the `point`-th line executed from here on in the traced files."""
    lines = count(1)

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line" and next(lines) == point:
            strike()
        return trace

    sys.settrace(trace)


def points(check: Callable[[int], bool]) -> int:
    """Try one point after the other until one is past the end; return how many were struck."""
    for point in count(1):
        if not check(point):
            return point - 1
    raise AssertionError


def fill(folder: Path, files: dict[str, bytes]) -> None:
    """Make a folder hold exactly these files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def visible(folder: Path) -> dict[str, bytes]:
    """Content by name of what is not hidden in a folder."""
    return {p.name: p.read_bytes() for p in visible_files(folder)}


def visible_files(folder: Path) -> Iterator[Path]:
    """Files of a folder whose name begins with no dot; none when it is not there."""
    return (p for p in folder.glob("*") if not p.name.startswith("."))


def check_move(act: Callable[[Path, Path], object], folder: Path, backup: Path) -> int:
    """Check moving: each model and its characters whole in one place, and a second run finishes."""

    def check(point: int) -> bool:
        fill(folder, OLD | CURRENT)
        shutil.rmtree(backup, ignore_errors=True)
        killed = killed_at(point, lambda: act(folder, backup))
        here, there = visible(folder), visible(backup)
        whole = OLD | CURRENT
        assert all(whole[name] == content for name, content in (here | there).items()), point
        assert all(whole[name] == content for name, content in there.items()), point
        assert here.keys() >= OLD.keys() or there.keys() >= OLD.keys(), point
        act(folder, backup)
        assert visible(folder) == CURRENT, point
        assert visible(backup) == OLD, point
        return killed

    return points(check)


def careless_move(folder: Path, backup: Path) -> None:
    """Move as one would in a hurry: the planted fault that the check must see."""
    backup.mkdir(exist_ok=True)
    for name in OLD:
        if (folder / name).exists():
            content = (folder / name).read_bytes()
            with (backup / name).open("wb", buffering=0) as out:
                out.write(content[:2])
                out.write(content[2:])
            (folder / name).unlink()


def check_delete(folder: Path, _: Path) -> int:
    """Check deleting: what is seen is whole, the current model stays, and a second run finishes."""

    def check(point: int) -> bool:
        fill(folder, OLD | CURRENT)
        killed = killed_at(point, lambda: prune.prune(ModelFolder(folder)))
        left = visible(folder)
        assert all((OLD | CURRENT)[name] == content for name, content in left.items()), point
        assert left.keys() >= CURRENT.keys(), point
        prune.prune(ModelFolder(folder))
        assert set(ModelFolder(folder).present()) == {"en.onnx"}, point
        return killed

    return points(check)


def check_killed_copy(folder: Path, package: Path) -> int:
    """Check copying: nothing incomplete is ever seen; the next process completes the folder."""
    ship_small_files(package)

    def check(point: int) -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        killed = killed_at(point, ModelFolder(folder).ensure)
        assert_whole(folder)
        assert_complete(folder)
        return killed

    return points(check)


def check_held_copy(folder: Path, package: Path) -> int:
    """Check copying while another process stands still in the middle of doing the same."""
    ship_small_files(package)

    def check(point: int) -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        struck, tell = os.pipe()
        wait, release = os.pipe()
        child = os.fork()
        if child == 0:
            at_line(point, lambda: (os.write(tell, b"!"), os.read(wait, 1)))
            ModelFolder(folder).ensure()
            os._exit(0)
        os.close(tell)
        held = os.read(struck, 1) == b"!"
        assert_complete(folder)
        os.write(release, b"!")
        assert os.waitpid(child, 0)[1] == 0, point
        assert_complete(folder)
        for descriptor in (struck, wait, release):
            os.close(descriptor)
        return held

    return points(check)


def assert_whole(folder: Path) -> None:
    """Check that no visible file is damaged, and none but the shipped ones is there."""
    sizes = {file.name: file.size for file in shipped.files()}
    for path in visible_files(folder):
        assert path.stat().st_size == sizes[path.name], path


def assert_complete(folder: Path) -> None:
    """Check that a process that starts now finds every shipped model, whole."""
    models_there = ModelFolder(folder)
    for name in (models.DEFAULT_DETECTOR, models.DEFAULT_RECOGNIZER):
        assert models_there.resolve(name).is_file()
    assert models_there.characters(models.DEFAULT_RECOGNIZER)
    assert_whole(folder)
    assert len(list(visible_files(folder))) == len(shipped.files())


SCENARIOS: dict[str, Callable[[Path, Path], int]] = {
    "move": lambda folder, backup: check_move(
        lambda f, b: prune.prune(ModelFolder(f), backup=b), folder, backup
    ),
    "careless move": lambda folder, backup: check_move(careless_move, folder, backup),
    "delete": check_delete,
    "killed copy": check_killed_copy,
    "held copy": check_held_copy,
}

if __name__ == "__main__":
    print(SCENARIOS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3])))  # noqa: T201
