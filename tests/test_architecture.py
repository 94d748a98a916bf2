"""The rules of the house: who may import what, and what the packages export."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN, ENGINE = ROOT / "pytest_ocrleak", ROOT / "engine" / "ocrleak_engine"
PURE = [
    *("growth.py", "trend.py", "series.py", "difference.py", "inventory.py"),
    *("ignore.py", "sizes.py", "outcome.py", "pace.py", "verdict.py", "scale.py", "baseline.py"),
    *("report/merged.py", "fuzz/steps.py"),
]
COMMANDS_PURE = [
    *(f"process/{name}" for name in ("holdings", "proctext", "naming", "odd", "history")),
    *(f"pages/{name}" for name in ("overview", "things", "changes", "reported", "joined")),
    *(f"pages/{name}" for name in ("tables", "plain", "safe", "words", "times")),
    *(f"documents/{name}" for name in ("reports", "record")),
]
IO = {"os", "sys", "io", "time", "pathlib", "psutil", "ctypes", "pytest", "pynvml", "subprocess"}


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, by their full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def importers(package: Path, module: str) -> set[str]:
    """Return the files of a package that import a module or something in it."""
    return {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if any(f"{name}.".startswith(f"{module}.") for name in imported(path))
    }


@pytest.mark.parametrize("name", PURE)
def test_judging_knows_no_operating_system(name: str) -> None:
    """Pure modules import neither I/O nor a clock nor a meter."""
    found = {module.partition(".")[0] for module in imported(PLUGIN / name)}
    assert not found & IO
    assert not [module for module in imported(PLUGIN / name) if "meters" in module]


def test_each_library_has_one_home() -> None:
    """Pytest in the entry, the options and the hooks; pynvml in one file, onnxruntime in one."""
    known = importers(PLUGIN, "pytest")
    assert {name for name in known if not name.startswith("hooks/")} == {
        *("plugin.py", "declare.py", "options.py", "contract.py")
    }
    assert importers(PLUGIN, "hypothesis") <= {"fuzz/explore.py", "contract.py"}
    assert importers(PLUGIN, "pynvml") == {"meters/nvml.py"}
    assert importers(ENGINE, "onnxruntime") == {"session.py"}


@pytest.mark.parametrize("name", COMMANDS_PURE)
def test_a_command_turns_what_it_read_into_tables_without_asking_again(name: str) -> None:
    """These modules of the command line import no I/O, no clock and no reader of it."""
    found = imported(PLUGIN / "cli" / f"{name}.py")
    assert not {module.partition(".")[0] for module in found} & (IO | {"rich"})
    assert not [
        module for module in found if "process.reading" in module or "pages.screen" in module
    ]


def test_the_command_line_is_on_top() -> None:
    """The plugin needs none of it, and works without rich."""
    inside = {str(path.relative_to(PLUGIN)) for path in (PLUGIN / "cli").rglob("*.py")}
    assert importers(PLUGIN, "pytest_ocrleak.cli") <= inside | {"__main__.py"}
    assert importers(PLUGIN, "rich") == {"cli/pages/colour.py"}


def test_engine_and_plugin_do_not_know_each_other() -> None:
    """The plugin gates any engine, the engine needs no plugin."""
    assert not importers(PLUGIN, "ocrleak_engine")
    assert not importers(ENGINE, "pytest_ocrleak")
    assert not importers(ENGINE, "pytest")


@pytest.mark.parametrize("name", ["pytest_ocrleak", "ocrleak_engine"])
def test_a_package_exports_what_it_lists(name: str) -> None:
    """`__all__` is sorted and complete, and `__init__` holds nothing of its own but its import."""
    package = importlib.import_module(name)
    exported = package.__all__
    assert exported == sorted(exported)
    assert all(hasattr(package, each) for each in exported)
    tree = ast.parse(Path(str(package.__file__)).read_text("utf8"))
    own = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    assert {node.name for node in own} <= {"__getattr__"}


def test_nothing_that_is_exported_has_a_modules_name() -> None:
    """Importing the module would put it in the place of what is exported."""
    modules = {path.stem for path in PLUGIN.iterdir()}
    assert not modules & set(importlib.import_module("pytest_ocrleak").__all__)
