"""The command line as its users meet it: real processes, terminals, pipes and signals."""

import errno
import json
import os
import pty
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_processes import environment
from ocrleak_engine import OcrEngine
from ocrleak_engine.cli import main
from ocrleak_engine.models import FOLDER_VARIABLE
from ocrleak_engine.session import LARGEST
from PIL import Image, ImageDraw, ImageFont

MODULE = [sys.executable, "-m", "ocrleak_engine"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the model folder of the commands: one current model and one old one."""
    path = tmp_path / "models"
    path.mkdir()
    for name in ("en_ocr_v1.onnx", "old_fr_ocr_v1.onnx"):
        (path / name).write_text(name)
    monkeypatch.setenv(FOLDER_VARIABLE, str(path))
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two readable images and a broken one, and a model folder."""
    path = tmp_path_factory.mktemp("images")
    for name, text in (("a.png", "Invoice 4711"), ("b.png", "Hello world")):
        image = Image.new("RGB", (420, 90), "white")
        font = ImageFont.load_default(44)
        ImageDraw.Draw(image).text((20, 15), text, fill="black", font=font)
        image.save(path / name)
    (path / "broken.png").write_bytes(b"\x89PNG\r\n")
    (path / "empty").mkdir()
    OcrEngine(path / "m").list_local()
    return path


def ocrleak_engine(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run `python -m ocrleak_engine ARGUMENTS…` to its end."""
    quiet = subprocess.DEVNULL
    defaults = {"stdin": quiet, "capture_output": "stdout" not in options, "env": environment()}
    settings: dict[str, Any] = {**defaults, "text": True, "timeout": 60, **options}
    return subprocess.run([*MODULE, *arguments], check=False, **settings)


def names_in(path: Path) -> list[str]:
    """Everything in a folder, sorted."""
    return sorted(p.name for p in path.iterdir())


def assert_one_sentence(err: str) -> None:
    """Check that what went wrong is told in one line, and is no traceback."""
    assert err.startswith("ocrleak-engine: ")
    assert err.count("\n") == 1


# --- list, path, audit -----------------------------------------------------------------------


def test_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One name a line."""
    assert main(["list"]) == 0
    assert capsys.readouterr().out.split("\n") == [*names_in(folder), ""]


def test_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder is absolute, and there, so that a model copied to it lands in it."""
    assert main(["path"]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert main(["path", "--model-dir", f"{folder}/new"]) == 0
    assert (folder / "new").is_dir()


def test_audit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a model, current or old."""
    assert main(["audit"]) == 0
    assert capsys.readouterr().out == (
        f"CURRENT: {folder}/en_ocr_v1.onnx\nOLD: {folder}/old_fr_ocr_v1.onnx\n"
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("place", [0, 1])
def test_model_dir_before_or_after_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: int
) -> None:
    """Nobody remembers where a global option goes; it comes before the environment."""
    arguments = ["list"]
    arguments[place:place] = ["--model-dir", str(tmp_path / "other")]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "ppocrv6_tiny_det.onnx\nppocrv6_tiny_rec.onnx\n"


def test_any_file_name_is_one_line(folder: Path) -> None:
    """A newline in a name forges no line, and bytes that are no text come out as they are."""
    for name in (b"a\nCURRENT: forged.onnx", b"caf\xe9.onnx"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()
    out = ocrleak_engine("audit", text=False).stdout
    assert isinstance(out, bytes)
    assert out.count(b"\n") == 4
    assert b"a\\nCURRENT: forged.onnx\n" in out
    assert b"caf\xe9.onnx\n" in out


def test_ascii_terminal(folder: Path) -> None:
    """A terminal that knows no accents gets them escaped."""
    (folder / "é.onnx").touch()
    done = ocrleak_engine("list", env=environment() | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout.split("\n")[-2]) == (0, r"\xe9.onnx")


# --- prune -----------------------------------------------------------------------------------


def test_prune(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --yes nobody is asked."""
    assert main(["prune", "--yes"]) == 0
    assert capsys.readouterr().out == "Deleted old_fr_ocr_v1.onnx\n"
    assert names_in(folder) == ["en_ocr_v1.onnx"]


def test_prune_to_a_backup(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line says where the model went; a rehearsal says so first."""
    backup = tmp_path / "backup"
    arguments = ["prune", "--backup", str(backup)]
    assert main([*arguments, "--dry-run"]) == 0
    assert not backup.exists()
    assert main([*arguments, "--yes"]) == 0
    assert capsys.readouterr().out == (
        f"Would move old_fr_ocr_v1.onnx to {backup}/old_fr_ocr_v1.onnx\n"
        f"Moved old_fr_ocr_v1.onnx to {backup}/old_fr_ocr_v1.onnx\n"
    )
    assert names_in(folder) == ["en_ocr_v1.onnx"]
    assert names_in(backup) == ["old_fr_ocr_v1.onnx"]


def test_prune_options(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The prefix names what is old, and --keep may be repeated."""
    (folder / "en_2.onnx").touch()
    (folder / "en_3.onnx").touch()
    keep = ["--keep", "en_ocr_v1.onnx", "--keep", "en_3.onnx"]
    assert main(["prune", "--yes", "--prefix", "en", *keep]) == 0
    assert capsys.readouterr().out == "Deleted en_2.onnx\n"
    assert names_in(folder) == ["en_3.onnx", "en_ocr_v1.onnx", "old_fr_ocr_v1.onnx"]


def test_prune_refuses_where_it_cannot_ask(folder: Path) -> None:
    """In a cron job, deleting must have been meant; a rehearsal is always welcome."""
    refused = ocrleak_engine("prune")
    assert_one_sentence(refused.stderr)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert ocrleak_engine("prune", "--dry-run").stdout == "Would delete old_fr_ocr_v1.onnx\n"
    assert len(names_in(folder)) == 2


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("y\n", 0, 1), ("n\n", 1, 2), ("\n", 1, 2), ("\x04", 1, 2)]
)
def test_prune_asks_at_a_terminal(folder: Path, answer: str, code: int, left: int) -> None:
    """It shows what would go, and takes only a yes for a yes."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as terminal, os.fdopen(theirs) as stdin:
        terminal.write(answer.encode())
        done = ocrleak_engine("prune", stdin=stdin)
    assert done.stdout.startswith(f"  old_fr_ocr_v1.onnx\nPrune 1 of the models in {folder}? [y/N]")
    assert (done.returncode, len(names_in(folder))) == (code, left)


def test_prune_prints_what_it_did_before_it_failed(folder: Path) -> None:
    """One model fails, the others are reported, and the exit code says that something failed."""
    (folder / "old_z.onnx").touch()
    code = (
        "import sys; from ocrleak_engine.cli import main\n"
        "def refuse(event, args):\n"
        "    if event == 'os.remove' and 'old_fr' in str(args[0]): raise OSError(1, 'Held')\n"
        "sys.addaudithook(refuse); sys.exit(main(['prune', '--yes']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "Deleted old_z.onnx\n")
    assert_one_sentence(done.stderr)
    assert names_in(folder) == ["en_ocr_v1.onnx", "old_fr_ocr_v1.onnx"]


# --- recognize -------------------------------------------------------------------------------


def test_recognize_one(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text of a single image stands alone."""
    assert main(["recognize", str(images / "a.png"), "--model-dir", str(images / "m")]) == 0
    assert capsys.readouterr().out == "Invoice 4711\n"


def test_recognize_several(images: Path) -> None:
    """Each is headed with its name, in order, and broken ones do not hide the rest."""
    done = ocrleak_engine(
        "recognize", "a.png", "broken.png", "empty", "none.png", "b.png", "--model-dir", "m",
        cwd=images,
    )  # fmt: skip
    assert done.stdout == "==> a.png <==\nInvoice 4711\n\n==> b.png <==\nHello world\n"
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["broken.png", "empty", "none.png"]


def test_recognize_json(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One document, the same values as from the engine, an error in its image's place."""
    good, broken = str(images / "a.png"), str(images / "broken.png")
    model_dir = str(images / "m")
    assert main(["recognize", "--json", good, broken, "--model-dir", model_dir]) == 1
    first, second = json.loads(capsys.readouterr().out)
    with OcrEngine(model_dir) as engine:
        page = engine.recognize(good)
    assert first == {
        "image": good,
        "text": page.text,
        "lines": [
            {"text": line.text, "confidence": line.confidence, "box": [list(c) for c in line.box]}
            for line in page.lines
        ],
    }
    assert second["image"] == broken
    assert second.keys() == {"image", "error"}


@pytest.mark.usefixtures("folder")
def test_json_is_valid_without_models(capsys: pytest.CaptureFixture[str]) -> None:
    """An engine that cannot start is an error of each image."""
    assert main(["recognize", "--json", "a.png", "b.png"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [entry["image"] for entry in document] == ["a.png", "b.png"]
    assert all(entry["error"] for entry in document)


def test_json_names_each_file_exactly(images: Path, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 come back, and a name that looks like their escape is another one."""
    names = [b"k\xff.png", b"k\\udcff.png", "é.png".encode()]
    for name in names[:2]:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(
            (images / "a.png").read_bytes()
        )
    arguments = ["recognize", "--json", *map(os.fsdecode, names), "--model-dir", str(images / "m")]
    done = ocrleak_engine(*arguments, cwd=tmp_path)
    assert done.stdout.isascii()
    document = json.loads(done.stdout)
    assert [os.fsencode(entry["image"]) for entry in document] == names
    assert [entry.get("text") for entry in document] == ["Invoice 4711"] * 2 + [None]


@pytest.mark.usefixtures("folder")
def test_recognize_without_models(images: Path) -> None:
    """What no image can help is said once."""
    done = ocrleak_engine("recognize", "a.png", "b.png", "--detector", "gone.onnx", cwd=images)
    assert (done.returncode, done.stdout) == (1, "")
    assert_one_sentence(done.stderr)


def test_a_model_of_ones_own_needs_no_shipped_folder(images: Path, tmp_path: Path) -> None:
    """The other stage's shipped model is copied beside it; nothing else is."""
    (tmp_path / "mine.onnx").write_bytes((images / "m" / "ppocrv6_tiny_det.onnx").read_bytes())
    done = ocrleak_engine(
        *("recognize", "a.png", "--model-dir", str(tmp_path), "--detector", "mine.onnx"), cwd=images
    )
    assert (done.returncode, done.stderr) == (0, "")
    models = sorted(path.name for path in tmp_path.glob("*.onnx"))
    assert models == ["mine.onnx", "ppocrv6_tiny_rec.onnx"]


def test_the_pixel_limit_is_an_option(images: Path) -> None:
    """What is told on refusal can be done where it is told; with --json it is told as well."""
    done = ocrleak_engine("recognize", "a.png", "--max-pixels", "9", "--json", cwd=images)
    assert done.returncode == 1
    assert "--max-pixels" in done.stderr
    assert json.loads(done.stdout)[0]["error"]
    done = ocrleak_engine("recognize", "a.png", "--max-pixels", "1000000", cwd=images)
    assert (done.returncode, done.stderr) == (0, "")


def test_recognize_with_another_model(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The names go to the engine as they are, and its refusal comes back."""
    image, model_dir = str(images / "a.png"), str(images / "m")
    arguments = ["recognize", image, "--model-dir", model_dir]
    assert main([*arguments, "--recognizer", "../other.onnx"]) == 1
    assert "is outside the model folder" in capsys.readouterr().err


@pytest.fixture
def special(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return paths that are no regular files, none of which can be read to an end."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        (tmp_path / "link").symlink_to("/dev/zero")
        names = {name: str(tmp_path / name) for name in ("pipe", "socket", "link")}
        yield names | {"device": "/dev/zero"}


@pytest.mark.parametrize("kind", ["pipe", "socket", "link", "device"])
def test_what_is_no_file_is_not_read(images: Path, special: dict[str, str], kind: str) -> None:
    """It might never end, or never begin; the image after it is read."""
    arguments = ["recognize", special[kind], "a.png", "--model-dir", "m"]
    done = ocrleak_engine(*arguments, cwd=images, preexec_fn=small)
    assert (done.returncode, done.stdout) == (1, "==> a.png <==\nInvoice 4711\n")
    assert_one_sentence(done.stderr)
    assert f"{special[kind]!r} is a pipe or a device; save the image to a file" in done.stderr


def small() -> None:
    """Let this process have 2 GiB, so that reading without an end fails before the machine does."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def test_a_model_folder_of_special_files(tmp_path: Path, images: Path) -> None:
    """No command opens them, and none is taken for a model."""
    (tmp_path / "mine.onnx").write_bytes((images / "m" / "ppocrv6_tiny_rec.onnx").read_bytes())
    for name in ("mine.txt", "old_pipe.onnx", "old_pipe.ort", "pipe.bin"):
        os.mkfifo(tmp_path / name)
    options = ["--model-dir", str(tmp_path)]
    assert ocrleak_engine("list", *options).stdout == "mine.onnx\n"
    assert ocrleak_engine("audit", *options).stdout == f"CURRENT: {tmp_path}/mine.onnx\n"
    assert ocrleak_engine("prune", "--yes", *options).stdout == ""
    for name, says in (("mine.onnx", "is no regular file"), ("pipe.bin", "no model 'pipe.bin'")):
        done = ocrleak_engine("recognize", "a.png", "--recognizer", name, *options, cwd=images)
        assert (done.returncode, done.stdout, says in done.stderr) == (1, "", True)
        assert_one_sentence(done.stderr)


# --- ending ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["fly"], ["recognize"], ["prune", "--prefix", ""], ["prune", "--backup", "", "--yes"],
        ["audit", "--prefix", ""],
    ],
)  # fmt: skip
def test_bad_usage(folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be meant ends with 2 and says why."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err
    assert len(names_in(folder)) == 2


@pytest.mark.parametrize("number", ["x", "", "1.5", "0", "-3", "9" * 5000])
def test_a_number_that_cannot_be_meant(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal says what is allowed, in words of the user."""
    with pytest.raises(SystemExit) as ended:
        main(["recognize", "a.png", f"--max-pixels={number}"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"--max-pixels: must be a whole number of 1 or more, not {number!r}\n" in said


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["path"], ["audit"], ["prune", "--yes"], ["recognize", "a.png"]],
)
def test_failures_are_one_sentence(
    tmp_path: Path, arguments: list[str], images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the place of the model folder, met by every command."""
    (tmp_path / "file").touch()
    arguments = [str(images / a) if a.endswith(".png") else a for a in arguments]
    assert main([*arguments, "--model-dir", str(tmp_path / "file")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_sentence(err)
    assert f"{tmp_path}/file" in err


@pytest.mark.usefixtures("folder")
def test_reader_that_went_away() -> None:
    """`ocrleak-engine audit | head -0` is no reason to complain."""
    reading, writing = os.pipe()
    os.close(reading)
    done = ocrleak_engine("audit", stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_reader_that_has_seen_enough(images: Path) -> None:
    """`ocrleak-engine recognize … | head -1` is quiet, too."""
    script = '"$0" -m ocrleak_engine recognize --model-dir m a.png b.png a.png b.png | head -1'
    done = shell(script, cwd=images)
    assert (done.stdout, done.stderr) == ("==> a.png <==\n", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments", [["audit"], ["recognize", "a.png"], ["recognize", "a.png", "--json"]]
)
def test_full_disk(images: Path, arguments: list[str]) -> None:
    """Output that could not be written was not done, and it is told that it was the output."""
    with Path("/dev/full").open("w") as full:
        done = ocrleak_engine(
            *arguments, "--model-dir", "m", cwd=images, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert_one_sentence(done.stderr)
    assert f"stdout cannot be written ({os.strerror(errno.ENOSPC)})" in done.stderr


def shell(script: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a line of shell, in which "$0" is Python."""
    settings: dict[str, Any] = {"env": environment(), "capture_output": True, **options}
    command = ["sh", "-c", script, sys.executable]
    return subprocess.run(command, text=True, check=False, timeout=60, **settings)


@pytest.mark.usefixtures("folder")
def test_closed_stdin() -> None:
    """Without stdin, as under some daemons, nothing is asked."""
    done = shell('"$0" -m ocrleak_engine prune <&-; echo $?')
    assert done.stdout == "2\n"
    assert_one_sentence(done.stderr)


@pytest.mark.parametrize("command", ["list", "path", "audit", "prune --yes", "recognize a.png"])
def test_closed_stdout(folder: Path, images: Path, command: str) -> None:
    """What nobody could be told is not done in silence: nothing is done."""
    done = shell(f'"$0" -m ocrleak_engine {command} <&- >&-; echo $?', cwd=images)
    assert done.stdout == "1\n"
    assert_one_sentence(done.stderr)
    assert "stdout is closed" in done.stderr
    assert len(names_in(folder)) == 2


def test_closed_stderr(images: Path) -> None:
    """What went wrong is not put among the results for want of another place."""
    done = shell('"$0" -m ocrleak_engine recognize --json none.png --model-dir m 2>&-', cwd=images)
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["error"]


def test_no_memory(tmp_path: Path, images: Path) -> None:
    """A model that no memory is left for: onnxruntime takes all that an .ort may need at once."""
    with (tmp_path / "large.ort").open("wb") as model:
        model.truncate(LARGEST)
    arguments = ["recognize", "a.png", "--recognizer", "large.ort", "--model-dir", str(tmp_path)]
    done = ocrleak_engine(*arguments, cwd=images, preexec_fn=small)
    assert (done.returncode, done.stdout) == (1, "")
    assert_one_sentence(done.stderr)
    assert "there is not enough memory" in done.stderr


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let children be interrupted where this session was started with that ignored (``&``)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
def test_interrupted(images: Path) -> None:
    """Ctrl-C in the middle of many images is quiet, and what was read is out."""
    with subprocess.Popen(
        [*MODULE, "recognize", "--model-dir", "m", *["a.png"] * 2000],
        env=environment(), cwd=images, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "==> a.png <==\n"
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
    assert (process.returncode, err) == (130, "")
