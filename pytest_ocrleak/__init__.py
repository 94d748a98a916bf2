"""Prove that native engines release what they took.

What is exported is imported when it is first asked for: pytest loads this package at every start,
also where nothing is checked.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_ocrleak.check import (
        Checker,
        assert_no_growth,
        assert_releases,
        compare,
        guard,
        snapshot,
    )
    from pytest_ocrleak.growth import Growth
    from pytest_ocrleak.inventory import Leak, Snapshot
    from pytest_ocrleak.outcome import LeakError

__all__ = [
    "Checker",
    "Growth",
    "Leak",
    "LeakError",
    "Snapshot",
    "assert_no_growth",
    "assert_releases",
    "compare",
    "guard",
    "snapshot",
]

HOMES = {
    "Growth": "growth",
    "Leak": "inventory",
    "LeakError": "outcome",
    "Snapshot": "inventory",
}


def __getattr__(name: str) -> Any:
    """Import what is exported from its home (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{HOMES.get(name, 'check')}")
    value = globals()[name] = getattr(home, name)
    return value
