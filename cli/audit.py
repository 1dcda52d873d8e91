"""Commands that check a running installation."""

import click

COMMANDS: list[click.Command] = []
