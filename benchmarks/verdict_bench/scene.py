"""A scene: code to check, and what it leaves behind, if anything.

A scene is made in the process that checks it, and imports there what it needs: nothing that another
scene uses is loaded, and what is loaded by the check itself is the same for all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

Run = Callable[[], object]
SEED = 20261121
MEMORY = ("heap", "pyblocks")


@dataclass(frozen=True, slots=True)
class Scene:
    """Code to check: ``make`` returns it, after the set-up that is not to be checked.

    ``stays`` says in words what one run leaves behind; nothing if the code is clean. A leak is
    found if one of ``meters`` tells it: what another happens to tell is not the leak. What stays
    ``once`` is found when the verdict states it, since it does not grow.
    """

    name: str
    make: Callable[[], Run]
    stays: str = ""
    meters: tuple[str, ...] = ()
    once: bool = False


SCENES: dict[str, Scene] = {}


def named(name: str, *parameters: object) -> str:
    """Return a scene's name, with the parameters that it was made with."""
    return "-".join((name, *map(str, parameters)))


def add(scene: Scene) -> None:
    """Keep a scene under its name, which must be new."""
    if scene.name in SCENES:
        raise ValueError(f"there are two scenes {scene.name}")
    SCENES[scene.name] = scene


def clean(*parameters: object) -> Callable[[Callable[..., Run]], Callable[..., Run]]:
    """Make a clean scene of the decorated function, or one of each parameter."""

    def register(make: Callable[..., Run]) -> Callable[..., Run]:
        for parameter in parameters:
            add(Scene(named(make.__name__, parameter), partial(make, parameter)))
        if not parameters:
            add(Scene(make.__name__, make))
        return make

    return register


def paired(
    stays: str, *parameters: object, meters: tuple[str, ...] = MEMORY, once: bool = False
) -> Callable[[Callable[..., Run]], Callable[..., Run]]:
    """Make a leak and its mended twin of the decorated function, or a pair of each parameter."""

    def register(make: Callable[..., Run]) -> Callable[..., Run]:
        for parameter in parameters or ("",):
            given = (parameter,) if parameters else ()
            name = named(make.__name__, *given)
            leak = partial(make, *given, leaking=True)
            add(Scene(name, leak, stays.format(*given), meters, once))
            add(Scene(f"{name}-mended", partial(make, *given, leaking=False)))
        return make

    return register


def seeded() -> Random:
    """Return random numbers that are the same in every process."""
    return Random(SEED)  # noqa: S311 - sizes, no secrets
