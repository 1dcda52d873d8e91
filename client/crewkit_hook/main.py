"""The command `crewkit-hook`."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from crewkit_hook import __version__, spool
from crewkit_hook.agent_settings import FILES, Broken
from crewkit_hook.connect import Failed, connect, disconnect
from crewkit_hook.daemon import Busy, flush, sending, take
from crewkit_hook.importing import NotSent, files_of, send, sessions_of
from crewkit_hook.note import start_sender
from crewkit_hook.progress import Bar
from crewkit_hook.settings import NotConnected, Settings, check_pattern, load, org_of
from crewkit_hook.status import shown, status
from crewkit_hook.store import FILE as STATE
from crewkit_hook.store import for_reading

_ABOUT = """Connects coding agents on this machine to crewkit-sessions. An agent never waits for it, and events recorded
while the installation was unreachable are sent later."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except (Failed, Broken, NotConnected, NotSent, Busy) as error:
        print(f"crewkit-hook: {error}", file=sys.stderr)
        return 1
    except (OSError, sqlite3.Error) as error:
        print(f"crewkit-hook: a file can't be read or written: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("crewkit-hook", description=_ABOUT)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, about in _COMMANDS:
        command = commands.add_parser(
            name,
            help=about.partition(".")[0],
            description=about,
            epilog=_EXAMPLES[name],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        _OPTIONS.get(name, lambda _: None)(command)
    return parser


def _agent_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--client", choices=list(FILES), help="only this agent; by default all installed here")
    command.add_argument("--project", action="store_true", help="only in this folder's project, not for this user")


def _connect_options(command: argparse.ArgumentParser) -> None:
    _agent_options(command)
    command.add_argument("--url", help="address of the installation, such as https://sessions.example.com")
    command.add_argument("--token-file", help="file with the token; - reads it from standard input")
    command.add_argument(
        "--metadata-only", action="store_true", default=None, help="send no prompts, inputs or outputs"
    )
    command.add_argument(
        "--sensitive",
        action="append",
        metavar="PATTERN",
        help="folders whose sessions send only metadata; added to those set before",
    )
    command.add_argument(
        "--print", action="store_true", help="print the hooks for a managed settings file, write nothing"
    )
    command.add_argument(
        "--no-hooks", action="store_true", help="write no hooks, since this user's agents have managed settings"
    )
    command.add_argument("--spool-mb", type=int, help="room for events that are not sent yet, in MB (default 500)")


def _status_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print only JSON")


def _connect(given: argparse.Namespace) -> int:
    if given.print:
        print(json.dumps({"hooks": FILES[given.client or "claude-code"].hooks()}, indent=2))
        return 0
    home = spool.home()
    clients = [] if given.no_hooks else _clients(given)
    chosen = _chosen(home, given)
    with _leaving_former(home, chosen):
        connect(home, chosen, clients, _project(given), print)
    return 0


@contextmanager
def _leaving_former(home: str, chosen: Settings) -> Iterator[None]:
    """Forget the state kept for another installation once this one is connected. No sender runs meanwhile.

    Raises:
        Failed: events are waiting for the other one.
        Busy: a command is sending.
    """
    former = _settings_so_far(home)
    if former is None or (former.url, former.org) == (chosen.url, chosen.org):
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


def _settings_so_far(home: str) -> Settings | None:
    try:
        return load(home)
    except NotConnected:
        return None


def _disconnect(given: argparse.Namespace) -> int:
    disconnect([given.client] if given.client else list(FILES), _project(given), print)
    return 0


def _status(given: argparse.Namespace) -> int:
    found = status(spool.home())
    print(json.dumps(found) if given.json else shown(found))
    return 0


def _flush(_: argparse.Namespace) -> int:
    home = spool.home()
    load(home)
    with sending(home), Bar("sending") as bar:
        sent = flush(home, bar.left)
    start_sender(home)  # agents may still run
    if sent.error:
        raise Failed(f"not everything was sent: {sent.error}. The rest is sent later")
    print("Everything was sent.")
    return 0


def _import(given: argparse.Namespace) -> int:
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
    with Bar("importing", len(files)) as bar:
        found = send(sessions_of(files), settings, store, bar.done)
    print(f"{found.sessions:,} sessions with {found.events:,} events were sent. Those sent before still count once.")
    if found.known:
        print(f"Hooks had reported {found.known:,} sessions: only events from before the first hook were sent.")
    for reason in found.rejected[:5]:
        print(f"not accepted: {reason}", file=sys.stderr)
    return 1 if found.rejected else 0


def _since(text: str) -> float:
    """Return the time of a date, or of a number of days ago (30d), in seconds since 1970."""
    try:
        if text.endswith("d"):
            return time.time() - float(text[:-1]) * 86_400
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a date (2026-01-31) nor a number of days (30d)"
        ) from error


def _import_options(command: argparse.ArgumentParser) -> None:
    about = "session files, or folders of them; by default those of Claude Code and Codex in the home folder"
    command.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=about)
    command.add_argument(
        "--since",
        type=_since,
        default=0.0,
        help="only files that changed since a date such as 2026-01-31, or a number of days such as 30d",
    )


