"""Tesseract's library through tesserocr, bare and behind a lock, under the contract.

The wheel has no language files: Debian's ``tesseract-ocr-eng`` has, or ``TESSDATA_PREFIX`` says
where some are.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import tesserocr

from pytest_ocrleak.contract import EngineContract

PAGE = str(Path(__file__).parents[1] / "images" / "novel.jpg")
LANGUAGES = Path(os.environ.get("TESSDATA_PREFIX", "/usr/share/tesseract-ocr/5/tessdata"))
MAKE = f"import tesserocr\nengine = tesserocr.PyTessBaseAPI(path={str(LANGUAGES)!r})\n"


def read(engine: Any, image: Any) -> str:
    """Return the text of an image file."""
    engine.SetImageFile(str(image))
    return str(engine.GetUTF8Text())


class TestBare(EngineContract):
    """The interface as it is, freed by ``End``: all promises are kept but one."""

    image = PAGE
    expect_text = "woods"
    free = "End"
    skip: ClassVar = {
        "test_threads_may_read_while_another_frees": "an interface is for one thread: it crashes",
    }
    allowed_when_freed: ClassVar = {
        "list_local": "after End() there are no languages, and no error",
        "get_local_path": "after End() it ends the process",
    }

    def make_engine(self) -> Any:
        """Return Tesseract's interface."""
        return tesserocr.PyTessBaseAPI(path=str(LANGUAGES))

    def recognize(self, engine: Any, image: Any) -> Any:
        """Return the text."""
        return read(engine, image)

    def unusable_image(self) -> Any:
        """Return the path of what is no image."""
        return __file__

    def list_local(self, engine: Any) -> Iterable[str]:
        """Return the language files."""
        return sorted(f"{name}.traineddata" for name in engine.GetAvailableLanguages())

    def get_local_path(self, engine: Any) -> str:
        """Return the folder of the language files."""
        return str(engine.GetDatapath())


class Reader:
    """An interface for any number of threads: one reads, or frees, at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.engine: Any = tesserocr.PyTessBaseAPI(path=str(LANGUAGES))
        self.ended = False

    def ask(self, call: Callable[[Any], Any]) -> Any:
        """Return what is said of the interface; once that has ended, some calls would crash."""
        with self.lock:
            if self.ended:
                raise RuntimeError("this reader was freed")
            return call(self.engine)

    def recognize(self, image: Any) -> str:
        """Return the text."""
        return str(self.ask(lambda engine: read(engine, image)))

    def free_resources(self) -> None:
        """End the interface once nobody reads."""
        with self.lock:
            self.engine.End()
            self.ended = True


class TestReader(TestBare):
    """Behind a lock all promises are kept."""

    free = "free_resources"
    skip: ClassVar = {}
    allowed_when_freed: ClassVar = {}

    def make_engine(self) -> Any:
        """Return a reader."""
        return Reader()

    def recognize(self, engine: Any, image: Any) -> Any:
        """Return the text."""
        return engine.recognize(image)

    def list_local(self, engine: Any) -> Iterable[str]:
        """Return the language files."""
        names: Iterable[str] = engine.ask(super().list_local)
        return names

    def get_local_path(self, engine: Any) -> str:
        """Return the folder of the language files."""
        return str(engine.ask(super().get_local_path))


@pytest.mark.parametrize(
    ("ending", "killed"),
    [
        ("engine.GetDatapath()", signal.SIGSEGV),
        ("words.GetUTF8Text(tesserocr.RIL.WORD)", signal.SIGABRT),
    ],
)
def test_some_calls_after_freeing_crash(ending: str, killed: int) -> None:
    """Reading is refused after ``End``, but these end the process: ask for nothing more."""
    use = f"engine.SetImageFile({PAGE!r})\nengine.Recognize()\nwords = engine.GetIterator()\n"
    script = f"{MAKE}{use}engine.End()\n{ending}"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    assert done.returncode == -killed, done.stderr


SHARED = f"""
import threading

def work():
    for _ in range(20):
        engine.SetImageFile({PAGE!r})
        begun.set()
        engine.GetUTF8Text()

begun = threading.Event()
readers = [threading.Thread(target=work) for _ in range(READERS)]
for reader in readers:
    reader.start()
begun.wait()
if READERS == 1:
    engine.End()
for reader in readers:
    reader.join()
"""


@pytest.mark.parametrize("readers", [4, 1], ids=["all read", "another ends"])
def test_threads_that_share_an_interface_crash_it(readers: int) -> None:
    """Four that read by one, or one that reads while another ends it: in some of five tries."""
    command = [sys.executable, "-c", f"{MAKE}READERS = {readers}\n{SHARED}"]
    ended = [subprocess.run(command, capture_output=True, check=False) for _ in range(5)]  # noqa: S603
    assert min(each.returncode for each in ended) < 0
