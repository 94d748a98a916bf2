"""Plots of a meter's growth, drawn by matplotlib: the one place that knows it.

Only numbers and words of this package are drawn; names of others stand in the page. Lines, patches
and words are put on the figure itself: its axes take three times as long as all of these.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox, BboxTransform

from pytest_ocrleak.report.page.curves import Reading, bounds, levels, readings
from pytest_ocrleak.report.page.svg import COLOURS, inline
from pytest_ocrleak.sizes import human
from pytest_ocrleak.verdict import Growth

DPI = 72  # units of a picture to matplotlib's inch
SIZE, FRAME = (340, 150), (66, 36, 336, 144)  # of a plot, and of what is in its axes: x, y, x, y
BAR = (680, 22)
STYLE: Mapping[str, Any] = {
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "pytest-ocrleak",
    "text.color": COLOURS["words"],
}
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
Points = Sequence[tuple[float, float]]


@contextmanager
def drawing() -> Iterator[None]:
    """Draw by this module's settings alone, whatever the user's are, and put theirs back."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)  # type: ignore[arg-type]  # their names are literals there
        yield


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure, and where the points of its data are on it."""

    figure: Figure
    data: BboxTransform

    def area(self, *outlines: Points, colour: str, edge: str = "none") -> None:
        """Fill what lies within some outlines."""
        paths = (Path([*points, points[0]], closed=True) for points in outlines)
        look = {"facecolor": COLOURS[colour], "edgecolor": COLOURS.get(edge, edge)}
        path = Path.make_compound_path(*paths)
        self.figure.add_artist(PathPatch(path, transform=self.data, linewidth=1, **look))

    def line(self, points: Points, colour: str, width: float = 1, **look: Any) -> None:
        """Draw a line through points."""
        xs, ys = zip(*points, strict=True)
        look = {"color": COLOURS[colour], "linewidth": width, **look}
        self.figure.add_artist(Line2D(xs, ys, transform=self.data, **look))

    def text(self) -> str:
        """Return it as matplotlib writes it."""
        out = io.StringIO()
        canvas = FigureCanvasSVG(self.figure)
        canvas.print_svg(out, metadata=NO_METADATA)  # type: ignore[no-untyped-call]
        return out.getvalue()


def begun(size: tuple[int, int], frame: Sequence[float], data: Sequence[float]) -> Drawing:
    """Return an empty picture in whose frame the data lie; both are left, bottom, right, top."""
    figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI)
    figure.patch.set_visible(False)
    return Drawing(figure, BboxTransform(Bbox.from_extents(*data), Bbox.from_extents(*frame)))


def plot(data: tuple[float, float, float, float], across: str, unit: str) -> Drawing:
    """Return a plot with its scales and no data, which lie from left, low to right, high."""
    left, low, right, high = data
    room = (high - low or 1.0) * 0.04
    drawing = begun(SIZE, FRAME, (left, low - room, right, high + room))
    words = drawing.figure.text
    for y in MaxNLocator(3).tick_values(low, high):
        if low - room <= y <= high + room:
            drawing.line([(left, y), (right, y)], "grid" if y else "axis", zorder=0)
            _, at = drawing.data.transform((left, y))
            label = human(y, unit if unit == "B" else "")
            words(60 / SIZE[0], at / SIZE[1], label, ha="right", va="center")
    for x in MaxNLocator(4, integer=True).tick_values(left, right):
        if left <= x <= right:
            at, _ = drawing.data.transform((x, low))
            words(at / SIZE[0], 22 / SIZE[1], f"{x:,.0f}", ha="center", va="baseline")
    words((FRAME[0] + FRAME[2]) / 2 / SIZE[0], 6 / SIZE[1], across, ha="center", va="baseline")
    return drawing


def rates(growth: Growth, name: str, identity: str) -> str:
    """Return growth per run, reading by reading: the same all along in a leak."""
    found = readings(growth)
    low, high, _ = bounds(found, growth)
    left, right = 0.4, len(found) + 0.6
    drawing = plot((left, low, right, high), "reading", growth.unit)
    drawing.area(*map(bar, range(1, len(found) + 1), shown(found, low, high)), colour="leak")
    drawing.line([(left, growth.per_run), (right, growth.per_run)], "line", 1.5, dashes=(4, 3))
    if growth.accepted:
        level = growth.accepted
        drawing.line([(left, level), (right, level)], "words", dashes=(1, 2))
    return inline(drawing.text(), identity, f"{name}: growth per run", told(growth, found))


def shown(found: Sequence[Reading], low: float, high: float) -> list[float]:
    """Return rates, cut to what is shown."""
    return [min(high, max(low, each.rate)) for each in found]


def bar(x: float, y: float) -> Points:
    """Return the outline of a bar."""
    return [(x - 0.4, 0), (x - 0.4, y), (x + 0.4, y), (x + 0.4, 0)]


def course(growth: Growth, name: str, identity: str) -> str:
    """Return the level over the runs: what came once below, what each run adds on top of it."""
    runs, level = levels(readings(growth))
    last, once = runs[-1], growth.one_time
    top = once + growth.per_run * last
    seen = (0.0, once, top, *level)
    drawing = plot((0, min(seen), last, max(seen)), "runs", growth.unit)
    drawing.area([(0, 0), (0, once), (last, once), (last, 0)], colour="once")
    drawing.area([(0, once), (last, top), (last, once)], colour="wedge")
    drawing.line(list(zip(runs, level, strict=True)), "leak", 1.75)
    each = human(growth.per_run, growth.unit)
    words = f"{human(once, growth.unit)} came once, each of {last:,} runs added {each}."
    return inline(drawing.text(), identity, f"{name}: level over the runs", words)


def stack(parts: Mapping[str, float], colours: Mapping[str, str], identity: str) -> str:
    """Return what a change of resident memory is made of as one bar, less what went left of 0."""
    low = sum(size for size in parts.values() if size < 0)
    high = sum(size for size in parts.values() if size > 0)
    drawing = begun(BAR, (0, 0, *BAR), (low, 0, high if high > low else low + 1, 1))
    ends = {True: 0.0, False: 0.0}
    for name, size in parts.items():
        at = ends[size > 0]
        outline = [(at, 0), (at, 1), (at + size, 1), (at + size, 0)]
        drawing.area(outline, colour=colours[name], edge="paper")
        ends[size > 0] += size
    drawing.line([(0, 0), (0, 1)], "line", 1.5)
    words = ", ".join(f"{name} {human(size)}" for name, size in parts.items())
    title = "What resident memory grew by"
    return inline(drawing.text(), identity, title, f"{words}.", wide=True)


def told(growth: Growth, found: Sequence[Reading]) -> str:
    """Return in words what a plot of rates shows."""
    first, last = (human(each.rate, growth.unit) for each in (found[0], found[-1]))
    middle, low, high = (
        human(each, growth.unit) for each in (growth.per_run, growth.low, growth.high)
    )
    return (
        f"{first} per run at the first of {len(found)} readings, {last} at the last; "
        f"judged as {middle} per run, between {low} and {high}."
    )
