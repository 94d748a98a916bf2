"""Drawing sequences with hypothesis: random ones until one leaks, then ever shorter ones."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_ocrleak.fuzz.steps import FIRST, SECOND, Action, Call, Drawn, Step

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

ACTIONS: tuple[Action, ...] = ("make", "free", "drop")
SLOTS = (FIRST, FIRST, SECOND)  # more with one object than with the other: order matters there
PART = 4  # steps, at most
MISSING = "sequences are drawn by hypothesis: pip install 'pytest-ocrleak[fuzz]'"


class TimeIsUp(BaseException):
    """The search ends here, with what is known."""


class Space(NamedTuple):
    """The sequences to draw from: of so many steps at most, with calls and, if any, freeing."""

    calls: tuple[Call, ...]
    length: int
    frees: bool


def explore(space: Space, leaks: Callable[[Drawn], bool], *, sequences: int, seed: int) -> None:
    """Ask of some sequences whether they leak, and once one does, of shorter ones.

    Which ones are asked depends on the seed and on the answers alone. It ends early when the one
    that is asked raises `TimeIsUp`.
    """
    from hypothesis import Phase, Verbosity, errors, find, settings  # noqa: PLC0415 - an extra

    chosen = settings(
        max_examples=sequences,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        verbosity=Verbosity.quiet,
    )
    with suppress(errors.NoSuchExample, TimeIsUp):
        find(drawn(space), leaks, settings=chosen, random=Random(seed))  # noqa: S311 - no secret


def drawn(space: Space) -> "SearchStrategy[list[Step]]":
    """Return a strategy for lists of steps, which shrinks to few calls on one object.

    It is put together from parts: lists of steps would be half as long on average, and find less.
    """
    from hypothesis import strategies as st  # noqa: PLC0415 - an extra

    actions = (action for action in ACTIONS if space.frees or action != "free")
    other = st.sampled_from([Step(FIRST, action) for action in actions])
    step = st.builds(on, st.sampled_from(SLOTS), st.one_of(other, *map(called, space.calls)))
    parts = st.lists(st.lists(step, max_size=PART), max_size=space.length)
    return parts.map(lambda lists: [*chain.from_iterable(lists)][: space.length])


def on(slot: int, step: Step) -> Step:
    """Return a step on one of the objects."""
    return step._replace(slot=slot)


def called(declared: Call) -> "SearchStrategy[Step]":
    """Return a strategy for a declared call with its arguments drawn."""
    from hypothesis import strategies as st  # noqa: PLC0415 - an extra

    def step(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Step:
        return Step(FIRST, "call", Call(declared.do, *args, **kwargs))

    args = st.tuples(*map(strategy, declared.args))
    kwargs = {name: strategy(value) for name, value in declared.kwargs.items()}
    return st.builds(step, args, st.fixed_dictionaries(kwargs))


def strategy(value: Any) -> "SearchStrategy[Any]":
    """Return a strategy as it is, and for a value one that draws nothing else."""
    from hypothesis import strategies as st  # noqa: PLC0415 - an extra

    return value if isinstance(value, st.SearchStrategy) else st.just(value)


def tour(calls: Iterable[Call]) -> list[Step]:
    """Return one step for each declared call, with the simplest arguments that can be drawn.

    Raises
    ------
    ImportError
        Hypothesis is not installed.

    """
    try:
        from hypothesis import find, settings  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImportError(MISSING) from None
    chosen = settings(database=None, deadline=None, derandomize=True)
    return [find(called(call), lambda _: True, settings=chosen) for call in calls]
