"""What keeps the objects that there are ever more of."""

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ocrleak.causes import objects, origins


class Page:
    """What a leak consists of."""


def test_a_record_of_ours_is_not_what_keeps_the_users_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It refers to the newest one, and the chain is that of another one."""
    app = module(monkeypatch)
    monkeypatch.setattr(origins, "_taking", {})

    def run() -> None:
        vars(app)["pages"].append(Page())
        vars(origins)["_taking"][0] = Page()

    found = [objects.kept(run, [Page]) for _ in range(3)]
    assert found == [(f"module app → pages[{n}] → test_objects.Page",) for n in (0, 2, 4)]


class Strange(type):
    """Has an opinion of its own on what is equal."""

    def __eq__(cls, other: object) -> bool:
        raise AssertionError(other)

    __hash__ = type.__hash__


class Odd(metaclass=Strange):
    """One of a strange type."""


@pytest.mark.parametrize(
    "make",
    [
        lambda: str(object()),
        lambda: {"pid": 1},
        lambda: (len("two"), "b"),
        lambda: Path().stat(),
        lambda: frozenset("ab"),
        Odd,
    ],
    ids=["str", "dict", "tuple", "struct sequence", "frozenset", "strange type"],
)
def test_what_the_collector_does_not_know_has_a_keeper_too(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], object]
) -> None:
    """It tells of no object that holds nothing but what it does not know."""
    app = module(monkeypatch)
    kind = type(make())
    (found,) = objects.kept(lambda: vars(app)["pages"].append(make()), [kind])
    assert found == f"module app → pages[0] → {objects.name(kind)}"


def test_what_the_next_run_lets_go_is_no_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds it, the look for it neither."""
    app = module(monkeypatch)

    def run() -> None:
        vars(app)["latest"] = Page()

    assert objects.newest(run, [Page]) == {Page: []}


def test_what_a_run_puts_in_the_place_of_the_last_ones_is_not_what_grows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A frame around the runs has new records each time, made last, as pytest's fixtures are."""
    app = module(monkeypatch)

    def run() -> None:
        vars(app)["pages"].append([Page()])
        vars(app)["latest"] = [[Page()], [[Page()]], [[]]]

    assert objects.kept(run, [list]) == ("module app → pages[0] → list",)


def module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Return the module of an application, which has pages."""
    app = types.ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", app)
    vars(app)["pages"] = []
    return app
