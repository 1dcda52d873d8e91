"""What a command finds, as a table for people or as JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

SHOWN_MAX = 20
FILE_WIDTH = 240  # where no terminal sets it: ids stay on one line, to be searched for


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The first rows, nothing in them cut short; all of them are in the output of ``--json``."""
    table = Table(*(Column(name, overflow="fold") for name in columns))
    every = list(rows)
    for row in every[:SHOWN_MAX]:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    width = None if sys.stdout.isatty() else FILE_WIDTH
    Console(markup=False, highlight=False, width=width).print(table)
    if len(every) > SHOWN_MAX:
        click.echo(f"… and {len(every) - SHOWN_MAX:,} more: --json prints all")


def print_json(found: Any) -> None:
    """On a line of its own, and nothing else."""
    click.echo(json.dumps(found, ensure_ascii=False))
