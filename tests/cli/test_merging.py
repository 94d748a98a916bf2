"""`ocrleak merge`: real shards, its page, its gate, and files of others."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import held
import planting
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planting import QUIET
from reports import (
    ENVIRONMENT,
    LEAK,
    assert_valid,
    check,
    open_check,
    places,
    report,
    valid_report,
)

from pytest_ocrleak import files
from pytest_ocrleak.cli import merging
from pytest_ocrleak.cli.command import InputError
from pytest_ocrleak.cli.documents.inputs import DEEPEST, load_report, whole_report
from pytest_ocrleak.cli.documents.record import ShapeError, document
from pytest_ocrleak.cli.main import main
from pytest_ocrleak.cli.pages import joined
from pytest_ocrleak.cli.pages.plain import rendered
from pytest_ocrleak.meters import procfs
from pytest_ocrleak.report import formats
from pytest_ocrleak.report.merged import Given, merge

SHARDS = {
    "test_one.py": """
        import pytest

        kept = []

        @pytest.fixture(scope="module")
        def pool():
            yield [open(__file__)]
            kept.append(open(__file__))

        def test_clean(pool): pass

        @pytest.mark.ocrleak(runs=5)
        def test_repeated(): kept.append(open(__file__))
        """,
    "test_two.py": """
        import pytest

        class Engine:
            def free_resources(self): self.freed = True
            def use(self):
                if hasattr(self, "freed"): raise RuntimeError("freed")

        def test_checks(ocrleak):
            with ocrleak.guard("twice"): pass
            with ocrleak.guard("twice"): pass
            ocrleak.assert_no_growth(int, runs=20, time_limit=1, track="fds,heap,gpu")
            ocrleak.assert_releases(Engine, use=Engine.use, runs=5, time_limit=1, track="fds")
        """,
}
ALONE = {  # no plugins of others, which would take most of the time
    **QUIET,
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "-p pytest_ocrleak.plugin -p no:cacheprovider",
}
Write = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write reports into the folder in which the command then runs, and return their names."""
    monkeypatch.chdir(tmp_path)

    def write(**contents: Any) -> list[str]:
        for name, content in contents.items():
            Path(f"{name}.json").write_text(json.dumps(content))
        return [f"{name}.json" for name in contents]

    return write


