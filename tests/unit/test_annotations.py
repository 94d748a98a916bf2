"""Leaks as annotations of GitHub Actions, on literals."""

from pathlib import Path
from typing import Any

from pytest_ocrleak.report.annotations import Folders, annotations

FOLDERS = Folders(Path("/repo/sub"), Path("/repo"), Path("/repo"))


def leak(*opened_at: str, **more: Any) -> dict[str, Any]:
    """Return a plain leak."""
    return {
        "meter": "fds",
        "what": "/data.bin",
        "count": 1,
        "opened_at": opened_at,
        "kept_by": (),
        "known": False,
        "remark": "",
        **more,
    }


def check(*leaks: dict[str, Any]) -> dict[str, Any]:
    """Return a plain check."""
    nodeid = "tests/test_x.py::test_y"
    return {"kind": "test", "name": "test_y", "nodeid": nodeid, "leaks": leaks}


def test_a_leak_is_told_at_the_line_that_opened_it() -> None:
    """Relative to the repository, wherever the run began; keepers follow."""
    found = leak("app.py:12 in load", "test_x.py:3 in test_y", count=2, kept_by=["module a → b"])
    (line,) = annotations([check(found)], FOLDERS)
    assert line == (
        "::error file=sub/app.py,line=12,title=ocrleak%3A tests/test_x.py%3A%3Atest_y leaks"
        "::fds: /data.bin ×2, opened at app.py:12 in load%0Akept by module a → b"
    )


def test_a_leak_that_was_opened_outside_is_told_at_its_test() -> None:
    """A library's line is none of the repository's, and native code has none."""
    for place in ("/usr/lib/x.py:12 in load", "inside onnxruntime", "during engine"):
        (line,) = annotations([check(leak(place))], FOLDERS)
        assert line.startswith("::error file=tests/test_x.py,title=")


def test_known_leaks_are_not_annotated_and_many_are_counted() -> None:
    """GitHub shows ten errors of a step."""
    assert list(annotations([check(leak(known=True))], FOLDERS)) == []
    assert len(list(annotations([check(*[leak()] * 10)], FOLDERS))) == 10
    lines = list(annotations([check(*[leak()] * 25)], FOLDERS))
    assert len(lines) == 10
    assert lines[-1] == "::error title=ocrleak::and 16 more leaks, see the job's summary"


def test_names_cannot_end_a_command_or_begin_another() -> None:
    """Line ends, percents and the separators of properties are escaped."""
    (line,) = annotations([check(leak("a,b::c.py:1 in x", what="100%\n::set-env\r"))], FOLDERS)
    assert "\n" not in line
    assert "\r" not in line
    assert "file=sub/a%2Cb%3A%3Ac.py,line=1" in line
    assert "100%25%0A::set-env%0D" in line
