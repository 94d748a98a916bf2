"""A test again and again, its function-scoped fixtures anew each time, told as the one test it is.

The first run is pytest's own; the others follow within its call, so that one report stands for all
of them, and whatever pytest and its plugins do once for a test they do once.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from pytest_ocrleak import findings
from pytest_ocrleak.check import named
from pytest_ocrleak.findings import Findings
from pytest_ocrleak.hooks import traces
from pytest_ocrleak.hooks.failing import RunFailedError
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.options import Plan
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.pace import OVERTIME, Pace, Show
from pytest_ocrleak.repeat import repeat

SHARE = 0.5  # of a test's timeout that may be spent on its runs: it counts for all of them


def repeated(
    item: pytest.Item,
    plan: Plan,
    wider: Iterable[pytest.FixtureDef[Any]],
    show: Show | None = None,
) -> Check:
    """Repeat a test that ran once and passed, and return the check of its growth per run.

    ``wider`` are the fixtures that live on from run to run; ``show`` is told how far it has come.

    Raises
    ------
    RunFailedError
        A further run of the test failed.

    """
    pace = replace(in_time(plan.pace or Pace(), item), show=show)
    with traces.of_one_run(item, wider) as clear:
        run = partial(again, item, clear)
        ending(item, clear)
        found = findings.repeated(repeat(run, plan.limits, pace))
        with standing():
            found = named(found, run, plan.limits)
    return Check(
        *("test", item.name, found.runs, found.meters, found.leaks, item.nodeid),
        allocations=found.allocations,
    )


def explained(
    item: pytest.Item, found: Findings, limits: Limits, wider: Iterable[pytest.FixtureDef[Any]]
) -> Findings:
    """Run a test that leaks some more, and return its findings with what that tells."""
    with traces.of_one_run(item, wider) as clear, standing():
        ending(item, clear)
        return named(found, partial(again, item, clear), limits)
    return found


@contextmanager
def standing() -> Generator[None]:
    """Let a verdict stand as it is where a run that is to tell more of it fails.

    Raises
    ------
    KeyboardInterrupt
        Somebody ended the session meanwhile.

    """
    try:
        yield
    except RunFailedError as failure:
        if isinstance(failure.error, KeyboardInterrupt):
            raise failure.error from None


def again(item: pytest.Item, clear: Callable[[], None]) -> None:
    """Set a test up, run it, tear it down, and clear what pytest keeps of it."""
    try:
        item._initrequest()  # type: ignore[attr-defined]  # noqa: SLF001 - as for reruns
        item.session._setupstate.setup(item)  # noqa: SLF001
        item.runtest()
    except BaseException as error:  # noqa: BLE001 - raised on, as what it is
        raise RunFailedError(error) from None
    ending(item, clear)


def ending(item: pytest.Item, clear: Callable[[], None]) -> None:
    """Tear a test down, but none of the classes, modules and packages that it is in."""
    try:
        item.session._setupstate.teardown_exact(item.parent)  # type: ignore[arg-type]  # noqa: SLF001
    except BaseException as error:  # noqa: BLE001 - raised on, as what it is
        raise RunFailedError(error) from None
    clear()


def in_time(pace: Pace, item: pytest.Item) -> Pace:
    """Return a pace that ends before the time which pytest-timeout gives a test."""
    mark = item.get_closest_marker("timeout")
    typed = [*mark.args, mark.kwargs.get("timeout")] if mark else []
    config = item.config
    if config.pluginmanager.hasplugin("timeout"):
        typed += [config.getoption("timeout", None), config.getini("timeout")]
    seconds = next((float(each) for each in typed if each), 0.0)
    most = SHARE * seconds / OVERTIME or pace.time_limit
    return replace(pace, time_limit=min(pace.time_limit, most))