def _chosen(home: str, given: argparse.Namespace) -> Settings:
    """Return the settings from the options, the former settings, and the user's answers."""
    before = _settings_so_far(home)
    url = given.url or (before and before.url) or _asked("Address of the installation", "http://127.0.0.1:8080")
    token = _token(given) or (before.token if before and before.url == url.rstrip("/") else _asked_token())
    try:
        org = org_of(token)
    except ValueError as error:
        raise Failed(f"{error}: make one with `crewkit-sessions token --role agent --ttl 365d`") from error
    if not url.startswith(("http://", "https://")):
        raise Failed(f"the address {url!r} must begin with http:// or https://")
    try:
        for pattern in given.sensitive or ():
            check_pattern(pattern)
    except ValueError as error:
        raise Failed(str(error)) from error
    base = before or Settings(url, org, token)
    return base._replace(
        url=url.rstrip("/"),
        org=org,
        token=token,
        metadata_only=base.metadata_only if given.metadata_only is None else given.metadata_only,
        sensitive_folders=tuple(dict.fromkeys((*base.sensitive_folders, *(given.sensitive or ())))),
        spool_mb=given.spool_mb or base.spool_mb,
    )


def _token(given: argparse.Namespace) -> str:
    if not given.token_file:
        return os.environ.get("CREWKIT_TOKEN", "")
    try:
        return (sys.stdin.read() if given.token_file == "-" else Path(given.token_file).read_text("utf-8")).strip()
    except OSError as error:
        raise Failed(f"{given.token_file} can't be read: {error}") from error


def _asked(question: str, default: str) -> str:
    if not sys.stdin.isatty():
        raise Failed("give --url, and the token with --token-file or CREWKIT_TOKEN")
    return input(f"{question} [{default}]: ").strip() or default


def _asked_token() -> str:
    if not sys.stdin.isatty():
        raise Failed("give the token with --token-file or CREWKIT_TOKEN")
    return getpass.getpass("Token (role agent; it is not shown): ").strip()


def _clients(given: argparse.Namespace) -> list[str]:
    found = [given.client] if given.client else [name for name, file in FILES.items() if file.is_here]
    if not found:
        raise Failed(f"no agent was found on this machine: name one with --client ({', '.join(FILES)})")
    return found


def _project(given: argparse.Namespace) -> Path | None:
    return Path.cwd() if given.project else None


_COMMANDS = (
    ("connect", _connect, "Connect agents: write their hooks, send a test event, and read it back."),
    ("disconnect", _disconnect, "Remove the hooks. Waiting events are still sent."),
    ("status", _status, "Show what is waiting, what was sent, and what went wrong."),
    ("import", _import, "Send past sessions. It may be repeated: nothing counts twice."),
    ("flush", _flush, "Send everything that is waiting, and wait until it is sent."),
)
_EXAMPLES = {
    "connect": """examples:
  crewkit-hook connect                                    ask for what is missing, connect all agents
  crewkit-hook connect --client codex --url https://sessions.example.com --token-file token
  crewkit-hook connect --sensitive '~/clients/*'          change a setting
""",
    "disconnect": "example:\n  crewkit-hook disconnect --client claude-code\n",
    "status": "example:\n  crewkit-hook status --json\n",
    "import": """examples:
  crewkit-hook import --since 90d
  crewkit-hook import ~/.claude/projects/-home-alice-shop
""",
    "flush": "example:\n  crewkit-hook flush && shutdown now\n",
}
_OPTIONS = {
    "connect": _connect_options,
    "disconnect": _agent_options,
    "import": _import_options,
    "status": _status_options,
}

if __name__ == "__main__":
    sys.exit(main())
