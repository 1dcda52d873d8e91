"""The exit codes of commands."""

import sys
from typing import NoReturn

import click

OK, DIFFERENT, AWAY = 0, 1, 69


def away(message: str) -> NoReturn:
    """End the command because a service that it needs is unavailable."""
    click.echo(message, err=True)
    sys.exit(AWAY)
