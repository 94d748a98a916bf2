"""Text of others, made safe to print, and the columns that it takes in a terminal.

A command line, a path or a thread's name may hold any byte: a newline would forge a line, an escape
sequence would drive the terminal, a mark of writing direction would turn the line around.
"""

import unicodedata

ELLIPSIS = "…"


def one_line(text: str) -> str:
    r"""Return a text with all that is not printable as an escape, ``\x1b`` say."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def valid(text: str) -> str:
    """Return a text in which bytes that are no UTF-8 are escapes: JSON has no place for them."""
    return text.encode("utf-8", "backslashreplace").decode()


def columns(text: str) -> int:
    """Return the columns of a terminal that a printable text takes."""
    return len(text) if text.isascii() else sum(map(char_columns, text))


def char_columns(char: str) -> int:
    """Return the columns of one character: two for wide ones, none for accents."""
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shortened(text: str, room: int) -> str:
    """Return a text that fits into ``room`` columns, its middle left out where it does not.

    The end of a path tells more than its middle.
    """
    if columns(text) <= room:
        return text
    if room < 1:
        return ""
    tail = last(text, (room - 1) * 2 // 3)
    return f"{first(text, room - 1 - columns(tail))}{ELLIPSIS}{tail}"


def first(text: str, room: int) -> str:
    """Return as much of a text's beginning as fits."""
    for index, char in enumerate(text):
        room -= char_columns(char)
        if room < 0:
            return text[:index]
    return text


def last(text: str, room: int) -> str:
    """Return as much of a text's end as fits."""
    for index, char in enumerate(reversed(text)):
        room -= char_columns(char)
        if room < 0:
            return text[len(text) - index :]
    return text
