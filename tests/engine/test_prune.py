"""Pruning on real files: what goes, what stays, and that nothing is lost on the way."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_processes import RAM, finish, start, struck, struck_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ocrleak_engine.copying import PART
from ocrleak_engine.errors import ModelError, ModelNameError, ModelNotFoundError
from ocrleak_engine.models import ModelFolder
from ocrleak_engine.prune import Pruned, choose, prune, remove


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    """Return a folder with one current and one old model, each with its characters."""
    return filled(tmp_path / "models", "en.onnx", "en.txt", "old_fr.onnx", "old_fr.txt")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on another file system than `tmp_path`."""
    if not os.access(RAM, os.W_OK) or RAM.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    place = Path(tempfile.mkdtemp(dir=RAM))
    yield place
    shutil.rmtree(place)


def filled(path: Path, *names: str) -> ModelFolder:
    """Make a folder of files, each holding its own name."""
    path.mkdir(parents=True, exist_ok=True)
    for name in names:
        (path / name).write_bytes(os.fsencode(name))
    return ModelFolder(path)


def contents(path: Path) -> dict[str, bytes]:
    """Content by name of everything in a folder, hidden or not."""
    return {p.name: p.read_bytes() for p in path.iterdir()}


def names_in(path: Path) -> list[str]:
    """Everything in a folder, hidden or not, sorted."""
    return sorted(p.name for p in path.iterdir())


# --- what goes and what stays ----------------------------------------------------------------


def test_old_models_go_with_their_characters(folder: ModelFolder) -> None:
    """The current model and its characters stay."""
    assert prune(folder) == [Pruned("old_fr.onnx")]
    assert names_in(folder.path) == ["en.onnx", "en.txt"]


def test_dry_run_touches_nothing(folder: ModelFolder, tmp_path: Path) -> None:
    """It tells what would be done, and does not even make the backup folder."""
    backup = tmp_path / "backup"
    assert prune(folder, dry_run=True) == [Pruned("old_fr.onnx")]
    assert prune(folder, backup=backup, dry_run=True) == [
        Pruned("old_fr.onnx", backup / "old_fr.onnx")
    ]
    assert names_in(folder.path) == ["en.onnx", "en.txt", "old_fr.onnx", "old_fr.txt"]
    assert not backup.exists()


def test_other_prefix(folder: ModelFolder) -> None:
    """The prefix is the caller's."""
    assert prune(folder, "en") == [Pruned("en.onnx")]
    assert names_in(folder.path) == ["old_fr.onnx", "old_fr.txt"]


def test_empty_prefix_is_refused(folder: ModelFolder) -> None:
    """It would name every model."""
    with pytest.raises(ModelNameError, match="every model"):
        prune(folder, "")


def test_kept_models_stay(folder: ModelFolder) -> None:
    """Only the others go."""
    filled(folder.path, "old_de.onnx")
    assert prune(folder, keep=["old_fr.onnx"]) == [Pruned("old_de.onnx")]
    assert "old_fr.onnx" in names_in(folder.path)


def test_misspelt_keep_is_refused(folder: ModelFolder) -> None:
    """It would cost the very model that it was meant to save."""
    with pytest.raises(ModelNotFoundError, match=r"'old_rf\.onnx'"):
        prune(folder, keep=["old_rf.onnx"])
    assert "old_fr.onnx" in names_in(folder.path)


def test_only_models_go(folder: ModelFolder) -> None:
    """Other files, folders and what is in them stay, whatever their names."""
    filled(folder.path, "old_notes.md", "old_alone.txt", ".old_hidden.onnx")
    filled(folder.path / "old_folder.onnx", "old_inner.onnx")
    prune(folder)
    assert names_in(folder.path) == [
        ".old_hidden.onnx", "en.onnx", "en.txt", "old_alone.txt", "old_folder.onnx", "old_notes.md"
    ]  # fmt: skip
    assert names_in(folder.path / "old_folder.onnx") == ["old_inner.onnx"]


def test_characters_that_another_model_needs_stay(folder: ModelFolder) -> None:
    """They go with the last model of their stem."""
    filled(folder.path, "old_fr.ort")
    prune(folder, keep=["old_fr.ort"])
    assert "old_fr.txt" in names_in(folder.path)
    prune(folder)
    assert names_in(folder.path) == ["en.onnx", "en.txt"]


