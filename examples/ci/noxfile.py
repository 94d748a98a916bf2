"""The suite under --ocrleak, once for each Python: ``nox -s leaks``, or ``nox -s leaks-3.13``.

Arguments after ``--`` go to pytest: ``nox -s leaks-3.13 -- --ocrleak-runs auto tests``.
"""

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@nox.session(python=PYTHONS)
def leaks(session: nox.Session) -> None:
    """Run the tests, and fail where anything is left behind; one report for each Python."""
    session.install("-e", ".[test]", "pytest-ocrleak")
    report = f"ocrleak-{session.python}.json"
    known = ("--ocrleak-baseline", "tests/known-leaks.toml")
    session.run("pytest", "--ocrleak", *known, "--ocrleak-report", report, *session.posargs)
