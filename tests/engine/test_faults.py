"""The engine when something fails on its way: whatever it is, nothing is lost and nothing left."""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faults
import onnxruntime
import pytest
import tiny_models
from engine_processes import RAM, environment, finish, start
from faults import CALLS, LINES, struck
from ocrleak_engine import ImageError, ModelError, OcrEngine, copying
from ocrleak_engine.models import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER, ModelFolder
from ocrleak_engine.prune import prune

from pytest_ocrleak import LeakError, guard

SHORTAGES = Path(__file__).with_name("shortages.py")
OLD = {"old_a.onnx": b"a" * 3000, "old_a.txt": b"x\ny\n"}
# What Python closes by itself, as soon as an interrupted call's result is dropped, it warns of.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return a folder with the tiny models."""
    return tiny_models.put(tmp_path / "models")


def live_sessions() -> list[object]:
    """Return the sessions of onnxruntime that hold a model."""
    found = [each for each in gc.get_objects() if isinstance(each, onnxruntime.InferenceSession)]
    return [session for session in found if vars(session).get("_sess")]


# --- an exception at any point ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "events", "least"), [(KeyboardInterrupt, LINES, 300), (MemoryError, CALLS, 180)]
)
def test_an_exception_at_any_point(
    fault: type[BaseException], events: frozenset[str], least: int
) -> None:
    """In copying, loading, reading or freeing: the same engine goes on, and nothing is left.

    Each line of the engine's that runs is struck once; `faults.py`, run as a script, strikes at
    every passing, and in the libraries.
    """
    gc.collect()
    before = len(live_sessions())
    assert struck(fault, events, passes=1) > least
    assert len(live_sessions()) == before


