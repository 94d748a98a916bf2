"""A plot as matplotlib writes it, made fit for a page: small, in the page's colours, with a name.

The colours that it is drawn in stand for those of the page, which are others by night.
"""

import re

from markupsafe import Markup, escape

PARTS = 8  # colours for what something is made of
NAMES = (
    *("axis", "grid", "words", "line", "leak", "once", "wedge", "paper"),
    *(f"part-{number}" for number in range(1, PARTS + 1)),
)
COLOURS = {name: f"#f0c{number:02d}d" for number, name in enumerate(NAMES)}  # nobody else's
ROOT = re.compile(r'.*?<svg\b[^>]*?viewBox="([^"]*)"[^>]*>(.*)</svg>\s*$', re.DOTALL)
LEFT_OUT = re.compile(
    r"<!--.*?-->|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>"
    r"| id=\"[^\"]*\"|font-family: [^;]*; | transform=\"rotate\(-0 [^\"]*\"|\n(?=[LMz])",
    re.DOTALL,
)
FONT = re.compile(r"font: (\d+px) [^;]*;")  # as older versions of matplotlib write it
FIGURES = re.compile(r"(\d+\.\d\d)\d+")
BETWEEN = re.compile(r">\s+<")


def inline(svg: str, identity: str, title: str, description: str, *, wide: bool = False) -> Markup:
    """Return a plot for the page, under an identity of its own there.

    ``wide`` is one that is drawn as wide as there is room, its shape left out of account.
    """
    root = ROOT.match(svg)
    if root is None:
        raise ValueError("matplotlib wrote no picture")
    body = coloured(compact(root[2]))
    shape = Markup(' preserveAspectRatio="none"') if wide else ""
    kind = "stack" if wide else "plot"
    return Markup(  # noqa: S704 - matplotlib's, and what is escaped here
        f'<svg class="{kind}" viewBox="{root[1]}"{shape} role="img" '
        f'aria-labelledby="{identity}-t {identity}-d"><title id="{identity}-t">{escape(title)}'
        f'</title><desc id="{identity}-d">{escape(description)}</desc>{body}</svg>'
    )


def compact(body: str) -> str:
    """Return a picture without what nobody sees; nothing in it is referred to by its id."""
    body = FONT.sub(r"font-size: \1;", LEFT_OUT.sub("", FIGURES.sub(r"\1", body)))
    return BETWEEN.sub("><", body).strip()


def coloured(body: str) -> str:
    """Return a picture in the page's colours."""
    for name, colour in COLOURS.items():
        body = body.replace(colour, f"var(--{name})")
    return body
