"""The model folder on real files: names, copying on first use, and what stands in its way."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_processes import PACKAGE, finish, start, struck
from hypothesis import example, given
from hypothesis import strategies as st
from ocrleak_engine import shipped
from ocrleak_engine.copying import ABANDONED_AFTER, PART, appearing, digest
from ocrleak_engine.errors import ModelError, ModelNameError, ModelNotFoundError
from ocrleak_engine.models import (
    CHARACTERS_BYTES,
    DEFAULT_DETECTOR,
    DEFAULT_RECOGNIZER,
    FOLDER_VARIABLE,
    ModelFolder,
    is_model_name,
)

SHIPPED = [DEFAULT_DETECTOR, DEFAULT_RECOGNIZER]


def names_in(folder: Path) -> list[str]:
    """Everything in a folder, hidden or not, sorted."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def own(tmp_path: Path) -> ModelFolder:
    """Return a folder with one model of the user's own."""
    (tmp_path / "en_ocr_v1.onnx").write_bytes(b"mine")
    return ModelFolder(tmp_path)


# --- where it is -----------------------------------------------------------------------------


def test_making_one_touches_nothing(tmp_path: Path) -> None:
    """Only use makes the folder."""
    assert ModelFolder(tmp_path / "a" / "b").path == tmp_path / "a" / "b"
    assert names_in(tmp_path) == []


def test_path_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative folder is the one of the moment of construction."""
    monkeypatch.chdir(tmp_path)
    folder = ModelFolder("models")
    monkeypatch.chdir("/")
    assert folder.path == tmp_path / "models"


def test_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment comes before the user's data folder, an argument before both."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert ModelFolder().path == tmp_path
    assert ModelFolder(tmp_path / "given").path == tmp_path / "given"


@pytest.mark.parametrize("value", [None, ""])
def test_user_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """Without the variable, or with an empty one, the folder is the user's own."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(FOLDER_VARIABLE, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert tmp_path in ModelFolder().path.parents


@pytest.mark.parametrize("path", ["", "a\0b", "\ud800"])
def test_impossible_folder(path: str) -> None:
    """An empty path would silently be the working directory."""
    with pytest.raises(ModelError, match="cannot be a folder's name"):
        ModelFolder(path)


# --- copying on first use --------------------------------------------------------------------


def test_first_use_copies_the_shipped_models(tmp_path: Path) -> None:
    """A missing folder is made, with the shipped files byte for byte and nothing else."""
    folder = ModelFolder(tmp_path / "new" / "models")
    assert folder.list_local() == SHIPPED
    assert {p.name: digest(p) for p in folder.path.iterdir()} == {
        file.name: file.sha256 for file in shipped.files()
    }


def test_copies_are_readable_as_any_new_file(tmp_path: Path) -> None:
    """A folder shared between users must not get files that only the first of them can read."""
    ModelFolder(tmp_path).ensure()
    (tmp_path / "plain").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_nothing_is_copied_beside_own_models(own: ModelFolder) -> None:
    """A folder with a model of the user's own stays as it is."""
    assert own.list_local() == ["en_ocr_v1.onnx"]
    assert names_in(own.path) == ["en_ocr_v1.onnx"]


def test_own_files_are_never_overwritten(tmp_path: Path) -> None:
    """A retrained model under a shipped name is used as it is, and completed."""
    (tmp_path / DEFAULT_DETECTOR).write_bytes(b"retrained")
    assert ModelFolder(tmp_path).list_local() == SHIPPED
    assert (tmp_path / DEFAULT_DETECTOR).read_bytes() == b"retrained"


@pytest.mark.parametrize("missing", [file.name for file in shipped.files()])
def test_incomplete_copy_is_completed(tmp_path: Path, missing: str) -> None:
    """Some shipped files and nothing else: another process is copying, or was killed."""
    folder = ModelFolder(tmp_path)
    folder.ensure()
    (tmp_path / missing).unlink()
    assert folder.resolve(DEFAULT_RECOGNIZER).is_file()
    assert names_in(tmp_path) == sorted(file.name for file in shipped.files())


