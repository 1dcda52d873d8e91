"""The product's own promises: what is documented exists, and what exists is documented."""

import re
from pathlib import Path

import click
import pytest

from cli.main import crewkit_sessions
from cli.options import _OPTIONS
from runtime.settings.settings import Settings, load_settings
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.permissions import ALLOWED, ROLES
from store.migrate import migrations
from tests.support import CHECKOUT


def test_options_are_settings() -> None:
    """An option without a setting would have no environment variable."""
    assert set(_OPTIONS) <= set(Settings.__struct_fields__)


def test_options_win_over_the_environment_and_the_environment_over_the_file(tmp_path: Path) -> None:
    """The three sources apply in this order."""
    (tmp_path / "settings.toml").write_text('port = 1\nhost = "file"\nlog_url = "file"\n')
    environ = {"DATA": str(tmp_path), "HOST": "env", "PORT": "2"}

    settings = load_settings({"port": 3, "host": None}, environ)

    assert (settings.port, settings.host, settings.log_url) == (3, "env", "file")


def test_every_command_has_a_help_that_teaches() -> None:
    """A command has at least a sentence, and every option says what it is for."""
    for command in crewkit_sessions.commands.values():
        assert command.help, command.name
        for parameter in command.params:
            if isinstance(parameter, click.Argument):
                assert parameter.human_readable_name in command.help
                continue
            assert isinstance(parameter, click.Option)
            assert parameter.help, f"{command.name} {parameter.name}"


@pytest.mark.parametrize("target", ["setup", "run", "test", "demo", "stack", "bench", "check", "docs"])
def test_the_makefile_explains_its_targets(target: str) -> None:
    """`make` without arguments lists them."""
    assert re.search(rf"^{target}:.*## \S", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)


def test_there_are_42_known_types_of_events() -> None:
    """34 are hooks of Claude Code, four are hooks that only Gemini CLI has, and four come from telemetry."""
    assert len(KNOWN_EVENT_TYPES) == 42


def test_every_role_has_its_row() -> None:
    """Without a row, a role would be allowed nothing or everything."""
    assert set(ALLOWED) == set(ROLES)


@pytest.mark.parametrize("kind", ["control", "generation"])
def test_migrations_have_a_number_each(kind: str) -> None:
    """Migrations only go forward: numbers are unique and start at 1."""
    numbers = [migration.number for migration in migrations(kind)]

    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))
