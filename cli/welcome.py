"""What `up` and `stack` print once they are ready."""

import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from cli.sign_in import ORG, USER, new_tokens, open_browser, sign_in_link
from runtime.services.run_folder import read_address
from runtime.settings.settings import Settings

if TYPE_CHECKING:
    from edge.sign_in_codes import SignInCodes

Report = Callable[[str], None]


def welcome(settings: Settings, report: Report, codes: "SignInCodes | None" = None, *, opens: bool = False) -> None:
    """Report the URL, a link to the dashboard, and curl commands that work as printed; then open the link if asked.

    Without ``codes``, the link contains tokens. Where an issuer makes the tokens, it does not sign in.
    """
    url = read_address(settings.folder) or ""
    if settings.jwks_file:
        link = f"{url}/"
        report(f"\ncrewkit-sessions serves {url}, with tokens signed by the keys in {settings.jwks_file}")
        report(f"Open the dashboard: {link}  (it asks for a token)")
    else:
        link = _link(url, settings, codes)
        report(f"\ncrewkit-sessions serves {url}  (API reference: {url}/schema)")
        report(f"Open the dashboard: {link}")
        if codes is not None:
            another = f"{_command('crewkit-sessions')} open --data {shlex.quote(settings.data)}"
            report(f"The link works once, within an hour. For another: {another}")
        _show_what_to_try(url, settings, report)
    if opens:  # in a thread, since a browser in the terminal ends only when its user closes it
        Thread(target=open_browser, args=(link, report), daemon=True).start()


def _link(url: str, settings: Settings, codes: "SignInCodes | None") -> str:
    tokens = new_tokens(settings.secrets_folder)
    if codes is None:  # the services of a stack are other processes
        return sign_in_link(url, token=tokens.token, operator=tokens.operator or "")
    return sign_in_link(url, code=codes.add(tokens))


def _show_what_to_try(url: str, settings: Settings, report: Report) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    auth, json = '-H "Authorization: Bearer $TOKEN"', "-H 'Content-Type: application/json'"
    who = f"--data {shlex.quote(settings.data)} --org {ORG} --user {USER}"
    report("\nTry it:\n")
    report(f"TOKEN=$({_command('crewkit-sessions')} token {who} --role admin)")
    report(
        f"SESSION=$(curl -s {auth} {json} {url}/api/v1/{ORG}/sessions"
        """ -d '{"agent_name": "reviewer", "model": "claude-sonnet-4-5"}' | grep -oE '[0-9a-f-]{36}' | head -1)"""
    )
    report(
        f"curl -s {auth} {json} {url}/api/v1/{ORG}/observability/sessions/$SESSION/events"
        f""" -d '{{"events": [{{"event_type": "UserPromptSubmit", "timestamp": "{now}","""
        """ "data": {"prompt": "hello"}}]}'"""
    )
    report(f"sleep 1; curl -s {auth} {url}/api/v1/{ORG}/sessions/$SESSION\n")
    report(f"Connect your coding agents: {_command('crewkit-hook')} connect {who}\n")
    report("Stop it with Ctrl-C.")


def _command(name: str) -> str:
    """Return how to call a command, with its path if it is next to this one and not in PATH."""
    beside = Path(sys.argv[0]).with_name(name)
    return name if shutil.which(name) or not beside.exists() else shlex.quote(str(beside))
