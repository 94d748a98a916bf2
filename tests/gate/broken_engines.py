"""An engine that keeps every promise, engines that break one each, and their contracts.

They are cheap: a model is an open file, an image is a text.
"""

import os
import threading
from pathlib import Path
from typing import Any, ClassVar, Self

from pytest_ocrleak.contract import EngineContract

MODEL = Path(__file__)
PATIENCE = {"Hanging": 1.0}  # seconds until what hangs is called so


class Page:
    """A text that was read; ``model`` is what a careless result would keep."""

    def __init__(self, text: str, model: object = None) -> None:
        self.text, self.model = text, model


class Honest:
    """Reads texts with an open model until it is freed."""

    def __init__(self) -> None:
        self.model: Any = None
        self.freed = False
        self.lock = threading.RLock()

    def refuse_when_freed(self) -> None:
        """Raise an error once it was freed."""
        if self.freed:
            raise RuntimeError("this engine was freed")

    def list_local(self) -> list[str]:
        """Return the model's name."""
        self.refuse_when_freed()
        return [MODEL.name]

    def get_local_path(self) -> str:
        """Return the model's folder."""
        self.refuse_when_freed()
        return str(MODEL.parent)

    def recognize(self, image: Any) -> Page:
        """Return the text of an image."""
        with self.lock:
            self.refuse_when_freed()
            self.model = self.model or MODEL.open("rb")
            return self.read(image)

    def read(self, image: Any) -> Page:
        """Return the text of an image, which may be none."""
        return Page(Path(image).read_text("utf8"))

    def free_resources(self) -> None:
        """Close the model."""
        with self.lock:
            if self.model is not None:
                self.model.close()
            self.freed, self.model = True, None

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(self, *_: object) -> None:
        self.free_resources()


class Unsorted(Honest):
    """Lists a model that is not there."""

    def list_local(self) -> list[str]:
        """Return one name too many."""
        return ["an old model", *super().list_local()]


class Misreading(Honest):
    """Reads every image in the same wrong way."""

    def read(self, image: Any) -> Page:
        """Return a text that no image has."""
        return Page(f"{len(super().read(image).text)} letters")


class Spoilt(Honest):
    """Reads nothing any more once it was given no image, without a word."""

    spoilt = False

    def read(self, image: Any) -> Page:
        """Return an empty page after the first failure."""
        self.spoilt = self.spoilt or isinstance(image, bytes)
        page = super().read(image)
        return Page("") if self.spoilt else page


class Lying(Honest):
    """Keeps the model open until the engine itself goes; its folder goes by another name."""

    def get_local_path(self) -> str:
        """Return a link to the model's folder."""
        self.refuse_when_freed()
        link = MODEL.parent / "link"
        if not link.is_symlink():
            link.symlink_to(MODEL.parent)
        return str(link)

    def free_resources(self) -> None:
        """Put the model aside."""
        self.hidden, self.model, self.freed = self.model, None, True


class Once(Honest):
    """Cannot be freed twice."""

    def free_resources(self) -> None:
        """Fail the second time."""
        if self.freed:
            raise RuntimeError("freed twice")
        super().free_resources()


class Reviving(Honest):
    """Loads again when it is used after it was freed."""

    def free_resources(self) -> None:
        """Close the model, and be ready for another."""
        super().free_resources()
        self.freed = False


class Telling(Honest):
    """Refuses to read when it was freed, and tells of its models as if nothing had been."""

    def list_local(self) -> list[str]:
        """Return the model's name."""
        return [MODEL.name]

    def get_local_path(self) -> str:
        """Return the model's folder."""
        return str(MODEL.parent)


class LeavingBad(Honest):
    """Leaves a descriptor behind for each image that cannot be read."""

    def read(self, image: Any) -> Page:
        """Open one descriptor too many."""
        if isinstance(image, bytes):
            os.open(MODEL, os.O_RDONLY)
        return super().read(image)


class LeavingMissing(Honest):
    """Leaves a descriptor behind for each image that is not there."""

    def read(self, image: Any) -> Page:
        """Open one descriptor too many."""
        if isinstance(image, str) and not Path(image).exists():
            os.open(MODEL, os.O_RDONLY)
        return super().read(image)