def test_links_stay_and_so_does_what_they_lead_to(folder: ModelFolder, tmp_path: Path) -> None:
    """A link out, a link to a folder, a dangling one, and the model behind a link in use."""
    outside = filled(tmp_path / "outside", "old_far.onnx", "far.txt").path
    filled(folder.path, "old_used.onnx")
    (folder.path / "old_far.onnx").symlink_to(outside / "old_far.onnx")
    (folder.path / "old_folder.onnx").symlink_to(outside)
    (folder.path / "old_gone.onnx").symlink_to("nowhere")
    (folder.path / "current.onnx").symlink_to("old_used.onnx")
    (folder.path / "old_fr.txt").unlink()
    (folder.path / "old_fr.txt").symlink_to(outside / "far.txt")
    assert prune(folder) == [Pruned("old_fr.onnx")]
    assert names_in(outside) == ["far.txt", "old_far.onnx"]
    assert (folder.path / "current.onnx").read_bytes() == b"old_used.onnx"


def test_missing_or_empty_folder(tmp_path: Path) -> None:
    """There is nothing to prune, and nothing is copied in for the purpose."""
    assert prune(ModelFolder(tmp_path / "none")) == []
    assert prune(ModelFolder(tmp_path), backup=tmp_path / "backup") == []
    assert names_in(tmp_path) == []


def test_models_gone_meanwhile(folder: ModelFolder, tmp_path: Path) -> None:
    """Somebody else was quicker: no error, and not reported as ours."""
    names = [*choose(folder), "old_gone.onnx"]
    assert remove(folder, names, tmp_path / "backup") == [
        Pruned("old_fr.onnx", tmp_path / "backup" / "old_fr.onnx")
    ]
    assert remove(folder, names) == []


@pytest.mark.parametrize("name", ["../en.onnx", "/en.onnx", "en.txt"])
def test_remove_takes_names_of_models_only(folder: ModelFolder, name: str) -> None:
    """The names may come from anywhere."""
    with pytest.raises(ModelNameError):
        remove(folder, [name])


# --- moving to a backup ----------------------------------------------------------------------


def test_move(folder: ModelFolder, tmp_path: Path) -> None:
    """Model and characters go to the backup, which is made."""
    backup = tmp_path / "a" / "backup"
    assert prune(folder, backup=backup) == [Pruned("old_fr.onnx", backup / "old_fr.onnx")]
    assert names_in(folder.path) == ["en.onnx", "en.txt"]
    assert contents(backup) == {"old_fr.onnx": b"old_fr.onnx", "old_fr.txt": b"old_fr.txt"}


def test_move_to_another_file_system(folder: ModelFolder, elsewhere: Path) -> None:
    """A copy has the original's content, mode and time."""
    (folder.path / "old_fr.onnx").chmod(0o600)
    os.utime(folder.path / "old_fr.onnx", (1e9, 1e9))
    prune(folder, backup=elsewhere)
    assert names_in(folder.path) == ["en.onnx", "en.txt"]
    assert contents(elsewhere) == {"old_fr.onnx": b"old_fr.onnx", "old_fr.txt": b"old_fr.txt"}
    copied = (elsewhere / "old_fr.onnx").stat()
    assert (copied.st_mode & 0o777, copied.st_mtime) == (0o600, 1e9)


@pytest.mark.parametrize("taken", ["old_fr.onnx", "old_fr.txt"])
def test_backups_are_not_overwritten(folder: ModelFolder, tmp_path: Path, taken: str) -> None:
    """A taken name, be it only that of the characters, gives both a fresh one."""
    backup = filled(tmp_path / "backup").path
    (backup / taken).write_bytes(b"earlier")
    (backup / "old_fr.1.onnx").symlink_to("dangling")
    assert prune(folder, backup=backup) == [Pruned("old_fr.onnx", backup / "old_fr.2.onnx")]
    assert (backup / taken).read_bytes() == b"earlier"
    assert (backup / "old_fr.2.onnx").read_bytes() == b"old_fr.onnx"
    assert (backup / "old_fr.2.txt").read_bytes() == b"old_fr.txt"


def test_equal_backup_is_recognised(folder: ModelFolder, tmp_path: Path) -> None:
    """A move that was killed half way is finished, not repeated under another name."""
    backup = filled(tmp_path / "backup", "old_fr.onnx").path
    prune(folder, backup=backup)
    assert names_in(backup) == ["old_fr.onnx", "old_fr.txt"]


def test_link_in_the_backup_is_no_copy(folder: ModelFolder, tmp_path: Path) -> None:
    """A link back to the model has equal content, until the model is gone."""
    backup = filled(tmp_path / "backup").path
    (backup / "old_fr.onnx").symlink_to(folder.path / "old_fr.onnx")
    prune(folder, backup=backup)
    assert (backup / "old_fr.1.onnx").read_bytes() == b"old_fr.onnx"


