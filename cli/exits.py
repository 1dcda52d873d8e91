"""The exit codes of commands."""

import sys
from typing import NoReturn

import click

OK, DIFFERENT, AWAY = 0, 1, 69  # AWAY: a service that the command needs is unavailable


def end(message: str, code: int = DIFFERENT) -> NoReturn:
    """End the command with a sentence on standard error, in the form that click gives its own errors."""
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)