def test_processes_that_start_at_once(tmp_path: Path) -> None:
    """Whoever comes first copies; all of them find every model whole."""
    code = (
        "import sys; from ocrleak_engine.models import *\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "folder = ModelFolder(sys.argv[1])\n"
        "print([folder.resolve(n).stat().st_size for n in (DEFAULT_DETECTOR, DEFAULT_RECOGNIZER)],"
        " folder.list_local(), len(folder.characters(DEFAULT_RECOGNIZER)))"
    )
    processes = [start("-c", code, tmp_path / "models") for _ in range(4)]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 4
    for process in processes:  # the barrier: all are up, none has looked yet
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert {finish(process) for process in processes} == {f"[1780590, 4462639] {SHIPPED} 6904\n"}
    assert len(names_in(tmp_path / "models")) == len(shipped.files())


@pytest.mark.parametrize("scenario", ["killed copy", "held copy"])
def test_copy_stopped_before_any_line(scenario: str) -> None:
    """Killed or standing still anywhere, a copy leaves nothing half, and hinders no one."""
    assert struck(scenario) > 50


def test_full_disk(tmp_path: Path) -> None:
    """A copy that cannot be written is an error that says so, and leaves nothing half."""
    code = (
        "import resource, sys; from ocrleak_engine.models import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "try: ModelFolder(sys.argv[1]).list_local()\n"
        "except ModelError as error: print(error)"
    )
    said = finish(start("-c", code, tmp_path))
    assert f"cannot copy the shipped models into {tmp_path} (File too large)" in said
    assert names_in(tmp_path) == ["ppocrv6_tiny_rec.txt"]
    assert ModelFolder(tmp_path).list_local() == SHIPPED


def test_damaged_shipped_file_is_refused(tmp_path: Path) -> None:
    """One flipped bit in the installed package must not become somebody's model."""
    package = tmp_path / "site" / PACKAGE.name
    shutil.copytree(PACKAGE, package)
    damaged = package / "models" / DEFAULT_RECOGNIZER
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    code = (
        "import sys; from ocrleak_engine.models import *\n"
        "try: ModelFolder(sys.argv[1]).ensure()\n"
        "except ModelError as error: print(error)"
    )
    said = finish(start("-c", code, tmp_path / "models", package=package))
    assert f"{damaged} is damaged" in said
    assert "reinstall" in said
    assert DEFAULT_RECOGNIZER not in names_in(tmp_path / "models")


@pytest.mark.parametrize("where", ["file", "file/models", "loop"])
def test_something_in_the_way(tmp_path: Path, where: str) -> None:
    """Whatever stands where the folder should be, the error is one of ours and names it."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ModelError, match="model") as raised:
        ModelFolder(tmp_path / where).list_local()
    assert "\n" not in str(raised.value)


def test_folder_that_may_not_be_written() -> None:
    """A user without the right to write there is told so, and what to do."""
    code = (
        "import os, sys; from ocrleak_engine.models import *; from ocrleak_engine import shipped\n"
        "shipped.files(); os.geteuid() or os.setuid(65534)\n"  # root may write anywhere
        "try: ModelFolder(sys.argv[1]).list_local()\n"
        "except ModelError as error: print(error)"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        assert "Permission denied" in finish(start("-c", code, folder))
        assert names_in(Path(folder)) == []


def test_leftovers_of_killed_copies(tmp_path: Path) -> None:
    """An old one is cleared by the next copy; a fresh one may be somebody's who still writes."""
    old, fresh = tmp_path / f".a{PART}", tmp_path / f".b{PART}"
    for part in (old, fresh):
        part.touch()
    os.utime(old, (0, old.stat().st_mtime - ABANDONED_AFTER - 60))
    assert ModelFolder(tmp_path).list_local() == SHIPPED
    assert not old.exists()
    assert fresh.exists()


def test_failed_copy_is_not_seen(tmp_path: Path) -> None:
    """An error while writing leaves neither the name nor the temporary file."""
    with pytest.raises(ZeroDivisionError), appearing(tmp_path / "a.onnx") as file:  # noqa: PT012
        file.write(b"half")
        raise ZeroDivisionError
    assert names_in(tmp_path) == []


