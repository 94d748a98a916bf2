"""A sequence as code: a whole test to paste, which fails as long as the leak is there."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pytest_ocrleak.fuzz.play import Player, nothing
from pytest_ocrleak.fuzz.spelling import Spelling
from pytest_ocrleak.fuzz.steps import Call, Step

NAMES = ("first", "second")
EXIT = "__exit__"


def test(player: Player, given: Mapping[str, Any]) -> str:
    """Return the code of a test that plays the same as a player and demands that nothing grows.

    ``given`` are the arguments of the check, of which those that say something are repeated.
    """
    spelling = Spelling()
    writer = Writer(player, spelling)
    run = [*writer.run()]
    options = "".join(f", {name}={value!r}" for name, value in given.items() if value)
    name = re.sub(r"\W+|(?<=[a-z0-9])(?=[A-Z])", "_", writer.factory).strip("_").lower()
    lines = [
        *imports(spelling.imports),
        *(["", ""] if spelling.imports else []),
        *dict.fromkeys(spelling.notes),
        f"def test_{name}_leaves_nothing(ocrleak):",
        *indented(line for value in spelling.values for line in value.splitlines()),
        *([""] if spelling.values else []),
        *indented(["def run():", *indented(run), ""]),
        *indented([f"ocrleak.assert_no_growth(run{options})"]),
    ]
    return "\n".join(lines)


def imports(lines: Iterable[str]) -> list[str]:
    """Return the lines that import, modules before names."""
    return sorted(lines, key=lambda line: (line.startswith("from"), line))


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines one level deeper, empty ones as they are."""
    return (f"    {line}" if line else "" for line in lines)


class Writer:
    """Writes down what a player plays, in the order in which it does."""

    def __init__(self, player: Player, spelling: Spelling) -> None:
        self.player = player
        self.spelling = spelling
        free = player.life.free
        self.factory = spelling.function(player.life.factory, "factory")
        self.free = (
            free if isinstance(free, str) or free is nothing else spelling.function(free, "free")
        )

    def run(self) -> Iterator[str]:
        """Yield the lines of the sequence, what is freed at its end in a ``finally``."""
        steps, number = self.player.steps, len(self.player.steps)
        made: set[int] = set()
        begin = 0 if 0 in self.player.raised else 1
        head = [*self.lines(steps[:begin], 0, made)]
        body = [*self.lines(steps[begin:], begin, made)]
        end = [*self.lines(self.player.end, number, made)]
        yield from head
        if end:
            yield from ("try:", *indented(body or ["pass"]), "finally:", *indented(end))
        else:
            yield from body

    def lines(self, steps: Iterable[Step], start: int, made: set[int]) -> Iterator[str]:
        """Yield the lines of some steps; those on an object that was not made are left out."""
        for number, step in enumerate(steps, start):
            raised = self.player.raised.get(number)
            if step.action != "make" and step.slot not in made:
                continue
            code = self.step(step)
            if raised and code:
                self.spelling.imports.add("from contextlib import suppress")
                yield f"with suppress(Exception):  # {raised}"
                code = [*indented(code)]
            yield from code
            made.add(step.slot)
            if (raised and step.action == "make") or step.action == "drop":
                made.discard(step.slot)

    def step(self, step: Step) -> list[str]:
        """Return the lines of one step."""
        name = NAMES[step.slot]
        owner = f"{name}_entered" if self.free == EXIT else name
        if step.action == "make":
            enter = [f"{name} = {owner}.__enter__()"] if self.free == EXIT else []
            return [f"{owner} = {self.factory}()", *enter]
        if step.action == "drop":
            return [f"del {name}" if owner == name else f"del {name}, {owner}"]
        if step.call:
            return [self.call(name, step.call)]
        if self.free == EXIT:
            return [f"{owner}.__exit__(None, None, None)"]
        if not isinstance(self.free, str):
            return []
        by_name = isinstance(self.player.life.free, str)
        return [f"{name}.{self.free}()" if by_name else f"{self.free}({name})"]

    def call(self, name: str, call: Call) -> str:
        """Return a declared call on an object."""
        args = [self.spelling.value(value) for value in call.args]
        args += [f"{key}={self.spelling.value(value)}" for key, value in call.kwargs.items()]
        if isinstance(call.do, str):
            return f"{name}.{call.do}({', '.join(args)})"
        return f"{self.spelling.function(call.do, 'call')}({', '.join([name, *args])})"
