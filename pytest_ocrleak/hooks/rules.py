"""The ignore rules that users typed: which of them let nothing linger in a whole run."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from pytest_ocrleak import ignore

CHOOSING = (  # what leaves tests out
    *("keyword", "markexpr", "deselect", "stepwise", "collectonly"),
    *("ignore", "ignore_glob"),
)


class Rules:
    """How often each rule was used, and whether a part of the suite was left out.

    What the tests that ran had no need of, those that did not run may need.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.uses: Counter[str] = Counter()
        self.partial = in_part(config) or any(config.getoption(name, None) for name in CHOOSING)
        self.files: set[Path] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note the files of the tests."""
        self.files = {item.path for item in items}

    def pytest_deselected(self) -> None:
        """Note that tests are left out."""
        self.partial = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a test did not run to its end."""
        self.partial = self.partial or not report.passed

    def told(self) -> dict[str, Any]:
        """Return what this process has seen, as plain data."""
        uses = {rule.line: count for rule, count in ignore.USES.items()}
        return {"uses": uses, "partial": self.partial or self.others()}

    def take(self, told: Mapping[str, Any]) -> None:
        """Add what a process has seen."""
        self.uses.update(told["uses"])
        self.partial = self.partial or told["partial"]

    def others(self) -> bool:
        """Tell whether there are files with tests that nobody asked to collect."""
        source, sources = self.config.args_source, pytest.Config.ArgsSource
        at_root = self.config.invocation_params.dir == self.config.rootpath
        if source is sources.TESTPATHS or (source is sources.INVOCATION_DIR and at_root):
            return False
        if not self.files:  # a controller of pytest-xdist, or it began to look after they were
            return not is_controller(self.config)
        return any(path not in self.files for path in self.every())

    def every(self) -> Iterator[Path]:
        """Yield the files with tests in the project."""
        names, left_out = (self.config.getini(n) for n in ("python_files", "norecursedirs"))
        for folder, folders, files in os.walk(self.config.rootpath):
            folders[:] = [f for f in folders if not any(fnmatch(f, each) for each in left_out)]
            yield from (Path(folder, f) for f in files if any(fnmatch(f, each) for each in names))

    @property
    def unused(self) -> list[str]:
        """The rules that let nothing linger, where that can be told."""
        return [] if self.partial else [line for line, count in self.uses.items() if not count]

    def finish(self) -> Iterator[str]:
        """Yield what there is to say."""
        if unused := self.unused:
            yield f"ocrleak: not needed, ignore rules that let nothing linger: {'; '.join(unused)}"


def in_part(config: pytest.Config) -> bool:
    """Tell whether files are collected in part: tests are named, or those that failed chosen."""
    return any("::" in each for each in config.args) or bool(config.getoption("lf", None))


def is_controller(config: pytest.Config) -> bool:
    """Tell whether this is a controller of pytest-xdist, whose workers collect the tests."""
    return config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
