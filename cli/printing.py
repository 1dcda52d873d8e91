"""Prints results as a table or as JSON."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

SHOWN_MAX = 20
FILE_WIDTH = 240  # without a terminal, so that ids stay on one line and can be searched


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], shown_max: int = SHOWN_MAX) -> None:
    """Print the first rows, without truncating cells; ``--json`` prints all rows."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    every = list(rows)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_header=any(columns))
    for place, name in enumerate(columns):
        are_numbers = bool(every) and all(isinstance(row[place], int) for row in every)
        table.add_column(name, overflow="fold", justify="right" if are_numbers else "left")
    for row in every[:shown_max]:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else FILE_WIDTH).print(table)
    if len(every) > shown_max:
        click.echo(f"… and {len(every) - shown_max:,} more: --json prints all")


def print_found(found: Any, as_json: bool, print_text: Callable[[Any], None]) -> None:
    """Print JSON on one line, or let ``print_text`` print it."""
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        print_text(found)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