def test_taken_name_is_not_overwritten(tmp_path: Path) -> None:
    """The one who was first keeps the name."""
    with pytest.raises(FileExistsError), appearing(tmp_path / "a.onnx") as file:  # noqa: PT012
        file.write(b"second")
        (tmp_path / "a.onnx").write_bytes(b"first")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.onnx": b"first"}


# --- what is in it ---------------------------------------------------------------------------


def test_list_shows_models_only(own: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Model files by suffix, sorted; no hidden ones, folders, or links that lead out."""
    outside = tmp_path_factory.mktemp("outside") / "far.onnx"
    outside.touch()
    for name in ("b.ort", "a.bin", "notes.txt", ".hidden.onnx", f".x{PART}", "a\\b.onnx"):
        (own.path / name).touch()
    (own.path / "folder.onnx").mkdir()
    (own.path / "far.onnx").symlink_to(outside)
    (own.path / "gone.onnx").symlink_to("nowhere.onnx")
    (own.path / "near.onnx").symlink_to("b.ort")
    assert own.list_local() == ["a.bin", "b.ort", "en_ocr_v1.onnx", "near.onnx"]


def test_resolve_gives_the_path(own: ModelFolder) -> None:
    """A model's path is the folder's path and its name."""
    assert own.resolve("en_ocr_v1.onnx") == own.path / "en_ocr_v1.onnx"


def test_folder_may_be_a_link(own: ModelFolder, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The user's own link to the folder is no way out of it."""
    link = tmp_path_factory.mktemp("links") / "models"
    link.symlink_to(own.path)
    assert ModelFolder(link).resolve("en_ocr_v1.onnx") == link / "en_ocr_v1.onnx"


def test_missing_model_names_what_is_there(own: ModelFolder) -> None:
    """Somebody who mistyped a name needs the right one."""
    with pytest.raises(ModelNotFoundError, match=r"no model 'fr.onnx' .*en_ocr_v1.onnx"):
        own.resolve("fr.onnx")


@pytest.mark.parametrize(
    "name",
    ["../a.onnx", "/etc/a.onnx", "sub/a.onnx", "..", ".", "a\\b.onnx", "..\\a.onnx", "C:a.onnx",
     "C:\\a.onnx", "\\\\host\\share\\a.onnx", "./en_ocr_v1.onnx", "en_ocr_v1.onnx/"],
)  # fmt: skip
def test_names_that_lead_out(own: ModelFolder, name: str) -> None:
    """Any path, even one that would lead back in, is refused in the same words."""
    with pytest.raises(ModelNameError, match="is outside the model folder"):
        own.resolve(name)


@pytest.mark.parametrize("name", ["", "a", "a.txt", ".onnx", ".a.onnx", "a\0.onnx", "\ud800.onnx"])
def test_names_of_no_model(own: ModelFolder, name: str) -> None:
    """What could never be a model's name is refused before the disk is asked."""
    with pytest.raises(ModelNameError, match="is no model file's name"):
        own.resolve(name)


@pytest.mark.parametrize("target", ["far.onnx", "gone.onnx"])
def test_links_that_lead_out(
    own: ModelFolder, tmp_path_factory: pytest.TempPathFactory, target: str
) -> None:
    """A link out is refused whether or not something is there; one inside is followed."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "far.onnx").touch()
    (own.path / "link.onnx").symlink_to(outside / target)
    (own.path / "near.onnx").symlink_to("en_ocr_v1.onnx")
    with pytest.raises(ModelNameError, match="is outside the model folder"):
        own.resolve("link.onnx")
    assert own.resolve("near.onnx").read_bytes() == b"mine"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> ModelFolder:
    """Return a folder with one model, and links and folders around it that lead elsewhere."""
    base = tmp_path_factory.mktemp("hostile")
    (base / "out.onnx").touch()
    inner = base / "models"
    (inner / "sub").mkdir(parents=True)
    for name in ("a.onnx", "sub/b.onnx"):
        (inner / name).touch()
    (inner / "up.onnx").symlink_to("../out.onnx")
    (inner / "up").symlink_to("..")
    return ModelFolder(inner)


pieces = st.sampled_from(
    ["a", "a.onnx", "out.onnx", "up", "up.onnx", "sub", "b.onnx", "..", ".", "/", "\\", "C:", "\0",
     "%2e%2e", "~", " ", "\n", "…", "．．", "／", "\u2028", "\ud800", ".ort", ".bin", "a" * 300]
)  # fmt: skip
hostile_names = st.lists(pieces | st.text(max_size=5), max_size=6).map("".join) | st.text().map(
    lambda text: text + ".onnx"
)


@given(name=hostile_names)
@example(name="up/out.onnx")
@example(name="sub/../a.onnx")
def test_no_name_leads_out(hostile: ModelFolder, name: str) -> None:
    """Whatever the name, the answer is a file in the folder or one of our two errors."""
    with contextlib.suppress(ModelNameError, ModelNotFoundError):
        path = hostile.resolve(name)
        assert path.resolve(strict=True).parent == hostile.path.resolve()
        assert path.name in hostile.list_local()


@given(name=hostile_names.filter(is_model_name))
def test_any_model_name_can_be_used(hostile: ModelFolder, name: str) -> None:
    """What counts as a model's name, and fits the file system, is listed and resolves."""
    path = hostile.path / name
    with made(path) as possible:
        if possible:
            assert name in hostile.list_local()
            assert hostile.resolve(name) == path


@contextlib.contextmanager
def made(path: Path) -> Iterator[bool]:
    """Make an empty file for a while, unless it is there already or cannot be."""
    try:
        path.touch(exist_ok=False)
    except OSError:
        yield False
        return
    yield True
    path.unlink()


# --- characters and audit --------------------------------------------------------------------


def test_shipped_characters(tmp_path: Path) -> None:
    """All of them, though some would end a line for `str.splitlines`."""
    characters = ModelFolder(tmp_path).characters(DEFAULT_RECOGNIZER)
    assert characters is not None
    assert (len(characters), characters[0], characters[-1]) == (6904, "!", "￥")
    assert all(len(one) == 1 for one in characters)


def test_characters_split_at_newlines_only(own: ModelFolder) -> None:
    """Exotic line ends are characters, a final newline is none, and Windows' line ends are fine."""
    (own.path / "en_ocr_v1.txt").write_bytes("a\r\n\u2028\n\x85\n\n b".encode())
    assert own.characters("en_ocr_v1.onnx") == ["a", "\u2028", "\x85", "", " b"]


def test_no_characters(own: ModelFolder) -> None:
    """A detector has none, and that is no error."""
    assert own.characters("en_ocr_v1.onnx") is None


def test_unreadable_characters(own: ModelFolder) -> None:
    """A file in another encoding is named."""
    (own.path / "en_ocr_v1.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"en_ocr_v1\.txt .*UTF-8"):
        own.characters("en_ocr_v1.onnx")


def test_characters_that_would_not_end(own: ModelFolder) -> None:
    """Neither a pipe, which blocks, nor a file that fills the memory is read."""
    path = own.path / "en_ocr_v1.txt"
    os.mkfifo(path)
    with pytest.raises(ModelError, match=r"en_ocr_v1.txt \(it is no regular file\)"):
        own.characters("en_ocr_v1.onnx")
    path.unlink()
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(ModelError, match=f"more than the limit of {CHARACTERS_BYTES}"):
        own.characters("en_ocr_v1.onnx")


def test_characters_from_outside(own: ModelFolder) -> None:
    """The rule for models holds for what stands beside them."""
    (own.path / "en_ocr_v1.txt").symlink_to("/etc/passwd")
    with pytest.raises(ModelNameError, match="is outside the model folder"):
        own.characters("en_ocr_v1.onnx")


def test_audit_says_which_are_old(own: ModelFolder) -> None:
    """One line a model, with its absolute path."""
    (own.path / "old_fr.onnx").touch()
    assert list(map(str, own.audit())) == [
        f"CURRENT: {own.path}/en_ocr_v1.onnx",
        f"OLD: {own.path}/old_fr.onnx",
    ]
    assert [line.old for line in own.audit(prefix="en_")] == [True, False]


def test_nothing_stays_open(tmp_path: Path) -> None:
    """The folder's own work leaves no descriptor."""
    folder = ModelFolder(tmp_path)
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208  # it holds its own descriptor
    folder.list_local()
    folder.characters(DEFAULT_RECOGNIZER)
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
