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
    app = types.ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", app)
    vars(app)["pages"] = []
    monkeypatch.setattr(origins, "_taking", {})

    def run() -> None:
        vars(app)["pages"].append(Page())
        vars(origins)["_taking"][0] = Page()

    found = [objects.kept(run, [Page]) for _ in range(3)]
    assert found == [(f"module app → pages[{n}] → test_objects.Page",) for n in range(3)]
