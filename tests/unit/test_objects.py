"""What keeps the objects that there are ever more of."""

import sys
import types

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