@pytest.mark.parametrize("backup", ["models", "link", "models/../models"])
def test_backup_into_the_folder_itself(folder: ModelFolder, tmp_path: Path, backup: str) -> None:
    """It would find each model there already, and delete it."""
    (tmp_path / "link").symlink_to("models")
    with pytest.raises(ModelError, match="is the model folder itself"):
        prune(folder, backup=tmp_path / backup)
    assert "old_fr.onnx" in names_in(folder.path)


@pytest.mark.parametrize("backup", ["file", "file/inner", "dangling"])
def test_something_in_the_way_of_the_backup(
    folder: ModelFolder, tmp_path: Path, backup: str
) -> None:
    """It is named, and nothing was done."""
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(ModelError, match=str(tmp_path / backup)):
        prune(folder, backup=tmp_path / backup)
    assert "old_fr.onnx" in names_in(folder.path)


@pytest.mark.parametrize("scenario", ["move", "delete"])
def test_killed_before_any_line(scenario: str) -> None:
    """SIGKILL anywhere: each model is whole in one place, and a second run finishes."""
    assert struck(scenario) > 100


def test_killed_before_any_line_between_file_systems(tmp_path: Path, elsewhere: Path) -> None:
    """The same where a move is a copy."""
    assert struck_in("move", tmp_path / "models", elsewhere / "backup") > 150


def test_careless_move_is_caught() -> None:
    """The check itself sees a half copy when there is one."""
    with pytest.raises(AssertionError, match="in check_move"):
        struck("careless move")


# --- failing ---------------------------------------------------------------------------------


def test_failing_model_does_not_hide_the_rest(tmp_path: Path, elsewhere: Path) -> None:
    """One too large for the backup's disk stays, is named, and the others are moved."""
    folder = filled(tmp_path / "models", "old_a.onnx", "old_big.onnx", "old_c.onnx")
    (folder.path / "old_big.onnx").write_bytes(bytes(200_000))
    code = (
        "import resource, sys; from ocrleak_engine.prune import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "try: prune(ModelFolder(sys.argv[1]), backup=sys.argv[2])\n"
        "except PruneError as error: print(error, error.failed, [p.name for p in error.done])"
    )
    said = finish(start("-c", code, folder.path, elsewhere))
    assert f"could not prune old_big.onnx (File too large) in {folder.path}" in said
    assert "{'old_big.onnx': 'File too large'} ['old_a.onnx', 'old_c.onnx']" in said
    assert names_in(folder.path) == ["old_big.onnx"]
    assert names_in(elsewhere) == ["old_a.onnx", "old_c.onnx"]


def test_failing_deletion_does_not_hide_the_rest(tmp_path: Path) -> None:
    """The same for a model that may not be deleted."""
    folder = filled(tmp_path / "models", "old_a.onnx", "old_b.onnx", "old_c.onnx")
    code = (
        "import os, sys; from ocrleak_engine.prune import *\n"
        "def refuse(event, args):\n"
        "    if event == 'os.remove' and 'old_b' in str(args[0]):\n"
        "        raise PermissionError(1, 'Held')\n"
        "sys.addaudithook(refuse)\n"
        "try: prune(ModelFolder(sys.argv[1]))\n"
        "except PruneError as error: print(error)"
    )
    said = finish(start("-c", code, folder.path))
    assert "could not prune old_b.onnx (Held)" in said
    assert "2 of 3 models were pruned" in said
    assert names_in(folder.path) == ["old_b.onnx"]


# --- any folder ------------------------------------------------------------------------------

stems = st.sampled_from(["old_a", "old_b", "a", "old_", "OLD_a", "old_é", "old_a.1", "x old_a"])
suffixes = st.sampled_from([".onnx", ".ort", ".bin", ".txt", "", ".ONNX", ".onnx.tmp", PART])
files = st.dictionaries(st.builds(str.__add__, stems, suffixes), st.binary(max_size=3), max_size=8)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(here=files, there=files)
def test_moving_loses_nothing(
    tmp_path: Path, here: dict[str, bytes], there: dict[str, bytes]
) -> None:
    """Whatever is in the two folders, every content survives, and only old models go."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as base:
        folder, backup = filled(Path(base, "models")), filled(Path(base, "backup")).path
        for place, given_files in ((folder.path, here), (backup, there)):
            for name, content in given_files.items():
                (place / name).write_bytes(content)
        expected = choose(folder)
        pruned = prune(folder, backup=backup)
        assert [one.name for one in pruned] == expected
        assert all(p.moved_to and p.moved_to.read_bytes() == here[p.name] for p in pruned)
        left, saved = contents(folder.path), contents(backup)
        assert there.items() <= saved.items()
        assert left.items() <= here.items()
        assert {*here.values(), *there.values()} == {*left.values(), *saved.values()}
        assert not any(name.startswith("old_") for name in folder.present())
