"""The command `ocrleak-engine`: each command is a function from its arguments to an exit code.

Results go to stdout, and what went wrong to stderr, one sentence each, never a traceback. Exit
codes: 0 done, 1 something failed, 2 bad usage, 130 interrupted.
"""
# ruff: noqa: T201  # printing is its work

import argparse
import contextlib
import json
import math
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from .errors import EngineError, ImageError, PruneError
from .models import FOLDER_VARIABLE, OLD_PREFIX, ModelFolder
from .prune import Pruned, choose, remove

if TYPE_CHECKING:
    from .page import Line, Page

PROGRAM = "ocrleak-engine"
DONE, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130


class _OutputError(Exception):
    """Stdout takes no more; no other file is meant."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    if sys.stdout is None:
        _complain("stdout is closed: there is nowhere to print to")
        return FAILED
    _write_any_name(sys.stdout)
    try:
        code = _run(arguments)
        _say("", end="", flush=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    except _OutputError as error:
        _drop_output()
        if not isinstance(error.__cause__, BrokenPipeError):  # `head`, say, has seen enough
            _complain(str(error))
        return FAILED
    return code


def _run(arguments: argparse.Namespace) -> int:
    try:
        return int(arguments.command(arguments))
    except EngineError as error:
        _complain(str(error))
    except OSError as error:
        _complain(f"stopped: {error}")
    except MemoryError:
        _complain("stopped: there is not enough memory")
    return FAILED


def _list(arguments: argparse.Namespace) -> int:
    for name in ModelFolder(arguments.model_dir).list_local():
        _say(_one_line(name))
    return DONE


def _path(arguments: argparse.Namespace) -> int:
    folder = ModelFolder(arguments.model_dir)
    folder.ensure()  # so that what is copied to this path goes into a folder
    _say(folder.path)
    return DONE


def _audit(arguments: argparse.Namespace) -> int:
    for line in ModelFolder(arguments.model_dir).audit(arguments.prefix):
        _say(_one_line(str(line)))
    return DONE


def _prune(arguments: argparse.Namespace) -> int:
    asking = not (arguments.yes or arguments.dry_run)
    if asking and not (sys.stdin and sys.stdin.isatty()):
        _complain("prune asks before it deletes and there is no terminal here; add --yes")
        return BAD_USAGE
    folder = ModelFolder(arguments.model_dir)
    names = choose(folder, arguments.prefix, arguments.keep)
    if asking and names and not _agreed(names, folder):
        _say("Nothing was pruned.")
        return FAILED
    return _carry_out(folder, names, arguments)


def _carry_out(folder: ModelFolder, names: list[str], arguments: argparse.Namespace) -> int:
    try:
        pruned = remove(folder, names, arguments.backup, dry_run=arguments.dry_run)
    except PruneError as error:
        _print_pruned(error.done, dry_run=False)
        raise
    _print_pruned(pruned, dry_run=arguments.dry_run)
    return DONE


def _print_pruned(pruned: Sequence[Pruned], *, dry_run: bool) -> None:
    for one in pruned:
        action = "move" if one.moved_to else "delete"
        verb = f"Would {action}" if dry_run else f"{action.capitalize()}d"
        where = f" to {one.moved_to}" if one.moved_to else ""
        _say(_one_line(f"{verb} {one.name}{where}"))


def _agreed(names: list[str], folder: ModelFolder) -> bool:
    for name in names:
        _say(_one_line(f"  {name}"))
    _say(f"Prune {len(names)} of the models in {folder.path}? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _recognize(arguments: argparse.Namespace) -> int:
    return _as_json(arguments) if arguments.json else _as_text(arguments)


def _as_text(arguments: argparse.Namespace) -> int:
    code, gap = DONE, ""
    for image, page in _pages(arguments):
        if isinstance(page, ImageError):
            _complain(f"{image}: {page}")
            code = FAILED
            continue
        if isinstance(page, EngineError):  # no image can be read with such a model
            raise page
        if len(arguments.images) > 1:
            _say(f"{gap}==> {_one_line(image)} <==")
        _say(page.text, flush=True)
        gap = "\n"
    return code


def _as_json(arguments: argparse.Namespace) -> int:
    entries = []
    for image, page in _pages(arguments):
        if isinstance(page, EngineError):
            _complain(f"{image}: {page}")
        entries.append(_entry(image, page))
    lines = ",\n".join(map(json.dumps, entries))  # one image a line, in ASCII
    _say(f"[\n{lines}\n]")
    return FAILED if any("error" in entry for entry in entries) else DONE


def _entry(image: str, page: "Page | EngineError") -> dict[str, object]:
    r"""Return an image's part of the document; `os.fsencode` of its name gives the file's bytes.

    A byte that is no UTF-8 is JSON's own escape `\udcXX`, as Python has it: text that only looks
    like an escape has its backslash doubled.
    """
    if isinstance(page, EngineError):
        return {"image": image, "error": str(page)}
    return {"image": image, "text": page.text, "lines": [_line(line) for line in page.lines]}


def _line(line: "Line") -> dict[str, object]:
    box = [[_number(x), _number(y)] for x, y in line.box]
    return {"text": line.text, "confidence": _number(line.confidence), "box": box}


def _number(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return float(value) if math.isfinite(value) else None


def _pages(arguments: argparse.Namespace) -> "Iterator[tuple[str, Page | EngineError]]":
    from .engine import OcrEngine  # noqa: PLC0415  # list, path and prune need no onnxruntime

    asked = {name: getattr(arguments, name) for name in ("detector", "recognizer", "max_pixels")}
    options = {name: value for name, value in asked.items() if value is not None}
    with OcrEngine(arguments.model_dir, **options) as engine:
        for image in arguments.images:
            try:
                page = engine.recognize(image)
            except EngineError as error:
                yield image, error
            else:
                yield image, page


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(PROGRAM, description="Read text in images; keep the models.")
    _add_model_dir(parser, default=None)
    commands = parser.add_subparsers(metavar="COMMAND", required=True).add_parser
    _add(commands, "list", _list, "print the names of the models")
    _add(commands, "path", _path, "print the absolute path of the model folder")
    audit = _add(commands, "audit", _audit, "print each model's path, as CURRENT or OLD")
    _add_prefix(audit)
    _add_prune_options(_add(commands, "prune", _prune, "delete old models, or move them away"))
    recognize = _add(commands, "recognize", _recognize, "print the text of images")
    recognize.add_argument("images", nargs="+", metavar="IMAGE")
    recognize.add_argument("--json", action="store_true", help="print one JSON document")
    for stage in ("detector", "recognizer"):
        recognize.add_argument(f"--{stage}", metavar="NAME", help="another model of the folder")
    recognize.add_argument(
        "--max-pixels",
        type=_positive,
        metavar="N",
        help="refuse larger images (default: 100000000)",
    )
    return parser


def _add(
    commands: Callable[..., argparse.ArgumentParser],
    name: str,
    function: Callable[[argparse.Namespace], int],
    purpose: str,
) -> argparse.ArgumentParser:
    command = commands(name, help=purpose, description=purpose)
    _add_model_dir(command, default=argparse.SUPPRESS)  # keeps what stood before the command
    command.set_defaults(command=function)
    return command


def _add_model_dir(parser: argparse.ArgumentParser, default: str | None) -> None:
    what = f"the model folder (default: ${FOLDER_VARIABLE}, else one in your home)"
    parser.add_argument("--model-dir", metavar="DIR", default=default, help=what)


def _add_prefix(parser: argparse.ArgumentParser) -> None:
    what = "what the names of old models start with (default: %(default)s)"
    parser.add_argument("--prefix", type=_not_empty, default=OLD_PREFIX, help=what)


def _add_prune_options(parser: argparse.ArgumentParser) -> None:
    _add_prefix(parser)
    parser.add_argument(
        "--keep", action="append", default=[], metavar="NAME", help="a model to leave (repeatable)"
    )
    parser.add_argument(
        "--backup", type=_not_empty, metavar="DIR", help="move the models there, delete none"
    )
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _not_empty(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _positive(text: str) -> int:
    with contextlib.suppress(ValueError):
        if (number := int(text)) >= 1:
            return number
    raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, not {text!r}")


def _one_line(text: str) -> str:
    r"""Escape what ends a line: a file's name may hold a "\n", which would forge one."""
    return "".join(
        repr(c)[1:-1] if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text
    )


def _write_any_name(stream: TextIO) -> None:
    """Let a stream take every file name: raw bytes where it can, else escaped."""
    if hasattr(stream, "reconfigure"):
        utf8 = stream.encoding.lower().replace("-", "") == "utf8"
        stream.reconfigure(errors="surrogateescape" if utf8 else "backslashreplace")


def _say(text: object, end: str = "\n", *, flush: bool = False) -> None:
    """Print to stdout."""
    try:
        print(text, end=end, flush=flush)
    except OSError as error:
        raise _OutputError(
            f"stdout cannot be written ({error.strerror}); make room there, or send it elsewhere"
        ) from error


def _complain(sentence: str) -> None:
    """Print one sentence to stderr, if there is one: for `print`, None stands for stdout."""
    if sys.stderr is not None:
        print(f"{PROGRAM}: {_one_line(sentence)}", file=sys.stderr)


def _drop_output() -> None:
    """Send what is still buffered nowhere, else the interpreter's own flush fails at exit."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a device, not a path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
