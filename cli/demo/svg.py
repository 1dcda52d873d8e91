"""Draws the demo's results as an SVG picture for README and docs."""

from collections.abc import Callable
from io import StringIO

from rich.console import Console

WIDTH = 104  # columns
TITLE = "crewkit-sessions demo"
# rich's template links a web font on a CDN; this one names local fonts, so the picture loads nothing from other hosts.
TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: "Fira Code", ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def draw_svg(draw: Callable[[Console], None]) -> str:
    """Return what ``draw`` prints as SVG; the same output gives the same text."""
    console = Console(width=WIDTH, record=True, file=StringIO(), highlight=False)
    draw(console)
    return console.export_svg(title=TITLE, code_format=TEMPLATE, unique_id="demo")
