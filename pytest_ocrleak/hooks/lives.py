"""What of pytest a watch sees: fixtures and tests as owners, and what they hold while they live."""

import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from pytest_ocrleak.ledger import Owner
from pytest_ocrleak.limits import Limits

Fixture = pytest.FixtureDef[Any]
OWN = ("_pytest.", "pytest_ocrleak.")  # whose fixtures are not the user's
XUNIT = ("_xunit_", "_unittest_")  # the names of fixtures that pytest makes of the user's functions


def built_in(fixturedef: Fixture) -> bool:
    """Tell whether a fixture is pytest's own or this plugin's."""
    module = f"{getattr(fixturedef.func, '__module__', '')}."
    return module.startswith(OWN) and not fixturedef.argname.startswith(XUNIT)


def fixture(
    fixturedef: Fixture, request: pytest.FixtureRequest, limits: Limits, *, judged: bool
) -> Owner:
    """Return a fixture's life."""
    holds = partial(values, fixturedef, request.node)
    name, scope = named(fixturedef, request), str(fixturedef.scope)
    return Owner("fixture", name, "", limits, judged, scope, holds)


def named(fixturedef: Fixture, request: pytest.FixtureRequest) -> str:
    """Return a fixture's name with its parameter, or that of the functions it was made of."""
    name = fixturedef.argname
    for prefix in XUNIT:
        if name.startswith(prefix):
            return name.removeprefix(prefix).partition("_fixture")[0]
    if not hasattr(request, "param"):
        return name
    value = request.param
    plain = value if isinstance(value, (str, int, float, bool)) else type(value).__name__
    return f"{name}[{plain}]"


def values(fixturedef: Fixture, node: pytest.Item | pytest.Collector) -> Iterator[object]:
    """Yield what a living fixture holds: its value or error, and what its finalizers refer to.

    What it keeps elsewhere counts, too: the globals that its code assigns, and the attributes of
    the class that it is for.
    """
    yield fixturedef.cached_result
    yield from getattr(fixturedef, "_finalizers", ())
    yield from assigned(fixturedef.func)
    if isinstance(node, pytest.Class):
        yield from vars(node.obj).values()


def assigned(function: Callable[..., object]) -> Iterator[object]:
    """Yield the values of the globals that a function assigns, or one that it brought along."""
    import dis  # noqa: PLC0415 - only where something stays

    inner = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    for each in (function, *inner):
        if isinstance(each, types.FunctionType):
            code = dis.get_instructions(each.__code__)
            names = {one.argval for one in code if one.opname == "STORE_GLOBAL"}
            yield from (each.__globals__.get(name) for name in names)


def test(item: pytest.Item, limits: Limits, *, judged: bool) -> Owner:
    """Return a test's body."""
    return Owner("test", item.name, item.nodeid, limits, judged)


def rest_of(item: pytest.Item, owner: Owner) -> Owner:
    """Return the time from the end of a test's body to its teardown, when more is let go."""
    holds = partial(until_teardown, item)
    return Owner("test", item.name, item.nodeid, owner.limits, owner.judged, "", holds)


def until_teardown(item: pytest.Item) -> Iterator[object]:
    """Yield what a test holds until its teardown.

    That is the instance of its class with its attributes, the finalizers that were added by the
    test (``request.addfinalizer``), and what ``monkeypatch`` put in places.
    """
    if isinstance(item.parent, pytest.Class):
        yield getattr(item, "instance", None)
    finalizers, _ = item.session._setupstate.stack.get(item, ((), None))  # noqa: SLF001
    yield from finalizers
    yield from patched((getattr(item, "funcargs", None) or {}).get("monkeypatch"))


def patched(patches: Any) -> Iterator[object]:
    """Yield what stands where `pytest.MonkeyPatch` put something."""
    for place, name, _ in getattr(patches, "_setattr", ()):
        with suppress(Exception):
            yield getattr(place, name)
    for mapping, name, _ in getattr(patches, "_setitem", ()):
        with suppress(Exception):
            yield mapping[name]


def let_go(item: pytest.Item) -> None:
    """Drop the values of fixtures that have ended, and the instance of the test's class.

    pytest does so itself some moments later, or keeps an instance for reasons of its own.
    """
    if funcargs := getattr(item, "funcargs", None):
        funcargs.clear()
    if isinstance(item.parent, pytest.Class) and hasattr(item, "instance"):
        vars(item).pop("_instance", None)
        vars(item)["_obj"] = None  # pytest makes it anew; without it, it would filter no traceback
