"""What a failure tells to do next: what it gives to copy accepts what it has shown."""

import ast
import contextlib
import re
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import pytest_ocrleak
from pytest_ocrleak import LeakError
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.report import text
from pytest_ocrleak.report.hints import hints


def failed(fail: Callable[[], object]) -> Check:
    """Return the check that fails."""
    with pytest.raises(LeakError) as caught:
        fail()
    return caught.value.check


def test_the_tolerance_to_copy_accepts_the_growth() -> None:
    """That of every meter, in the form that this check takes."""
    kept: list[object] = []

    def keep() -> None:
        kept.append(bytearray(4000))

    told = "\n".join(hints(failed(lambda: pytest_ocrleak.assert_no_growth(keep))))
    found = re.search(r"^ +tolerance=(\{.*\})$", told, re.MULTILINE)
    assert found
    tolerance = ast.literal_eval(found[1])
    assert set(tolerance) == {"heap", "pyblocks"}
    seen = pytest_ocrleak.assert_no_growth(keep, tolerance=tolerance)
    assert {seen["heap"].verdict, seen["pyblocks"].verdict} == {"clean"}


def test_the_rules_to_copy_let_the_same_things_linger_again(tmp_path: Path) -> None:
    """All of them, whatever their names are the next time."""
    with contextlib.ExitStack() as stay:

        def guarded(*rules: str) -> None:
            with pytest_ocrleak.guard("three files", ignore=rules):
                stay.enter_context((tmp_path / "page.txt").open("w"))
                stay.enter_context(tempfile.NamedTemporaryFile())
                stay.enter_context(tempfile.TemporaryFile())

        lines = "\n".join(hints(failed(guarded)))
        settings = tomllib.loads(lines[lines.index("ocrleak_ignore") :])
        assert {line.partition(":")[0] for line in settings["ocrleak_ignore"]} == {
            "fds",
            "tempfiles",
        }
        guarded(*settings["ocrleak_ignore"])


@pytest.mark.parametrize(("meter", "what"), [("threads", "join"), ("tempfiles", "remove")])
def test_each_kind_of_thing_ends_in_its_own_way(meter: str, what: str) -> None:
    """A thread is not closed."""
    leak = pytest_ocrleak.Leak(meter, "x", 1, 1.0, (), (), "0")
    (first, *_) = hints(Check("guard", "", 1, {}, (leak,)))
    assert what in first


def test_what_is_hardly_more_than_allowed_is_told_as_more() -> None:
    """The figures have two digits, and would be the same."""
    leak = pytest_ocrleak.Leak("heap", "grows", 1, 3004.0, (), (), "0")
    growth = pytest_ocrleak.Growth("leak", 3004.0, 3001.0, 3010.0, unit="B", accepted=3000.0)
    (first, *_) = text.failure(Check("growth", "f", 24, {"heap": growth}, (leak,))).splitlines()
    assert "heap more than 3.0 KB per run, 3.0 KB allowed" in first


def test_native_growth_that_nothing_names_leads_to_its_stacks() -> None:
    """Once they were traced, or where a keeper is known, there is no need to."""
    leak = pytest_ocrleak.Leak("heap", "grows", 1, 64.0, (), (), "0")
    growth = pytest_ocrleak.Growth("leak", 64.0, 60.0, 70.0, unit="B")
    check = Check("growth", "f", 24, {"heap": growth}, (leak,))
    assert any("--ocrleak-trace" in line for line in hints(check))
    traced = Check("growth", "f", 24, {"heap": growth}, (leak,), allocations={"heap": ("a",)})
    assert not any("--ocrleak-trace" in line for line in hints(traced))
