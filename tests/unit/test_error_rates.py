"""How often the verdict errs, on readings of code whose leak is known.

Seeds are fixed, so the rates are the same everywhere. The families stand in simulation.py, the
table in docs/verdict.md.
"""

import pytest
from simulation import CLEAN, LEAKING, Family, rates

DRAWS = 200  # of each family: a part of those for the table
SMALL = {
    "steady": 0.96,
    "slow": 0.99,
    "amortized": 0.98,
}  # caught, where some growth is smaller than the noise
OPEN = 0.02  # inconclusive
POWER = 0.99
COVERAGE = 0.95


def named(family: Family) -> str:
    """Return the name of a family, to call its test by."""
    return family.__name__


@pytest.mark.parametrize("family", CLEAN, ids=named)
def test_clean_code_is_not_accused(family: Family) -> None:
    """It is clean, its interval holds no growth, and what it says it would catch it catches."""
    found = rates(family, DRAWS)
    total = found.verdicts.total()
    assert not found.verdicts["leak"]
    assert found.verdicts["clean"] >= (1 - OPEN) * total
    assert found.caught >= POWER * found.tried
    assert found.held >= COVERAGE * found.known


@pytest.mark.parametrize("family", LEAKING, ids=named)
def test_leaking_code_is_caught(family: Family) -> None:
    """It is never called clean at a resolution that its growth exceeds, and its growth is held."""
    found = rates(family, DRAWS)
    total = found.verdicts.total()
    assert found.verdicts["leak"] >= SMALL.get(family.__name__, 0.999) * total
    assert found.missed_above <= (1 - POWER) * total
    assert found.held >= COVERAGE * found.known


def test_there_are_enough_families() -> None:
    """Without a false alarm in any, these are fewer than one in 2000."""
    assert len(CLEAN) + len(LEAKING) >= 15
    assert len(CLEAN) * DRAWS >= 2000
