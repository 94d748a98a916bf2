"""The engines behind one door: how each is loaded, asked and dropped, with its own defaults."""

import os
import shutil
import subprocess
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol


class Engine(Protocol):
    """What the benchmark asks of an engine; made without loading anything."""

    settings: str  # what it runs with, in words: its own defaults
    weighed: bool  # whether its memory is looked at

    def version(self) -> str | None:
        """Return its version, or None when it is not installed."""

    def load(self) -> None:
        """Do what a user does before the first image."""

    def read(self, path: str) -> str:
        """Return the text of the image at `path`, in the engine's order."""

    def free(self) -> None:
        """Give back what can be given back, by the engine's own call or by dropping it."""


def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


class OcrLeakEngine:
    """The engine of this repository."""

    settings = "PP-OCRv6 tiny, onnxruntime, 1 thread"
    weighed = True
    _engine: Any = None

    def version(self) -> str | None:
        """Return what is installed."""
        return _installed("ocrleak-engine")

    def load(self) -> None:
        """Make the engine."""
        self._engine = import_module("ocrleak_engine").OcrEngine()

    def read(self, path: str) -> str:
        """Return the text of an image."""
        return str(self._engine.recognize(path).text)

    def free(self) -> None:
        """Free it by its own call."""
        self._engine.free_resources()
        self._engine = None


class RapidOcr:
    """RapidOCR with the models in its wheel."""

    settings = "PP-OCRv6 small, onnxruntime, a thread per core"
    weighed = True
    _engine: Any = None

    def version(self) -> str | None:
        """Return what is installed."""
        return _installed("rapidocr")

    def load(self) -> None:
        """Make the engine."""
        self._engine = import_module("rapidocr").RapidOCR()

    def read(self, path: str) -> str:
        """Return the text of an image."""
        return "\n".join(self._engine(path).txts or ())

    def free(self) -> None:
        """Drop it."""
        self._engine = None


class RapidOcrOneThread(RapidOcr):
    """The same with as many threads as ocrleak-engine has: on a busy machine the fairer one."""

    settings = "the same with 1 thread"
    weighed = False

    def load(self) -> None:
        """Make the engine."""
        one = {"EngineConfig.onnxruntime.intra_op_num_threads": 1}
        self._engine = import_module("rapidocr").RapidOCR(params=one)


class TesseractProgram:
    """Tesseract's own program, started for each image."""

    settings = "`tesseract IMAGE -`: psm 3, English, a process per image"
    weighed = False

    def version(self) -> str | None:
        """Return what is installed."""
        if shutil.which("tesseract") is None:
            return None
        return self._ask("--version").split()[1]

    def load(self) -> None:
        """Do nothing: each image starts and ends its own process."""

    def read(self, path: str) -> str:
        """Return the text of an image."""
        return self._ask(path, "-")

    def free(self) -> None:
        """Do nothing: the processes have ended."""

    def _ask(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tesseract", *arguments],  # noqa: S607 (the user's own, wherever it is)
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        return done.stdout


class TesserOcr:
    """Tesseract's library in this process, its model loaded once."""

    settings = "tesserocr: psm 3, English"
    weighed = True
    _engine: Any = None

    def version(self) -> str | None:
        """Return what is installed."""
        found = _installed("tesserocr")
        if found is None:
            return None
        return f"{found} with {import_module('tesserocr').tesseract_version().splitlines()[0]}"

    def load(self) -> None:
        """Make the engine."""
        tesserocr = import_module("tesserocr")
        self._engine = tesserocr.PyTessBaseAPI(path=_language_files(), psm=tesserocr.PSM.AUTO)

    def read(self, path: str) -> str:
        """Return the text of an image."""
        self._engine.SetImageFile(path)
        return str(self._engine.GetUTF8Text())

    def free(self) -> None:
        """Free it by its own call."""
        self._engine.End()
        self._engine = None


def _language_files() -> str:
    """Return the folder of the language files that Tesseract's program uses: the wheel has none."""
    if "TESSDATA_PREFIX" in os.environ:
        return os.environ["TESSDATA_PREFIX"]
    return TesseractProgram()._ask("--list-langs").split('"')[1]  # noqa: SLF001


ENGINES: dict[str, type[Engine]] = {
    "ocrleak-engine": OcrLeakEngine,
    "rapidocr": RapidOcr,
    "rapidocr-1": RapidOcrOneThread,
    "tesserocr": TesserOcr,
    "tesseract": TesseractProgram,
}
OURS = "ocrleak-engine"