class Holding(Honest):
    """Hands out results that hold the model, which is closed when nobody has it any more."""

    def read(self, image: Any) -> Page:
        """Return a page with the model."""
        return Page(super().read(image).text, self.model)

    def free_resources(self) -> None:
        """Let go of the model."""
        self.freed, self.model = True, None


class OnlyIfWell(Honest):
    """Is not freed where the block under ``with`` ends in an error."""

    def __exit__(self, kind: object = None, *_: object) -> None:
        if kind is None:
            self.free_resources()


class Registered(Honest):
    """Is held by a list until it is freed, so that a dropped one stays."""

    living: ClassVar[list[Honest]] = []

    def __init__(self) -> None:
        super().__init__()
        self.living.append(self)

    def free_resources(self) -> None:
        """Leave the list."""
        super().free_resources()
        if self in self.living:
            self.living.remove(self)


class Sharing(Honest):
    """Frees all engines with the first one."""

    freed_so_far: ClassVar[list[int]] = [0]

    def __init__(self) -> None:
        super().__init__()
        self.born = self.freed_so_far[0]

    def recognize(self, image: Any) -> Page:
        """Refuse once any engine was freed."""
        self.freed = self.freed or self.born != self.freed_so_far[0]
        return super().recognize(image)

    def free_resources(self) -> None:
        """Free this one and spoil the others."""
        super().free_resources()
        self.freed_so_far[0] += 1


class Blurring(Honest):
    """Has all engines read nothing once one was freed, without a word."""

    freed_so_far: ClassVar[list[int]] = [0]

    def __init__(self) -> None:
        super().__init__()
        self.born = self.freed_so_far[0]

    def read(self, image: Any) -> Page:
        """Return an empty page once any engine was freed."""
        page = super().read(image)
        return page if self.born == self.freed_so_far[0] else Page("")

    def free_resources(self) -> None:
        """Free this one and spoil the others."""
        super().free_resources()
        self.freed_so_far[0] += 1


class Hanging(Honest):
    """Never lets go of the threads that read when it was freed."""

    def free_resources(self) -> None:
        """Keep the lock for good if there are others, who read until they are refused."""
        if threading.active_count() > 1:
            self.lock.acquire()
        super().free_resources()


class OfItsMaker(Honest):
    """Reads only in the process that loaded this module."""

    home = os.getpid()

    def recognize(self, image: Any) -> Page:
        """Refuse to read in a child."""
        if os.getpid() != self.home:
            raise RuntimeError("this is not my process")
        return super().recognize(image)


REPEATED = (
    "test_freeing_gives_everything_back",
    "test_an_unusable_image_leaves_nothing_behind",
    "test_a_missing_image_leaves_nothing_behind",
    "test_results_hold_nothing_native",
    "test_a_context_manager_frees_on_an_error",
    "test_an_engine_that_is_dropped_does_not_leak_silently",
    "test_three_engines_side_by_side_leave_nothing",
)


class Contract(EngineContract):
    """The contract of one of them."""

    image = __file__
    expect_text = "nothing is like this text"
    limits: ClassVar = {name: {"runs": 2} for name in REPEATED}
    kind: ClassVar[type[Honest]]

    def make_engine(self) -> Any:
        """Return a new engine."""
        return self.kind()


def contract_of(engine: type[Honest]) -> type[Contract]:
    """Return the contract of an engine."""
    name = engine.__name__
    own = {"kind": engine, "patience": PATIENCE.get(name, Contract.patience)}
    return type(f"Test{name}", (Contract,), {**own, "__module__": __name__})


class TestExcused(contract_of(Telling)):  # type: ignore[misc]
    """The same where it is said of one of the calls why a freed engine may answer it."""

    allowed_when_freed: ClassVar = {"get_local_path": "it is the same for all engines"}


CONTRACTS = [contract_of(engine) for engine in (Honest, *Honest.__subclasses__())]


class TestAccepted(contract_of(Lying)):  # type: ignore[misc]
    """The same where it is accepted that the model stays open: limits count for this test, too."""

    limits: ClassVar = {
        **Contract.limits,
        "test_the_folder_is_free_after_freeing": {"ignore": ["fds:*/broken_engines.py  # known"]},
    }


globals().update({contract.__name__: contract for contract in CONTRACTS})
