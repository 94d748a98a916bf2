"""A folder in which a page is followed: its files are saved there, its commands typed there."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import typed
from blocks import Block
from shown import Shown
from stories import SMALL

from pytest_ocrleak import baseline_file
from pytest_ocrleak.report import schema

ROOT = Path(__file__).parents[2]
OWN = {"python": (), "pytest": ("-m", "pytest"), "ocrleak": ("-m", "pytest_ocrleak")}
CANNOT = "cannot be read here"  # what pytest says where a required meter is missing
BAD_USAGE = 4  # of pytest


@dataclass
class Room:
    """A folder, and what of the page nothing has used yet: tests, settings.

    Tests without a name are saved at the end, so that no command of the page runs them.
    """

    folder: Path
    config: pytest.Config
    waiting: list[str] = field(default_factory=list)
    nameless: dict[str, str] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def furnish(self, story: Mapping[str, str]) -> None:
        """Save what the page takes for granted, and a page to scan."""
        for name, text in story.items():
            self.save(name, text)
        shutil.copyfile(ROOT / "examples/images/screen-photo.jpg", self.folder / "scan.png")

    def save(self, name: str, text: str) -> None:
        """Save a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf8")

    def read(self, name: str) -> str:
        """Return a file's text."""
        return (self.folder / name).read_text("utf8")

    def follow(self, block: Block, printed: Sequence[str]) -> None:
        """Do with a block what its language asks for."""
        if block.kind == "python":
            self.python(block, printed)
        elif block.kind in ("toml", "ini"):
            self.settings(block)
        elif block.kind == "json":
            self.data(block)
        elif block.kind == "shell":
            self.shell(block, printed)
        else:  # bash and console: what needs more than a folder
            self.check(block)

    def python(self, block: Block, printed: Sequence[str]) -> None:
        """Save a file of the page, or run code without a name: as a test, or as a script."""
        test = "def test_" in block.text
        name = block.title or f"{'test_' if test else ''}shown_{block.line}.py"
        if test and not block.title:
            self.nameless[name] = block.text
            return
        self.save(name, block.text)
        if test:
            self.waiting.append(name)
        elif not block.title:
            self.run(["python", name], printed)

    def settings(self, block: Block) -> None:
        """Take a baseline, or save pytest's settings, for the next command to read each key."""
        if "[[leak]]" in block.text:
            assert baseline_file.parsed(block.text).entries
            return
        name = block.title or "pyproject.toml"
        if name in self.unread:
            self.take(name)
        self.save(name, block.text)
        self.unread.append(name)

    def take(self, name: str) -> None:
        """Have pytest read settings, and do nothing else."""
        self.run(["pytest", "-c", name, "--collect-only", "-q"], ())

    def data(self, block: Block) -> None:
        """Take data; a report must be one."""
        data = json.loads(block.text)
        if "schema_version" in data:
            assert schema.violation(data) == ""

    def shell(self, block: Block, printed: Sequence[str]) -> None:
        """Type the commands of a block; what is printed is the last one's."""
        lines = self.check(block)
        for words in lines:
            name, arguments = typed.named(words)
            if name == "pytest" or self.merges(name, arguments):
                self.run([name, *arguments], printed if words is lines[-1] else ())

    def merges(self, name: str, arguments: Sequence[str]) -> bool:
        """Tell whether a command joins reports that the page has made."""
        given = (word for word in arguments[1:3] if word.endswith(".json"))
        return (name, arguments[0]) == ("ocrleak", "merge") and all(
            (self.folder / word).exists() for word in given
        )

    def check(self, block: Block) -> list[list[str]]:
        """Return the commands of a block, each of which can be typed."""
        lines = list(typed.commands(block.text))
        for words in lines:
            typed.check(words, self.config)
        return lines

    def session(self, block: Block) -> None:
        """Type the command that a block begins with, and compare what it shows."""
        first, *printed = block.lines
        (words,) = typed.commands(first)
        typed.check(words, self.config)
        self.run([*words], printed)

    def run(self, words: Sequence[str], printed: Sequence[str]) -> None:
        """Run a command here and compare its output; it fails where a failure is shown only."""
        program, *arguments = words
        if program == "pytest":
            self.prepare(arguments)
        done = subprocess.run(
            [sys.executable, *OWN[program], *arguments],
            cwd=self.folder,
            env=self.environment("-n" in words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        output = done.stdout.replace(str(self.folder), "").splitlines()
        if done.returncode == BAD_USAGE and "require" in " ".join(words + output):
            assert CANNOT in done.stdout
            return
        assert bool(done.returncode) == ("LeakError" in " ".join(printed)), done.stdout
        if printed:
            Shown(shlex.join(words), ["…", *printed, "…"]).check(output)

    def prepare(self, arguments: Sequence[str]) -> None:
        """Have something to test, and note what is read and run."""
        self.unread = [name for name in self.unread if name not in ("pyproject.toml", *arguments)]
        asked = any(word.split("/")[0] == "tests" for word in arguments)
        if not (self.folder / "tests").exists() and (asked or not self.tests()):
            for name, text in SMALL.items():
                self.save(name, text)
        named = [word for word in arguments if (self.folder / word).exists()]
        self.waiting = [name for name in self.waiting if named and name not in named]

    def tests(self) -> list[Path]:
        """Return the files that bare pytest would run."""
        return list(self.folder.glob("test_*.py"))

    def finish(self) -> None:
        """Run the tests that no command of the page has run.

        What uses the engine runs once and is not judged: test_gate_examples.py does that.
        """
        for name in tuple(self.unread):
            self.take(name)
        for name, text in self.nameless.items():
            self.save(name, text)
        self.waiting += self.nameless
        heavy = [name for name in self.waiting if "ocrleak_engine" in self.read(name)]
        light = [name for name in self.waiting if name not in heavy]
        for names, more in ((light, ()), (heavy, ("--ocrleak-off",))):
            if names:
                self.run(["pytest", "-q", *names, *more], ())

    def environment(self, workers: bool) -> dict[str, str]:  # noqa: FBT001
        """Return the environment: no plugins but those needed, and no folder of others."""
        outer = {name: each for name, each in os.environ.items() if not name.startswith("PYTEST_")}
        (self.folder / ".temp").mkdir(exist_ok=True)
        xdist = "-p xdist.plugin " if workers else ""
        plugins = f"-p pytest_ocrleak.plugin {xdist}-p no:cacheprovider"
        return {
            **outer,
            "COLUMNS": "80",
            "GITHUB_ACTIONS": "",
            "PYTEST_ADDOPTS": f"{plugins} --strict-config --strict-markers",
            "PYTEST_DEBUG_TEMPROOT": str(self.folder / ".temp"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
