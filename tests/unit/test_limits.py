"""What users type about meters, sizes and rules."""

from typing import Any

import pytest

from pytest_ocrleak import Checker, ignore, sizes
from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.limits import Limits, names, tolerance_line
from pytest_ocrleak.meters import METERS, Meter
from pytest_ocrleak.pace import Pace


@pytest.mark.parametrize(
    ("text", "size"),
    [("4 KiB", 4096), (4096, 4096), ("1MB", 10**6), ("0.5 GiB", 2**29), ("12", 12), ("3 b", 3)],
)
def test_sizes_read_like_people_write_them(text: str | int, size: float) -> None:
    """Binary and decimal units, blanks and case."""
    assert sizes.parse(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1", "4 XB", "1e3", "nan", "4 KiB KiB"])
def test_a_wrong_size_is_one_sentence(text: str) -> None:
    """The message shows how a size is written."""
    with pytest.raises(ValueError, match="is not a size: write"):
        sizes.parse(text)


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [(9_700_000, "B", "9.7 MB"), (-1500, "B", "-1.5 KB"), (0, "B", "0 B"), (1.0, "threads", "1")],
)
def test_amounts_are_written_short(amount: float, unit: str, text: str) -> None:
    """One digit after the point, decimal units, plain counts."""
    assert sizes.human(amount, unit) == text


def test_a_wrong_meter_suggests_the_nearest() -> None:
    """A typo is answered with the name that was meant."""
    with pytest.raises(ValueError, match="'hep' is no meter: did you mean 'heap'"):
        names("fds,hep")
    with pytest.raises(ValueError, match="there are fds, maps"):
        names("xyzzy")


def test_a_rule_has_meter_glob_and_reason() -> None:
    """Everything behind the hash is the reason; a hash in a path is none."""
    rule = ignore.parse("fds:/tmp/#*  # deleted at exit")
    assert (rule.meter, rule.pattern, rule.reason) == ("fds", "/tmp/#*", "deleted at exit")
    with pytest.raises(ValueError, match="write 'meter:glob"):
        ignore.parse("no colon")


def test_a_check_adds_to_the_sessions_limits() -> None:
    """Rules and tolerances add up, meters are replaced, and a string is one rule."""
    session = Limits(("fds", "heap"), (ignore.parse("fds:/a"),), {"heap": 1.0})
    check = session.narrowed("heap", "fds:/b", {"heap": "1 KiB"})
    assert [meter.name for meter in check.meters] == ["heap"]
    assert [rule.pattern for rule in check.rules] == ["/a", "/b"]
    assert check.tolerance == {"heap": 1024}


def test_a_tolerance_line_needs_its_equals_sign() -> None:
    """Lines of the ini file read 'meter = size'."""
    assert tolerance_line("heap = 4 KiB") == ("heap", "4 KiB")
    with pytest.raises(ValueError, match="write 'meter = size'"):
        tolerance_line("heap 4 KiB")


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"runs": "many"}, {"warmup": -1}, {"runs": 1.5}])
def test_a_wrong_number_of_runs_is_one_sentence(wrong: dict[str, object]) -> None:
    """Numbers of runs are checked before anything runs."""
    with pytest.raises(ValueError, match="write 'auto' or a whole number"):
        Pace(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [{"track": [1]}, {"ignore": [5]}, {"tolerance": {5: 1}}, {"track": [None, "fds"]}]
)
def test_what_is_no_text_is_refused_in_a_sentence(wrong: dict[str, Any]) -> None:
    """A marker holds anything."""
    with pytest.raises(ValueError, match=r"is no meter: there are|is no ignore rule: write"):
        Checker().assert_no_growth(int, **wrong)


def test_what_cannot_free_is_refused_before_anything_is_made() -> None:
    """It is no method's name and cannot be called."""
    with pytest.raises(TypeError, match=r"free=5: write a method's name"):
        Checker().assert_releases(object, free=5)  # type: ignore[arg-type]


def test_a_required_meter_that_is_lost_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver was there when the session started, and is not when a check ends."""
    gone = Meter("gpu", METERS["gpu"].scale, lambda: Unavailable("driver gone"), str)
    monkeypatch.setitem(METERS, "gpu", gone)
    required = Checker(Limits(track=("gpu",), required=("gpu",)))
    with pytest.raises(RuntimeError, match="gpu is required and was lost: driver gone"):
        required.assert_no_growth(int, runs=1)
    assert Checker(Limits(track=("gpu",))).assert_no_growth(int, runs=1)
