"""A script, module or code as ``__main__``, as the interpreter itself would run it."""

import builtins
import importlib.util
import io
import linecache
import os
import pkgutil
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import NamedTuple

MAIN, COMMAND = "__main__", "<string>"


class Loaded(NamedTuple):
    """Code that is ready to run, with what its module knows of itself."""

    code: CodeType
    file: str | None = None
    spec: ModuleSpec | None = None


class Program:
    """What is run as ``__main__``, once or again and again, in a fresh namespace each time.

    `runpy` is not used: it drops the namespace when the code returns, and what its globals hold
    then would go unseen.
    """

    def __init__(self, kind: str, name: str, arguments: list[str]) -> None:
        self.kind, self.name, self.arguments = kind, name, arguments
        self.loaded: Loaded | None = None

    def run(self) -> None:
        """Run it; whatever it raises passes."""
        module = sys.modules[MAIN] = fresh()
        sys.argv[:] = self.name if self.kind == "file" else f"-{self.kind[0]}", *self.arguments
        if self.loaded is None:
            self.prepare()
            self.loaded = self.load()
        if self.kind == "module" and self.loaded.file is not None:
            sys.argv[0] = self.loaded.file
        describe(module, self.loaded)
        exec(self.loaded.code, vars(module))  # noqa: S102 - it is what we are for

    def forget(self) -> None:
        """Drop the namespace of the last run."""
        sys.modules[MAIN] = fresh()

    def prepare(self) -> None:
        """Have modules found where the interpreter would look first."""
        if self.kind == "file" and self.is_folder:
            sys.path.insert(0, self.path)
        elif not sys.flags.safe_path:
            folder = os.path.dirname(os.path.realpath(self.path))  # noqa: PTH120
            places = {"file": folder, "module": os.getcwd(), "code": ""}  # noqa: PTH109
            sys.path.insert(0, places[self.kind])

    @property
    def path(self) -> str:
        """The script's path from the root on."""
        return os.path.abspath(self.name)  # noqa: PTH100 - a link keeps its name

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder or an archive with a ``__main__`` in it."""
        return pkgutil.get_importer(self.path) is not None

    def load(self) -> Loaded:
        """Return the code."""
        if self.kind == "code":
            return Loaded(compiled(self.name))
        if self.kind == "module":
            return loaded(self.name, found(self.name))
        if self.is_folder:
            return loaded(self.name, PathFinder.find_spec(MAIN, [self.path]))
        with io.open_code(self.path) as file:
            ready = pkgutil.read_code(file)
        if ready:
            return Loaded(ready, self.path)
        with io.open_code(self.path) as file:
            return Loaded(compile(file.read(), self.path, "exec", dont_inherit=True), self.path)


def fresh() -> ModuleType:
    """Return a module as the interpreter makes its first one."""
    module = ModuleType(MAIN)
    if sys.version_info < (3, 14):  # which makes it when it is first asked for
        module.__annotations__ = {}
    vars(module)["__builtins__"] = builtins
    return module


def describe(module: ModuleType, loaded: Loaded) -> None:
    """Have a module know where its code comes from."""
    file, spec = loaded.file, loaded.spec
    if file is None:
        return
    module.__file__ = file
    vars(module)["__cached__"] = spec.cached if spec else None
    module.__loader__ = spec.loader if spec else SourceFileLoader(MAIN, file)
    if spec:
        module.__spec__, module.__package__ = spec, spec.parent


def compiled(source: str) -> CodeType:
    """Return the code that ``-c`` was given; later interpreters (3.13) show its lines in errors."""
    code = compile(source, COMMAND, "exec", dont_inherit=True)
    if COMMAND in linecache.cache:  # the lines of the command that runs us
        lines = source.splitlines(keepends=True)
        linecache.cache[COMMAND] = len(source), None, lines, COMMAND
    if register := getattr(linecache, "_register_code", None):
        register(code, source, COMMAND)
    return code


def found(name: str) -> ModuleSpec | None:
    """Return where a module is, or the ``__main__`` of a package."""
    try:
        spec = importlib.util.find_spec(name)
        if spec and spec.submodule_search_locations is not None:
            return importlib.util.find_spec(f"{name}.{MAIN}")
    except (ModuleNotFoundError, ValueError):
        return None
    return spec


def loaded(name: str, spec: ModuleSpec | None) -> Loaded:
    """Return the code of a module; the interpreter's own words where there is none."""
    code = getattr(spec and spec.loader, "get_code", lambda _: None)(spec and spec.name)
    if not isinstance(code, CodeType) or spec is None:
        sys.exit(f"{sys.executable}: No module named {name}")
    return Loaded(code, spec.origin, spec)
