"""The checks when checking is switched off: the code runs once, nothing is read."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Unpack

from pytest_ocrleak.check import Checker
from pytest_ocrleak.growth import Growth
from pytest_ocrleak.inventory import Leak, Snapshot
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.release import Life

if TYPE_CHECKING:
    from pytest_ocrleak.fuzz.asserting import Options, Tried
    from pytest_ocrleak.fuzz.steps import Call

REASON = "checking is switched off (--ocrleak-off)"


class Off(Checker):
    """A checker that runs what it is given once, and says of every meter that it did not look."""

    def snapshot(self) -> Snapshot:
        """Return a snapshot in which nothing was looked at."""
        return Snapshot({})

    def compare(self, *_: Any, **__: Any) -> list[Leak]:
        """Return that nothing appeared."""
        return []

    @contextmanager
    def guard(self, *_: Any, **__: Any) -> Generator[None]:
        """Let what is inside pass."""
        yield

    def assert_no_growth(
        self, fn: Callable[..., object], *args: Any, **kwargs: Any
    ) -> Mapping[str, Growth]:
        """Run ``fn`` once, without the options that are the check's."""
        fn(*args, **{key: kwargs[key] for key in kwargs if key not in OPTIONS})
        return unjudged()

    def assert_releases(
        self,
        factory: Callable[[], Any],
        use: Callable[[Any], object] | None = None,
        *,
        free: str | Callable[[Any], object] = "free_resources",
        **_: Any,
    ) -> Mapping[str, Growth]:
        """Make, use and free one object."""
        Life(factory, use, free).live()
        return unjudged()

    def assert_no_sequence_leaks(
        self, factory: Callable[[], Any], *calls: "Call", **options: "Unpack[Options]"
    ) -> "Tried":
        """Make each call once, with the simplest arguments that can be drawn, on one object."""
        from pytest_ocrleak.fuzz import asserting  # noqa: PLC0415 - most suites never come here

        asserting.once(factory, calls, options.get("free", "free_resources"))
        return asserting.Tried(1, len(calls), 0.0, unjudged())


OPTIONS = {"runs", "warmup", "track", "ignore", "tolerance", "time_limit"}


def unjudged() -> Mapping[str, Growth]:
    """Return what every meter says when nobody looked."""
    return {m.name: Growth("unjudged", unit=m.unit, reason=REASON) for m in METERS.values()}
