"""Event loops of asyncio at rest: what they hold, what is done for whom, and a turn for the rest.

At its end a loop closes its own pipe, selector and executor, and a runner ends the loop's tasks.
What is only registered with it, or is called later, nobody closes. A loop that a thread runs is
like any other object of that thread.
"""

import gc
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any, Literal

from pytest_ocrleak.causes import bare

Role = Literal["loop", "runner", ""]
ROLES: dict[str, Role] = {"BaseEventLoop": "loop", "Runner": "runner"}
HOMES = ("asyncio.base_events", "asyncio.runners", "backports.asyncio.runner.runner")
CALLED = ("_ready", "_scheduled", "_transports", "_unix_server_sockets", "_selector")
REGISTERED = ("_fd_to_key", "_map")
FUNCTIONS = (type, types.FunctionType, types.BuiltinFunctionType)
STEPS = 5  # of a loop in one turn: what was read is handled in one, and closes in the next


def role(each: object) -> Role:
    """Tell whether an object is an event loop, or a runner of one."""
    kind: Any = type(each)
    return known(kind)


@cache
def known(kind: Any) -> Role:
    """Tell whether objects of a type are event loops, or runners of them."""
    roles = (ROLES.get(base.__name__, "") for base in kind.__mro__ if base.__module__ in HOMES)
    return next(filter(None, roles), "")


def rests(each: Any) -> bool:
    """Tell whether an object is an event loop that is neither run nor closed."""
    return role(each) == "loop" and not each.is_running() and not each.is_closed()


def of(values: Iterable[object]) -> Iterator[Any]:
    """Yield the loops at rest among some values, also those of runners and fixtures' results."""
    for each in values:
        value = each[0] if type(each) is tuple and each else each
        if role(value) == "runner":
            value = bare.attributes(value).get("_loop")
        if rests(value):
            yield value


def held(each: Any) -> list[object]:
    """Return what a loop or a runner holds: a loop at rest not what it calls or watches."""
    if role(each) == "runner":
        return [*gc.get_referents(each), *tasks([each])]
    if not rests(each):
        return gc.get_referents(each)
    own = bare.attributes(each)
    return [*without(own, CALLED), *without(bare.attributes(own.get("_selector")), REGISTERED)]


def without(own: dict[str, object], names: Iterable[str]) -> list[object]:
    """Return the values of attributes other than some."""
    return [value for name, value in own.items() if name not in names]


def tasks(values: Iterable[object]) -> Iterator[object]:
    """Yield the tasks that are not done in the loops among some values."""
    for loop in of(values):
        yield from sys.modules["asyncio"].all_tasks(loop)


def employers(loop: Any) -> Iterator[tuple[int, list[int]]]:
    """Yield each descriptor that a loop reads or writes, with the identities of those it is for.

    They are whose method is called, its arguments, the transport, and the server that accepted it.
    """
    own = bare.attributes(loop)
    for number, transport in list(own.get("_transports", {}).items()):
        yield number, list(map(id, [transport, *servers(transport)]))
    keys = bare.attributes(own.get("_selector")).get("_fd_to_key", {})
    for number, key in list(keys.items()):
        called = [each for handle in key.data or () if handle for each in calls(handle)]
        yield number, [id(each) for each in called if each is not loop]


def calls(handle: Any) -> Iterator[object]:
    """Yield whose method a handle calls and with what, but for functions, which anybody shares."""
    waiting = [getattr(handle, "_callback", None), *(getattr(handle, "_args", None) or ())]
    while waiting:
        each = waiting.pop()
        if isinstance(each, types.MethodType):
            waiting.append(each.__self__)
        elif type(each) is tuple:
            waiting += each
        elif gc.is_tracked(each) and not isinstance(each, FUNCTIONS):
            yield each
            yield from servers(each)


def servers(each: Any) -> Iterator[object]:
    """Yield the server that accepted a transport."""
    if found := bare.attributes(each).get("_server"):
        yield found


def turn(values: Iterable[object]) -> None:
    """Let loops do what they can do by now, as the next test that runs them would.

    A connection whose other end has gone is closed only then. They are those among some values,
    and the one in which anyio runs tests.
    """
    plugin = sys.modules.get("anyio.pytest_plugin")
    of_anyio = bare.attributes(getattr(plugin, "_current_runner", None)).get("_runner")
    for loop in of([*values, of_anyio]):
        if not sys.modules["asyncio"]._get_running_loop():  # noqa: SLF001 - no other is silent
            steps(loop)


def steps(loop: Any) -> None:
    """Run a loop for a moment, in which it waits for nothing."""
    with suppress(RuntimeError):  # a thread runs it just now
        for _ in range(STEPS):
            loop.call_soon(loop.stop)
            loop.run_forever()
