"""What a sequence is made of: calls on one or two objects, freeing them, dropping them."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Action = Literal["call", "make", "free", "drop"]
FIRST, SECOND = 0, 1


@dataclass(frozen=True, init=False)
class Call:
    """A call that a sequence may make: a method's name, or a function that is given the object.

    Arguments are values, or hypothesis strategies from which values are drawn.
    """

    do: str | Callable[..., object]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, do: str | Callable[..., object], /, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "do", do)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "kwargs", kwargs)

    def on(self, made: object) -> Callable[..., object]:
        """Return what is to be called with the arguments.

        Raises
        ------
        TypeError
            The object has no such method.

        """
        if callable(self.do):
            function = self.do
            return lambda *args, **kwargs: function(made, *args, **kwargs)
        method = getattr(made, self.do, None)
        if not callable(method):
            raise TypeError(f"{type(made).__name__} object has no method {self.do!r} to call")
        return method  # type: ignore[no-any-return]


class Step(NamedTuple):
    """One step of a sequence: what is done with the first or the second object."""

    slot: int
    action: Action
    call: Call | None = None


Drawn = Sequence[Step]
Steps = tuple[Step, ...]


def planned(drawn: Drawn, *, drops: bool) -> Steps:
    """Return steps as they were drawn as a sequence that makes each object before its use.

    The first object is there from the beginning. What is dropped is freed before it, unless
    ``drops``; a further step makes another one in its place.
    """
    return tuple(_planned(drawn, drops=drops))


def _planned(drawn: Drawn, *, drops: bool) -> Iterator[Step]:
    freed: dict[int, bool] = {FIRST: False}
    yield Step(FIRST, "make")
    for step in drawn:
        slot, action, _ = step
        if slot not in freed:
            freed[slot] = False
            yield Step(slot, "make")
        if action == "drop":
            if not (drops or freed[slot]):
                yield Step(slot, "free")
            del freed[slot]
        elif action != "make":
            freed[slot] = action == "free"
        if action != "make":
            yield step


def ending(steps: Iterable[Step]) -> Steps:
    """Return the steps that free what is not freed after some steps, the last made first.

    What was used after freeing is freed again: it may have opened anew what it is allowed to.
    """
    alive: list[int] = []
    for slot, action, _ in steps:
        if action in ("free", "drop"):
            alive = [other for other in alive if other != slot]
        elif slot not in alive:
            alive.append(slot)
    return tuple(Step(slot, "free") for slot in reversed(alive))


def calls_in(steps: Iterable[Step]) -> int:
    """Return how many declared calls some steps make."""
    return sum(step.action == "call" for step in steps)


def identity(steps: Steps) -> bytes:
    """Return what is equal for sequences that do the same, as far as that can be told."""
    flat = [(slot, action, call and parts(call)) for slot, action, call in steps]
    try:
        return pickle.dumps(flat)
    except Exception:  # noqa: BLE001 - a value may refuse in any way
        return repr(flat).encode(errors="backslashreplace")


def parts(call: Call) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return a call as plain values."""
    name = call.do if isinstance(call.do, str) else f"{call.do!r}"
    return name, call.args, dict(call.kwargs)
