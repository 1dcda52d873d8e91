"""The link that opens the dashboard signed in."""

from urllib.parse import urlencode


def sign_in_link(url: str, token: str, operator: str) -> str:
    """Return the link, with a token of a user and one of an operator in its fragment, which no browser sends."""
    return f"{url}/#{urlencode({'token': token, 'operator': operator})}"
