"""The hook that pytest-rerunfailures makes necessary."""

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_ocrleak.hooks.failing import error_of, raising
from pytest_ocrleak.outcome import LeakError

if TYPE_CHECKING:
    from pytest_ocrleak.hooks.watching import Watching


class Reruns:
    """The hook around reports where pytest-rerunfailures may end fixtures while one is made."""

    def __init__(self, watching: "Watching") -> None:
        self.watching = watching

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Complete a report that failed: it is logged once the last phase of its try is over."""
        report = self.judged(item, call, (yield))
        if report.failed:
            self.watching.session.tell(report)
        return report

    def judged(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> pytest.TestReport:
        """Judge what ended meanwhile, and make a report that failed of one that passed."""
        watching = self.watching
        if call.when != "teardown" or not watching.ended:
            return report
        failed = watching.attempt(watching.finish, item) or []
        if not failed or report.failed:
            return report
        error = LeakError("\n\n".join(map(str, map(error_of, failed))), failed[0])
        told = pytest.CallInfo.from_call(partial(raising, error), when="teardown")
        return pytest.TestReport.from_item_and_call(item, told)
