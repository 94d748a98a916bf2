"""What the package ships: the files themselves, where they come from, and their licence."""

import hashlib
import importlib.util
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import ocrleak_engine
import pytest
from ocrleak_engine import shipped
from ocrleak_engine.models import DEFAULT_DETECTOR, DEFAULT_RECOGNIZER

DATA = Path(ocrleak_engine.__file__).parent / "models"
PROJECT = DATA.parents[1]
PUBLISHED = {  # as PaddlePaddle publishes them
    DEFAULT_DETECTOR: "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8",
    DEFAULT_RECOGNIZER: "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6",
}
entries = tomllib.loads((DATA / "MODELS.toml").read_text("utf-8"))["file"]


def test_every_file_is_accounted_for() -> None:
    """Nothing is shipped without an entry, a licence or a notice."""
    papers = {"MODELS.toml", "NOTICE", "LICENSE-Apache-2.0.txt"}
    assert {path.name for path in DATA.iterdir()} == papers | {entry["name"] for entry in entries}


@pytest.mark.parametrize("entry", entries, ids=lambda entry: entry["name"])
def test_files_are_as_listed(entry: dict[str, str | int]) -> None:
    """Size and SHA-256 are those of MODELS.toml, and each entry tells its origin."""
    data = (DATA / str(entry["name"])).read_bytes()
    assert len(data) == entry["size"]
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert {"licence", "what", "wheel", "upstream", "changes"} < entry.keys()


def test_models_are_the_published_ones() -> None:
    """The models are PaddlePaddle's, byte for byte."""
    listed = {file.name: file.sha256 for file in shipped.files()}
    assert listed.items() >= PUBLISHED.items()


def test_characters_come_first() -> None:
    """A model that is seen has its characters beside it, however far the copy got."""
    names = [file.name for file in shipped.files()]
    assert names.index("ppocrv6_tiny_rec.txt") < names.index(DEFAULT_RECOGNIZER)


def test_notice_credits_the_authors() -> None:
    """The attribution that the licence asks for, for each file."""
    notice = (DATA / "NOTICE").read_text("utf-8")
    assert "PaddlePaddle Authors" in notice
    assert all(entry["name"] in notice for entry in entries)
    assert "Apache License" in (DATA / "LICENSE-Apache-2.0.txt").read_text("utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, dict[str, list[str]]]:
    """Return the `[project]` table, where the engine runs from its source."""
    path = PROJECT / "pyproject.toml"
    if not path.is_file():
        pytest.skip("the engine is installed, not run from its source")
    table: dict[str, dict[str, list[str]]] = tomllib.loads(path.read_text("utf-8"))
    return table


def test_the_build_is_told_to_ship_them(project: dict[str, dict[str, list[str]]]) -> None:
    """The licence files are named and there, and no ignore rule hides what is shipped."""
    assert set(project["project"]["license-files"]) == {
        "ocrleak_engine/models/LICENSE-Apache-2.0.txt",
        "ocrleak_engine/models/NOTICE",
    }
    shown = subprocess.run(
        ["git", "check-ignore", *map(str, DATA.iterdir())], cwd=PROJECT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert shown.stdout == ""


@pytest.mark.usefixtures("project")
@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="needs hatchling")
def test_wheel_holds_them(tmp_path: Path) -> None:
    """The built wheel has every file, and the licence and notice once more where pip looks."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"ocrleak_engine/models/{path.name}" for path in DATA.iterdir()} <= set(names)
    for paper in ("LICENSE-Apache-2.0.txt", "NOTICE"):
        assert any(name.endswith(f"licenses/ocrleak_engine/models/{paper}") for name in names)
