"""`crewkit-sessions`: the system of record for AI coding sessions."""

import faulthandler
import os
import sys

import click

from cli import audit, dead_letters, demo, generations, log, prices, run, setup
from ingest.log.broken import BrokenLog
from runtime.settings.private_files import UMASK
from runtime.settings.settings import BadSettings
from schemas.log.position import LogUnavailable
from store.broken import Broken
from store.errors import StoreUnavailable

COMMANDS = (
    *(*run.COMMANDS, *setup.COMMANDS, *prices.COMMANDS, *audit.COMMANDS, *dead_letters.COMMANDS),
    *(*generations.COMMANDS, *log.COMMANDS, *demo.COMMANDS),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crewkit-sessions")
def crewkit_sessions() -> None:
    """The system of record for AI coding sessions.

    \b
    Try it:        crewkit-sessions up
    Production:    crewkit-sessions secrets make, provision, then ingest, query-api, processors and audit
    On one box:    crewkit-sessions stack
    Check it:      crewkit-sessions coverage, recount, freshness, dead-letters
    Rebuild it:    crewkit-sessions generations, replay, prove, switch, drop
    Back it up:    crewkit-sessions log export, log verify, log import

    Every option can also be set in the environment (--log-url is LOG_URL) or in settings.toml in the data folder
    (log_url); options win over the environment, and the environment over the file.
    """


for command in COMMANDS:
    crewkit_sessions.add_command(command)


def main() -> None:
    """Run the command line; an error prints one sentence and sets a non-zero exit code."""
    os.umask(UMASK)
    faulthandler.enable(2)  # to standard error, so that the log shows where a library crashed
    try:
        crewkit_sessions()
    except BadSettings as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except (Broken, BrokenLog) as error:
        click.echo(f"refusing to run: {error}", err=True)
        sys.exit(1)
    except (LogUnavailable, StoreUnavailable) as error:
        click.echo(f"a service does not answer: {error}", err=True)
        sys.exit(69)
