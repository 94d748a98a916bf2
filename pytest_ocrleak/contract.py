"""A ready suite for any engine: name an image, make the engine, and see what it keeps.

>>> class TestMyEngine(EngineContract):
...     image = "scan.png"
...     expect_text = "Invoice"
...
...     def make_engine(self):
...         return MyEngine()
"""

import multiprocessing
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pytest_ocrleak.check import Checker
from pytest_ocrleak.hooks.failing import error_of
from pytest_ocrleak.outcome import Check, LeakError
from pytest_ocrleak.release import Life

IN_A_ROW, SIDE_BY_SIDE, READERS, SEQUENCES = 10, 3, 4, 30
THINGS = "fds,maps,threads,processes,tempfiles"
SLOW = 30.0  # seconds that a check may take: of an engine's lives, 10 hold too few to judge bytes
KEPT = {"heap": "1 MiB"}  # that a result of one image may hold


class EngineContract:
    """What an engine with list, path, recognize and free promises, a test for each promise.

    A subclass names an ``image``, a text in it, and makes engines. What is spelt otherwise is
    adapted in a line: ``free = "close"``, or a method of the subclass that takes the engine.

    Attributes
    ----------
    image
        An image that the engine can read: a path, or whatever it takes.
    expect_text
        Something that recognizing it must find.
    free
        The method that frees, or a callable that is given the engine.
    own_folder
        Whether the folder of the models is this suite's own and may be moved to try it.
    skip
        Tests to leave out: reason by name.
    allowed_when_freed
        Calls that a freed engine need not refuse (``"list_local"`` …): reason by name. They are
        not made.
    limits
        Arguments of a test's check (``runs``, ``tolerance``, ``ignore`` …) by the test's name.
    patience
        Seconds that a child or the threads may take, after which they hang.

    """

    image: ClassVar[Any] = ""
    expect_text: ClassVar[str] = ""
    free: ClassVar[str | Callable[[Any], object]] = "free_resources"
    own_folder: ClassVar[bool] = False
    skip: ClassVar[Mapping[str, str]] = {}
    allowed_when_freed: ClassVar[Mapping[str, str]] = {}
    limits: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    patience: ClassVar[float] = 120.0

    def make_engine(self) -> Any:
        """Return a new engine."""
        raise NotImplementedError(f"{type(self).__name__} must have a method make_engine")

    def recognize(self, engine: Any, image: Any) -> Any:
        """Return what an engine reads."""
        return engine.recognize(image)

    def read_text(self, result: Any) -> str:
        """Return the text of a result."""
        return str(getattr(result, "text", result))

    def list_local(self, engine: Any) -> Iterable[str]:
        """Return the names of an engine's models, which are files in its folder."""
        names: Iterable[str] = engine.list_local()
        return names

    def get_local_path(self, engine: Any) -> str | Path:
        """Return the folder of an engine's models."""
        folder: str | Path = engine.get_local_path()
        return folder

    def unusable_image(self) -> Any:
        """Return an image that no engine can read."""
        return b"this is no image"

    @pytest.fixture(autouse=True)
    def _asked(self, request: pytest.FixtureRequest, ocrleak: Checker) -> Iterator[None]:
        """Skip what is to be left out; hand the checks and their limits to the test."""
        name, whole = request.node.originalname, request.node.name
        known = {each for each in dir(type(self)) if each.startswith("test")}
        for given in (*self.skip, *self.limits):
            if given.partition("[")[0] not in known:
                raise pytest.UsageError(f"{type(self).__name__}: {given!r} is no test of it")
        for given in self.allowed_when_freed:
            if given not in self.calls():
                raise pytest.UsageError(f"{type(self).__name__}: {given!r} is no call of it")
        if reason := self.skip.get(whole, self.skip.get(name)):
            pytest.skip(reason)
        self.check, self.given = ocrleak, dict(self.limits.get(name, {}))
        self.kept: list[Any] = []  # a variable of this module would not be named as a keeper
        yield
        del self.check, self.given, self.kept

    def use(self, engine: Any, text: str = "") -> None:
        """Recognize the image, and find a text in it where one is given."""
        found = self.read_text(self.recognize(engine, self.image))
        assert text in found, f"{text!r} is not in {found!r}"

    def found(self, engine: Any) -> str:
        """Return what is to be found again: the text, or nothing where an engine misreads it.

        A test of its own judges what is read; the others tell whether it stays as it is.
        """
        read = self.read_text(self.recognize(engine, self.image))
        return self.expect_text if self.expect_text in read else ""

    def found_alone(self) -> str:
        """Return what an engine that nothing disturbs finds."""
        texts: list[str] = []
        self.live(lambda engine: texts.append(self.found(engine)))
        return texts[0]

    def calls(self) -> Mapping[str, Callable[[Any], object]]:
        """Return the calls that an engine must refuse once it is freed."""
        return {
            "recognize": lambda engine: self.recognize(engine, self.image),
            "list_local": lambda engine: list(self.list_local(engine)),
            "get_local_path": self.get_local_path,
        }

    def free_engine(self, engine: Any) -> None:
        """Free an engine."""
        Life(self.make_engine, None, type(self).free).method(engine)()

    def live(self, use: Callable[[Any], object]) -> None:
        """Make an engine, use it, and free it whatever happened."""
        engine = self.make_engine()
        try:
            use(engine)
        finally:
            self.free_engine(engine)

    def steady(self, run: Callable[..., object], *arguments: Any, **usual: Any) -> None:
        """Repeat a run; there is time for as many as bytes take, slow as an engine may be."""
        self.check.assert_no_growth(run, *arguments, **{"time_limit": SLOW, **usual, **self.given})

    def refuse(self, image: Any) -> Callable[[Any], None]:
        """Return a use that must raise an error for an image, after which the engine works on."""
        text = self.found_alone()

        def use(engine: Any) -> None:
            with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the engine calls it
                self.recognize(engine, image)
            self.use(engine, text)

        return use

    def test_the_listed_models_are_in_the_folder(self) -> None:
        """Names and path are what they say: sorted files in an absolute folder."""

        def use(engine: Any) -> None:
            names, folder = list(self.list_local(engine)), Path(self.get_local_path(engine))
            assert names, "no model is listed"
            assert names == sorted(names)
            assert folder.is_absolute(), f"{folder} is no absolute path"
            assert not [name for name in names if not (folder / name).is_file()]

        self.live(use)

    def test_recognizing_finds_the_text(self) -> None:
        """The engine does its job."""
        self.live(partial(self.use, text=self.expect_text))

    def test_freeing_gives_everything_back(self) -> None:
        """Engine after engine, nothing stays while the freed object is still held."""
        free = type(self).free  # of the class: a function of the instance would be its method
        self.check.assert_releases(self.make_engine, self.use, free=free, **self.given)

    def test_freeing_twice_is_fine(self) -> None:
        """A finalizer and a caller may both do it; an engine that was never used is freed, too."""

        def use(engine: Any) -> None:
            self.use(engine)
            self.free_engine(engine)

        self.live(use)
        self.live(self.free_engine)

    def test_a_freed_engine_refuses(self) -> None:
        """Use after freeing is an error, not a surprise: to read, and to ask for the models."""
        engine = self.make_engine()
        self.use(engine)
        self.free_engine(engine)
        calls = {n: call for n, call in self.calls().items() if n not in self.allowed_when_freed}
        told = [name for name, call in calls.items() if not _refused(call, engine)]
        assert not told, f"of a freed engine, {', '.join(told)} did not raise"

    def test_an_unusable_image_leaves_nothing_behind(self) -> None:
        """It is an error, and the next image is read as if nothing had been."""
        self.steady(self.live, self.refuse(self.unusable_image()))

    def test_a_missing_image_leaves_nothing_behind(self, tmp_path: Path) -> None:
        """It is an error, and the next image is read as if nothing had been."""
        missing = str(tmp_path / "missing.png")
        self.steady(self.live, self.refuse(missing))

    def test_results_hold_nothing_native(self) -> None:
        """They are kept for long, and must not keep the engine."""
        text = self.found_alone()

        def run() -> None:
            self.live(lambda engine: self.kept.append(self.recognize(engine, self.image)))

        self.steady(run, track=f"{THINGS},heap", tolerance=KEPT)
        assert all(text in self.read_text(result) for result in self.kept)

    def test_a_context_manager_frees_on_an_error(self) -> None:
        """Where the engine is one."""

        def run() -> None:
            with suppress(ZeroDivisionError), self.make_engine() as engine:
                self.use(engine)
                raise ZeroDivisionError
            with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the engine calls it
                self.recognize(engine, self.image)

        engine = self.make_engine()
        self.free_engine(engine)
        if not hasattr(type(engine), "__enter__"):
            pytest.skip("it is no context manager")
        del engine
        self.steady(run)

    def test_an_engine_that_is_dropped_does_not_leak_silently(self) -> None:
        """What nobody freed goes with the object, or a ResourceWarning tells of it."""
        told: list[str] = []
        checks: list[Check] = []

        def note(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
            told.extend([str(message)] if issubclass(category, ResourceWarning) else [])

        with warnings.catch_warnings(), suppress(LeakError):
            warnings.simplefilter("always", ResourceWarning)
            warnings.showwarning = note  # a record of them would keep the engine
            quiet = replace(self.check, record=checks.append)
            usual = {"time_limit": SLOW, **self.given}
            quiet.assert_no_growth(lambda: self.use(self.make_engine()), **usual)
        for check in checks:
            if not (told and check.leaks):
                self.conclude(check)

    def conclude(self, check: Check) -> None:
        """Record a check, and raise if it failed."""
        check = self.check.record(check) or check
        if check.fails(strict=self.check.limits.strict):
            raise error_of(check)

    def test_ten_engines_in_a_row_leave_nothing(self) -> None:
        """Also while all of the freed ones are still held."""

        def one(engine: Any) -> None:
            self.use(engine)
            self.kept.append(engine)

        self.live(self.use)  # what the first one leaves for good
        with self.check.guard("ten in a row", **self.given):
            for _ in range(IN_A_ROW):
                self.live(one)

    def test_three_engines_side_by_side_leave_nothing(self) -> None:
        """Freeing one leaves the others at work."""

        def run() -> None:
            engines = [self.make_engine() for _ in range(SIDE_BY_SIDE)]
            texts = [self.found(engine) for engine in engines]
            for number, engine in enumerate(engines, 1):
                self.free_engine(engine)
                for other, text in zip(engines[number:], texts[number:], strict=True):
                    self.use(other, text)

        self.steady(run, runs=5)

    def test_no_sequence_of_calls_leaks(self) -> None:
        """Good and bad images, two engines, freeing twice, use after freeing, in any order."""
        pytest.importorskip("hypothesis", reason="it needs the extra pytest-ocrleak[fuzz]")
        from pytest_ocrleak.fuzz import Call  # noqa: PLC0415 - an extra

        images = (self.image, self.unusable_image())
        calls = [Call(self.recognize, image) for image in images]
        calls += [Call(self.list_local), Call(self.get_local_path)]
        usual = {"free": type(self).free, "seconds": SLOW, "sequences": SEQUENCES}
        self.check.assert_no_sequence_leaks(self.make_engine, *calls, **{**usual, **self.given})

    def test_threads_may_read_while_another_frees(self) -> None:
        """Each image is read or refused; nothing hangs and nothing stays."""
        text = self.found_alone()  # and what the first one leaves for good
        with self.check.guard("readers", **self.given):
            engine = self.make_engine()
            begun, freed = threading.Event(), threading.Event()
            wrong: list[str] = []
            read = partial(_read, self, engine, text, begun, freed, wrong)
            readers = [threading.Thread(target=read, daemon=True) for _ in range(READERS)]
            for reader in readers:
                reader.start()
            begun.wait(self.patience)
            self.free_engine(engine)
            freed.set()
            late = time.monotonic() + self.patience
            for reader in readers:
                reader.join(max(0.0, late - time.monotonic()))
            assert not any(reader.is_alive() for reader in readers), "a thread hangs"
            assert not wrong, wrong[0]
            del engine, read, readers

    @pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
    def test_a_child_process_has_an_engine_of_its_own(self, method: str) -> None:
        """It reads and frees; the parent's engine works on."""
        if method != "fork" and not _importable(type(self).__module__):
            pytest.skip("a process of its own cannot import this module by its name")

        def use(engine: Any) -> None:
            text = self.found(engine)
            context: Any = multiprocessing.get_context(method)
            child = context.Process(target=_live, args=(type(self), text))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
                child.start()
            child.join(self.patience)
            ended = child.exitcode
            child.kill()
            child.join()
            child.close()
            assert ended is not None, "the child hangs"
            assert ended == 0, f"the child ended with {ended}: its own output says why"
            self.use(engine, text)

        self.live(use)

    def test_the_folder_is_free_after_freeing(self) -> None:
        """No descriptor and no mapping leads into it, and it can be moved."""
        limits = self.check.limits.narrowed(None, self.given.get("ignore"), None)
        check = replace(self.check, limits=limits)
        before = check.snapshot()
        engine = self.make_engine()
        self.use(engine)
        folder = Path(self.get_local_path(engine))
        real = folder.resolve()  # as the kernel tells what is open
        self.free_engine(engine)
        left = check.compare(before, check.snapshot())
        held = [leak.what for leak in left if leak.meter in ("fds", "maps")]
        open_in = [what for what in held if Path(what).is_relative_to(real)]
        assert not open_in, f"still open in the folder: {', '.join(open_in)}"
        if self.own_folder:
            moved = folder.with_name(f"{folder.name} moved")
            folder.rename(moved).rename(folder)


def _refused(call: Callable[[Any], object], engine: Any) -> bool:
    """Tell whether a call raises an error, whatever the engine calls it."""
    try:
        call(engine)
    except Exception:  # noqa: BLE001 - any error refuses
        return True
    return False


def _read(  # noqa: PLR0913, PLR0917 - what a thread is given
    contract: EngineContract,
    engine: Any,
    expected: str,
    begun: threading.Event,
    freed: threading.Event,
    wrong: list[str],
) -> None:
    """Read image after image until that is refused; note a text that is not the image's.

    A freed engine is asked once more and no further: one that does not refuse would never end.
    """
    last = False
    while not (wrong or last):
        last = freed.is_set()
        try:
            text = contract.read_text(contract.recognize(engine, contract.image))
        except Exception:  # noqa: BLE001 - whatever the engine calls it
            return
        finally:
            begun.set()
        if expected not in text:
            wrong.append(f"{expected!r} is not in {text!r}")


def _importable(module: str) -> bool:
    """Tell whether a module can be found by its name, as another process has to."""
    parts, path = module.split("."), None
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        found = (finder.find_spec(name, path) for finder in sys.meta_path)
        spec = next(filter(None, found), None)
        if spec is None:
            return name == "__main__"
        path = spec.submodule_search_locations
    return True


def _live(contract: type[EngineContract], text: str) -> None:
    """Live an engine's life in a child, which is to find what its parent found."""
    suite = contract()
    suite.live(partial(suite.use, text=text))
