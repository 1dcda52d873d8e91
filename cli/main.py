"""`crewkit-sessions`: the system of record for AI coding sessions."""

import faulthandler
import os

import click

from cli import audit, dead_letters, demo, generations, log, prices, run, setup
from cli.exits import AWAY, end
from ingest.log.broken import BrokenLog
from runtime.settings.private_files import UMASK
from runtime.settings.settings import BadSettings
from schemas.log.position import LogUnavailable
from store.broken import Broken
from store.errors import StoreUnavailable

COMMANDS = (
    *(*run.COMMANDS, *setup.COMMANDS, prices.prices, *audit.COMMANDS, dead_letters.dead_letters),
    *(*generations.COMMANDS, log.log, demo.demo),
)


@click.group(commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


def main() -> None:
    """Run the command line; an error prints one sentence and sets a non-zero exit code."""
    os.umask(UMASK)
    faulthandler.enable(2)  # to standard error, so that the log shows where a library crashed
    try:
        crewkit_sessions()
    except BadSettings as error:
        end(str(error), 2)
    except (Broken, BrokenLog) as error:
        end(f"refusing to run: {error}")
    except (LogUnavailable, StoreUnavailable) as error:
        end(f"a service does not answer: {error}", AWAY)
