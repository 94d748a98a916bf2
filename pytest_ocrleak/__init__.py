"""Prove that native engines release what they took."""

from pytest_ocrleak.check import (
    Checker,
    assert_no_growth,
    assert_releases,
    compare,
    guard,
    snapshot,
)
from pytest_ocrleak.growth import Growth
from pytest_ocrleak.outcome import LeakError
from pytest_ocrleak.snapshot import Leak, Snapshot

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
