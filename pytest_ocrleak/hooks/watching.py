"""Every test and every fixture, watched from its beginning to after its own finalizer."""

import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_ocrleak import options
from pytest_ocrleak.hooks import lives, records
from pytest_ocrleak.hooks.failing import RunFailedError, error_of
from pytest_ocrleak.hooks.lives import Fixture
from pytest_ocrleak.hooks.reruns import Reruns
from pytest_ocrleak.hooks.session import Session, running
from pytest_ocrleak.ledger import BLOCK, DEVICE, Held, Name, Owner, weighs
from pytest_ocrleak.options import Plan
from pytest_ocrleak.outcome import Check, Kind
from pytest_ocrleak.watch import Watch

if TYPE_CHECKING:
    from pytest_ocrleak.findings import Findings

Result = TypeVar("Result")


def begin(session: Session, items: Iterable[pytest.Item], *, everything: bool) -> None:
    """Watch a session. Markers are read now, so that a wrong one stops pytest."""
    marked = (
        item for item in items if any(map(item.get_closest_marker, ("ocrleak", "no_ocrleak")))
    )
    plans = {item: options.marked(item, session.limits) for item in marked}
    usual = options.usual(session.config, session.limits) if everything else None
    if usual or any(plans.values()):
        watching, manager = Watching(session, plans, usual), session.config.pluginmanager
        manager.register(watching, "ocrleak-watching")
        if manager.hasplugin("rerunfailures") or manager.hasplugin("pytest_rerunfailures"):
            manager.register(Reruns(watching), "ocrleak-reruns")


