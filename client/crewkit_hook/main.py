"""The command `crewkit-hook`."""

from __future__ import annotations

import argparse
import inspect
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from crewkit_hook import __version__, program, spool
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.chosen import chosen, so_far
from crewkit_hook.connect import Failed, connect, disconnect
from crewkit_hook.daemon import Busy, flush, forget, sending, take
from crewkit_hook.hook_files import Broken, hooks_of
from crewkit_hook.importing import NotSent, files_of, send, sessions_of
from crewkit_hook.note import start_sender
from crewkit_hook.settings import NotConnected, Settings, load
from crewkit_hook.status import shown, status
from crewkit_hook.store import FILE as STATE
from crewkit_hook.store import for_reading

_ABOUT = """Connects coding agents on this machine to crewkit-sessions. An agent never waits for it, and events recorded
while the installation was unreachable are sent later."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given) or 0)
    except (Failed, Broken, NotConnected, NotSent, Busy) as error:
        problem = str(error)
    except (OSError, sqlite3.Error) as error:
        problem = f"a file can't be read or written: {error}"
    except (KeyboardInterrupt, EOFError):
        return 130
    print(f"Error: {problem}", file=sys.stderr)
    return 1


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"Error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("crewkit-hook", description=_ABOUT)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, options in _COMMANDS:
        about = inspect.getdoc(run) or ""
        as_written = argparse.RawDescriptionHelpFormatter
        command = commands.add_parser(name, help=about.partition(".")[0], description=about, formatter_class=as_written)
        command.set_defaults(run=run, error=command.error)
        options(command.add_argument)
    return parser


def _agent_options(option: Callable[..., Any]) -> None:
    option("--client", choices=list(AGENTS), help="only this agent; by default all installed here")
    option("--project", action="store_true", help="only in this folder's project, not for this user")


def _connect_options(option: Callable[..., Any]) -> None:
    _agent_options(option)
    option("--url", help="address of the installation, such as https://sessions.example.com")
    option("--token-file", help="file with the token; - reads it from standard input")
    option("--org", help="with --user: an installation on this machine makes a token for this org")
    option("--user", help="with --org: the user of that token")
    option("--data", help="data folder of that installation (default var/up)")
    option("--metadata-only", action="store_true", default=None, help="send no prompts, inputs or outputs")
    sensitive = "folders whose sessions send only metadata; added to those set before"
    option("--sensitive", action="append", metavar="PATTERN", help=sensitive)
    option("--spool-mb", type=int, help="room for events that are not sent yet, in MB (default 500)")
    option("--print", action="store_true", help="print settings for agents without this client, write nothing")
    option("--managed", action="store_true", help="print the hooks for a managed settings file, write nothing")
    option("--no-hooks", action="store_true", help="write no hooks, since this user's agents have managed settings")


def _import_options(option: Callable[..., Any]) -> None:
    about = "session files, or folders of them; by default those of all agents in the home folder"
    option("paths", nargs="*", type=Path, metavar="PATH", help=about)
    about = "only files that changed since a date such as 2026-01-31, or a number of days such as 30d"
    option("--since", type=_since, default=0.0, help=about)


def _connect(given: argparse.Namespace) -> None:
    """Connect agents: write their hooks, send a test event, and read it back.

    examples:
      crewkit-hook connect                                    ask for what is missing, connect all agents
      crewkit-hook connect --org acme --user alice            to the installation whose data is in var/up
      crewkit-hook connect --client codex --url https://sessions.example.com --token-file token
      crewkit-hook connect --sensitive '~/clients/*'          change a setting
    """
    if any((given.org, given.user, given.data)) and (given.url or not (given.org and given.user)):
        given.error("give --org and --user, so that an installation on this machine makes the token, or --url")
    if given.managed:
        print(json.dumps({"hooks": hooks_of(AGENTS[given.client or "claude-code"], program.here())}, indent=2))
        return
    home = spool.home()
    settings = chosen(home, given)
    if given.print:
        files = [file for name in _clients(given) for file in AGENTS[name].without_client(settings).items()]
        print("\n".join(f"For {path}:\n\n{text}" for path, text in files), end="")
        return
    with _leaving_former(home, settings):
        connect(home, settings, [] if given.no_hooks else _clients(given), _project(given), print)


@contextmanager
def _leaving_former(home: str, settings: Settings) -> Iterator[None]:
    """Forget the state kept for another installation once this one is connected. No sender runs meanwhile.

    Raises `Failed` if events are waiting for the other one, `Busy` if a command is sending.
    """
    former = so_far(home)
    if former is None or (former.url, former.org) == (settings.url, settings.org):
        yield
        return
    _check_nothing_waits(home, former)
    with sending(home):
        _check_nothing_waits(home, former)
        yield
        Path(home, STATE).unlink(missing_ok=True)
    start_sender(home)  # agents may still run


def _check_nothing_waits(home: str, former: Settings) -> None:
    waiting = status(home)["waiting"]
    if waiting:
        whose = f"{former.url}, org {former.org}"
        raise Failed(f"{waiting:,} events are waiting for {whose}: run `crewkit-hook flush` first, or remove {home}")


def _disconnect(given: argparse.Namespace) -> None:
    """Remove the hooks. Waiting events are still sent.

    example: crewkit-hook disconnect --client claude-code
    """
    disconnect([given.client] if given.client else list(AGENTS), _project(given), print)


def _status(given: argparse.Namespace) -> None:
    """Show what is waiting, what was sent, and what went wrong.

    example: crewkit-hook status --json
    """
    found = status(spool.home())
    print(json.dumps(found) if given.json else shown(found))


def _flush(_: argparse.Namespace) -> None:
    """Send everything that is waiting, and wait until it is sent.

    example: crewkit-hook flush && shutdown now
    """
    home = spool.home()
    load(home)
    with sending(home):
        sent = flush(home, lambda left: _show(f"{left:,} left"))
    start_sender(home)  # agents may still run
    if sent.error:
        raise Failed(f"not everything was sent: {sent.error}. The rest is sent later")
    print("Everything was sent.")


def _import(given: argparse.Namespace) -> int:
    """Send past sessions. It may be repeated: nothing counts twice.

    examples:
      crewkit-hook import --since 90d
      crewkit-hook import ~/.claude/projects/-home-alice-shop
    """
    home = spool.home()
    settings = load(home)
    paths = [path.expanduser() for path in given.paths]
    for path in paths:
        if not path.exists():
            raise Failed(f"{path} does not exist: name session files, or folders of them")
    files = files_of(paths, given.since)
    with sending(home):
        take(home)  # so that what hooks have reported by now is known
    start_sender(home)
    store = for_reading(home)
    sent = send(sessions_of(files), settings, store, lambda done: _show(f"{done:,} of {len(files):,} files"))
    print(f"{sent.sessions:,} sessions with {sent.events:,} events were sent. Those sent before still count once.")
    if sent.known:
        print(f"Hooks had reported {sent.known:,} sessions: only events from before the first hook were sent.")
    if sent.erased:
        with sending(home):
            forget(home, sent.erased)
        start_sender(home)
        print(f"Erased at the installation, and so not accepted: {len(sent.erased):,} of these sessions.")
    for reason in sent.rejected[:5]:
        print(f"Error: not accepted: {reason}", file=sys.stderr)
    return 1 if sent.rejected else 0


def _forget(given: argparse.Namespace) -> None:
    """Remove what waits here for a session, and never send anything of it. There is no way back.

    The agent's own files stay, and so does what was sent: erase that at the installation. SESSION_ID is the agent's own
    id: the part after the colon of an external id such as claude-code:e41b7c0d.

    example: crewkit-hook forget e41b7c0d
    """
    home = spool.home()
    load(home)
    with sending(home):
        waiting = forget(home, {(client, given.session_id) for client in AGENTS})
    start_sender(home)  # agents may still run
    print(f"{waiting:,} events and reports that were waiting were removed, and what was known about the session.")
    for file in Path(home).glob(f"{STATE}.damaged-*"):
        print(f"{file} may have more of it: remove it if you don't need it.")


def _show(progress: str) -> None:
    """Show in a terminal how far a command is. The next text is longer, and replaces it."""
    if sys.stderr.isatty():
        print(progress, end="\x1b[K\r", file=sys.stderr, flush=True)


def _since(text: str) -> float:
    """Return the time of a date, or of a number of days ago (30d), in seconds since 1970."""
    try:
        if text.endswith("d"):
            return time.time() - float(text[:-1]) * 86_400
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        problem = f"{text!r} is neither a date (2026-01-31) nor a number of days (30d)"
        raise argparse.ArgumentTypeError(problem) from error


def _clients(given: argparse.Namespace) -> list[str]:
    found = [given.client] if given.client else [name for name, agent in AGENTS.items() if agent.is_here]
    if not found:
        raise Failed(f"no agent was found on this machine: name one with --client ({', '.join(AGENTS)})")
    return found


def _project(given: argparse.Namespace) -> Path | None:
    return Path.cwd() if given.project else None


_COMMANDS: tuple[tuple[str, Callable[[argparse.Namespace], int | None], Callable[[Callable[..., Any]], None]], ...] = (
    ("connect", _connect, _connect_options),
    ("disconnect", _disconnect, _agent_options),
    ("status", _status, lambda option: option("--json", action="store_true", help="print only JSON")),
    ("import", _import, _import_options),
    ("flush", _flush, lambda _: None),
    ("forget", _forget, lambda option: option("session_id", metavar="SESSION_ID", help="such as e41b7c0d")),
)

if __name__ == "__main__":
    sys.exit(main())
