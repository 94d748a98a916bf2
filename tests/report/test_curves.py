"""What a plot shows of a meter's readings, on literals."""

import pytest

from pytest_ocrleak.report.page.curves import POINTS, bounds, levels, readings
from pytest_ocrleak.verdict import Growth


def grown(*series: float, batches: tuple[int, ...] = (), **more: float) -> Growth:
    """Return a leak with a series."""
    return Growth("leak", series=series, batches=batches, **more)  # type: ignore[arg-type]


def test_a_reading_is_growth_over_its_runs() -> None:
    """So that batches of any length can be compared."""
    found = readings(grown(10.0, 40.0, batches=(1, 4)))
    assert [each.rate for each in found] == [10.0, 10.0]
    assert levels(found) == ([0, 1, 5], [0.0, 10.0, 50.0])


@pytest.mark.parametrize("batches", [(), (1, 2)])
def test_a_document_without_batches_has_one_run_a_reading(batches: tuple[int, ...]) -> None:
    """Older versions did not tell them; a wrong number of them tells nothing."""
    assert [each.rate for each in readings(grown(3.0, 4.0, 5.0, batches=batches))] == [3, 4, 5]


def test_many_readings_are_joined_without_changing_the_course() -> None:
    """A plot has few points, and the last level is still the sum of all changes."""
    found = readings(grown(*[2.0] * 1000, batches=(3,) * 1000))
    assert len(found) <= POINTS
    assert {each.rate for each in found} == {2 / 3}
    runs, level = levels(found)
    assert (runs[-1], level[-1]) == (3000, 2000.0)


def test_a_first_use_does_not_flatten_the_leak() -> None:
    """It is cut off, for what matters is what comes again."""
    low, high, cut = bounds(readings(grown(1e6, *[100.0] * 11)), grown(per_run=100.0))
    assert (low, cut) == (0.0, True)
    assert 100.0 < high < 200.0


def test_what_is_alike_is_shown_whole() -> None:
    """Falls, the judged growth and the tolerance included."""
    growth = grown(100.0, 90.0, -30.0, 95.0, per_run=120.0, accepted=130.0)
    assert bounds(readings(growth), growth) == (-30.0, 130.0, False)