class Watching:
    """The hooks around fixtures, calls and finalizers.

    ``living`` are the fixtures that are set up, the innermost last, and nobody for those of pytest;
    ``ended`` those whose finalizer ran, and that are judged once pytest has let go of their values;
    ``errors`` what was raised in them, whose traceback keeps what its frames opened; ``red`` what
    leaked, by test: a further try of the test stays red as long as it is there.
    """

    def __init__(
        self, session: Session, plans: dict[pytest.Item, Plan | None], usual: Plan | None
    ) -> None:
        self.session = session
        self.plans = plans
        self.usual = usual
        marked = [plan.limits for plan in plans.values() if plan]
        weighed = any(map(weighs, marked))
        limits = session.limits.widened(marked)
        self.watch = Watch(limits, amounts=weighed or bool(session.reports))
        self.living: dict[Fixture, Owner | None] = {}
        self.ended: list[Owner] = []
        self.red: dict[str, list[tuple[Owner, Check]]] = {}
        self.errors: list[BaseException] = []
        self.nodeid = ""
        self.part_failed = False
        self.broken = False

    def plan(self, item: pytest.Item) -> Plan | None:
        """Return how a test is checked."""
        return self.plans.get(item, self.usual)

    def attempt(self, step: Callable[..., Result], *arguments: Any) -> Result | None:
        """Do something of ours, whose failure is told in the summary and changes no outcome."""
        if self.broken:
            return None
        try:
            return step(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, the suite goes on
            self.broken = True
            place = traceback.extract_tb(error.__traceback__)[-1]
            self.session.problems.append(
                f"ocrleak: internal error in {running()}, nothing was checked from there on: "
                f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
            )
            return None

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(
        self, fixturedef: Fixture, request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Watch a fixture being set up, and have the beginning of its finalizer told."""
        owner = self.attempt(self.set_up, fixturedef, request)
        try:
            return (yield)
        except BaseException as error:
            self.errors.append(error)
            raise
        finally:
            self.attempt(self.watch.end)
            if owner:
                fixturedef.addfinalizer(partial(self.attempt, self.watch.begin, owner))

    def set_up(self, fixturedef: Fixture, request: pytest.FixtureRequest) -> Owner | None:
        """Begin a fixture's life; those of pytest itself are nobody's."""
        if self.watch.paused:  # a further run of a test
            return None
        owner = None
        if not lives.built_in(fixturedef):
            item = request.node if isinstance(request.node, pytest.Item) else None
            found = self.plan(item) if item else self.usual
            judged = found is not None and not (item and found.pace)
            limits = found.limits if found else self.session.limits
            owner = lives.fixture(fixturedef, request, limits, judged=judged)
        self.living[fixturedef] = owner
        self.watch.begin(owner)
        return owner

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_post_finalizer(self, fixturedef: Fixture) -> None:
        """Note that a fixture has ended."""
        if owner := self.living.pop(fixturedef, None):
            self.attempt(self.watch.end)
            self.ended.append(owner)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch a test's body, and judge it if it passed."""
        __tracebackhide__ = True
        found = self.plan(item)
        owner = lives.test(item, found.limits if found else self.session.limits, judged=bool(found))
        self.attempt(self.watch.begin, owner)
        self.part_failed = False
        try:
            result = yield
        except BaseException:
            self.attempt(self.watch.end)
            self.attempt(self.watch.disown, owner)  # its traceback keeps what it opened
            raise
        self.attempt(self.watch.end)
        if self.part_failed:
            self.attempt(self.watch.disown, owner)
            return result
        try:
            judge = self.judge_runs if found and found.pace else self.judge_call
            failed = self.attempt(judge, item, owner)
        except RunFailedError as failure:
            raise failure.error from None
        if failed:
            raise error_of(failed)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a subtest failed, which is told while its test runs."""
        self.part_failed = self.part_failed or report.failed

    def judge_runs(self, item: pytest.Item, owner: Owner) -> Check | None:
        """Repeat a test that passed, judge its growth per run, and return its check if it fails."""
        self.watch.disown(owner)
        plan = self.plan(item)
        if plan is None:
            return None
        from pytest_ocrleak.hooks import repeating  # noqa: PLC0415 - only where a test is

        with self.watch.pause(), self.session.muting():
            check = repeating.repeated(item, plan, self.wider(), self.session.live)
        check = self.session.record(check)
        return check if self.fails(check) else None

    def judge_call(self, item: pytest.Item, owner: Owner) -> Check | None:
        """Judge a test's body and return its check if it fails.

        What the test holds until its teardown is judged there.
        """
        if not owner.judged:
            self.watch.disown(owner)
            return None
        left: Mapping[Name, Held] = {}
        if owner.things or owner.bytes:
            rest, last = lives.rest_of(item, owner), logged(item, owner)
            own = {one: ends_with(item, one) for one in self.others() if of_loop(one)}
            others = [own.get(one, one) for one in self.others()]
            left = self.watch.left(owner, [rest, *others, last])
            for one in (*own.values(), last):
                self.watch.hand(one, rest)
            if rest.things and not left:
                self.ended.append(rest)
                return None
        again = partial(self.explained, item) if owner.limits.trace else None
        return self.conclude(owner, left, again) or self.still_red(item.nodeid, "test")

    def explained(self, item: pytest.Item, found: "Findings") -> "Findings":
        """Return the findings on a test with what some more runs of it tell, where it leaks."""
        if not found.leaks:
            return found
        from pytest_ocrleak.hooks import repeating  # noqa: PLC0415 - only where a test is

        with self.watch.pause(), self.session.muting():
            return repeating.explained(item, found, self.session.limits, self.wider())

    def wider(self) -> list[Fixture]:
        """Return the fixtures that live on from run to run."""
        return [each for each in self.living if each.scope != "function"]

    def others(self) -> list[Owner]:
        """Return the fixtures that live, the innermost first."""
        return [owner for owner in reversed(self.living.values()) if owner]

    def conclude(
        self,
        owner: Owner,
        left: Mapping[Name, Held],
        explain: "Callable[[Findings], Findings] | None" = None,
    ) -> Check | None:
        """Record the check of one that was judged, and return it if it fails."""
        grew = owner.bytes[DEVICE] > BLOCK
        if not (left or grew or self.session.reports or owner.weighed):
            self.session.count(owner, self.nodeid, self.watch.lost)
            return None
        from pytest_ocrleak import onepass  # noqa: PLC0415 - most suites never come here

        found = onepass.watched(owner, left.values(), self.watch.lost)
        found = explain(found) if explain else found
        check = Check(
            *(owner.kind, owner.name, 1, found.meters, found.leaks),
            *(owner.nodeid or self.nodeid, owner.scope, found.allocations),
        )
        check = self.session.record(check)
        if not self.fails(check):
            return None
        self.red.setdefault(check.nodeid, []).append((owner, check))
        return check

    def fails(self, check: Check) -> bool:
        """Tell whether a check fails its test."""
        return check.fails(strict=self.session.limits.strict)

    def still_red(self, nodeid: str, kind: Kind) -> Check | None:
        """Return the check of an earlier try of a test that failed, if what leaked is there yet."""
        for owner, check in self.red.get(nodeid, ()):
            if owner.kind == kind and self.watch.remaining(owner):
                return check
        return None

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Judge the fixtures that ended, after all of their finalizers."""
        __tracebackhide__ = True
        errors: list[BaseException] = []
        result = None
        try:
            result = yield
        except BaseException as error:  # noqa: BLE001 - raised again, beside what leaked
            errors.append(error)
            self.errors.append(error)
        failed = self.attempt(self.finish, item) or []
        if errors and isinstance(errors[0], (KeyboardInterrupt, pytest.exit.Exception)):
            self.session.late += map(str, map(error_of, failed))
            raise errors[0]
        errors += map(error_of, failed)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise BaseExceptionGroup(f"teardown of {item.name}", errors)
        return result

    def finish(self, item: pytest.Item | None) -> list[Check]:
        """Judge what has ended, and return the checks that fail."""
        ended, self.ended = self.ended, []
        self.nodeid = item.nodeid if item else self.nodeid
        if item and any(self.watch.remaining(owner) for owner in ended):
            lives.let_go(item)
            records.let_go(item)
        failed = [check for owner in ended if (check := self.judge(owner))]
        self.errors.clear()
        if item and not failed and (check := self.still_red(item.nodeid, "fixture")):
            return [check]
        return failed

    def judge(self, owner: Owner) -> Check | None:
        """Judge one that has ended, and return its check if it fails."""
        if not owner.judged:
            self.watch.disown(owner)
            return None
        kept = Owner("test", "traceback", "", owner.limits, holds=partial(iter, self.errors))
        left = self.watch.left(owner, [kept, *self.others()] if self.errors else self.others())
        self.watch.disown(kept)
        return self.conclude(owner, left)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Judge the fixtures that ended after the last test, as when a session is stopped."""
        for check in self.attempt(self.finish, None) or ():
            self.session.late.append(f"ocrleak: {error_of(check)}")
        self.session.lost.update(self.watch.lost)


def logged(item: pytest.Item, owner: Owner) -> Owner:
    """Return the time until pytest drops the log records of a test's body."""
    return replace(lives.rest_of(item, owner), holds=partial(records.kept, item))


def of_loop(owner: Owner) -> bool:
    """Tell whether a fixture is the event loop of one test, of which that test is to be told."""
    from pytest_ocrleak.causes import loops  # noqa: PLC0415 - only where something stays

    return owner.scope == "function" and any(loops.of(owner.holds()))


def ends_with(item: pytest.Item, owner: Owner) -> Owner:
    """Return the time until the fixture of a test ends, as the test's own."""
    return replace(lives.rest_of(item, owner), holds=owner.holds)
