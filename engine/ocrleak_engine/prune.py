"""Remove old models from the folder, or move them to a backup, losing nothing on the way.

Only regular model files directly in the folder are pruned. A symbolic link is left alone, and so
is the model it leads to: somebody may be using it under the link's name. A model's `.txt` goes
with it, unless another model of the same stem still needs it.

Moving puts the model into the backup first, under a name that nothing there has, and only then
unlinks it here. Killed at any point, the model is whole in at least one of the two places; pruning
again recognises its own copy by content and finishes the work.
"""

import contextlib
import itertools
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .copying import clear_leftovers, copy_whole, digest, sync_folder
from .errors import ModelError, ModelNameError, ModelNotFoundError, PruneError
from .models import OLD_PREFIX, SUFFIXES, ModelFolder, is_model_name


@dataclass(frozen=True)
class Pruned:
    """A model that was removed, or would be; `moved_to` is its place in the backup, if any."""

    name: str
    moved_to: Path | None = None


def prune(
    folder: ModelFolder,
    prefix: str = OLD_PREFIX,
    keep: Iterable[str] = (),
    backup: str | os.PathLike[str] | None = None,
    *,
    dry_run: bool = False,
) -> list[Pruned]:
    """Remove the models whose name starts with `prefix`, or move them to the folder `backup`.

    Parameters
    ----------
    keep
        Names of models to leave where they are. Each must be there: a misspelt one would cost the
        model that it was meant to save.
    backup
        Made when missing. A taken name there is not overwritten: `old_a.onnx` becomes
        `old_a.1.onnx`.
    dry_run
        Touch nothing; tell what would be done.

    Raises
    ------
    PruneError
        Some models could not be pruned; the others were.
    ModelError
        Nothing was done: a bad prefix, `keep` or `backup`, or an unreadable folder.
    """
    return remove(folder, choose(folder, prefix, keep), backup, dry_run=dry_run)


def choose(folder: ModelFolder, prefix: str = OLD_PREFIX, keep: Iterable[str] = ()) -> list[str]:
    """Name the models that `prune` would take, sorted."""
    if not prefix:
        raise ModelNameError("an empty prefix would prune every model; give at least one character")
    entries = folder.entries()
    kept = set(keep)
    _check_kept(folder, kept - {entry.name for entry in entries})
    linked = {os.path.realpath(entry.path) for entry in entries if entry.is_symlink()}
    return sorted(
        entry.name
        for entry in entries
        if entry.name.startswith(prefix)
        and entry.name not in kept
        and is_model_name(entry.name)
        and entry.is_file(follow_symlinks=False)
        and os.path.realpath(entry.path) not in linked
    )


def remove(
    folder: ModelFolder,
    names: Sequence[str],
    backup: str | os.PathLike[str] | None = None,
    *,
    dry_run: bool = False,
) -> list[Pruned]:
    """Remove these models, or move them to `backup`; one that is gone meanwhile is passed over."""
    for name in names:
        folder.check_name(name)
    place = None if backup is None else _backup_folder(folder, Path(backup).absolute())
    if dry_run:
        return [Pruned(name, place and _free_place(folder.path / name, place)) for name in names]
    if place is not None and names:
        _make_backup(place)
    return _each(names, lambda name: _remove_one(folder.path / name, place), folder.path)


def _each(names: Sequence[str], act: Callable[[str], Pruned], folder: Path) -> list[Pruned]:
    done: list[Pruned] = []
    failed: dict[str, str] = {}
    for name in names:
        try:
            done.append(act(name))
        except OSError as error:
            if os.path.lexists(folder / name):
                failed[name] = error.strerror or str(error)
    if failed:
        raise _failure(folder, done, failed)
    return done


def _remove_one(model: Path, backup: Path | None) -> Pruned:
    """Remove a model and its characters, in the order that a kill in between does least harm in."""
    characters = [] if _stem_shared(model) else _characters_of(model)
    if backup is None:
        model.unlink()
        with contextlib.suppress(OSError):  # left over, they harm nobody
            for path in characters:
                path.unlink()
        return Pruned(model.name)
    target = _back_up(model, backup)
    for path in (*characters, model):  # the model last: as long as it is here, pruning resumes
        path.unlink()
    return Pruned(model.name, target)


def _stem_shared(model: Path) -> bool:
    others = (model.with_suffix(suffix) for suffix in SUFFIXES if suffix != model.suffix)
    return any(map(os.path.lexists, others))


def _back_up(model: Path, backup: Path) -> Path:
    target = _free_place(model, backup)
    for path in (*_characters_of(model), model):
        _put(path, target.with_suffix(path.suffix))
    sync_folder(backup)
    return target


def _put(source: Path, target: Path) -> None:
    """Give a file a second name in the backup: a hard link, or a copy where no link can be."""
    if _same(source, target):
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        copy_whole(source, target)


def _free_place(model: Path, backup: Path) -> Path:
    """Find a stem that is free in the backup for the model and its characters, or taken by them."""
    for number in itertools.count():
        stem = f"{model.stem}.{number}" if number else model.stem
        target = backup / f"{stem}{model.suffix}"
        files = [
            (path, target.with_suffix(path.suffix)) for path in (model, *_characters_of(model))
        ]
        if all(not os.path.lexists(new) or _same(old, new) for old, new in files):
            return target
    raise AssertionError  # pragma: no cover  # count() has no end


def _same(one: Path, other: Path) -> bool:
    """Whether both are regular files of equal content; a symbolic link is no second copy."""
    if not (_is_regular(one) and _is_regular(other)):
        return False
    return one.stat().st_size == other.stat().st_size and digest(one) == digest(other)


def _characters_of(model: Path) -> list[Path]:
    path = model.with_suffix(".txt")
    return [path] if _is_regular(path) else []


def _is_regular(path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _check_kept(folder: ModelFolder, unknown: set[str]) -> None:
    if unknown:
        raise ModelNotFoundError(
            f"no model {', '.join(map(repr, sorted(unknown)))} to keep in {folder.path}; "
            "nothing was pruned: give the names as `list` prints them"
        )


def _backup_folder(folder: ModelFolder, backup: Path) -> Path:
    if backup.exists() and folder.path.exists() and backup.samefile(folder.path):
        raise ModelError(f"the backup {backup} is the model folder itself; name another folder")
    if os.path.lexists(backup) and not backup.is_dir():
        raise ModelError(f"the backup {backup} is not a folder; move it, or name another one")
    return backup


def _make_backup(backup: Path) -> None:
    try:
        backup.mkdir(parents=True, exist_ok=True)
        clear_leftovers(backup)
    except OSError as error:
        raise ModelError(
            f"cannot make the backup folder {backup} ({error.strerror}); name a writable one"
        ) from error


def _failure(folder: Path, done: list[Pruned], failed: dict[str, str]) -> PruneError:
    reasons = ", ".join(f"{name} ({reason})" for name, reason in failed.items())
    return PruneError(
        f"could not prune {reasons} in {folder}, where it stays as it was; "
        f"{len(done)} of {len(done) + len(failed)} models were pruned",
        tuple(done),
        failed,
    )
