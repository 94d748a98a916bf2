"""The clean-up script: its exact output, and its promises for any engine."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import ocrleak_engine
import pytest
from ocrleak_engine.models import FOLDER_VARIABLE

SCRIPT = Path(__file__).parents[2] / "examples" / "ocr_cleanup.py"
FREED = "All OCR resources have been released.\n"


class ForeignEngine:
    """Somebody else's engine: it knows nothing of ours and shares no base."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder, self.names, self.freed = folder, names, 0

    def list_local(self) -> list[str]:
        """Names of the models, whether they are still there or not."""
        return self.names

    def get_local_path(self) -> str:
        """Folder of the models."""
        return str(self.folder)

    def free_resources(self) -> None:
        """Count the calls."""
        self.freed += 1


class BrokenEngine(ForeignEngine):
    """An engine whose folder cannot be told."""

    def get_local_path(self) -> str:
        """Fail."""
        raise RuntimeError("no folder")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of one current and one old model."""
    path = tmp_path / "models"
    path.mkdir()
    for name in ("en_ocr_v1.onnx", "old_fr_ocr_v1.onnx"):
        (path / name).touch()
    return path


@pytest.fixture
def script() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("ocr_cleanup", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expected(folder: Path) -> str:
    """Return what the script prints for the folder of the fixture."""
    return (
        "Models on disk: ['en_ocr_v1.onnx', 'old_fr_ocr_v1.onnx']\n"
        "Deleted old_fr_ocr_v1.onnx\n"
        f"Model directory: {folder}\n"
        f"CURRENT: {folder}/en_ocr_v1.onnx\n" + FREED
    )


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_output_as_a_script(folder: Path, by: str) -> None:
    """The folder given, or the one that the engine would use by itself."""
    variables = {FOLDER_VARIABLE: str(folder)} if by == "variable" else {}
    done = as_script(*([folder] if by == "argument" else []), **variables)
    assert (done.stdout, done.stderr, done.returncode) == (expected(folder), "", 0)
    assert [path.name for path in folder.iterdir()] == ["en_ocr_v1.onnx"]


def as_script(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script to its end."""
    package = str(Path(ocrleak_engine.__file__).parents[1])
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": package} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("wrong", ["mistyped", "models/en_ocr_v1.onnx", "/dev/null", "", "a" * 300])
def test_no_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """What is no folder is refused in one sentence, and none is made."""
    monkeypatch.chdir(folder.parent)
    done = as_script(wrong)
    said = f"ocr_cleanup.py: there is no folder {wrong!r}; name the models' folder\n"
    assert (done.stdout, done.stderr, done.returncode) == ("", said, 2)
    assert [path.name for path in folder.parent.iterdir()] == ["models"]


@pytest.mark.parametrize(("option", "code"), [("--help", 0), ("--delete", 2)])
def test_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, code: int) -> None:
    """An option is no folder; the help tells what is."""
    monkeypatch.chdir(tmp_path)
    done = as_script(option)
    assert done.returncode == code
    assert "MODEL_FOLDER" in done.stdout + done.stderr
    assert not [*tmp_path.iterdir()]


def test_a_folder_that_the_engine_refuses(tmp_path: Path) -> None:
    """The engine's own sentence is enough, and it is freed."""
    (tmp_path / "file").touch()
    done = as_script(**{FOLDER_VARIABLE: str(tmp_path / "file")})
    assert (done.stdout, done.returncode) == (FREED, 1)
    assert f"cannot read the model folder {tmp_path}/file" in done.stderr
    assert done.stderr.count("\n") == 1


def test_foreign_engine(
    folder: Path, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any class with the three methods is cleaned up in the same words."""
    engine = ForeignEngine(folder, ["old_fr_ocr_v1.onnx", "en_ocr_v1.onnx"])
    assert script.clean_up(engine) == {}
    assert capsys.readouterr().out == expected(folder)
    assert engine.freed == 1


def test_nothing_outside_the_folder(
    folder: Path, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Paths, links and folders are left alone, and a model that is gone is no error."""
    outside = folder.parent / "old_outside.onnx"
    outside.touch()
    (folder / "old_link.onnx").symlink_to(outside)
    (folder / "old_folder.onnx").mkdir()
    names = ["old_gone.onnx", "old_link.onnx", "old_folder.onnx", "old_/../../old_outside.onnx"]
    assert script.clean_up(ForeignEngine(folder, [*names, str(outside)])) == {}
    assert outside.exists()
    assert (folder / "old_link.onnx").is_symlink()
    assert (folder / "old_folder.onnx").is_dir()
    assert f"OLD: {folder}/old_link.onnx\n" in capsys.readouterr().out


def test_freed_whatever_happens(
    folder: Path, script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """An engine that fails half way is freed all the same, and its error comes through."""
    engine = BrokenEngine(folder, ["en_ocr_v1.onnx"])
    with pytest.raises(RuntimeError, match="no folder"):
        script.clean_up(engine)
    assert engine.freed == 1
    assert capsys.readouterr().out.endswith(FREED)


def test_model_that_cannot_be_deleted(folder: Path) -> None:
    """The others are deleted, and the exit code and one line tell of it."""
    (folder / "old_a.onnx").touch()
    code = (
        "import runpy, sys\n"
        "def refuse(event, args):\n"
        "    if event == 'os.remove' and 'old_a' in str(args[0]):\n"
        "        raise PermissionError(1, 'Held')\n"
        "sys.addaudithook(refuse)\n"
        "del sys.argv[0]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, SCRIPT, folder],
        env=os.environ | {"PYTHONPATH": str(Path(ocrleak_engine.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "Could not delete old_a.onnx: Held\n")
    assert "Deleted old_fr_ocr_v1.onnx\n" in done.stdout
    assert f"OLD: {folder}/old_a.onnx\n" in done.stdout
    assert done.stdout.endswith(FREED)
