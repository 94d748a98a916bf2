"""A page read back: what stands where, and whether every element is closed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "path", "circle", "use", "br"}


@dataclass(slots=True)
class Element:
    """An element with what is in it, texts and elements in order."""

    tag: str
    attributes: dict[str, str]
    inside: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(part if isinstance(part, str) else part.text for part in self.inside)

    def all(self, tag: str = "") -> Iterator["Element"]:
        """Yield the elements in it, of one name if one is given, in the page's order."""
        for part in self.inside:
            if isinstance(part, Element):
                if tag in ("", part.tag):
                    yield part
                yield from part.all(tag)

    def one(self, identity: str) -> "Element":
        """Return the one element with an id."""
        (found,) = (each for each in self.all() if each.attributes.get("id") == identity)
        return found

    def classed(self, name: str) -> list["Element"]:
        """Return the elements of a class."""
        return [e for e in self.all() if name in e.attributes.get("class", "").split()]


class Reader(HTMLParser):
    """Reads a page, and fails where an end has no start."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element that is closed at once."""
        self.open[-1].inside.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """End the element that is open."""
        if tag not in VOID:
            assert self.open[-1].tag == tag, f"</{tag}> in <{self.open[-1].tag}>"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """Take text."""
        self.open[-1].inside.append(data)


def read(page: str) -> Element:
    """Return a page as its elements."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is not closed"
    return reader.open[0]