def test_a_descriptor_that_an_interrupt_leaks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault: what `open` returned has no name yet when Ctrl-C strikes."""

    def careless(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    monkeypatch.setattr(copying, "sync_folder", careless)
    with pytest.raises(LeakError, match=r"opened at .* in careless"):
        struck(KeyboardInterrupt, CALLS, places=__file__, passes=1, warm_up=0)


@pytest.mark.parametrize("backup", [None, "same disk", "another disk"])
def test_pruning_interrupted_before_any_line(tmp_path: Path, backup: str | None) -> None:
    """Each model is whole in one place, and nothing hidden is left; a second run finishes."""
    strikes = faults.Strikes(KeyboardInterrupt, LINES, faults.OWN, passes=2)
    with tempfile.TemporaryDirectory(dir=RAM) as elsewhere, guard("pruning", track="fds"):
        place = {"same disk": tmp_path / "backup", "another disk": Path(elsewhere, "backup")}
        while prune_struck(tmp_path / "models", place.get(backup or ""), strikes):
            pass
    assert len(strikes.struck) > 40


def prune_struck(folder: Path, backup: Path | None, strikes: faults.Strikes) -> bool:
    """Prune, struck on the way, look at both folders, and prune again."""
    for place in filter(None, (folder, backup)):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    for name, content in OLD.items():
        (folder / name).write_bytes(content)
    try:
        strikes.during(lambda: prune(ModelFolder(folder), backup=backup))
    except KeyboardInterrupt:
        assert strikes.where
    here, there = (contents(place) if place else {} for place in (folder, backup))
    assert here.items() <= OLD.items(), strikes.where
    assert there.items() <= OLD.items(), strikes.where
    assert backup is None or here.keys() | there.keys() == OLD.keys(), strikes.where
    prune(ModelFolder(folder), backup=backup)
    assert "old_a.onnx" not in contents(folder), strikes.where
    assert backup is None or contents(backup) == OLD, strikes.where
    return strikes.where is not None


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder, hidden or not."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- something real is short -----------------------------------------------------------------


@pytest.fixture
def room() -> Iterator[Path]:
    """Return a folder in memory."""
    with tempfile.TemporaryDirectory(dir=RAM if os.access(RAM, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux has them")
@pytest.mark.parametrize(
    ("shortage", "errors"),
    [
        ("descriptors", {"ModelError", "ImageError"}),
        ("memory", {"ImageError", "MemoryError"}),
        ("file size", {"ModelError"}),
    ],
)
def test_a_shortage(shortage: str, errors: set[str], room: Path) -> None:
    """From nothing on: one of our errors, then enough; and with enough the same engine reads."""
    ended = finish(start(SHORTAGES, shortage, room)).split()
    enough = ended.index("ok")
    assert errors <= set(ended[:enough]) <= errors | {"ModelError"}
    assert set(ended[enough:]) == {"ok"}


def test_a_full_disk(room: Path) -> None:
    """A real file system of one page, two, and so on, until the models fit."""
    unshare = shutil.which("unshare")
    private = [unshare, "--user", "--map-root-user", "--mount"]
    if (
        not unshare
        or subprocess.run([*private, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no file system may be mounted here")
    command = [*private, sys.executable, str(SHORTAGES), "disk", str(room)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["ModelError", "ModelError", "ok", "ok", "ok"], done.stderr


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be a user with no rights of its own for a while, where the tests run as root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def public(room: Path) -> Path:
    """Return a folder that everybody may enter, with the tiny models and a page in it."""
    room.chmod(0o755)
    tiny_models.put(room / "models")
    tiny_models.picture().save(room / "page.png")
    return room


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("models", ModelError, "cannot read the model folder .*Permission denied"),
        (
            f"models/{DEFAULT_DETECTOR}",
            ModelError,
            f"{DEFAULT_DETECTOR} cannot be loaded: Permission denied",
        ),
        (f"models/{tiny_models.CHARACTERS}", ModelError, "characters .*Permission denied"),
        ("page.png", ImageError, "page.png.*Permission denied"),
    ],
)
def test_what_may_not_be_read(public: Path, path: str, kind: type[Exception], says: str) -> None:
    """The message names it, nothing of the engine stays, and it reads as soon as it may."""
    mode = (public / path).stat().st_mode
    (public / path).chmod(0)
    with guard("rights", track="fds,maps,threads"), OcrEngine(public / "models") as engine:
        with unprivileged(), pytest.raises(kind, match=says):
            engine.recognize(public / "page.png")
        (public / path).chmod(mode)
        assert engine.recognize(public / "page.png").text == tiny_models.TEXT


@pytest.mark.parametrize(
    ("locked", "says"), [("models", "could not prune old_a"), ("backup", "could not prune old_a")]
)
def test_pruning_where_nothing_may_be_written(public: Path, locked: str, says: str) -> None:
    """The folder and the backup stay as they were, and the error names the model."""
    (public / "backup").mkdir()
    for name, content in OLD.items():
        (public / "models" / name).write_bytes(content)
    for place in ("models", "backup"):
        (public / place).chmod(0o555 if place == locked else 0o777)
    before = contents(public / "models")
    for backup in {None, public / "backup"} - {None if locked == "backup" else 0}:
        with unprivileged(), pytest.raises(ModelError, match=says):
            prune(ModelFolder(public / "models"), backup=backup)
        assert contents(public / "models") == before
    (public / locked).chmod(0o777)
    with unprivileged():
        prune(ModelFolder(public / "models"), backup=public / "backup")
    assert contents(public / "backup") == OLD


# --- onnxruntime fails -----------------------------------------------------------------------


def test_a_model_that_fails_in_its_run(tiny: Path) -> None:
    """It loads, and refuses each page; the engine can be freed, and a mended one reads."""
    image, before = tiny_models.picture(), len(live_sessions())
    (tiny / DEFAULT_RECOGNIZER).write_bytes(tiny_models.one_width_recognizer(7))
    with guard("runs", track="fds,maps,threads"), OcrEngine(tiny) as engine:
        for _ in range(3):
            with pytest.raises(ModelError, match="cannot run on an input of shape"):
                engine.recognize(image)
    tiny_models.put(tiny)
    with OcrEngine(tiny) as engine:
        assert engine.recognize(image).text == tiny_models.TEXT
    assert len(live_sessions()) <= before
