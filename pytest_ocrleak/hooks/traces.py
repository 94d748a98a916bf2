"""What pytest keeps of a test's run, cleared after each further run: it would grow with them.

Captured output, log records and warnings, reports of subtests, recorded properties, temp folders,
finalizers that a fixture leaves with those it depends on. What the first run left is put back, so
that the report is that of one run.
"""

import logging
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.tmpdir import tmppath_result_key

Clear = Callable[[], None]


@contextmanager
def of_one_run(item: pytest.Item, wider: Iterable[pytest.FixtureDef[Any]]) -> Iterator[Clear]:
    """Give a function that clears what the latest run left; put back what the first one did.

    ``wider`` are the fixtures that live on from run to run.
    """
    with ExitStack() as stack:
        parts = (output, logs, warned, subtests, properties, folders, names, instance)
        clears = [stack.enter_context(part(item)) for part in parts]
        clears.append(stack.enter_context(finalizers(item, wider)))
        stack.enter_context(silent(item))

        def clear() -> None:
            for each in clears:
                each()

        yield clear


@contextmanager
def output(item: pytest.Item) -> Iterator[Clear]:
    """Drop what further runs print."""
    manager = item.config.pluginmanager.getplugin("capturemanager")
    if manager is None or not manager.is_globally_capturing():
        yield lambda: None
        return
    first = manager.read_global_capture()
    yield manager.read_global_capture
    for name, text in zip(("stdout", "stderr"), first, strict=False):
        item.add_report_section("call", name, text)


@contextmanager
def logs(item: pytest.Item) -> Iterator[Clear]:
    """Drop the log records of further runs, in the handlers that pytest put on the root logger."""
    del item
    root = logging.getLogger()
    handlers: list[Any] = [h for h in root.handlers if type(h).__module__ == "_pytest.logging"]
    handlers = [handler for handler in handlers if hasattr(handler, "records")]
    kept = [(each, each.records, each.stream) for each in handlers]

    def clear() -> None:
        for handler in handlers:
            handler.reset()

    yield clear
    for handler, records, stream in kept:
        handler.records, handler.stream = records, stream


@contextmanager
def warned(item: pytest.Item) -> Iterator[Clear]:
    """Drop the warnings of further runs; what the filters make errors are errors there too."""
    del item
    with warnings.catch_warnings(record=True) as seen:
        yield seen.clear


@contextmanager
def subtests(item: pytest.Item) -> Iterator[Clear]:
    """Let only failed subtests of further runs be told."""
    session = item.session
    proxy = session.gethookproxy

    class Quiet:
        """The hooks, without the reports of what passed."""

        def __init__(self, hooks: Any) -> None:
            self._hooks = hooks

        def __getattr__(self, name: str) -> Any:
            return getattr(self._hooks, name)

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            """Tell of a report that is no success."""
            if not report.passed:
                self._hooks.pytest_runtest_logreport(report=report)

    vars(session)["gethookproxy"] = lambda path: Quiet(proxy(path))
    try:
        yield lambda: None
    finally:
        del vars(session)["gethookproxy"]


@contextmanager
def properties(item: pytest.Item) -> Iterator[Clear]:
    """Keep the properties that the first run recorded."""
    first = list(item.user_properties)

    def clear() -> None:
        item.user_properties[:] = first

    yield clear


@contextmanager
def finalizers(item: pytest.Item, wider: Iterable[pytest.FixtureDef[Any]]) -> Iterator[Clear]:
    """Drop what each function-scoped fixture leaves with the wider ones that it depends on.

    pytest tells the wider fixture, and up to 8.0 its module or session, too, to end the narrower
    one first, and never takes that back.
    """
    lists = [each._finalizers for each in wider]  # noqa: SLF001
    lists += [each for each, _ in item.session._setupstate.stack.values()]  # noqa: SLF001
    lengths = [(each, len(each)) for each in lists]

    def clear() -> None:
        for each, length in lengths:
            del each[length:]

    yield clear


@contextmanager
def folders(item: pytest.Item) -> Iterator[Clear]:
    """Remove the folders that ``tmp_path`` made for further runs, and let names be used again.

    Python 3.12 keeps each new name of a path for good (it interns them).
    """
    numbers = getattr(getattr(item.config, "_tmp_path_factory", None), "_next_number", {})
    first = item.funcargs.get("tmp_path") if isinstance(item, pytest.Function) else None

    def clear() -> None:
        item.stash.setdefault(tmppath_result_key, {})  # the fixture's end takes it away
        path = item.funcargs.get("tmp_path") if isinstance(item, pytest.Function) else None
        if isinstance(path, Path) and path != first:
            shutil.rmtree(path, ignore_errors=True)
            prefix = path.name.rstrip("0123456789")
            numbers[prefix.lower()] = int(path.name[len(prefix) :] or 0)

    yield clear


@contextmanager
def names(item: pytest.Item) -> Iterator[Clear]:
    """Put the names of a doctest back, which its runner clears."""
    test = getattr(item, "dtest", None)
    if test is None:
        yield lambda: None
        return
    module = getattr(getattr(item.parent, "obj", None), "__dict__", {})
    first = {"__name__": "__main__", **module}
    yield lambda: test.globs.update(first)


@contextmanager
def instance(item: pytest.Item) -> Iterator[Clear]:
    """Have each run of a method made a fresh instance of its class, as each test has one."""

    def clear() -> None:
        made = getattr(item, "_obj", None)
        if isinstance(item.parent, pytest.Class) and hasattr(made, "__self__"):
            for name in ("_obj", "_instance"):
                vars(item).pop(name, None)

    yield clear


@contextmanager
def silent(item: pytest.Item) -> Iterator[None]:
    """Let ``--setup-show`` tell of the first run alone."""
    options = item.config.option
    shown, options.setupshow = getattr(options, "setupshow", False), False
    try:
        yield
    finally:
        options.setupshow = shown
