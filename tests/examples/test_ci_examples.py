"""The files for CI are what their tools take, and the commands in them do what they say."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typed
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "ci"
GITHUB = EXAMPLES / "github.yml"
LEAKY = """
def test_opens(tmp_path):
    global file
    file = (tmp_path / "page").open("w")
"""


def loaded(name: str) -> Any:
    """Return a file's data."""
    return yaml.safe_load((EXAMPLES / name).read_text("utf8"))


def steps() -> Iterator[dict[str, Any]]:
    """Yield the steps of the workflow, one after the other."""
    for job in loaded("github.yml")["jobs"].values():
        yield from job["steps"]


def lines() -> Iterator[str]:
    """Yield every command in the files, with the workflow's first part filled in."""
    part = loaded("github.yml")["jobs"]["check"]["strategy"]["matrix"]["include"][0]
    for step in steps():
        text = step.get("run", "")
        yield re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda name: part[name[1]], text)
    yield from loaded("gitlab-ci.yml")["leaks"]["script"]
    for hook in loaded("pre-commit-config.yaml")["repos"][0]["hooks"]:
        yield hook["entry"]


def test_every_command_can_be_typed(request: pytest.FixtureRequest) -> None:
    """Options that exist, distributions that are ours, and a gate in each file."""
    found = [words for line in lines() for words in typed.commands(line)]
    for words in found:
        typed.check(words, request.config)
    gates = [words for words in found if typed.named(words)[0] == "pytest"]
    assert len(gates) == 3
    assert all({"--ocrleak", "--ocrleak-baseline"} <= set(words) for words in gates)


def test_this_repositorys_workflow_is_the_example() -> None:
    """To the letter, so that it is tried with each push; what it names is there."""
    workflow = ROOT / ".github" / "workflows" / "leaks.yml"
    assert workflow.read_text("utf8") == GITHUB.read_text("utf8")
    include = loaded("github.yml")["jobs"]["check"]["strategy"]["matrix"]["include"]
    assert all((ROOT / part["tests"]).exists() for part in include)
    assert (ROOT / "tests" / "known-leaks.toml").is_file()
    (merge,) = (step["run"] for step in steps() if "ocrleak merge" in step.get("run", ""))
    assert [f"ocrleak-{part['part']}.json" for part in include] == re.findall(
        r"ocrleak-\S+\.json", merge
    )


@pytest.mark.parametrize("path", [GITHUB, *(ROOT / ".github" / "workflows").iterdir()])
def test_actions_are_pinned(path: Path) -> None:
    """Each to a major version; and a workflow may read, no more."""
    used = re.findall(r"uses: (\S+)", path.read_text("utf8"))
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action) for action in used)
    assert yaml.safe_load(path.read_text("utf8"))["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-workflows", GITHUB),
        ("vendor.github-workflows", ROOT / ".github" / "workflows" / "ci.yml"),
        ("vendor.gitlab-ci", EXAMPLES / "gitlab-ci.yml"),
    ],
)
def test_the_services_take_the_files(schema: str, path: Path) -> None:
    """By the schemas that GitHub's and GitLab's files are checked with."""
    pytest.importorskip("check_jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_pre_commit_takes_its_file() -> None:
    """By its own word."""
    pytest.importorskip("pre_commit")
    path = EXAMPLES / "pre-commit-config.yaml"
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_nox_takes_its_file() -> None:
    """It lists a session for each Python that the package supports."""
    pytest.importorskip("nox")
    command = [sys.executable, "-m", "nox", "-f", str(EXAMPLES / "noxfile.py"), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    supported = re.findall(r"Python :: (3\.\d+)\"", (ROOT / "pyproject.toml").read_text("utf8"))
    assert re.findall(r"^\* leaks-(3\.\d+)", done.stdout, re.MULTILINE) == supported


@pytest.mark.parametrize(("leaks", "code"), [(False, 0), (True, 1)])
def test_the_gate_lets_pass_what_is_clean_and_nothing_else(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    leaks: bool,  # noqa: FBT001
    code: int,
) -> None:
    """The workflow's commands in their order, on a small suite in two parts."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p pytest_ocrleak.plugin -p no:cacheprovider")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    part = pytester.mkdir("tests")
    shutil.copyfile(ROOT / "tests" / "known-leaks.toml", part / "known-leaks.toml")
    (part / "engine").mkdir()
    (part / "engine" / "test_it.py").write_text(LEAKY if leaks else "def test_it(): pass\n", "utf8")
    check, merge = (
        next(typed.commands(line)) for line in lines() if line.startswith(("pytest --", "ocrleak"))
        if "junit" not in line
    )  # fmt: skip
    first = pytester.run(sys.executable, "-m", *check)
    assert first.ret == code
    shutil.copyfile("ocrleak-engine.json", "ocrleak-examples.json")
    done = pytester.run(sys.executable, "-m", "pytest_ocrleak", *merge[1:])
    assert done.ret == code
    assert Path("ocrleak.html").stat().st_size > 1000
