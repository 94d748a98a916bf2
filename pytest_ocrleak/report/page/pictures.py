"""The pictures of a page: as many as it has room for, and the sentence that tells of the others."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType

from pytest_ocrleak.report.page.cards import Card, Grown, Part, Plot, Resident, parts, total
from pytest_ocrleak.report.page.curves import bounds, readings
from pytest_ocrleak.sizes import human

METERS = 40  # leaking meters that get pictures
COLOURS = 8  # for parts of resident memory
FEWEST = 3  # readings that make a picture


def illustrated(cards: Sequence[Card]) -> tuple[list[Card], str]:
    """Return cards with their pictures, and what is to be said of those that are left out.

    A picture that cannot be drawn is no reason not to write the report.
    """
    wanted = sum(len(leaky(one)) for card in cards for one in card.grown)
    if not any(leaky(one) or parts(one.check) for card in cards for one in card.grown):
        return list(cards), ""
    try:
        with quiet():
            from pytest_ocrleak.report.page import figures  # noqa: PLC0415 - it takes its time

            with figures.drawing():
                drawn = list(pictured(cards, figures))
    except Exception as error:  # noqa: BLE001 - whatever the user's matplotlib is like
        return list(cards), f"Plots are left out: {type(error).__name__}: {error}"
    more = f"Only the first {METERS} of {wanted:,} meters that leak are plotted."
    return drawn, more if wanted > METERS else ""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep matplotlib from telling where it keeps its fonts, and from warning of anything."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def pictured(cards: Sequence[Card], figures: ModuleType) -> Iterator[Card]:
    """Yield cards with their pictures, those of the first meters that leak."""
    room = METERS
    for card in cards:
        shown = []
        for place, one in enumerate(card.grown):
            names = leaky(one)[:room]
            identity = f"{card.anchor}-{place}"
            plots = tuple(
                plotted(one, name, f"{identity}-{number}", figures)
                for number, name in enumerate(names)
            )
            memory = resident(one, identity, figures if room else None)
            shown.append(replace(one, plots=plots, resident=memory))
            room -= len(names)
        yield replace(card, grown=tuple(shown))


def leaky(one: Grown) -> list[str]:
    """Return the meters of a check that found its leaks, where there are readings enough to plot.

    Others may grow along with them, Python's blocks with a list of sockets.
    """
    named = {leak.meter for leak in one.check.leaks}
    found = (row for row in one.rows if row.growth.verdict == "leak" and row.name in named)
    return [row.name for row in found if len(row.growth.series) >= FEWEST]


def plotted(one: Grown, name: str, identity: str, figures: ModuleType) -> Plot:
    """Return the pictures of a leaking meter."""
    growth = one.check.meters[name]
    cut = bounds(readings(growth), growth).cut
    rates = figures.rates(growth, name, f"{identity}-rates")
    return Plot(name, rates, figures.course(growth, name, f"{identity}-course"), cut)


def resident(one: Grown, identity: str, figures: ModuleType | None) -> Resident | None:
    """Return what resident memory grew by, nothing where it did not."""
    found = parts(one.check)
    if not found:
        return None
    colours = {name: f"part-{min(place, COLOURS)}" for place, name in enumerate(found, 1)}
    told = tuple(Part(name, human(size), colours[name]) for name, size in found.items())
    picture = figures.stack(found, colours, f"{identity}-resident") if figures else ""
    return Resident(total(one.check), told, picture)
