"""Print how to try a running installation: the URL, a token and three curl lines."""

import time
from collections.abc import Callable

from edge.tokens import TOKEN_TTL_S, issue_token
from runtime.run_folder import read_address
from runtime.secrets import token_key
from runtime.settings import Settings

ORG, USER = "acme", "alice"


def welcome(settings: Settings, report: Callable[[str], None]) -> None:
    """Report the URL, a token and three curl lines that work as printed."""
    url = read_address(settings.folder)
    if settings.jwks_file:
        report(f"\ncrewkit-sessions serves {url}, with tokens signed by the keys in {settings.jwks_file}")
        return
    token = issue_token(token_key(settings.secrets_folder), USER, ORG, "admin", TOKEN_TTL_S, time.time())
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    auth = '-H "Authorization: Bearer $TOKEN"'
    report(f"\ncrewkit-sessions serves {url}  (API reference: {url}/schema)")
    report(f"token for {USER} of {ORG}, role admin, valid {TOKEN_TTL_S // 3600} hours:\n")
    report(f"TOKEN={token}\n")
    report("Try it:\n")
    report(
        f"SESSION=$(curl -s {auth} -H 'Content-Type: application/json' {url}/api/v1/{ORG}/sessions"
        """ -d '{"agent_name": "reviewer", "model": "claude-sonnet-4-5"}' | grep -oE '[0-9a-f-]{36}' | head -1)"""
    )
    report(
        f"curl -s {auth} -H 'Content-Type: application/json' {url}/api/v1/{ORG}/observability/sessions/$SESSION/events"
        f""" -d '{{"events": [{{"event_type": "UserPromptSubmit", "timestamp": "{now}","""
        """ "data": {"prompt": "hello"}}]}'"""
    )
    report(f"sleep 1; curl -s {auth} {url}/api/v1/{ORG}/sessions/$SESSION\n")
    report("Stop it with Ctrl-C.")
