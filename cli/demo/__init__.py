"""`crewkit-sessions demo` and the data it sends."""

import click

from cli.demo.command import demo

COMMANDS: list[click.Command] = [demo]
