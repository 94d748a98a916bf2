"""The plugin's entry: options, markers and the fixture, and little to import.

pytest loads this module at every start. What checks is loaded when something is to be checked: by
an option or a key of the ini file, by a marker, or by a test that uses the fixture.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ocrleak import declare

if TYPE_CHECKING:
    from pytest_ocrleak.check import Checker

ATTRIBUTE = "ocrleak"
MARKERS = {"ocrleak", "no_ocrleak"}
pytest.register_assert_rewrite("pytest_ocrleak.contract")  # whose asserts tell what they saw


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    declare.options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; begin at once where an option asks, so that a wrong one stops pytest."""
    declare.markers(config)
    if declare.asked(config):
        start(config)
    elif config.getoption("dist", "no") != "no":  # of pytest-xdist
        config.pluginmanager.register(Controller(config), "ocrleak-controller")


def start(config: pytest.Config) -> Any:
    """Load what checks, and return the session's record."""
    from pytest_ocrleak.hooks import session  # noqa: PLC0415 - only where something is checked

    return session.started(config)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin to watch where all tests are to be checked, or one of them is marked."""
    everything = config.getoption("ocrleak") or config.getini("ocrleak")
    some = any(marked(items))
    if not config.getoption("ocrleak_off") and (everything or some):
        from pytest_ocrleak.hooks import watching  # noqa: PLC0415

        watching.begin(start(config), items if some else (), everything=bool(everything))


def marked(items: Iterable[pytest.Item]) -> Iterator[bool]:
    """Tell of each test, class and module once whether one of the markers is on it."""
    seen = set()
    for item in items:
        yield any(mark.name in MARKERS for mark in item.own_markers)
        node = item.parent
        while node is not None and node not in seen:
            seen.add(node)
            yield any(mark.name in MARKERS for mark in node.own_markers)
            node = node.parent


@pytest.fixture(scope="session")
def ocrleak(pytestconfig: pytest.Config) -> "Checker":
    """Give the checks under the session's limits: guard, assert_no_growth, assert_releases …."""
    from pytest_ocrleak.check import Checker  # noqa: PLC0415
    from pytest_ocrleak.hooks import beside  # noqa: PLC0415
    from pytest_ocrleak.off import Off  # noqa: PLC0415

    session = start(pytestconfig)
    make = Off if pytestconfig.getoption("ocrleak_off") else Checker
    guarded = beside.started(pytestconfig).guarded
    return make(session.limits, session.record, session.live, guarded)


class Controller:
    """A controller of pytest-xdist: only a worker's report tells whether anything was checked."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the checks off a worker's report."""
        self.take(vars(report).pop(ATTRIBUTE, {}))

    def take(self, told: Mapping[str, Any]) -> None:
        """Hand checks over to the session's record."""
        if told:
            start(self.config).take(told)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker found after its last report."""
        output = getattr(node, "workeroutput", {})
        if any(output.get(name) for name in output if name.startswith(ATTRIBUTE)):
            start(self.config).pytest_testnodedown(node, error)
