"""Which modules a process of its own can import, which a contract's children have to."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from pytest_ocrleak.contract import _importable


@pytest.mark.parametrize("module", ["json", "json.decoder", "__main__", "builtins"])
def test_what_has_a_name_is_found(module: str) -> None:
    """Modules and those of packages."""
    assert _importable(module)


@pytest.mark.parametrize("module", ["no_such", "json.no_such", "sys.no_such"])
def test_what_was_loaded_under_another_name_is_not(
    module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As pytest's ``--import-mode=importlib`` does: it is known here, and nowhere else."""
    monkeypatch.setitem(sys.modules, module, ModuleType(module))
    monkeypatch.chdir(tmp_path)
    assert not _importable(module)
