"""Sign-in links to the dashboard: a running `up` makes the code for one, and a browser opens it."""

import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import click
import msgspec

from runtime.settings.settings import load_settings
from schemas.http.requests import SignInTokens
from schemas.permissions import OPERATOR_ORG

ORG, USER = "acme", "alice"
ANSWER_WITHIN_S = 30.0
_NOT_FOUND = 404
open_option = click.option("--open", "opens", is_flag=True, help="Open the dashboard in the browser, signed in.")


@click.command("open")
@click.option("--data", type=click.Path(path_type=Path), help="Data folder of a running `up`.")
@click.option("--org", default=ORG, show_default=True, help="Org to sign in to.")
@click.option("--user", default=USER, show_default=True, help="User to sign in as, with role admin.")
@click.option("--print", "prints", is_flag=True, help="Only print the link.")
def open_dashboard(data: Path | None, org: str, user: str, prints: bool) -> None:
    """Open the dashboard of a running `up` in the browser, signed in.

    \b
    Example: crewkit-sessions open --data var/up --org acme --user alice
    """
    from cli.find_installation import address_of

    settings = load_settings({"data": data and str(data)})
    if settings.jwks_file:
        raise click.UsageError("jwks_file is set, so your issuer makes the tokens: open the dashboard, and paste one")
    url = address_of(settings)
    link = request_link(url, new_tokens(settings.secrets_folder, org, user))
    if link is None:
        raise click.ClickException(
            f"only `up` makes sign-in links: open {url}/ and paste a token of the command `token`"
        )
    if prints:
        click.echo(link)
    else:
        open_browser(link, click.echo)


def new_tokens(secrets: Path, org: str = ORG, user: str = USER) -> SignInTokens:
    """Return an admin's token of the org and an operator's."""
    from edge.tokens import TOKEN_TTL_S, issue_token
    from runtime.settings.secrets import operator_signer, token_key

    now = time.time()
    operator = issue_token(operator_signer(secrets), "operator", OPERATOR_ORG, "operator", TOKEN_TTL_S, now)
    return SignInTokens(issue_token(token_key(secrets), user, org, "admin", TOKEN_TTL_S, now), operator)


def request_link(url: str, tokens: SignInTokens) -> str | None:
    """Return a new link from a running `up`, or None from another service. If it can't, the command ends."""
    import httpx

    from cli.client import trusted
    from cli.exits import AWAY, DIFFERENT, end

    try:
        with httpx.Client(timeout=ANSWER_WITHIN_S, trust_env=False, verify=trusted(url)) as client:
            headers = {"Content-Type": "application/json"}
            reply = client.post(f"{url}/login/new-code", content=msgspec.json.encode(tokens), headers=headers)
    except httpx.HTTPError as error:
        end(f"{url} does not answer ({error}). Is it running?", AWAY)
    if reply.status_code == _NOT_FOUND:
        return None
    if not reply.is_success:
        problem = f"{url} made no link (status {reply.status_code}): open {url}/ and paste a token that it accepts"
        end(problem, AWAY if reply.is_server_error else DIFFERENT)
    return sign_in_link(url, code=reply.json()["data"]["code"])


def sign_in_link(url: str, **fragment: str) -> str:
    """Return a link to the dashboard. Its code or tokens are in its fragment, which browsers don't send."""
    return f"{url}/#{urlencode(fragment)}"


def open_browser(link: str, report: Callable[[str], None]) -> None:
    """Open a link; report it if there is no browser."""
    if webbrowser.open(link):
        report("The dashboard is open in your browser.")
    else:
        report(f"No browser could be opened. Open this link: {link}")
