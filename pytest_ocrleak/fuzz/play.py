"""Playing a sequence: each step is made, whatever it raises, and all is freed at the end."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pytest_ocrleak.fuzz.steps import Call, Step, Steps, ending
from pytest_ocrleak.pace import finished
from pytest_ocrleak.release import Life, Owned

MUTABLE = (list, dict, set, bytearray)


@dataclass(slots=True)
class Player:
    """Plays the same steps again and again.

    Objects are made and freed as in a ``life``. ``raised`` tells which of the steps, and of those
    that free at the ``end``, raised what.
    """

    life: Life
    steps: Steps
    end: Steps = ()
    raised: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.end = ending(self.steps)

    def __call__(self) -> None:
        """Play the sequence once; what it made is dropped when it returns."""
        objects: dict[int, Owned] = {}
        try:
            self._play(objects, self.steps, 0)
        finally:
            self._play(objects, self.end, len(self.steps))

    def _play(self, objects: dict[int, Owned], steps: Steps, start: int) -> None:
        """Make some steps; one on an object that could not be made is left out."""
        for number, step in enumerate(steps, start):
            if step.action != "make" and step.slot not in objects:
                continue
            try:
                result = self._step(objects, step)
            except Exception as error:  # noqa: BLE001 - whatever it is, it may leave nothing
                self.raised.setdefault(number, type(error).__name__)
                continue
            if step.call:
                finished(step.call.do, result)
            del result

    def _step(self, objects: dict[int, Owned], step: Step) -> object:
        """Make one step and return what a call returned."""
        if step.action == "make":
            objects[step.slot] = opened(self.life)
        elif step.action == "drop":
            del objects[step.slot]
        elif step.action == "free":
            self.life.method(objects[step.slot].made)()
        elif step.call:
            return call(step.call, objects[step.slot].used)
        return None


def opened(life: Life) -> Owned:
    """Return a new object, entered where leaving it is what frees it."""
    made = life.factory()
    return Owned(made, made.__enter__() if life.free == "__exit__" else made)


def nothing(_: object) -> None:
    """Free nothing: the object is only dropped."""


def checked(life: Life, calls: Iterable[Call]) -> None:
    """Make and free one object that has all methods that are declared.

    Raises
    ------
    TypeError
        It has not.

    """
    owned = opened(life)
    free = life.method(owned.made)
    try:
        for each in calls:
            each.on(owned.used)
    finally:
        free()


def call(declared: Call, made: Any) -> object:
    """Make a declared call on an object and return its result."""
    kwargs = {name: fresh(value) for name, value in declared.kwargs.items()}
    return declared.on(made)(*map(fresh, declared.args), **kwargs)


def fresh(value: Any) -> Any:
    """Return a copy of a value that a call could change, for the next run to find it as it was."""
    return copy.deepcopy(value) if isinstance(value, MUTABLE) else value
