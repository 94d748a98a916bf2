"""Character error rate: how much of a text was read wrongly."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import cast

_QUOTES = dict.fromkeys(map(ord, "“”„‟″"), '"') | dict.fromkeys(map(ord, "‘’‚‛′`´"), "'")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_BULLETS = dict.fromkeys(map(ord, "•●∙·"), " ")


def fold(text: str) -> str:
    """Return `text` without the differences that are a matter of taste, for every engine alike.

    Quotes and dashes become ASCII, two single quotes one double (how old print sets them), a run
    of dashes one; bullets are layout and go; white space of any kind and length is one space, and
    none before `;`, `?` and `!`, where old and French print has a thin one.
    """
    composed = unicodedata.normalize("NFC", text).translate(_QUOTES | _DASHES | _BULLETS)
    dashed = re.sub(r"-{2,}", "-", composed.replace("''", '"'))
    return re.sub(r" (?=[;?!])", "", " ".join(dashed.split()))


def edits(truth: str, read: str) -> tuple[int, int]:
    """Return the Levenshtein distance of the folded texts and the length of the true one."""
    distance = cast(
        "Callable[[str, str], int]", import_module("rapidfuzz.distance.Levenshtein").distance
    )
    expected = fold(truth)
    return distance(expected, fold(read)), len(expected)


def error_rate(pairs: Iterable[tuple[int, int]]) -> float:
    """Return all edits divided by all characters, so that a short text weighs little."""
    wrong, length = map(sum, zip(*pairs, strict=True))
    return wrong / length
