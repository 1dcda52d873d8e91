"""Groups of commands: their help has sections, and a name that does not exist is answered with the nearest one."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from typing import Any

import click

_SENTENCE = 200  # the first sentence of a command's help has fewer characters


class CommandGroup(click.Group):
    """A group that suggests a name."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := get_close_matches(args[0], self.commands, n=1):
                error.message += f" Did you mean `{near[0]}`?"
            raise


class SectionedGroup(CommandGroup):
    """A group whose ``sections`` hold its commands by title, in the order of its help."""

    def __init__(self, sections: Mapping[str, Sequence[click.Command]], **options: Any) -> None:
        super().__init__(**options)
        self._sections = sections
        for command in chain.from_iterable(sections.values()):
            self.add_command(command)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, self.commands))
        for title, commands in self._sections.items():
            with formatter.section(title):
                formatter.write_dl(
                    [((one.name or "").ljust(widest), one.get_short_help_str(_SENTENCE)) for one in commands]
                )
