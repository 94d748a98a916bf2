"""What is built: each wheel holds its package and nothing else, and says what it is."""

import email
import importlib.util
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECTS = {"pytest_ocrleak": ROOT, "ocrleak_engine": ROOT / "engine"}
MUST = {
    "pytest_ocrleak": {
        *("py.typed", "report/schema.json", "report/page/templates/page.html"),
        *("report/page/templates/page.css", "report/page/templates/page.js"),
    },
    "ocrleak_engine": {"py.typed", "models/MODELS.toml"},
}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="needs hatchling"
)
Build = Callable[[str], Path]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return what builds both distributions of a package, once, and gives their folder."""
    made: dict[str, Path] = {}

    def once(package: str) -> Path:
        if package not in made:
            made[package] = tmp_path_factory.mktemp(package)
            command = [sys.executable, "-m", "hatchling", "build", "-d", str(made[package])]
            subprocess.run(command, cwd=PROJECTS[package], check=True, capture_output=True)
        return made[package]

    return once


def source(package: str) -> set[str]:
    """Return the files of a package that git would keep, as a wheel names them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", package]
    done = subprocess.run(
        command, cwd=PROJECTS[package], check=True, capture_output=True, text=True
    )
    return {name for name in done.stdout.splitlines() if (PROJECTS[package] / name).exists()}


@pytest.mark.parametrize("package", PROJECTS)
def test_a_wheel_holds_its_package_and_nothing_else(build: Build, package: str) -> None:
    """Types, schema, templates and models included; beside it only what describes it."""
    (wheel,) = build(package).glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    own = {name for name in names if name.startswith(f"{package}/")}
    assert own == source(package)
    assert {f"{package}/{name}" for name in MUST[package]} <= own
    assert all(re.match(rf"{package}-[\d.]+\.dist-info/", name) for name in names - own)


@pytest.mark.parametrize("package", PROJECTS)
def test_a_source_distribution_holds_what_a_wheel_is_built_of(build: Build, package: str) -> None:
    """And no tests, caches or folders of the repository."""
    (archive,) = build(package).glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert source(package) | {"pyproject.toml", "README.md", "PKG-INFO"} <= names
    beside = names - source(package)
    assert beside <= {
        *("pyproject.toml", "README.md", "PKG-INFO", "LICENSE", "CHANGELOG.md", ".gitignore"),
    }


def described(build: Build, package: str) -> Message:
    """Return a wheel's metadata."""
    (wheel,) = build(package).glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (each for each in opened.namelist() if each.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(opened.read(name))


@pytest.mark.parametrize("package", PROJECTS)
def test_the_description_leads_nowhere_that_is_not_there(build: Build, package: str) -> None:
    """PyPI shows it without the repository: a link to a file would be dead."""
    text = str(described(build, package).get_payload())
    targets = re.findall(r"\]\(([^)]+)\)", re.sub(r"(?s)```.*?```", "", text))
    assert all(target.startswith(("https://", "#")) for target in targets), targets
    assert len(text) > 1000


@pytest.mark.parametrize("package", PROJECTS)
def test_the_description_says_what_it_is(build: Build, package: str) -> None:
    """Licence, Pythons and that it is typed; the plugin says which framework it is for."""
    told = described(build, package)
    classifiers = told.get_all("Classifier") or []
    assert "Typing :: Typed" in classifiers
    assert "Programming Language :: Python :: 3.14" in classifiers
    assert told["License-Expression"] == "Apache-2.0"
    assert ("Framework :: Pytest" in classifiers) == (package == "pytest_ocrleak")
