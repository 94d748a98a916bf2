"""The command line of Python that `ocrleak run` is given: flags, and what they run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pytest_ocrleak.cli.command import InputError

Kind = Literal["file", "module", "code"]
NAME = re.compile(r"(python|pypy)[\d.]*t?(\.exe)?")
SHEBANG = re.compile(rb"#!(?:\S*/env\s+(?:-S\s+)?)?(\S+)([^\n]*)")
LONG_SHEBANG = re.compile(rb"#!/bin/sh\n'''exec' (\"[^\"]+\"|\S+) ")  # pip's, of a long path
FLAGS, VALUED = "bBdEIOPqRsSuv", "WX"
KINDS: dict[str, Kind] = {"c": "code", "m": "module"}
WHO = "import sys; print(sys.prefix, sys.version, sep=chr(10))"
GIVE = "give a command of Python: python script.py, python -m module, or a script of Python's"


class Target(NamedTuple):
    """What is to be run: the interpreter's flags, a file, module or code, and its arguments.

    ``label`` is the command as the user wrote it.
    """

    flags: tuple[str, ...]
    kind: Kind
    name: str
    arguments: tuple[str, ...]
    label: str = ""


def parsed(words: Sequence[str]) -> Target:
    """Return what a command runs.

    Raises
    ------
    InputError
        It is no command of Python, or of another interpreter than this one.

    """
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        raise InputError(f"there is nothing to run: {GIVE}")
    first, *rest = words
    if NAME.fullmatch(Path(first).name):
        interpreter = sys.executable if first == Path(first).name else first  # a bare name is ours
        found = of_python(rest)
    else:
        path = found_at(first)
        interpreter, flags = shebang(path)
        found = Target(flags, "file", path, tuple(rest))
    same(interpreter)
    if found.kind == "file" and not os.path.exists(found.name):  # noqa: PTH110 - the same
        raise InputError(f"there is no file {found.name}")
    return found._replace(label=shlex.join(words))


def of_python(words: Sequence[str]) -> Target:
    """Return what the arguments of an interpreter run."""
    flags: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        end = next((at for at, each in enumerate(word) if each in "cmWX"), len(word))
        if word.startswith("--") or word[1:end].strip(FLAGS):
            raise InputError(f"python {word} cannot be checked: {GIVE}")
        flags += [word[:end]] if word[1:end] else []
        if end == len(word):
            continue
        value = word[end + 1 :] or (rest.pop(0) if rest else "")
        if word[end] not in VALUED:
            return Target(tuple(flags), KINDS[word[end]], value, tuple(rest))
        flags += [f"-{word[end]}", value]
    if not rest or rest[0] == "-":
        raise InputError(f"there is no script: {GIVE}")
    return Target(tuple(flags), "file", rest[0], tuple(rest[1:]))


def found_at(name: str) -> str:
    """Return where a command is."""
    path = shutil.which(name)
    if path is None:
        script = f" (python {name}?)" if os.path.isfile(name) else ""  # noqa: PTH113 - Path raises on long names
        raise InputError(f"there is no command {name}{script}: {GIVE}")
    return path


def shebang(path: str) -> tuple[str, tuple[str, ...]]:
    """Return the interpreter that a script names, and its flags."""
    with Path(path).open("rb") as file:
        start = file.read(1024)
    if match := LONG_SHEBANG.match(start):
        return os.fsdecode(match[1].strip(b'"')), ()
    match = SHEBANG.match(start)
    interpreter = os.fsdecode(match[1]) if match else ""
    if match is None or not NAME.fullmatch(Path(interpreter).name):
        raise InputError(f"{path} is no script of Python: {GIVE}")
    return interpreter, of_python([*os.fsdecode(match[2]).split(), path]).flags


def same(interpreter: str) -> None:
    """Make sure that an interpreter is the one that runs here: no other has this package.

    Its name may be a link or a script of a version manager, so it is asked itself.

    Raises
    ------
    InputError
        It is another one, or none.

    """
    path = shutil.which(interpreter)
    if path is None:
        raise InputError(f"there is no command {interpreter}")
    if path == sys.executable:
        return
    asked = subprocess.run([path, "-c", WHO], capture_output=True, check=False)  # noqa: S603
    if os.fsdecode(asked.stdout).strip() != f"{sys.prefix}\n{sys.version}":
        raise InputError(
            f"{path} is another Python than the one that ocrleak is installed in: "
            f"give {sys.executable}, or install pytest-ocrleak there, too"
        )
