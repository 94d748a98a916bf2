"""Read a repository's index, whose descriptor GitPython 3.1.25 kept."""

import tempfile
from pathlib import Path

import git
from telling import tell

from pytest_ocrleak import assert_no_growth

with tempfile.TemporaryDirectory() as folder:
    Path(folder, "page.txt").write_text("text", "utf8")
    repository = git.Repo.init(folder)
    repository.index.add(["page.txt"])

    def entries() -> int:
        """Return how many entries the index has."""
        return len(git.IndexFile(repository).entries)

    assert entries() == 1
    tell(lambda: assert_no_growth(entries))
