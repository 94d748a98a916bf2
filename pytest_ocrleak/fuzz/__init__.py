"""Leak fuzzing: random sequences of calls on any class, of which none may leave anything."""

from pytest_ocrleak.fuzz.asserting import Tried, assert_no_sequence_leaks
from pytest_ocrleak.fuzz.steps import Call

__all__ = ["Call", "Tried", "assert_no_sequence_leaks"]
