"""The engine: a folder of models, two stages loaded from it, and one call that gives all back."""

import os
import threading
import traceback
import warnings
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from .detect import Detector
from .errors import EngineFreedError
from .image import ImageSource, Rgb, read_image
from .lifetime import Door, Use
from .models import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER, ModelFolder
from .order import reading_order
from .page import Page
from .recognize import Recognizer
from .session import Provider, Session

MAX_PIXELS = 100_000_000
CPU = ("CPUExecutionProvider",)


@dataclass(frozen=True, eq=False)
class _Stages:
    """What the first image loads, and all that is native in an engine."""

    sessions: tuple[Session, Session]
    detector: Detector
    recognizer: Recognizer

    def read(self, image: Rgb) -> Page:
        """Return the text of an image (height, width, RGB)."""
        boxes = self.detector.find(image)
        return Page(tuple(reading_order(self.recognizer.read(image, boxes))))

    def close(self) -> None:
        for session in self.sessions:
            session.close()

    def abandon(self) -> None:
        for session in self.sessions:
            session.abandon()


class OcrEngine:
    """Reads text from images, and frees every native resource in one call.

    Making one is cheap: nothing is loaded and no disk is touched until the first image. Any number
    of threads may use it at once. In a forked child it works and loads its own models; freeing it
    there leaves the parent's alone.

    Parameters
    ----------
    model_dir : str or PathLike, optional
        Folder of the models; by default `$OCRLEAK_MODEL_DIR`, else the user's data folder. An
        empty one gets the models that come with this package.
    detector, recognizer : str, optional
        Names of other models in that folder.
    providers : sequence of str or (str, options)
        Execution providers of onnxruntime, preferred first.
    threads : int
        Threads of one run. For models this small, one is the fastest and makes no pool.
    max_pixels : int
        Images of more pixels (width times height) are refused before they are decoded.

    Raises
    ------
    ValueError
        `threads` or `max_pixels` is less than 1.

    Examples
    --------
    >>> with OcrEngine() as engine:
    ...     print(engine.recognize("scan.png").text)
    """

    _stages: _Stages | None = (
        None  # stands on the class too: a failed __init__ is finalized as well
    )

    def __init__(  # noqa: PLR0913 (each has a default, and a name at the call)
        self,
        model_dir: str | os.PathLike[str] | None = None,
        *,
        detector: str | None = None,
        recognizer: str | None = None,
        providers: Sequence[Provider] = CPU,
        threads: int = 1,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        if threads < 1 or max_pixels < 1:
            raise ValueError(f"threads={threads} and max_pixels={max_pixels} must be 1 or more")
        self._folder = ModelFolder(model_dir)
        self._names = (detector or DEFAULT_DETECTOR, recognizer or DEFAULT_RECOGNIZER)
        self._providers = (providers,) if isinstance(providers, str) else tuple(providers)
        self._threads = threads
        self._max_pixels = max_pixels
        self._door = Door()
        self._lock = threading.RLock()  # a signal handler may free while its own thread loads
        _engines.add(self)

    @property
    def freed(self) -> bool:
        """Whether `free_resources` was called; nothing but it and this may be used then."""
        return self._door.shut

    def list_local(self) -> list[str]:
        """Return the names of the model files on disk, sorted."""
        self._check_open()
        return self._folder.list_local()

    def get_local_path(self) -> str:
        """Return the absolute folder of the model files, with the shipped ones in it."""
        self._check_open()
        self._folder.ensure()
        return str(self._folder.path)

    def recognize(self, image: ImageSource) -> Page:
        """Return the text of an image and where it stands.

        Boxes are in pixels of the image as it is seen, after its EXIF rotation. Neither the page
        nor an exception from here keeps anything native alive.

        Parameters
        ----------
        image : str, PathLike, bytes, PIL.Image.Image or array
            See `ocrleak_engine.image.read_image` for what is understood.

        Raises
        ------
        EngineFreedError
            The engine was freed, perhaps by another thread while this one read the file.
        ImageError
            The image is missing, damaged, empty or too large.
        ModelError, ProviderError
            The models cannot be loaded; that leaves nothing loaded, and may be tried again.
        """
        use = Use()
        try:
            return self._read(use, image)
        except BaseException as error:
            # A kept exception keeps its frames, and they the arrays and half-made sessions. Those
            # below this one are over and can be emptied; so nothing big may be local to this one.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            if self._door.leave(use):
                self._close()

    def recognize_many(self, images: Iterable[ImageSource]) -> Iterator[Page]:
        """Return an iterator of pages, each read when it is asked for, in order.

        One image is in memory at a time. Freeing the engine in between is allowed: the next page
        then raises `EngineFreedError`.
        """
        self._check_open()
        if isinstance(images, (str, bytes, os.PathLike)):
            raise TypeError("recognize_many takes several images; use recognize for a single one")
        return map(self.recognize, images)

    def free_resources(self) -> None:
        """Give back everything native; calling it again is allowed.

        Waits for the threads that are reading an image; those that come later get an
        `EngineFreedError`. Called from inside `recognize` in the same thread (a signal handler, a
        finalizer), it returns at once, and the last one out frees.
        """
        if self._door.close():
            self._close()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.free_resources()

    def __del__(self) -> None:
        if self._stages is not None:
            dropped = repr(self)
            self._close()
            warnings.warn(f"unfreed {dropped}", ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        state = "freed" if self.freed else "loaded" if self._stages else "not loaded"
        return f"<OcrEngine {state}, models in {str(self._folder.path)!r}>"

    def _check_open(self) -> None:
        if self._door.shut:
            raise EngineFreedError("this OcrEngine was freed; make a new one")

    def _read(self, use: Use, image: ImageSource) -> Page:
        self._check_open()
        pixels = read_image(image, self._max_pixels)
        with use.lock:
            return self._enter(use).read(pixels)

    def _enter(self, use: Use) -> _Stages:
        """Register `use` and return the stages, loaded once by whoever comes first."""
        if not self._door.enter(use):
            self._check_open()
        with self._lock:
            if self._stages is None:
                self._stages = self._load()
            return self._stages

    def _load(self) -> _Stages:
        """Load both models, or neither."""
        self._folder.ensure()
        detector, recognizer = map(self._folder.resolve, self._names)
        characters = self._folder.characters(self._names[1])
        with ExitStack() as undo:
            finding, reading = (
                undo.enter_context(closing(Session(path, self._providers, self._threads)))
                for path in (detector, recognizer)
            )
            stages = _Stages((finding, reading), Detector(finding), Recognizer(reading, characters))
            undo.pop_all()
        return stages

    def _close(self) -> None:
        with self._lock:
            if self._stages is not None:
                self._stages.close()
            self._stages = None

    def _forget_parent(self) -> None:
        """Start afresh in a forked child: the threads that hold the locks were left behind."""
        self._lock = threading.RLock()
        if self._stages is not None:
            self._stages.abandon()
        self._stages = None


_engines: "weakref.WeakSet[OcrEngine]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for engine in list(_engines):
        engine._forget_parent()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
