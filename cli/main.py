"""`crewkit-sessions`: the system of record for AI coding sessions."""

import faulthandler
import os

import click

from cli import audit, dead_letters, demo, erasures, generations, log, prices, run, setup, sign_in
from cli.exits import AWAY, end
from cli.groups import SectionedGroup
from ingest.log.broken import BrokenLog
from runtime.settings.private_files import UMASK
from runtime.settings.settings import BadSettings
from schemas.log.position import LogUnavailable
from store.broken import Broken
from store.errors import StoreUnavailable

SECTIONS = {
    "Run everything": (run.up, sign_in.open_dashboard, demo.demo, run.stack),
    "Run one service": (run.serve, run.ingest, run.query_api, run.processors, run.audit, run.keeper, run.store_server),
    "Set up": (setup.secrets, setup.provision, setup.token, prices.prices, setup.connect),
    "Check": (*audit.COMMANDS, dead_letters.dead_letters),
    "Erase": (erasures.erase, erasures.erasures),
    "Rebuild": generations.COMMANDS,
    "Back up": (log.log,),
}


@click.group(
    cls=SectionedGroup,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="crewkit-sessions")
def crewkit_sessions() -> None:
    """The system of record for AI coding sessions.

    Start with `crewkit-sessions up`. In production: `secrets make`, `provision`, then `ingest`, `query-api`,
    `processors`, `audit` and `keeper`.

    Every option can also be set in the environment (--log-url is LOG_URL) or in settings.toml in the data folder
    (log_url); options win over the environment, and the environment over the file.

    \b
    Completion of commands and options, here for bash (also zsh, fish):
      eval "$(_CREWKIT_SESSIONS_COMPLETE=bash_source crewkit-sessions)"
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
        end(str(error))
    except (LogUnavailable, StoreUnavailable) as error:
        end(f"a service does not answer: {error}", AWAY)