def test_real_shards_are_merged(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the plugin writes keeps to the schema, and so does what is made of it."""
    write()
    monkeypatch.setenv("COLUMNS", "200")
    for name, code in SHARDS.items():
        Path(name).write_text("\n".join(line[8:] for line in code.splitlines()))
        reporting = f"--ocrleak-report={name}.json"
        subprocess.run(
            [sys.executable, "-m", "pytest", "--ocrleak", reporting, name],
            check=False,
            env=ALONE,
            stdout=subprocess.DEVNULL,
        )
    shards = [f"{name}.json" for name in SHARDS]
    checks = [each for shard in shards for each in valid_report(shard)["checks"]]
    assert {each["kind"] for each in checks} == {"test", "fixture", "guard", "growth", "release"}
    assert {each["runs"] for each in checks} == {1, 6, 21}
    meters = [each for one in checks for each in one["meters"].values()]
    assert {"clean", "leak", "unjudged"} <= {each["verdict"] for each in meters}
    assert main(["merge", *shards, "-o", "all.json"]) == 1
    told = capsys.readouterr().out
    assert "fails: 2 checks leak" in told
    assert "test_one.py · fixture pool (module)" in told
    whole = valid_report("all.json")
    assert whole["checks"] == checks
    assert whole["summary"]["leak"] == 2
    assert main(["merge", *shards, "all.json", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["checks"] == checks


GATES: list[tuple[list[dict[str, Any]], list[str], int, str]] = [
    ([report(check("a")), report(check("b"))], [], 0, "nothing fails"),
    ([report(check("a", LEAK)), report()], [], 1, "fails: 1 check leaks"),
    ([report(), report()], [], 0, "nothing was checked, so nothing was proven"),
    ([report(), report()], ["--strict"], 1, "fails: no check was made, so nothing was proven"),
    ([report(check("a")), report()], ["--strict"], 0, "nothing fails"),
    ([report(check("a", {**LEAK, "known": True}))], [], 0, "1 leak · 0 inconclusive · 1 known"),
    ([report(open_check("a"))], [], 0, "nothing fails"),
    ([report(open_check("a"))], ["--strict"], 1, "fails: 1 check is inconclusive"),
    ([report(open_check("a")), report(check("a"))], ["--strict"], 0, "nothing fails"),
    ([report(check("a"), partial="Ctrl-C")], [], 1, "what was not run is not proven"),
]


@pytest.mark.parametrize("gate", GATES)
def test_it_is_a_gate(
    write: Write,
    capsys: pytest.CaptureFixture[str],
    gate: tuple[list[dict[str, Any]], list[str], int, str],
) -> None:
    """The exit code and the page say the same; data comes with the same code."""
    reports, arguments, code, said = gate
    files = write(**{f"r{index}": each for index, each in enumerate(reports)})
    assert main(["merge", *files, *arguments]) == code
    assert said in capsys.readouterr().out
    assert main(["merge", *files, *arguments, "--json"]) == code
    assert_valid(json.loads(capsys.readouterr().out))


def test_a_file_that_is_read_may_be_written(write: Write) -> None:
    """All is read first; and one report alone is written in another format."""
    files = write(all=report(check("a", LEAK)), b=report(check("b")))
    assert main(["merge", *files, "-o", "all.json", "-o", "deep/er/all.json"]) == 1
    assert valid_report("all.json")["summary"]["checked"] == 2
    assert valid_report("deep/er/all.json") == valid_report("all.json")
    assert main(["merge", "b.json", "-o", "b.md"]) == 0
    assert "1 clean" in Path("b.md").read_text("utf8")


def test_what_cannot_be_written_fails(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """In a sentence, and what can be is."""
    write(a=report(check("a")))
    Path("folder.json").mkdir()
    assert main(["merge", "a.json", "-o", "folder.json", "-o", "other.json"]) == 1
    out, err = capsys.readouterr()
    assert "nothing fails" in out
    assert err == "ocrleak: folder.json cannot be written (Is a directory)\n"
    assert valid_report("other.json")


@pytest.mark.parametrize("name", ["all.txt", "all", ".json"])
def test_another_format_is_refused(
    write: Write, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Before anything is read or written."""
    write()
    assert main(["merge", "missing.json", "-o", "good.json", "-o", name]) == 2
    assert f"{name} has none of the suffixes .json, .html, .md" in capsys.readouterr().err
    assert not list(Path().iterdir())


def test_what_a_format_lacks_is_told(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is read or written, with what to install."""
    write()
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    assert main(["merge", "missing.json", "-o", "all.html"]) == 2
    assert "pip install 'pytest-ocrleak[report]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    {
        "": "is no JSON",
        "[" * 100_000: "is no JSON",
        "{nope": "is no JSON",
        "[]": "is not what it seems, no report: give a report of `pytest --ocrleak-report",
        "7": "no report",
        json.dumps(document(held.EMPTY)): "is not what it seems, no report but a process",
        json.dumps({**report(), "schema_version": 0}): "its schema_version is not 1",
        json.dumps({**report(), "schema_version": 2}): "was written by a newer version (its sche"
        "ma_version is 2, known is 1): upgrade this one, by `pip install --upgrade pytest-ocrleak`",
        json.dumps(report({**check("a"), "runs": "many"})): "checks[0].runs is no whole number",
        json.dumps(report(new=float("nan"))): "it holds nan, which is no number of JSON",
        json.dumps(report(new=1)).replace("1}", "1e999}"): "it holds inf, which is no number",
        f'{json.dumps(report())[:-1]}, "new": {"[" * DEEPEST}{"]" * DEEPEST}}}': "levels deep",
    }.items(),
)
def test_what_is_no_report_is_refused(
    write: Write, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    """In one sentence with the file and the place, and nothing is written."""
    write(good=report())
    Path("bad.json").write_text(content)
    assert main(["merge", "good.json", "bad.json", "-o", "all.json"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("ocrleak: bad.json ")
    assert said in err
    assert err.count("\n") == 1
    assert not Path("all.json").exists()


@pytest.mark.skipif(not procfs.LINUX, reason="/dev/zero, and a limit of memory")
@pytest.mark.parametrize("command", [["merge", "/dev/zero"], ["diff", "good.json", "/dev/zero"]])
def test_what_has_no_end_is_refused(write: Write, command: list[str]) -> None:
    """Before it takes all memory; so is what is too large."""
    write(good=report())
    limited = ["sh", "-c", 'ulimit -v 1500000; exec "$@"', "sh"]
    found = subprocess.run(
        [*limited, *planting.COMMAND, *command],
        check=False,
        text=True,
        capture_output=True,
        env=QUIET,
    )
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("ocrleak: /dev/zero is larger than 256.0 MB: give a report of")


def test_what_is_just_too_large_is_told(tmp_path: Path) -> None:
    """A byte more than may be read, and no byte more."""
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert files.read(path, 5) == b"12345"
    with pytest.raises(files.TooLargeError, match="more than 4 bytes"):
        files.read(path, 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_report_may_come_out_of_a_pipe(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """In parts, as `<(…)` of a shell has it: it has no size."""
    write()
    os.mkfifo("pipe")
    text = json.dumps(report(check("a"), new="x" * 200_000))  # more than a pipe holds
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(Path("pipe").write_text, text)
        assert main(["merge", "pipe"]) == 0
        writing.result()
    assert "1 report, 1 check" in capsys.readouterr().out


def test_files_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """As argparse says."""
    with pytest.raises(SystemExit, match="2"):
        main(["merge"])
    assert "usage: ocrleak merge" in capsys.readouterr().err


POOL = {**LEAK, "remark": "more than the baseline allows: 3"}
GONE = (
    "ocrleak: 1 of 5 known leaks are gone, --ocrleak-update-baseline takes them out of "
    "leaks.toml: fds: /srv/ocr/page.pdf (tests/test_server.py::test_export)"
)
JOINED = [  # of the page on the command line
    Given(
        "shard-1.json",
        report(
            check("pool", POOL, kind="fixture", scope="module"),
            check("test_upload"),
            check("test_batch", {**LEAK, "known": True}),
            notes=[GONE],
        ),
    ),
    Given(
        "shard-2.json",
        report(
            open_check("test_slow"),
            check("test_upload"),
            environment={**ENVIRONMENT, "python": "3.12.1"},
            partial="it was interrupted",
        ),
    ),
    Given(
        "again.json",
        report(check("pool", kind="fixture", scope="module"), open_check("test_upload")),
    ),
]
DOCS = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf8")
COMMAND, _, PAGE = DOCS.partition("$ ocrleak merge ")[2].partition("```")[0].partition("\n")


def shown(given: list[Given], width: int = 80) -> str:
    """Return the page on merged reports."""
    found = merge(given, merging.tool())
    return rendered(
        joined.page(given, found, list(merging.failures(found.report, strict=False))), width
    )


def test_the_page() -> None:
    """What fails and why comes first, then what was read; it is shown to those who read of it."""
    assert COMMAND.split(" -o ")[0].split() == [one.name for one in JOINED]
    assert f"{shown(JOINED)}\n" == PAGE
    assert "2026-11-21T12:00:00+00:00" in shown(JOINED, 160)


@pytest.mark.parametrize("width", [80, 160])
def test_long_names_and_many_leaks_fit(width: int) -> None:
    """In a terminal; nothing of others drives it."""
    leak = {**LEAK, "what": f"/srv/{'x' * 300}\x1b[2J"}
    checks = (check(f"test_{'y' * 200}_{n}", leak) for n in range(60))
    text = shown([Given("r" * 300, report(*checks))], width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "10 more rows: --json has all" in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FULL = merge(JOINED, merging.tool()).report
PARTS = st.integers(0, len(json.dumps(FULL)) - 1).map(lambda n: json.dumps(FULL)[:n].encode())


@given(st.data())
def test_any_json_is_merged_and_rendered_or_refused(data: st.DataObject) -> None:
    """A part of a report that is something else is told by its place, or does not matter."""
    whole = json.loads(json.dumps(FULL))
    container, key = data.draw(st.sampled_from(places(whole)))
    value = data.draw(JSON | st.sampled_from(["leak", "1970-01-01", 7, {"a": {}}, -0.5]))
    container[key] = value
    try:
        found = whole_report(json.loads(json.dumps(whole)))
    except ShapeError:
        return
    reports = [Given("a", found), *JOINED, Given("b", found)]
    assert shown(reports)
    merged = merge(reports, merging.tool()).report
    assert_valid(json.loads(formats.rendered(".json", merged)))
    assert formats.rendered(".md", merged)


@given(st.binary(max_size=60) | PARTS)
def test_foreign_bytes_are_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """In a sentence that names the file and says what to give."""
    path = tmp_path_factory.getbasetemp() / f"foreign-{os.getpid()}.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"foreign-.*json .*: give a report of"):
        load_report(str(path))
